//! Accounts that leave and arrive, as values: the portable archive, and the move between two hosters with its steps. No
//! clock, no socket, no disk; and nothing here knows what an object means.
#![warn(clippy::indexing_slicing, missing_docs)]

pub mod archive;
pub mod leading;
pub mod moving;
pub mod object;
