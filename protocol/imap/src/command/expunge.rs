//! EXPUNGE and UID EXPUNGE: RFC 9051 sections 6.4.3 and 6.4.9.

use crate::parse::{Cursor, Refusal};
use crate::{MessageSet, Numbering};

/// Which of the messages with `\Deleted` go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expunge {
    /// All of them.
    All,
    /// UID EXPUNGE: those of them that are in the set of UIDs.
    Uids(MessageSet),
}

impl Expunge {
    pub(crate) fn read(numbering: Numbering, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        if numbering == Numbering::Sequence {
            return Ok(Self::All);
        }
        cursor.space()?;
        cursor.message_set().map(Self::Uids)
    }
}
