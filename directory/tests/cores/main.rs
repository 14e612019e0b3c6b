//! Several directories that talk to each other: what one says, the others come to know.
#![expect(clippy::unwrap_used, reason = "a core that refuses what it must take fails the test")]

mod bundle;
mod comparison;
mod feed;
#[expect(clippy::disallowed_methods, reason = "how long others wait is what is tested")]
mod flood;
mod forks;
mod formats;
mod journal;
mod limits;
#[expect(clippy::disallowed_methods, reason = "how long a refusal takes is what is tested")]
mod mutants;
mod net;
mod observations;
mod operators;
mod orders;
mod thread;
mod trust;
mod vectors;
