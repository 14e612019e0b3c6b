//! How many rows a column of a change has, counted without making them.
//!
//! A run-length of ten million costs four bytes in a change and gigabytes in automerge; so every run is added up here first.

use super::leb::Reader;
use super::{ROWS_MAX, ScanRefusal};

/// What a column holds; only these are in changes that this program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Run-lengths of unsigned numbers.
    Numbers,
    /// As [`Kind::Numbers`]; the numbers say how many rows a group has in the columns that follow.
    Group,
    /// As [`Kind::Numbers`]; the numbers say how long a value is in the raw column (low four bits: its type).
    ValueMeta,
    /// What an operation does.
    Action,
    /// Run-lengths of signed differences.
    Deltas,
    /// Run-lengths of texts.
    Texts,
    /// Alternating run-lengths of false and true.
    Booleans,
    /// The bytes of values.
    Raw,
}

/// What was found in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) rows: usize,
    /// Rows of a group column's group, or bytes of a value-metadata column's values.
    pub(super) sum: usize,
}

impl Kind {
    /// The kind behind a column's specification; `None` for columns that no listing needs (nested objects,
    /// marks, text expansion, anything with the DEFLATE bit).
    pub(super) fn of(specification: u64) -> Option<Self> {
        Some(match specification {
            0x71 => Self::Numbers,
            0x73 => Self::Deltas,
            0x15 => Self::Texts,
            0x34 => Self::Booleans,
            0x42 => Self::Action,
            0x56 => Self::ValueMeta,
            0x57 => Self::Raw,
            0x70 => Self::Group,
            _ => return None,
        })
    }

    pub(super) fn tally(self, bytes: &[u8]) -> Result<Tally, ScanRefusal> {
        match self {
            Self::Raw => Ok(Tally { rows: 0, sum: bytes.len() }),
            Self::Booleans => booleans(bytes),
            _ => self.runs(bytes),
        }
    }

    fn runs(self, bytes: &[u8]) -> Result<Tally, ScanRefusal> {
        let mut reader = Reader::new(bytes);
        let mut tally = Tally::default();
        while !reader.is_empty() {
            let length = reader.signed()?;
            let rows = usize::try_from(length.unsigned_abs()).map_err(|_| ScanRefusal::Rows)?;
            if length > 0 {
                tally.add(rows, self.value(&mut reader)?)?;
            } else if length < 0 {
                tally.add(rows, 0)?;
                for _ in 0..rows {
                    tally.weigh(1, self.value(&mut reader)?)?;
                }
            } else {
                let nulls = reader.count(ROWS_MAX, ScanRefusal::Rows)?;
                // An action, a group and a value are never absent.
                let absent = matches!(self, Self::Action | Self::Group | Self::ValueMeta);
                if nulls == 0 || absent {
                    return Err(ScanRefusal::Run);
                }
                tally.add(nulls, 0)?;
            }
        }
        Ok(tally)
    }

    /// Reads one value and says what it adds to the sum.
    fn value(self, reader: &mut Reader<'_>) -> Result<usize, ScanRefusal> {
        match self {
            Self::Deltas => reader.signed().map(|_| 0),
            Self::Texts => {
                let length = reader.count(super::CHANGE_BYTES_MAX, ScanRefusal::CutShort)?;
                let text = reader.take(length)?;
                std::str::from_utf8(text).map(|_| 0).map_err(|_| ScanRefusal::Text)
            }
            Self::Group => reader.count(ROWS_MAX, ScanRefusal::Rows),
            Self::ValueMeta => {
                let length = reader.unsigned()? >> 4;
                usize::try_from(length).map_err(|_| ScanRefusal::Values)
            }
            Self::Action => match reader.unsigned()? {
                ACTION_SET | ACTION_DELETE => Ok(0),
                _ => Err(ScanRefusal::Action),
            },
            Self::Numbers | Self::Booleans | Self::Raw => reader.unsigned().map(|_| 0),
        }
    }
}

fn booleans(bytes: &[u8]) -> Result<Tally, ScanRefusal> {
    let mut reader = Reader::new(bytes);
    let mut tally = Tally::default();
    let mut first = true;
    while !reader.is_empty() {
        let rows = reader.count(ROWS_MAX, ScanRefusal::Rows)?;
        if rows == 0 && !first {
            return Err(ScanRefusal::Run);
        }
        tally.add(rows, 0)?;
        first = false;
    }
    Ok(tally)
}

impl Tally {
    fn add(&mut self, rows: usize, each: usize) -> Result<(), ScanRefusal> {
        self.rows = self.rows.checked_add(rows).filter(|&all| all <= ROWS_MAX).ok_or(ScanRefusal::Rows)?;
        self.weigh(rows, each)
    }

    fn weigh(&mut self, rows: usize, each: usize) -> Result<(), ScanRefusal> {
        let more = rows.checked_mul(each).ok_or(ScanRefusal::Values)?;
        self.sum = self.sum.checked_add(more).ok_or(ScanRefusal::Values)?;
        Ok(())
    }
}

const ACTION_SET: u64 = 1;
const ACTION_DELETE: u64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_refused_for_its_rows_and_not_made() {
        // 10,000,000 times the number 1, in five bytes.
        assert_eq!(Kind::Numbers.tally(&[0x80, 0xad, 0xe2, 0x04, 1]), Err(ScanRefusal::Rows));
        assert_eq!(Kind::Booleans.tally(&[0x80, 0xad, 0xe2, 0x04]), Err(ScanRefusal::Rows));
        assert_eq!(Kind::Numbers.tally(&[0, 0x80, 0xad, 0xe2, 0x04]), Err(ScanRefusal::Rows));
        assert_eq!(Kind::Group.tally(&[1, 0x80, 0xad, 0xe2, 0x04]), Err(ScanRefusal::Rows));
    }

    #[test]
    fn runs_literals_and_nulls_are_added_up() {
        assert_eq!(Kind::Numbers.tally(&[3, 7, 0x7e, 1, 2, 0, 4]), Ok(Tally { rows: 9, sum: 0 }));
        assert_eq!(Kind::ValueMeta.tally(&[2, 0x36]), Ok(Tally { rows: 2, sum: 6 }));
        assert_eq!(Kind::Texts.tally(&[0x7f, 2, b'h', b'i']), Ok(Tally { rows: 1, sum: 0 }));
        assert_eq!(Kind::Action.tally(&[1, 2]), Err(ScanRefusal::Action));
    }
}
