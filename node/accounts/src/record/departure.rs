//! `MOVE` objects of the hoster's account whose key is `t` and an account's id: where an account lives that has moved away.

use essaim_types::{AccountId, ObjectKind};
use serde::{Deserialize, Serialize};

use super::Record;

/// What is told to a member who comes to the old hoster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Departure {
    /// The domain of the new hoster, or the id of its listing if it shows none.
    pub(crate) to: String,
}

impl Record for Departure {
    const OBJECT: ObjectKind = ObjectKind::MOVE;
    const KIND: &'static str = "departure";
    const VERSION: u8 = 1;
}

impl Departure {
    /// Longer than the key of a move itself, and with another first byte than anything else of its length.
    pub(crate) fn key(account: AccountId) -> Vec<u8> {
        [b"t".as_slice(), account.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_version_1_never_change() {
        let record = Departure { to: "b.test".to_owned() };
        let bytes = [&[1, 6][..], b"b.test"].concat();
        assert_eq!(record.encode().value, bytes);
        assert_eq!(Departure::decode(&bytes), Ok(record));
    }
}
