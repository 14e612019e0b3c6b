//! What hosters keep of each other's accounts, and how it is had back when an account's hoster is gone. `specs/17-recovery.md`.
//!
//! | module | |
//! |---|---|
//! | `held` | what a replica says of itself; [`Replicas`]: whoever keeps some |
//! | [`message`] | questions and answers between two nodes, and their bytes |
//! | `access` | the paper with which an account's hoster asks for what is kept |
//! | `compare` | of what several holders have, which is the account's last state, and whom not to believe |

mod access;
mod compare;
mod held;
pub mod message;

pub use access::{Access, Caller, Denied};
pub use compare::{Candidate, Comparison, Doubt, Remark, compare};
pub use held::{Form, Held, Replicas, SealFault};
