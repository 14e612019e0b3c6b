//! What SEARCH looks for: RFC 9051 section 6.4.4.

use essaim_types::ModSeq;

use super::HeaderName;
use crate::{Date, Flag, MessageSet, ObjectId};

/// What a message must be like.
///
/// Trees are at most [`SearchKey::DEPTH_MAX`] deep, so a rule may recurse over them. Texts are in UTF-8 and never
/// contain NUL; the comparison is up to the rule (RFC 9051 section 6.4.4: substring, case ignored).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchKey {
    /// Anything.
    All,
    /// Every one of these; never empty, never directly inside an `And`.
    And(Vec<Self>),
    /// At least one of these; two or more, never directly inside an `Or`.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// These messages. The numbers are sequence numbers, even in UID SEARCH.
    Set(MessageSet),
    /// UID: these messages, by UID.
    Uid(MessageSet),
    /// It has the flag: SEEN, KEYWORD and their like. UNSEEN is `Not` of it.
    Flag(Flag),
    /// RECENT (RFC 3501). NEW is `And` of this and not seen, OLD is `Not`.
    Recent,
    /// The envelope's field contains the text.
    Envelope(Header, String),
    /// HEADER: a field with this name contains the text; an empty text asks only that there is one.
    Header(HeaderName, String),
    /// The body (without the header) contains the text.
    Body(String),
    /// Header or body contain the text.
    Text(String),
    /// A date, without time and zone, compares so.
    Date(DateField, DateTest, Date),
    /// More bytes than this.
    Larger(u64),
    /// Fewer bytes than this.
    Smaller(u64),
    /// RFC 5032: arrived within this many seconds before now.
    Younger(u32),
    /// RFC 5032: arrived this many seconds before now, or more.
    Older(u32),
    /// RFC 7162: changed since.
    ModSeq(ModSeqTest),
    /// RFC 8474.
    EmailId(ObjectId),
    /// RFC 8474.
    ThreadId(ObjectId),
    /// RFC 8514: the mailbox knows save dates. True for all messages or for none.
    SaveDateSupported,
}

impl SearchKey {
    /// How many levels of `And`, `Or` and `Not` there can be, leaves not counted.
    pub const DEPTH_MAX: usize = 32;

    /// The most keys that are not `And`, `Or` or `Not` in one tree.
    pub const LEAVES_MAX: usize = 2000;

    /// RFC 7162 section 3.1.5: with MODSEQ anywhere in the key, the answer carries the highest mod-sequence found.
    pub fn asks_mod_seq(&self) -> bool {
        match self {
            Self::ModSeq(_) => true,
            Self::And(keys) | Self::Or(keys) => keys.iter().any(Self::asks_mod_seq),
            Self::Not(key) => key.asks_mod_seq(),
            _ => false,
        }
    }
}

/// A field that has its own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Header {
    /// BCC
    Bcc,
    /// CC
    Cc,
    /// FROM
    From,
    /// SUBJECT
    Subject,
    /// TO
    To,
}

/// Which date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateField {
    /// When it arrived: BEFORE, ON, SINCE.
    Internal,
    /// Its Date header: SENTBEFORE, SENTON, SENTSINCE.
    Sent,
    /// RFC 8514, when it came into this mailbox: SAVEDBEFORE, SAVEDON, SAVEDSINCE.
    Saved,
}

/// How a date compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateTest {
    /// Earlier than the day.
    Before,
    /// On the day.
    On,
    /// On the day or later.
    Since,
}

/// RFC 7162 section 3.1.5. We keep one mod-sequence per message, so the entry makes no difference, as the RFC allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModSeqTest {
    /// Its mod-sequence is this or higher.
    pub at_least: ModSeq,
    /// Of which flag, if the client said.
    pub entry: Option<(Flag, EntryType)>,
}

/// Whose value of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryType {
    /// `priv`
    Private,
    /// `shared`
    Shared,
    /// `all`
    All,
}
