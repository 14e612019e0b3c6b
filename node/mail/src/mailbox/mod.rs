//! Mailboxes: names, special uses, and how messages come in, change and go. Every function here is a step inside one
//! transaction of the store, so that callers combine them (one message to three members is one commit).

mod append;
mod change;
mod history;
mod index;
mod objects;
mod rules;

pub use append::{AppendError, Appended, Arrival, append};
pub use change::{Copied, copy, expunge, find_message, set_flags};
pub use index::{Catalog, Event, Index, IndexError};
pub use objects::{Objects, ObjectsError};
pub(crate) use rules::as_bytes;
pub use rules::{
    MailboxError, Mailboxes, all, by_id, by_name, create, delete, ensure_defaults, rename, subscribe,
};

#[cfg(test)]
mod tests;
