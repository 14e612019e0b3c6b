//! What the accounts of a node do, through the public interface only.
#![expect(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod addresses;
mod elsewhere;
mod ledger;
mod lifecycle;
mod logins;
mod passwords;
mod resolution;
mod storage;
mod support;
mod witness;
