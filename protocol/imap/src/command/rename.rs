//! RENAME: RFC 9051 section 6.3.6.

use crate::MailboxName;
use crate::parse::{Cursor, Refusal};

/// RENAME, with everything below. Renaming `INBOX` moves its messages and leaves it empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The name now.
    pub from: MailboxName,
    /// The name afterwards.
    pub to: MailboxName,
}

impl Rename {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let from = cursor.mailbox()?;
        cursor.space()?;
        Ok(Self { from, to: cursor.new_mailbox()? })
    }
}
