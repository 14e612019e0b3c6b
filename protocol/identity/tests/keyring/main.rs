//! Keyrings from outside: chains, refusals, forks in every order, signing one after another.
#![expect(clippy::unwrap_used, reason = "tests")]

mod chain;
mod forks;
mod people;
mod refusals;
