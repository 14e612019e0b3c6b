//! Several directories that talk to each other: what one says, the others come to know.
#![expect(clippy::unwrap_used, reason = "a core that refuses what it must take fails the test")]

mod comparison;
mod feed;
mod forks;
mod formats;
mod journal;
mod limits;
mod mutants;
mod net;
mod observations;
mod orders;
mod thread;
mod trust;
mod vectors;
