//! Sets of message numbers as clients write them: `1:4,7,12:*`.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::str::FromStr;

use essaim_types::Uid;

use crate::Enabled;
use crate::parse::Cursor;

/// Whether the numbers of a command are sequence numbers or UIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Numbering {
    /// 1 is the oldest message of the mailbox now.
    Sequence,
    /// The command was prefixed with `UID`.
    Uid,
}

/// The messages a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageSet {
    /// RFC 5182: `$`, the result of the last SEARCH with RETURN (SAVE), whatever the numbering of this command.
    Saved,
    /// Numbers, of the kind the command says.
    Set(SequenceSet),
}

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SequenceNumber {
    /// This number.
    Number(NonZeroU32),
    /// `*`: the largest number in use.
    Largest,
}

/// `a:b` in either order, or a single number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SequenceRange {
    /// The end that was written first.
    pub start: SequenceNumber,
    /// The end that was written second.
    pub end: SequenceNumber,
}

/// RFC 9051 section 9 `sequence-set`: one or more ranges, as written: they may overlap and come in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSet(Box<[SequenceRange]>);

/// Text that is not a `sequence-set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a set of numbers such as 1:4,7,12:*")]
pub struct InvalidSequenceSet;

impl SequenceSet {
    /// `None` if there is no range: an empty set has no spelling.
    pub fn new(ranges: Vec<SequenceRange>) -> Option<Self> {
        (!ranges.is_empty()).then(|| Self(ranges.into_boxed_slice()))
    }

    /// The ranges as written.
    pub fn ranges(&self) -> &[SequenceRange] {
        &self.0
    }

    /// Does a `*` occur?
    pub fn has_largest(&self) -> bool {
        self.0.iter().any(|range| {
            matches!(range.start, SequenceNumber::Largest) || matches!(range.end, SequenceNumber::Largest)
        })
    }

    /// The numbers meant, as ascending ranges that neither overlap nor touch.
    ///
    /// `largest` stands for `*`. Without one (the mailbox is empty) every range that names `*` is left out.
    /// RFC 9051 section 6.4.9: `559:*` includes the largest number even if that is below 559.
    pub fn resolve(&self, largest: Option<NonZeroU32>) -> Vec<RangeInclusive<u32>> {
        let value = |number| match number {
            SequenceNumber::Number(number) => Some(number.get()),
            SequenceNumber::Largest => largest.map(NonZeroU32::get),
        };
        let mut ranges: Vec<(u32, u32)> = self
            .0
            .iter()
            .filter_map(|range| value(range.start).zip(value(range.end)))
            .map(|(a, b)| (a.min(b), a.max(b)))
            .collect();
        ranges.sort_unstable();
        ranges.dedup_by(|next, merged| {
            let touches = next.0 <= merged.1.saturating_add(1);
            if touches {
                merged.1 = merged.1.max(next.1);
            }
            touches
        });
        ranges.into_iter().map(|(from, to)| from..=to).collect()
    }

    /// Is `number` in the set? For one question; ask [`resolve`](Self::resolve) for many.
    pub fn contains(&self, number: NonZeroU32, largest: Option<NonZeroU32>) -> bool {
        self.resolve(largest).iter().any(|range| range.contains(&number.get()))
    }
}

impl FromStr for SequenceSet {
    type Err = InvalidSequenceSet;
    fn from_str(text: &str) -> Result<Self, InvalidSequenceSet> {
        let mut cursor = Cursor::new(text.as_bytes(), Enabled::NONE);
        let set = cursor.sequence_set().map_err(|_| InvalidSequenceSet)?;
        cursor.end().map_err(|_| InvalidSequenceSet)?;
        Ok(set)
    }
}

impl From<SequenceSet> for MessageSet {
    fn from(set: SequenceSet) -> Self {
        Self::Set(set)
    }
}

impl From<Uid> for SequenceNumber {
    fn from(uid: Uid) -> Self {
        Self::Number(uid.0)
    }
}

impl From<SequenceNumber> for SequenceRange {
    fn from(number: SequenceNumber) -> Self {
        Self { start: number, end: number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> SequenceSet {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_are_sorted_merged_and_turned_round() {
        let resolved = set("7,5:2,3:6,20,19").resolve(None);
        assert_eq!(resolved, [2..=7, 19..=20]);
        let whole = set("1:4294967295,4294967295:4").resolve(None);
        assert_eq!(whole, [1..=u32::MAX]);
    }

    #[test]
    fn rfc9051_6_4_9_a_range_past_the_end_includes_the_largest() {
        assert_eq!(set("559:*").resolve(NonZeroU32::new(12)), [12..=559]);
        assert_eq!(set("*").resolve(NonZeroU32::new(12)), [12..=12]);
        assert_eq!(set("*,3").resolve(None), [3..=3]);
    }
}
