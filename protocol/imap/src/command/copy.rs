//! COPY and MOVE: RFC 9051 sections 6.4.7 and 6.4.8.

use crate::parse::{Cursor, Refusal};
use crate::{MailboxName, MessageSet, Numbering};

/// What COPY, UID COPY, MOVE and UID MOVE take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What the numbers are.
    pub numbering: Numbering,
    /// Which messages.
    pub messages: MessageSet,
    /// Where to.
    pub to: MailboxName,
}

impl Transfer {
    pub(crate) fn read(numbering: Numbering, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let messages = cursor.message_set()?;
        cursor.space()?;
        Ok(Self { numbering, messages, to: cursor.mailbox()? })
    }
}
