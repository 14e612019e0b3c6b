//! What a client can ask. One file per command; each file also says how its command is read.
//!
//! A command stands in the enum of the state it needs, so that the conversation can refuse it in any other and the
//! rules never see one that has no meaning.

mod append;
mod copy;
mod create;
mod enable;
mod expunge;
mod fetch;
mod id;
mod list;
mod login;
mod quota;
mod rename;
mod search;
mod search_key;
mod search_leaf;
mod search_tree;
mod section;
mod select;
mod status;
mod store;

pub use append::{AppendMessage, MessageForm};
pub use copy::Transfer;
pub use create::{Create, SpecialUse};
pub use enable::Enable;
pub use expunge::Expunge;
pub use fetch::{ChangedSince, Fetch, FetchItem, Legacy, Seen, Vanished};
pub use id::Id;
pub use list::{List, ListBase, ListPattern, ListQuery, ListReturn, ListSelect, Lsub};
pub use login::{Authenticate, Login};
pub use quota::{GetQuota, GetQuotaRoot};
pub use rename::Rename;
pub use search::{Search, SearchReturn, SearchReturnItem};
pub use search_key::{DateField, DateTest, EntryType, Header, ModSeqTest, SearchKey};
pub use section::{HeaderName, InvalidHeaderName, PartPath, Partial, Section, SectionText};
pub use select::{Access, Qresync, Resync, Select};
pub use status::{Status, StatusItem};
pub use store::{Echo, Store, StoreAction};

use crate::parse::{Cursor, Refusal, Verb};
use crate::{MailboxName, Reply};

/// Any command, by who answers it and in which state.
#[derive(Clone, Debug)]
pub enum Command {
    /// Answered by the conversation itself.
    Session(SessionCommand),
    /// About an account: allowed once logged in.
    Account(AccountCommand),
    /// About the selected mailbox.
    Mailbox(MailboxCommand),
}

/// A command that changes or describes the conversation.
#[derive(Clone, Debug)]
pub enum SessionCommand {
    /// RFC 9051 section 6.1.1.
    Capability,
    /// RFC 9051 section 6.1.3.
    Logout,
    /// RFC 2971: who the client is.
    Id(Id),
    /// RFC 9051 section 6.2.1.
    StartTls,
    /// RFC 9051 section 6.2.2.
    Authenticate(Authenticate),
    /// RFC 9051 section 6.2.3.
    Login(Login),
    /// RFC 9051 section 6.3.1.
    Enable(Enable),
    /// RFC 9051 section 6.3.13.
    Idle,
}

/// A command that needs an account and no selected mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountCommand {
    /// RFC 9051 section 6.1.2: a chance to tell news. (Before login the conversation answers it.)
    Noop,
    /// RFC 9051 section 6.3.10.
    Namespace,
    /// RFC 9051 sections 6.3.2 SELECT and 6.3.3 EXAMINE. Answered with `Outcome::Selected`, or the mailbox that was
    /// selected before no longer is. If one was, `* OK [CLOSED]` stands between its news and the new one's.
    Select(Select),
    /// RFC 9051 section 6.3.4.
    Create(Create),
    /// RFC 9051 section 6.3.5.
    Delete(MailboxName),
    /// RFC 9051 section 6.3.6.
    Rename(Rename),
    /// RFC 9051 section 6.3.7.
    Subscribe(MailboxName),
    /// RFC 9051 section 6.3.8.
    Unsubscribe(MailboxName),
    /// RFC 9051 section 6.3.9.
    List(List),
    /// RFC 3501 section 6.3.9.
    Lsub(Lsub),
    /// RFC 9051 section 6.3.11.
    Status(Status),
    /// RFC 9208 section 4.1.2.
    GetQuota(GetQuota),
    /// RFC 9208 section 4.1.3.
    GetQuotaRoot(GetQuotaRoot),
}

/// A command that needs a selected mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailboxCommand {
    /// RFC 3501 section 6.4.1.
    Check,
    /// RFC 9051 section 6.4.1: expunge without telling, then deselect. Of a mailbox opened read-only, the conversation
    /// makes it [`Unselect`](Self::Unselect).
    Close,
    /// RFC 9051 section 6.4.2.
    Unselect,
    /// RFC 9051 section 6.4.3; only of a mailbox opened for writing.
    Expunge(Expunge),
    /// RFC 9051 section 6.4.4.
    Search(Search),
    /// A SEARCH RETURN (SAVE) that is understood, but cannot be done: a charset that is not known, too many keys. RFC 9051
    /// section 6.4.4.1: `$` is empty from now on. Answered NO with this reply.
    SearchRefused(Reply),
    /// RFC 9051 section 6.4.5.
    Fetch(Fetch),
    /// RFC 9051 section 6.4.6; only of a mailbox opened for writing.
    Store(Store),
    /// RFC 9051 section 6.4.7.
    Copy(Transfer),
    /// RFC 9051 section 6.4.8; only of a mailbox opened for writing.
    Move(Transfer),
}

