//! Accounts that leave and arrive, as values: the portable archive, the move between two hosters with its steps, and
//! what hosters keep of each other's accounts. No clock, no socket, no disk; and nothing here knows what an object means.
#![warn(clippy::indexing_slicing, missing_docs)]

pub mod archive;
pub mod leading;
pub mod moving;
pub mod object;
pub mod replica;
