//! Leading a client on: after an account has moved, its mail program still comes to the old hoster. That one speaks with it until it logs in, and
//! then hands the session over to the new one, which looks at the password and serves. From then on the old hoster carries bytes.
//!
//! | module | |
//! |---|---|
//! | [`message`] | the login that is handed over, and the answer |
//! | [`flow`] | bytes both ways, so that a client that does not read holds up nobody else |
//!
//! Bytes, order and reasons: `specs/16-move.md`.

pub mod flow;
pub mod message;

pub use flow::Flow;
pub use message::{Answer, Handover, Refusal, Service, Wish};