impl Command {
    /// The arguments of a command, to their end. `None` for APPEND, whose messages are not held.
    pub(crate) fn read(verb: Verb, cursor: &mut Cursor<'_>) -> Result<Option<Self>, Refusal> {
        let command = match verb {
            Verb::Append => return Ok(None),
            Verb::Capability => Self::Session(SessionCommand::Capability),
            Verb::Logout => Self::Session(SessionCommand::Logout),
            Verb::Id => Self::Session(SessionCommand::Id(Id::read(cursor)?)),
            Verb::StartTls => Self::Session(SessionCommand::StartTls),
            Verb::Authenticate => Self::Session(SessionCommand::Authenticate(Authenticate::read(cursor)?)),
            Verb::Login => Self::Session(SessionCommand::Login(Login::read(cursor)?)),
            Verb::Enable => Self::Session(SessionCommand::Enable(Enable::read(cursor)?)),
            Verb::Idle => Self::Session(SessionCommand::Idle),
            Verb::Check => Self::Mailbox(MailboxCommand::Check),
            Verb::Close => Self::Mailbox(MailboxCommand::Close),
            Verb::Unselect => Self::Mailbox(MailboxCommand::Unselect),
            Verb::Expunge(numbering) => {
                Self::Mailbox(MailboxCommand::Expunge(Expunge::read(numbering, cursor)?))
            }
            Verb::Search(numbering) => match Search::read(numbering, cursor)? {
                Ok(search) => Self::Mailbox(MailboxCommand::Search(search)),
                Err(reply) => return Ok(Some(Self::Mailbox(MailboxCommand::SearchRefused(reply)))),
            },
            Verb::Fetch(numbering) => Self::Mailbox(MailboxCommand::Fetch(Fetch::read(numbering, cursor)?)),
            Verb::Store(numbering) => Self::Mailbox(MailboxCommand::Store(Store::read(numbering, cursor)?)),
            Verb::Copy(numbering) => Self::Mailbox(MailboxCommand::Copy(Transfer::read(numbering, cursor)?)),
            Verb::Move(numbering) => Self::Mailbox(MailboxCommand::Move(Transfer::read(numbering, cursor)?)),
            Verb::Noop => Self::Account(AccountCommand::Noop),
            Verb::Namespace => Self::Account(AccountCommand::Namespace),
            Verb::Select => Self::Account(AccountCommand::Select(Select::read(Access::ReadWrite, cursor)?)),
            Verb::Examine => Self::Account(AccountCommand::Select(Select::read(Access::ReadOnly, cursor)?)),
            Verb::Create => Self::Account(AccountCommand::Create(Create::read(cursor)?)),
            Verb::Delete => Self::Account(AccountCommand::Delete(one_mailbox(cursor)?)),
            Verb::Rename => Self::Account(AccountCommand::Rename(Rename::read(cursor)?)),
            Verb::Subscribe => Self::Account(AccountCommand::Subscribe(one_mailbox(cursor)?)),
            Verb::Unsubscribe => Self::Account(AccountCommand::Unsubscribe(one_mailbox(cursor)?)),
            Verb::List => Self::Account(AccountCommand::List(List::read(cursor)?)),
            Verb::Lsub => Self::Account(AccountCommand::Lsub(Lsub::read(cursor)?)),
            Verb::Status => Self::Account(AccountCommand::Status(Status::read(cursor)?)),
            Verb::GetQuota => Self::Account(AccountCommand::GetQuota(GetQuota::read(cursor)?)),
            Verb::GetQuotaRoot => Self::Account(AccountCommand::GetQuotaRoot(GetQuotaRoot::read(cursor)?)),
        };
        cursor.end()?;
        Ok(Some(command))
    }

    /// RFC 7162 section 3.1: does it name mod-sequences, so that the client must know them from now on?
    pub(crate) fn uses_mod_seq(&self) -> bool {
        match self {
            Self::Account(AccountCommand::Select(select)) => select.resync != Resync::Full,
            Self::Account(AccountCommand::Status(status)) => {
                status.items.contains(&StatusItem::HighestModSeq)
            }
            Self::Account(AccountCommand::List(List::Mailboxes(query))) => {
                query.tell.status.as_ref().is_some_and(|items| items.contains(&StatusItem::HighestModSeq))
            }
            Self::Mailbox(MailboxCommand::Fetch(fetch)) => fetch.items.contains(&FetchItem::ModSeq),
            Self::Mailbox(MailboxCommand::Store(store)) => store.unchanged_since.is_some(),
            Self::Mailbox(MailboxCommand::Search(search)) => search.key.asks_mod_seq(),
            _ => false,
        }
    }
}

fn one_mailbox(cursor: &mut Cursor<'_>) -> Result<MailboxName, Refusal> {
    cursor.space()?;
    cursor.mailbox()
}
