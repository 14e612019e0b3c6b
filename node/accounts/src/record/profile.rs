//! The `PROFILE` object of an account, key empty: who it is and what state it is in.

use std::fmt;
use std::str::FromStr;

use essaim_types::{AccountId, Address, ObjectKind, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Record;

/// Everything about an account that is neither a password nor its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) role: Role,
    pub(crate) state: AccountState,
    pub(crate) display_name: DisplayName,
    pub(crate) language: Language,
    pub(crate) created: Timestamp,
    /// Personal addresses as written, the primary one first. The hoster's `ADDRESS` objects say the same the other way.
    pub(crate) addresses: Vec<Address>,
    /// Of the hoster's own account and of accounts from before there was a log: the bytes whose BLAKE3-256 is the account's id. Else
    /// empty: the id is the hash of the first entry of the log.
    pub(crate) genesis: Vec<u8>,
}

/// Whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Member,
    /// The one account of the node itself: addresses, queue, journal.
    Hoster,
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AccountState {
    /// Logs in, gets and sends mail.
    Active,
    /// Neither logs in nor gets mail, for now. Nothing is lost.
    Disabled,
    /// For ever, unless opened again before its data is deleted. Its addresses stay taken.
    Closed,
}

/// What a member is called: up to 256 bytes without control characters. May be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct DisplayName(String);

/// A language tag (RFC 5646) such as `fr` or `nl-BE`, as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Language(String);

/// Text that cannot be in a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseProfileError {
    /// See [`DisplayName`].
    #[error("a name is at most {NAME_MAX} bytes without control characters")]
    DisplayName,
    /// See [`Language`].
    #[error("a language is written as in \"fr\" or \"nl-BE\"")]
    Language,
}

impl Record for Profile {
    const OBJECT: ObjectKind = ObjectKind::PROFILE;
    const KIND: &'static str = "profile";
    const VERSION: u8 = 1;
}

impl Profile {
    /// The key of the one profile of an account.
    pub(crate) const KEY: &'static [u8] = b"";

    /// The id of the hoster's own account, which never moves, and the bytes that it is made of.
    pub(crate) fn genesis(random: [u8; 32]) -> (AccountId, Vec<u8>) {
        let entry = [b"essaim/account-genesis/0".as_slice(), &random].concat();
        (AccountId::from_bytes(*blake3::hash(&entry).as_bytes()), entry)
    }
}

impl AccountState {
    /// As it is shown and read: `active`, `disabled`, `closed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Default for Language {
    /// English.
    fn default() -> Self {
        Self("en".into())
    }
}

impl FromStr for DisplayName {
    type Err = ParseProfileError;
    fn from_str(text: &str) -> Result<Self, ParseProfileError> {
        let fits = text.len() <= NAME_MAX && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned())).ok_or(ParseProfileError::DisplayName)
    }
}

impl FromStr for Language {
    type Err = ParseProfileError;
    fn from_str(text: &str) -> Result<Self, ParseProfileError> {
        // RFC 5646 section 2.1, the shape only: 2 to 8 letters, then subtags of 1 to 8 letters and digits.
        let mut subtags = text.split('-');
        let primary = subtags
            .next()
            .is_some_and(|tag| (2..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphabetic()));
        let others =
            subtags.all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric()));
        let fits = primary && others && text.len() <= LANGUAGE_MAX;
        fits.then(|| Self(text.to_owned())).ok_or(ParseProfileError::Language)
    }
}

macro_rules! text {
    ($($name:ident),*) => {$(
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
text!(DisplayName, Language);

const NAME_MAX: usize = 256;
/// RFC 5646 section 4.4.1.
const LANGUAGE_MAX: usize = 35;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_version_1_never_change() {
        let profile = Profile {
            role: Role::Hoster,
            state: AccountState::Disabled,
            display_name: "Ann".parse().unwrap(),
            language: "nl-BE".parse().unwrap(),
            created: Timestamp(-1),
            addresses: vec!["a@b.test".parse().unwrap()],
            genesis: vec![1, 2, 3],
        };
        let bytes = b"\x01\x01\x01\x03Ann\x05nl-BE\x01\x01\x08a@b.test\x03\x01\x02\x03";
        assert_eq!(profile.encode().value, bytes);
        assert_eq!(Profile::decode(bytes), Ok(profile));
    }

    #[test]
    fn an_id_is_the_hash_of_its_genesis_entry() {
        let (id, entry) = Profile::genesis([1; 32]);
        assert_eq!(id.as_bytes(), blake3::hash(&entry).as_bytes());
        assert_ne!(id, Profile::genesis([2; 32]).0);
    }

    #[test]
    fn names_and_languages_are_checked() {
        assert!("".parse::<DisplayName>().is_ok() && "Zoë van der Meer".parse::<DisplayName>().is_ok());
        assert!("a\r\nBcc: x".parse::<DisplayName>().is_err());
        assert!("é".repeat(129).parse::<DisplayName>().is_err());
        assert!(["fr", "nl-BE", "zh-Hant-TW", "ast"].iter().all(|tag| tag.parse::<Language>().is_ok()));
        for tag in ["", "f", "fr-", "-fr", "fr_FR", "français", "123", &"ab-".repeat(20)] {
            assert!(tag.parse::<Language>().is_err(), "{tag}");
        }
    }

    #[test]
    fn a_profile_with_a_hostile_name_is_damaged() {
        let bytes = b"\x01\x01\x01\x03A\nn\x02nl\x01\x00\x00";
        assert_eq!(Profile::decode(bytes), Err(super::super::RecordError::Damaged { kind: "profile" }));
    }
}
