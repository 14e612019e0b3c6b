//! GETQUOTA and GETQUOTAROOT: RFC 9208 sections 4.1.2 and 4.1.3.

use crate::MailboxName;
use crate::parse::{Cursor, Refusal};

/// GETQUOTA: what a quota root allows and uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetQuota {
    /// The root's name; `""` is the account.
    pub root: String,
}

/// GETQUOTAROOT: which roots a mailbox counts against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetQuotaRoot {
    /// The mailbox; it need not exist.
    pub mailbox: MailboxName,
}

impl GetQuota {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        Ok(Self { root: cursor.text("a quota root")? })
    }
}

impl GetQuotaRoot {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        Ok(Self { mailbox: cursor.mailbox()? })
    }
}
