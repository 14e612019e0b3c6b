//! The receiving side, from outside: transcripts, properties and the smuggling corpus.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod bdat;
mod chunking;
mod errors;
mod handed_over;
mod limits;
mod login;
mod rfc5321;
mod script;
mod smuggling;
mod starttls;
mod timing;
