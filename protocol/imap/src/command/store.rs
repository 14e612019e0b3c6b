//! STORE: RFC 9051 section 6.4.6, with the UNCHANGEDSINCE of RFC 7162 section 3.1.3.

use essaim_types::ModSeq;

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
