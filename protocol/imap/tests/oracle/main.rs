//! imap-codec, written by others from the same RFCs (rev1 and some extensions), as an oracle: what it encodes as a command
//! means the same to us, and what we encode as a response means the same to it.
#![expect(clippy::unwrap_used, reason = "an oracle that is not understood panics")]

mod commands;
mod responses;
mod translate;
