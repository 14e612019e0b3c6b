//! The bytes of a message on their way through a conversation: framing and inspection, never held whole.

mod dots;
mod inspect;
mod mend;
mod stuff;

pub(crate) use dots::{Fed, Undot};
pub(crate) use inspect::{Fault, Inspector};
pub(crate) use mend::Mend;
pub(crate) use stuff::Stuff;

/// What a message is made of: BODY= of MAIL (RFC 6152).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyType {
    /// 7BIT, and what is assumed without the parameter.
    #[default]
    SevenBit,
    /// 8BITMIME.
    EightBit,
}
