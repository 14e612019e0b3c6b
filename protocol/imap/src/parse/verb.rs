//! The first word of a command, and the state it needs.

use super::{Cursor, Refusal};
use crate::Numbering;

/// Every command, before its arguments are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Capability,
    Logout,
    Noop,
    Id,
    StartTls,
    Authenticate,
    Login,
    Enable,
    Namespace,
    Select,
    Examine,
    Create,
    Delete,
    Rename,
    Subscribe,
    Unsubscribe,
    List,
    Lsub,
    Status,
    Append,
    Idle,
    GetQuota,
    GetQuotaRoot,
    Check,
    Close,
    Unselect,
    Expunge(Numbering),
    Search(Numbering),
    Fetch(Numbering),
    Store(Numbering),
    Copy(Numbering),
    Move(Numbering),
}

/// In which state a command has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// In any.
    Nothing,
    /// Before login only.
    NoLogin,
    /// After login, before a mailbox is selected.
    LoginOnly,
    /// After login.
    Login,
    /// With a mailbox selected.
    Mailbox,
}

impl Verb {
    /// The verb, with the one before it if that is UID. The cursor comes from behind the tag.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let word = cursor.word();
        if !word.eq_ignore_ascii_case(b"UID") {
            return Self::named(word, Numbering::Sequence).ok_or_else(|| unknown(word));
        }
        cursor.space()?;
        let word = cursor.word();
        Self::named(word, Numbering::Uid).filter(|verb| verb.has_uid_form()).ok_or_else(|| unknown(word))
    }

    fn named(word: &[u8], numbering: Numbering) -> Option<Self> {
        Some(match word.to_ascii_uppercase().as_slice() {
            b"CAPABILITY" => Self::Capability,
            b"LOGOUT" => Self::Logout,
            b"NOOP" => Self::Noop,
            b"ID" => Self::Id,
            b"STARTTLS" => Self::StartTls,
            b"AUTHENTICATE" => Self::Authenticate,
            b"LOGIN" => Self::Login,
            b"ENABLE" => Self::Enable,
            b"NAMESPACE" => Self::Namespace,
            b"SELECT" => Self::Select,
            b"EXAMINE" => Self::Examine,
            b"CREATE" => Self::Create,
            b"DELETE" => Self::Delete,
            b"RENAME" => Self::Rename,
            b"SUBSCRIBE" => Self::Subscribe,
            b"UNSUBSCRIBE" => Self::Unsubscribe,
            b"LIST" => Self::List,
            b"LSUB" => Self::Lsub,
            b"STATUS" => Self::Status,
            b"APPEND" => Self::Append,
            b"IDLE" => Self::Idle,
            b"GETQUOTA" => Self::GetQuota,
            b"GETQUOTAROOT" => Self::GetQuotaRoot,
            b"CHECK" => Self::Check,
            b"CLOSE" => Self::Close,
            b"UNSELECT" => Self::Unselect,
            b"EXPUNGE" => Self::Expunge(numbering),
            b"SEARCH" => Self::Search(numbering),
            b"FETCH" => Self::Fetch(numbering),
            b"STORE" => Self::Store(numbering),
            b"COPY" => Self::Copy(numbering),
            b"MOVE" => Self::Move(numbering),
            _ => return None,
        })
    }

    fn has_uid_form(self) -> bool {
        matches!(
            self,
            Self::Expunge(_)
                | Self::Search(_)
                | Self::Fetch(_)
                | Self::Store(_)
                | Self::Copy(_)
                | Self::Move(_)
        )
    }

    /// The state that the command needs.
    pub(crate) fn needs(self) -> Needs {
        match self {
            Self::Capability | Self::Logout | Self::Noop | Self::Id => Needs::Nothing,
            Self::StartTls | Self::Authenticate | Self::Login => Needs::NoLogin,
            // RFC 5161 section 3.1: not once a mailbox is selected; the spelling of its answers would change midway.
            Self::Enable => Needs::LoginOnly,
            Self::Namespace
            | Self::Select
            | Self::Examine
            | Self::Create
            | Self::Delete
            | Self::Rename
            | Self::Subscribe
            | Self::Unsubscribe
            | Self::List
            | Self::Lsub
            | Self::Status
            | Self::Append
            | Self::Idle
            | Self::GetQuota
            | Self::GetQuotaRoot => Needs::Login,
            Self::Check
            | Self::Close
            | Self::Unselect
            | Self::Expunge(_)
            | Self::Search(_)
            | Self::Fetch(_)
            | Self::Store(_)
            | Self::Copy(_)
            | Self::Move(_) => Needs::Mailbox,
        }
    }
}

fn unknown(word: &[u8]) -> Refusal {
    let shown: String = word.iter().take(32).map(|&byte| char::from(byte)).collect();
    Refusal::bad(format!("no command is called {shown:?}"))
}
