//! The sending side, from outside: transcripts, and messages through both sides at once.
#![expect(clippy::unwrap_used, reason = "tests")]

mod failures;
mod pipelining;
mod round_trip;
mod script;
mod security;
mod sessions;
