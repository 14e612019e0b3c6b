//! Sets of numbers as a server writes them.

use std::ops::RangeInclusive;

use bytes::{BufMut, BytesMut};

use super::text::number;

/// Numbers in runs. The order in which they were added is kept, as COPYUID needs it; for everything else add them
/// ascending, and a million neighbours take one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberSet(Vec<RangeInclusive<u32>>);

impl NumberSet {
    /// Puts `number` at the end.
    pub fn push(&mut self, number: u32) {
        self.push_range(number..=number);
    }

    /// Puts a run at the end; an empty one is ignored.
    pub fn push_range(&mut self, range: RangeInclusive<u32>) {
        if range.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.end().checked_add(1) == Some(*range.start()) => {
                *last = *last.start()..=*range.end();
            }
            _ => self.0.push(range),
        }
    }

    /// Nothing in it? An empty set has no spelling, so the response that would carry it is not sent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The runs.
    pub fn ranges(&self) -> &[RangeInclusive<u32>] {
        &self.0
    }

    /// How many numbers.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|range| u64::from(range.end() - range.start()) + 1).sum()
    }

    /// `1:4,7,9:12`
    pub(crate) fn write(&self, out: &mut BytesMut) {
        for (at, range) in self.0.iter().enumerate() {
            if at > 0 {
                out.put_u8(b',');
            }
            number(out, u64::from(*range.start()));
            if range.start() != range.end() {
                out.put_u8(b':');
                number(out, u64::from(*range.end()));
            }
        }
    }
}

impl FromIterator<u32> for NumberSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut set = Self::default();
        numbers.into_iter().for_each(|number| set.push(number));
        set
    }
}

impl FromIterator<essaim_types::Uid> for NumberSet {
    fn from_iter<I: IntoIterator<Item = essaim_types::Uid>>(uids: I) -> Self {
        uids.into_iter().map(essaim_types::Uid::value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_run() {
        let set: NumberSet = [1, 2, 3, 7, 9, 10, 4, u32::MAX].into_iter().collect();
        let mut out = BytesMut::new();
        set.write(&mut out);
        assert_eq!(out, "1:3,7,9:10,4,4294967295");
        assert_eq!(set.count(), 8);
        let mut set = NumberSet::default();
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is tested")]
        set.push_range(5..=4);
        assert!(set.is_empty());
        set.push_range(1..=u32::MAX);
        assert_eq!(set.count(), u64::from(u32::MAX));
    }
}
