//! STORE: RFC 9051 section 6.4.6, with the UNCHANGEDSINCE of RFC 7162 section 3.1.3.

use essaim_types::ModSeq;

use crate::parse::{Cursor, Refusal};
use crate::{Flag, MessageSet, Numbering};

/// STORE or UID STORE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// What the numbers are.
    pub numbering: Numbering,
    /// Which messages.
    pub messages: MessageSet,
    /// Leave a message alone that changed after this, and say so with MODIFIED. 0 means: only if it never had flags.
    pub unchanged_since: Option<ModSeq>,
    /// What to do with the flags.
    pub action: StoreAction,
    /// Tell the new flags?
    pub echo: Echo,
    /// The flags; each once. An empty list with `Replace` removes all.
    pub flags: Vec<Flag>,
}

/// What STORE does with its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreAction {
    /// `FLAGS`: these and no other.
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// Does the client want to be told what it just did?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// A FETCH response for each message.
    Flags,
    /// `.SILENT`: none (but MODSEQ for a CONDSTORE-aware client, RFC 7162 section 3.1.3).
    Silent,
}

impl Store {
    pub(crate) fn read(numbering: Numbering, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let messages = cursor.message_set()?;
        cursor.space()?;
        let mut unchanged_since = None;
        if cursor.eat(b'(') {
            if !cursor.eat_word("UNCHANGEDSINCE") {
                return Err(cursor.expected("UNCHANGEDSINCE"));
            }
            cursor.space()?;
            unchanged_since = Some(cursor.mod_seq()?);
            cursor.expect(b')')?;
            cursor.space()?;
        }
        let action = StoreAction::read(cursor);
        let echo = match () {
            () if cursor.eat_word("FLAGS") => Echo::Flags,
            () if cursor.eat_word("FLAGS.SILENT") => Echo::Silent,
            () => return Err(cursor.expected("FLAGS or FLAGS.SILENT")),
        };
        cursor.space()?;
        Ok(Self { numbering, messages, unchanged_since, action, echo, flags: cursor.store_flags()? })
    }
}

impl StoreAction {
    fn read(cursor: &mut Cursor<'_>) -> Self {
        match () {
            () if cursor.eat(b'+') => Self::Add,
            () if cursor.eat(b'-') => Self::Remove,
            () => Self::Replace,
        }
    }
}
