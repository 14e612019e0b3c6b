//! What a hoster calls a message of its queue when it hands it to another: the same at each attempt, so that one that comes twice is taken once.

use std::fmt;
use std::str::FromStr;

/// One entry of one hoster's queue, as a number that it never gives twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName(pub u128);

/// Text that is no such name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 32 hexadecimal digits")]
pub struct ParseEntryNameError;

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for EntryName {
    type Err = ParseEntryNameError;
    fn from_str(text: &str) -> Result<Self, ParseEntryNameError> {
        let fits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| fits);
        number.map(Self).ok_or(ParseEntryNameError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_nothing_else_does() {
        for name in [EntryName(0), EntryName(u128::MAX), EntryName(1 << 100)] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        for text in ["", "0", "+0000000000000000000000000000000", &"0".repeat(33), &"g".repeat(32)] {
            assert!(text.parse::<EntryName>().is_err(), "{text}");
        }
    }
}
