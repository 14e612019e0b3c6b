//! FETCH: RFC 9051 section 6.4.5, RFC 3501 section 6.4.5, with RFC 3516, 7162, 8474 and 8514.

use essaim_types::ModSeq;

use super::{PartPath, Partial, Section};
use crate::{MessageSet, Numbering};

/// FETCH or UID FETCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// What the numbers are. With `Uid` the answers carry the UID, asked or not: it is among the items.
    pub numbering: Numbering,
    /// Which messages.
    pub messages: MessageSet,
    /// What of each, in the order asked, each once. Macros (ALL, FAST, FULL) are taken apart.
    pub items: Vec<FetchItem>,
    /// Only messages that changed since.
    pub changed_since: Option<ChangedSince>,
}

/// RFC 7162 section 3.1.4.1. MODSEQ is then among the items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedSince {
    /// Changed after this.
    pub mod_seq: ModSeq,
    /// Tell which messages are gone?
    pub vanished: Vanished,
}

/// RFC 7162 section 3.2.6: the VANISHED modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vanished {
    /// Not asked.
    Omit,
    /// Say with VANISHED (EARLIER) which UIDs of the set were expunged since. Only in UID FETCH with QRESYNC enabled.
    Tell,
}

/// One thing to tell about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchItem {
    /// The flags.
    Flags,
    /// When it arrived.
    InternalDate,
    /// RFC822.SIZE: its size in bytes.
    Size,
    /// The parsed header.
    Envelope,
    /// BODY: the structure without extension data.
    Body,
    /// BODYSTRUCTURE: with extension data.
    BodyStructure,
    /// The UID.
    Uid,
    /// RFC 7162: the last change.
    ModSeq,
    /// RFC 8474.
    EmailId,
    /// RFC 8474; may be NIL.
    ThreadId,
    /// RFC 8514: when it came into this mailbox; may be NIL.
    SaveDate,
    /// `BODY[..]` and `BODY.PEEK[..]`: bytes as they were sent.
    Section {
        /// Which bytes.
        section: Section,
        /// Which window of them.
        partial: Option<Partial>,
        /// Does it set `\Seen`?
        seen: Seen,
    },
    /// `BINARY[..]` and `BINARY.PEEK[..]`, RFC 3516: a part with its transfer encoding undone.
    Binary {
        /// Which part; the root is the whole message.
        part: PartPath,
        /// Which window of the decoded bytes.
        partial: Option<Partial>,
        /// Does it set `\Seen`?
        seen: Seen,
    },
    /// `BINARY.SIZE[..]`: how many bytes BINARY would send.
    BinarySize(PartPath),
    /// RFC 3501: `RFC822` and its like, old names for sections.
    Legacy(Legacy),
}

/// Does fetching set `\Seen`?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// It does (if the mailbox is not read-only).
    Set,
    /// `.PEEK`: it does not.
    Keep,
}

/// RFC 3501 section 6.4.5: items that are answered under their own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Legacy {
    /// `RFC822`: as `BODY[]`.
    Full,
    /// `RFC822.HEADER`: as `BODY.PEEK[HEADER]`.
    Header,
    /// `RFC822.TEXT`: as `BODY[TEXT]`.
    Text,
}

impl FetchItem {
    /// Does telling it set `\Seen`?
    pub fn sets_seen(&self) -> bool {
        match self {
            Self::Section { seen, .. } | Self::Binary { seen, .. } => *seen == Seen::Set,
            Self::Legacy(legacy) => *legacy != Legacy::Header,
            _ => false,
        }
    }
}

impl Legacy {
    /// The section that this is the old name of.
    pub fn section(self) -> Section {
        match self {
            Self::Full => Section::WHOLE,
            Self::Header => Section::HEADER,
            Self::Text => Section::TEXT,
        }
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "RFC822",
            Self::Header => "RFC822.HEADER",
            Self::Text => "RFC822.TEXT",
        }
    }
}
