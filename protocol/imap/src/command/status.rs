//! STATUS: RFC 9051 section 6.3.11, with RFC 7162, 7889 and 8474.

use crate::MailboxName;
use crate::parse::{Cursor, Refusal, once_each};

/// STATUS of one mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The mailbox, selected or not.
    pub mailbox: MailboxName,
    /// What is asked, in the order asked, each once.
    pub items: Vec<StatusItem>,
}

/// One number about a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatusItem {
    /// How many messages.
    Messages,
    /// RFC 3501: how many with `\Recent`. We answer 0.
    Recent,
    /// The next UID.
    UidNext,
    /// The UIDVALIDITY.
    UidValidity,
    /// How many without `\Seen`.
    Unseen,
    /// How many with `\Deleted`.
    Deleted,
    /// The bytes of all messages together.
    Size,
    /// RFC 9208 section 4.1.4: the bytes of the messages with `\Deleted`.
    DeletedStorage,
    /// RFC 7162: the last change. Asking makes the client CONDSTORE-aware.
    HighestModSeq,
    /// RFC 7889: the largest message that APPEND takes.
    AppendLimit,
    /// RFC 8474.
    MailboxId,
}

impl StatusItem {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Messages,
        Self::Recent,
        Self::UidNext,
        Self::UidValidity,
        Self::Unseen,
        Self::Deleted,
        Self::Size,
        Self::DeletedStorage,
        Self::HighestModSeq,
        Self::AppendLimit,
        Self::MailboxId,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "MESSAGES",
            Self::Recent => "RECENT",
            Self::UidNext => "UIDNEXT",
            Self::UidValidity => "UIDVALIDITY",
            Self::Unseen => "UNSEEN",
            Self::Deleted => "DELETED",
            Self::Size => "SIZE",
            Self::DeletedStorage => "DELETED-STORAGE",
            Self::HighestModSeq => "HIGHESTMODSEQ",
            Self::AppendLimit => "APPENDLIMIT",
            Self::MailboxId => "MAILBOXID",
        }
    }
}

impl Status {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let mailbox = cursor.mailbox()?;
        cursor.space()?;
        Ok(Self { mailbox, items: StatusItem::read_list(cursor)? })
    }
}

impl StatusItem {
    /// One or more items between parentheses, each once.
    pub(crate) fn read_list(cursor: &mut Cursor<'_>) -> Result<Vec<Self>, Refusal> {
        Ok(once_each(cursor.list1("status items", ITEMS_MAX, Self::read)?))
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let known = Self::ALL.into_iter().find(|known| cursor.eat_word(known.as_str()));
        known.ok_or_else(|| cursor.expected("a status item"))
    }
}

const ITEMS_MAX: usize = 32;
