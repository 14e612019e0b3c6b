//! Ids that outlive the host (DESIGN invariant 4) and the numbers of the change log.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base32;

/// Text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct ParseIdError {
    text: String,
    expected: &'static str,
}

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = 32;

            /// The id with exactly these bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes, as they are stored and sent.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base32::encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = base32::encode(&self.0);
                write!(f, "{}({}..)", stringify!($name), text.get(..8).unwrap_or(&text))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                base32::decode(text)
                    .map(Self)
                    .ok_or_else(|| ParseIdError { text: text.to_owned(), expected: $expected })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hash_id!(
    /// One account, for its whole life, at whatever hoster: the BLAKE3-256 of its genesis entry.
    AccountId,
    "an account id (52 characters of base32)"
);
hash_id!(
    /// Immutable bytes, named by their BLAKE3-256.
    BlobId,
    "a blob id (52 characters of base32)"
);

hash_id!(
    /// One hoster's entry in the directory, for its whole life: the hash of the first entry of its keyring.
    ListingId,
    "a listing id (52 characters of base32)"
);

impl BlobId {
    /// The id of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// The number of a change in one account's log. The first change is 1; 0 is "before everything".
    Lsn(u64)
);
number!(
    /// The number of a transaction in the log of the whole node.
    NodeSeq(u64)
);
number!(
    /// RFC 7162: the modification sequence of a message or mailbox. It is the LSN of the last change.
    ModSeq(u64)
);
number!(
    /// A mailbox within its account. Never used again after the mailbox is deleted.
    MailboxId(u32)
);
number!(
    /// RFC 9051 section 2.3.1.1: the unique identifier of a message in its mailbox.
    Uid(NonZeroU32)
);
number!(
    /// RFC 9051 section 2.3.1.1: changes only when UIDs could not be kept.
    UidValidity(NonZeroU32)
);

impl Lsn {
    /// Before the first change.
    pub const ZERO: Self = Self(0);

    /// The LSN after this one.
    ///
    /// # Panics
    /// After 2^64 changes.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("an account does not see 2^64 changes"))
    }
}

impl From<Lsn> for ModSeq {
    fn from(lsn: Lsn) -> Self {
        Self(lsn.0)
    }
}

impl Uid {
    /// The first UID of a mailbox.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// `None` for 0, which is not a UID.
    pub fn new(value: u32) -> Option<Self> {
        NonZeroU32::new(value).map(Self)
    }

    /// The plain number.
    pub fn value(self) -> u32 {
        self.0.get()
    }

    /// The UID after this one; `None` when the mailbox has used all of them.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl UidValidity {
    /// `None` for 0.
    pub fn new(value: u32) -> Option<Self> {
        NonZeroU32::new(value).map(Self)
    }

    /// The plain number.
    pub fn value(self) -> u32 {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_as_written() {
        for seed in 0..64u8 {
            let id = AccountId::from_bytes(*BlobId::of(&[seed]).as_bytes());
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn an_id_has_one_text() {
        let text = AccountId::from_bytes([0xff; 32]).to_string();
        let other = format!("{}7", text.get(..51).unwrap());
        assert_ne!(text, other);
        assert!(other.parse::<AccountId>().is_err());
        assert!("".parse::<BlobId>().is_err());
    }
}
