//! SMTP conversations as values: they take bytes and answers, and say what to do next. See README.md of this folder.
#![warn(clippy::indexing_slicing, missing_docs)]

mod body;
pub mod client;
mod command;
mod line;
mod queue_id;
mod reply;
pub mod server;
pub mod trace;

pub use body::BodyType;
pub use queue_id::QueueId;
pub use reply::{EnhancedStatus, ParseStatusError};
