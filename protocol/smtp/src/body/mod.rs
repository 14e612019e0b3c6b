//! The bytes of a message on their way through a conversation: framing and inspection, never held whole.

mod dots;
mod inspect;

pub(crate) use dots::{Fed, Undot};
pub(crate) use inspect::{Fault, Inspector};
