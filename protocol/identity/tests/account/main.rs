//! An account from its first entry to its last, told as stories.
#![expect(clippy::unwrap_used, reason = "tests")]

mod adversaries;
mod forks;
mod histories;
mod papers;
mod people;
mod residence;
mod rules;
