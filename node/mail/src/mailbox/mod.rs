//! Mailboxes: names, special uses, and how messages come in, change and go. Every function here is a step inside one
//! transaction of the store, so that callers combine them (one message to three members is one commit).

mod append;
mod block;
mod change;
mod flags;
mod history;
mod index;
mod objects;
mod raise;
mod rules;
mod summaries;

pub use append::{AppendError, Appended, Arrival, append};
pub use block::{Block, FlagChange, Flags, Some64, TooManyKeywords};
pub use change::{Changed, Copied, change_flags, copy, expunge};
pub use flags::FlagReader;
pub use index::{Catalog, Event, Index, IndexError};
pub use objects::{Objects, ObjectsError};
pub use raise::{RaiseError, raise_numbers};
pub(crate) use rules::as_bytes;
pub use rules::{
    MailboxError, Mailboxes, all, by_id, by_name, create, delete, ensure_defaults, rename, subscribe,
};
pub use summaries::SummarizeError;
pub(crate) use summaries::read_blobs;

#[cfg(test)]
mod tests;
