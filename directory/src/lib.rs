//! The shared directory as a value: bytes from strangers in, verdicts and listings out. No clock, no socket, no disk.
#![warn(clippy::indexing_slicing, missing_docs)]

pub mod document;
pub mod guard;
pub mod listing;
