//! The live move of an account between two hosters: two state machines, [`Source`] and [`Target`], and the messages between
//! them. The member keeps working at the source while everything is copied; writes stop for less than a second when the
//! account changes hands.
//!
//! | module | |
//! |---|---|
//! | [`batch`] | what is carried: objects of the copy, changes of the log, how far both sides are |
//! | [`summary`] | Merkle roots of an account, and the pages that differ |
//! | [`message`], [`frame`] | what the sides say to each other, and its bytes |
//! | [`source`] | the side that has the account |
//! | [`target`] | the side that gets it |
//! | [`progress`] | what a person sees meanwhile |
//! | [`limits`] | every bound, by name |
//!
//! A machine asks by [`source::Action`]s and [`target::Action`]s, which its caller performs in order; those that have an answer are
//! answered by an event before anything else is told to the machine. An action that fails ends the machine: the caller makes a
//! new one from the record that was saved last, exactly as after a crash. So there is one way to recover, and the model in
//! `tests/model` tries it at every step.
//!
//! Bytes, order and reasons: `specs/16-move.md`.

pub mod batch;
pub mod frame;
pub mod limits;
pub mod message;
pub mod pack;
pub mod progress;
pub mod source;
pub mod summary;
pub mod target;
mod wire;

pub use batch::{Batch, Change, Op, Place};
pub use message::Message;
pub use source::Source;
pub use summary::Summary;
pub use target::Target;
