//! The resistance list of the directory's design: what strangers send to break a node.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: bytes made here are right, and time is measured"
)]

mod craft;
mod r1_to_r4;
