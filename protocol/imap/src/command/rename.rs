//! RENAME: RFC 9051 section 6.3.6.

use crate::MailboxName;

/// RENAME, with everything below. Renaming `INBOX` moves its messages and leaves it empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The name now.
    pub from: MailboxName,
    /// The name afterwards.
    pub to: MailboxName,
}
