//! Accounts that move from one store to another: see "Accounts that move" in specs/01-store.md.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod copies;
mod crash;
mod rules;
#[path = "../support/mod.rs"]
mod support;
mod transfer;
