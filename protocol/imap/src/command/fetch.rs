//! FETCH: RFC 9051 section 6.4.5, RFC 3501 section 6.4.5, with RFC 3516, 7162, 8474 and 8514.

use essaim_types::ModSeq;

use super::{PartPath, Partial, Section};
use crate::parse::{Cursor, Refusal, once_each};
use crate::{Extension, MessageSet, Numbering};

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

impl Fetch {
    pub(crate) fn read(numbering: Numbering, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let messages = cursor.message_set()?;
        cursor.space()?;
        let mut items = FetchItem::read_all(cursor)?;
        let mut changed_since = None;
        if cursor.eat(b' ') {
            changed_since = Some(ChangedSince::read(numbering, cursor)?);
            items.push(FetchItem::ModSeq);
        }
        if numbering == Numbering::Uid {
            items.push(FetchItem::Uid);
        }
        Ok(Self { numbering, messages, items: once_each(items), changed_since })
    }
}

impl FetchItem {
    fn read_all(cursor: &mut Cursor<'_>) -> Result<Vec<Self>, Refusal> {
        let basic = [Self::Flags, Self::InternalDate, Self::Size];
        match () {
            () if cursor.peek() == Some(b'(') => cursor.list1("fetch items", ITEMS_MAX, Self::read),
            () if cursor.eat_word("FAST") => Ok(basic.into()),
            () if cursor.eat_word("ALL") => Ok(basic.into_iter().chain([Self::Envelope]).collect()),
            () if cursor.eat_word("FULL") => {
                Ok(basic.into_iter().chain([Self::Envelope, Self::Body]).collect())
            }
            () => Ok(vec![Self::read(cursor)?]),
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let start = cursor.clone();
        Ok(match cursor.word().to_ascii_uppercase().as_slice() {
            b"FLAGS" => Self::Flags,
            b"INTERNALDATE" => Self::InternalDate,
            b"RFC822.SIZE" => Self::Size,
            b"ENVELOPE" => Self::Envelope,
            b"BODYSTRUCTURE" => Self::BodyStructure,
            b"UID" => Self::Uid,
            b"MODSEQ" => Self::ModSeq,
            b"EMAILID" => Self::EmailId,
            b"THREADID" => Self::ThreadId,
            b"SAVEDATE" => Self::SaveDate,
            b"RFC822" => Self::Legacy(Legacy::Full),
            b"RFC822.HEADER" => Self::Legacy(Legacy::Header),
            b"RFC822.TEXT" => Self::Legacy(Legacy::Text),
            b"BODY" if cursor.peek() != Some(b'[') => Self::Body,
            b"BODY" => Self::read_section(Seen::Set, cursor)?,
            b"BODY.PEEK" => Self::read_section(Seen::Keep, cursor)?,
            b"BINARY" => Self::read_binary(Seen::Set, cursor)?,
            b"BINARY.PEEK" => Self::read_binary(Seen::Keep, cursor)?,
            b"BINARY.SIZE" => Self::BinarySize(PartPath::read_binary(cursor)?),
            _ => return Err(start.expected("a fetch item")),
        })
    }

    fn read_section(seen: Seen, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let section = Section::read(cursor)?;
        Ok(Self::Section { section, partial: Partial::read(cursor)?, seen })
    }

    fn read_binary(seen: Seen, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let part = PartPath::read_binary(cursor)?;
        Ok(Self::Binary { part, partial: Partial::read(cursor)?, seen })
    }
}

impl ChangedSince {
    /// `(CHANGEDSINCE 12345 VANISHED)`, in either order.
    fn read(numbering: Numbering, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let (mut mod_seq, mut vanished) = (None, Vanished::Omit);
        cursor.list1("fetch modifiers", MODIFIERS_MAX, |cursor| {
            match () {
                () if cursor.eat_word("CHANGEDSINCE") => {
                    cursor.space()?;
                    mod_seq = Some(cursor.mod_seq()?);
                }
                () if cursor.eat_word("VANISHED") => vanished = Vanished::Tell,
                () => return Err(cursor.expected("CHANGEDSINCE or VANISHED")),
            }
            Ok(())
        })?;
        // RFC 7162 section 3.2.6: VANISHED is for UID FETCH with CHANGEDSINCE, after ENABLE QRESYNC.
        let allowed = numbering == Numbering::Uid && cursor.enabled().contains(Extension::Qresync);
        match mod_seq {
            Some(mod_seq) if vanished == Vanished::Omit || allowed => Ok(Self { mod_seq, vanished }),
            _ => Err(Refusal::bad("VANISHED goes with UID FETCH, CHANGEDSINCE and ENABLE QRESYNC")),
        }
    }
}

/// The most items of one FETCH.
const ITEMS_MAX: usize = 128;
const MODIFIERS_MAX: usize = 4;
