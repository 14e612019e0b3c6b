//! Signed records from outside: what is refused, what is kept, what a stranger's bytes can do.
#![expect(clippy::unwrap_used, reason = "tests")]

mod domain;
mod invitation;
mod mutations;
mod samples;
mod signatures;
