//! `CREDENTIAL` objects of an account: the password and the app passwords, hashed.

use std::fmt;

use essaim_types::{Lsn, ObjectKind, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Record, RecordError};
use crate::hash::app_password_hash;

/// A way to log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CredentialRecord {
    /// Key `main`.
    Password(PasswordRecord),
    /// Key `app/` and the id, 8 bytes big-endian.
    App(AppPasswordRecord),
}

/// The password that a member knows by heart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PasswordRecord {
    /// A PHC string, argon2.
    pub(crate) hash: String,
    pub(crate) origin: Origin,
    pub(crate) created: Timestamp,
    /// Exact to the hour, so that the log does not grow by logins.
    pub(crate) last_used: Option<Timestamp>,
}

/// A password of one device or program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppPasswordRecord {
    pub(crate) name: String,
    pub(crate) salt: [u8; 16],
    /// See [`app_password_hash`].
    pub(crate) hash: [u8; 32],
    pub(crate) created: Timestamp,
    /// Exact to the hour.
    pub(crate) last_used: Option<Timestamp>,
}

/// Who thought of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// The member, or whoever set it for them.
    Chosen,
    /// The node. Meant to be used once and then changed.
    Generated,
}

/// One of an account's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialId {
    /// The password.
    Password,
    /// An app password.
    App(AppPasswordId),
}

/// An app password within its account: the LSN at which it was made, so it is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppPasswordId(pub u64);

impl Record for CredentialRecord {
    const OBJECT: ObjectKind = ObjectKind::CREDENTIAL;
    const KIND: &'static str = "credential";
    const VERSION: u8 = 1;
}

impl CredentialRecord {
    pub(crate) fn used(&mut self, now: Timestamp) {
        match self {
            Self::Password(PasswordRecord { last_used, .. })
            | Self::App(AppPasswordRecord { last_used, .. }) => {
                *last_used = Some(now);
            }
        }
    }

    /// What proves that a session's credential is still the one it logged in with.
    pub(crate) fn fingerprint(&self) -> blake3::Hash {
        match self {
            Self::Password(password) => password.fingerprint(),
            Self::App(app) => app.fingerprint(),
        }
    }
}

impl PasswordRecord {
    /// See [`CredentialRecord::fingerprint`].
    pub(crate) fn fingerprint(&self) -> blake3::Hash {
        blake3::hash(self.hash.as_bytes())
    }
}

impl AppPasswordRecord {
    /// See [`CredentialRecord::fingerprint`].
    pub(crate) fn fingerprint(&self) -> blake3::Hash {
        blake3::hash(&self.hash)
    }

    /// In constant time.
    pub(crate) fn is(&self, symbols: &str) -> bool {
        app_password_hash(&self.salt, symbols) == blake3::Hash::from_bytes(self.hash)
    }
}

impl CredentialId {
    pub(crate) fn key(self) -> Vec<u8> {
        match self {
            Self::Password => MAIN.to_vec(),
            Self::App(AppPasswordId(id)) => [APP, &id.to_be_bytes()].concat(),
        }
    }

    pub(crate) fn of_key(key: &[u8]) -> Result<Self, RecordError> {
        if key == MAIN {
            return Ok(Self::Password);
        }
        key.strip_prefix(APP)
            .and_then(|id| id.try_into().ok())
            .map(|id| Self::App(AppPasswordId(u64::from_be_bytes(id))))
            .ok_or(RecordError::Damaged { kind: CredentialRecord::KIND })
    }
}

impl From<Lsn> for AppPasswordId {
    fn from(lsn: Lsn) -> Self {
        Self(lsn.0)
    }
}

impl fmt::Display for AppPasswordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const MAIN: &[u8] = b"main";
const APP: &[u8] = b"app/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_version_1_never_change() {
        let password = CredentialRecord::Password(PasswordRecord {
            hash: "$x".into(),
            origin: Origin::Generated,
            created: Timestamp(1),
            last_used: Some(Timestamp(2)),
        });
        assert_eq!(password.encode().value, b"\x01\x00\x02$x\x01\x02\x01\x04");
        let app = CredentialRecord::App(AppPasswordRecord {
            name: "tel".into(),
            salt: [3; 16],
            hash: [4; 32],
            created: Timestamp(1),
            last_used: None,
        });
        let bytes = [b"\x01\x01\x03tel".as_slice(), &[3; 16], &[4; 32], b"\x02\x00"].concat();
        assert_eq!(app.encode().value, bytes);
        assert_eq!(CredentialRecord::decode(&bytes), Ok(app));
    }

    #[test]
    fn keys_read_back_and_stand_in_the_order_of_making() {
        let app = |id| CredentialId::App(AppPasswordId(id));
        for id in [CredentialId::Password, app(0), app(255), app(256), app(u64::MAX)] {
            assert_eq!(CredentialId::of_key(&id.key()), Ok(id));
        }
        assert!(app(255).key() < app(256).key());
        for key in [&b""[..], b"app/", b"app/123456789", b"other"] {
            assert!(CredentialId::of_key(key).is_err());
        }
    }
}
