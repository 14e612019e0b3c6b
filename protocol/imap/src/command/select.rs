//! SELECT and EXAMINE: RFC 9051 sections 6.3.2 and 6.3.3, with the parameters of RFC 7162.

use essaim_types::{ModSeq, UidValidity};

use crate::{MailboxName, SequenceSet};

/// SELECT or EXAMINE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// The mailbox to open.
    pub mailbox: MailboxName,
    /// SELECT asks for `ReadWrite`, EXAMINE for `ReadOnly`.
    pub access: Access,
    /// What the client knows from last time.
    pub resync: Resync,
}

/// May the messages of the selected mailbox be changed?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Flags and messages can be changed.
    ReadWrite,
    /// Nothing changes, not even `\Seen`.
    ReadOnly,
}

/// The parameter after the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resync {
    /// None.
    Full,
    /// `(CONDSTORE)`: from now on MODSEQ in every FETCH response.
    Condstore,
    /// `(QRESYNC (..))`: tell only what changed.
    Qresync(Qresync),
}

/// RFC 7162 section 3.2.5: what the client's copy of the mailbox is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qresync {
    /// The UIDVALIDITY of the copy. If it is not the mailbox's, the rest means nothing.
    pub uid_validity: UidValidity,
    /// The copy has every change up to this one.
    pub mod_seq: ModSeq,
    /// The UIDs in the copy; `None` for all.
    pub known_uids: Option<SequenceSet>,
    /// Some sequence numbers and the UIDs they had, ascending and equally many, without `*`: a help for servers that do not
    /// remember what was expunged.
    pub sample: Option<(SequenceSet, SequenceSet)>,
}
