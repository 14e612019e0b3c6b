//! The two machines of a move against everything that can go wrong: every path within a budget, and random long ones.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: a panic is its answer, numbers are its report"
)]

mod adversary;
mod explore;
mod frames;
mod random;
mod repair;
mod world;
