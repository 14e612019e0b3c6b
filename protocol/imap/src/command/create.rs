//! CREATE: RFC 9051 section 6.3.4, with the USE of RFC 6154 section 3.

use crate::parse::{Cursor, Refusal, once_each};
use crate::{MailboxName, ResponseCode};

/// CREATE, with what the mailbox is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// The new name. A trailing separator ("I shall make mailboxes below it") was removed.
    pub mailbox: MailboxName,
    /// What the client wants to use it for; empty without USE.
    pub uses: Vec<SpecialUse>,
}

/// RFC 6154 section 2 and RFC 8457: what a mailbox is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpecialUse {
    /// All messages, a view.
    All,
    /// Where messages are put away.
    Archive,
    /// Messages not sent yet.
    Drafts,
    /// All flagged messages, a view.
    Flagged,
    /// All important messages, a view.
    Important,
    /// Spam.
    Junk,
    /// Copies of what was sent.
    Sent,
    /// Deleted messages.
    Trash,
}

impl SpecialUse {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::All,
        Self::Archive,
        Self::Drafts,
        Self::Flagged,
        Self::Important,
        Self::Junk,
        Self::Sent,
        Self::Trash,
    ];

    /// The attribute in LIST: `\Sent`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "\\All",
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Flagged => "\\Flagged",
            Self::Important => "\\Important",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }
}

impl Create {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let mailbox = cursor.new_mailbox()?;
        let mut uses = Vec::new();
        if cursor.eat(b' ') {
            cursor.expect(b'(')?;
            if !cursor.eat_word("USE") {
                return Err(cursor.expected("USE"));
            }
            cursor.space()?;
            uses = once_each(cursor.list("special uses", SpecialUse::ALL.len(), SpecialUse::read)?);
            cursor.expect(b')')?;
        }
        Ok(Self { mailbox, uses })
    }
}

impl SpecialUse {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.expect(b'\\')?;
        let name = cursor.atom("a special use")?;
        let known = Self::ALL
            .into_iter()
            .find(|known| known.as_str().get(1..).is_some_and(|known| known.eq_ignore_ascii_case(name)));
        known.ok_or_else(|| Refusal::no(ResponseCode::UseAttr, format!("no mailbox can be for \\{name}")))
    }
}
