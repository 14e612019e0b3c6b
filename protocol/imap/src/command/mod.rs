//! What a client can ask. One file per command; how they are read is in each file's `parse`.
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
pub use search::{
    DateField, DateTest, EntryType, Header, ModSeqTest, Search, SearchKey, SearchReturn, SearchReturnItem,
};
pub use section::{HeaderName, InvalidHeaderName, PartPath, Partial, Section, SectionText};
pub use select::{Access, Qresync, Resync, Select};
pub use status::{Status, StatusItem};
pub use store::{Echo, Store, StoreAction};

use crate::MailboxName;

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
    /// selected before no longer is.
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
    /// RFC 9051 section 6.4.5.
    Fetch(Fetch),
    /// RFC 9051 section 6.4.6; only of a mailbox opened for writing.
    Store(Store),
    /// RFC 9051 section 6.4.7.
    Copy(Transfer),
    /// RFC 9051 section 6.4.8; only of a mailbox opened for writing.
    Move(Transfer),
}
