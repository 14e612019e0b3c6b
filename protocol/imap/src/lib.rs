//! IMAP4rev2 (RFC 9051) and IMAP4rev1 (RFC 3501): grammar, responses, and the conversation. No socket, no clock, no disk.
//!
//! - [`command`]: what a client can ask, one file per command.
//! - [`connection`]: the conversation: bytes in, actions out.
//! - [`response`]: what a server says, written into a buffer of the caller's.
//! - the words both share: [`MailboxName`], [`Flag`], [`SequenceSet`], [`InternalDate`] and their like.
#![warn(clippy::indexing_slicing, missing_docs)]

pub mod command;
pub mod connection;
mod date;
mod extension;
mod flag;
mod mailbox;
mod object_id;
mod parse;
pub mod response;
mod sequence;
mod tag;
mod utf7;

pub use command::{AccountCommand, Command, MailboxCommand, SessionCommand};
pub use connection::{Action, Awareness, Connection, Limits, Outcome, Settings, State, Transport};
pub use date::{Date, InternalDate};
pub use extension::{Enabled, Extension};
pub use flag::{Flag, InvalidKeyword, Keyword};
pub use mailbox::{HIERARCHY_SEPARATOR, InvalidMailboxName, MailboxName};
pub use object_id::{InvalidObjectId, ObjectId};
pub use response::{Condition, Reply, ResponseCode};
pub use sequence::{InvalidSequenceSet, MessageSet, Numbering, SequenceNumber, SequenceRange, SequenceSet};
pub use tag::Tag;
