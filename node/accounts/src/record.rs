//! What the store keeps for accounts: a version byte, then the record in postcard. See specs/03-accounts.md.

mod address;
mod audit;
mod credential;
mod departure;
mod former;
mod id;
mod profile;
mod relocation;

use essaim_store::Put;
use essaim_types::ObjectKind;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use address::AddressRecord;
pub use address::AddressUse;
pub use audit::{Act, Actor, AuditEntry};
pub use credential::{AppPasswordId, CredentialId, Origin};
pub(crate) use credential::{AppPasswordRecord, CredentialRecord, PasswordRecord};
pub use departure::Departure;
pub use former::FormerAddress;
pub(crate) use former::{Former, Word};
pub use profile::{AccountState, DisplayName, Language, ParseProfileError};
pub(crate) use profile::{Profile, Role};
pub use relocation::Relocation;
pub(crate) use relocation::Stored as StoredRelocation;

/// A stored value that this program cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a later version.
    #[error(
        "a {kind} record has version {version}, newer than this essaim knows ({known}): install the newer essaim"
    )]
    Newer {
        /// What it should be.
        kind: &'static str,
        /// The version found.
        version: u8,
        /// The newest version known.
        known: u8,
    },
    /// The bytes are not such a record.
    #[error("a {kind} record is damaged: run `essaim store verify`")]
    Damaged {
        /// What it should be.
        kind: &'static str,
    },
}

/// A value of one kind of object.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// What it is kept as.
    const OBJECT: ObjectKind;
    /// The kind in messages.
    const KIND: &'static str;
    /// The version that [`encode`](Self::encode) writes. It grows with every change of the fields.
    const VERSION: u8;

    /// Reads the body of an older version: one arm for each, `2 => decode(body).map(|old: v2::Profile| old.upgrade())`.
    fn upgrade(_version: u8, _body: &[u8]) -> Result<Self, RecordError> {
        Err(RecordError::Damaged { kind: Self::KIND })
    }

    /// Reads a stored value of any version up to now.
    fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let Some((&version, body)) = value.split_first() else {
            return Err(RecordError::Damaged { kind: Self::KIND });
        };
        match version {
            version if version == Self::VERSION => decode_body(Self::KIND, body),
            version if version > Self::VERSION => {
                Err(RecordError::Newer { kind: Self::KIND, version, known: Self::VERSION })
            }
            version => Self::upgrade(version, body),
        }
    }

    /// As it is stored. Nothing here counts against a quota: a full account can still change its password.
    fn encode(&self) -> Put {
        let value = postcard::to_extend(self, vec![Self::VERSION]);
        Put::new(value.expect("a record of numbers and texts always encodes"))
    }
}

/// The whole body must be the record: bytes left over are damage.
fn decode_body<T: DeserializeOwned>(kind: &'static str, body: &[u8]) -> Result<T, RecordError> {
    match postcard::take_from_bytes(body) {
        Ok((record, [])) => Ok(record),
        _ => Err(RecordError::Damaged { kind }),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    mod v1 {
        use serde::{Deserialize, Serialize};

        #[derive(Serialize, Deserialize)]
        pub(super) struct Sample {
            pub(super) name: String,
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sample {
        name: String,
        size: u32,
    }

    impl v1::Sample {
        fn upgrade(self) -> Sample {
            Sample { name: self.name, size: 0 }
        }
    }

    impl Record for Sample {
        const OBJECT: ObjectKind = ObjectKind(255);
        const KIND: &'static str = "sample";
        const VERSION: u8 = 2;
        fn upgrade(version: u8, body: &[u8]) -> Result<Self, RecordError> {
            match version {
                1 => decode_body(Self::KIND, body).map(v1::Sample::upgrade),
                _ => Err(RecordError::Damaged { kind: Self::KIND }),
            }
        }
    }

    #[test]
    fn a_record_reads_back_and_an_older_one_is_brought_up() {
        let sample = Sample { name: "x".into(), size: 300 };
        assert_eq!(sample.encode().value, [2, 1, b'x', 0xac, 2]);
        assert_eq!(Sample::decode(&sample.encode().value), Ok(sample));
        assert_eq!(Sample::decode(&[1, 1, b'x']), Ok(Sample { name: "x".into(), size: 0 }));
    }

    #[test]
    fn a_newer_record_is_named_and_a_damaged_one_too() {
        let newer = RecordError::Newer { kind: "sample", version: 3, known: 2 };
        assert_eq!(Sample::decode(&[3, 1, b'x', 0]), Err(newer));
        for damaged in [&[][..], &[0], &[2], &[2, 9, b'x', 0], &[2, 1, b'x', 0, 0], &[1, 1, b'x', 0]] {
            assert_eq!(Sample::decode(damaged), Err(RecordError::Damaged { kind: "sample" }), "{damaged:?}");
        }
    }
}
