//! A storm of mail and the book that is kept about it. The tests in `tests/` kill the node in the middle of it.

pub mod check;
pub mod ledger;
pub mod storm;
