//! `AUDIT` objects of the hoster's account: the journal of administrative acts.

use std::borrow::Cow;
use std::fmt;

use essaim_types::{AccountId, Lsn, ObjectKind, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Record, id};

/// One administrative act. Never a password, never content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub time: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What.
    pub act: Act,
    /// To whose account, if to one.
    #[serde(with = "id::option")]
    pub account: Option<AccountId>,
    /// To what: an address, the name of an app password, a size. Longer text is cut.
    pub detail: String,
}

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Actor {
    /// The node by itself.
    Node,
    /// Whoever has the command line or the admin pages, by name.
    Operator(String),
    /// The member whose account it is.
    Member,
}

/// What was done, in a word that scripts can rely on, such as `account.create`. Other crates add their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Act(Cow<'static, str>);

impl Act {
    /// An account was made; the detail is its address.
    pub const ACCOUNT_CREATE: Self = Self::new("account.create");
    /// An account came from an archive; the detail is its address here.
    pub const ACCOUNT_IMPORT: Self = Self::new("account.import");
    /// An account moved here; the detail is its address here.
    pub const ACCOUNT_ARRIVE: Self = Self::new("account.arrive");
    /// An account moved away; the detail is its new hoster.
    pub const ACCOUNT_LEAVE: Self = Self::new("account.leave");
    /// An account whose hoster was gone came back from what others kept; the detail is its address here.
    pub const ACCOUNT_RECOVER: Self = Self::new("account.recover");
    /// Something that a recovery had put aside is in use again; the detail is its name.
    pub const ACCOUNT_CONFIRM: Self = Self::new("account.confirm");
    /// An account may log in and get mail again.
    pub const ACCOUNT_ENABLE: Self = Self::new("account.enable");
    /// An account may do nothing for now.
    pub const ACCOUNT_DISABLE: Self = Self::new("account.disable");
    /// An account was closed.
    pub const ACCOUNT_CLOSE: Self = Self::new("account.close");
    /// The data of a closed account was deleted; the detail is its primary address.
    pub const ACCOUNT_DELETE: Self = Self::new("account.delete");
    /// The name or language of a profile was changed.
    pub const ACCOUNT_PROFILE: Self = Self::new("account.profile");
    /// The detail is the new quota.
    pub const ACCOUNT_QUOTA: Self = Self::new("account.quota");
    /// The member was given words on paper; the detail says whether they replace others.
    pub const ACCOUNT_KIT: Self = Self::new("account.kit");
    /// The password was set.
    pub const PASSWORD_SET: Self = Self::new("password.set");
    /// The detail is the name of the app password.
    pub const APP_PASSWORD_ADD: Self = Self::new("app-password.add");
    /// The detail is the name of the app password.
    pub const APP_PASSWORD_REVOKE: Self = Self::new("app-password.revoke");
    /// The detail is the address.
    pub const ADDRESS_ADD: Self = Self::new("address.add");
    /// The detail is the address.
    pub const ADDRESS_REMOVE: Self = Self::new("address.remove");
    /// The detail is the address that is the first one now.
    pub const ADDRESS_PRIMARY: Self = Self::new("address.primary");
    /// Who gets the mail of a shared address or catch-all was set; the detail is the address.
    pub const ADDRESS_SHARE: Self = Self::new("address.share");

    /// An act of another crate: `subject.verb`.
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node => f.write_str("node"),
            Self::Operator(name) => write!(f, "operator {name}"),
            Self::Member => f.write_str("member"),
        }
    }
}

impl Record for AuditEntry {
    const OBJECT: ObjectKind = ObjectKind::AUDIT;
    const KIND: &'static str = "audit";
    const VERSION: u8 = 1;
}

impl AuditEntry {
    /// The hoster's LSN of the transaction, then the number of the act within it: the journal is in order of commits.
    pub(crate) fn key(lsn: Lsn, number: u8) -> [u8; 9] {
        let mut key = [number; 9];
        key.iter_mut().zip(lsn.0.to_be_bytes()).for_each(|(to, from)| *to = from);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_version_1_never_change() {
        let entry = AuditEntry {
            time: Timestamp(1),
            actor: Actor::Operator("root".into()),
            act: Act::new("a.b"),
            account: Some(AccountId::from_bytes([5; 32])),
            detail: "x".into(),
        };
        let bytes = [b"\x01\x02\x01\x04root\x03a.b\x01".as_slice(), &[5; 32], b"\x01x"].concat();
        assert_eq!(entry.encode().value, bytes);
        assert_eq!(AuditEntry::decode(&bytes), Ok(entry));
    }

    #[test]
    fn entries_stand_in_the_order_of_commits() {
        assert!(AuditEntry::key(Lsn(255), 9) < AuditEntry::key(Lsn(256), 0));
        assert!(AuditEntry::key(Lsn(256), 0) < AuditEntry::key(Lsn(256), 1));
    }
}
