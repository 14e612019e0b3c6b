//! What IMAP commands do. The conversation (who may speak when, how it is written) is `essaim_imap`; sockets are the program's.
//!
//! One file for each family of commands. A rule writes untagged responses into the [`Sink`] and returns the tagged one.

mod ahead;
mod append;
mod copy;
mod cut;
mod expunge;
mod fetch;
mod list;
mod outcome;
mod quota;
mod read;
mod rename;
mod search;
mod select;
mod session;
mod sink;
mod status;
mod store;
mod view;

pub use append::Append;
pub use read::email_id;
pub use session::Session;
pub use sink::{Gone, Sink};
pub use view::Removals;

#[cfg(test)]
mod tests;
