//! Nodes on loopback: real sockets, ports that the system chooses, no sleeping.
#![expect(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod bulk;
mod bulk_limits;
mod connections;
mod gossip;
mod requests;
mod strangers;
mod support;
