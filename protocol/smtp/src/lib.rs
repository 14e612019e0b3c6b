//! SMTP conversations as values: they take bytes and answers, and say what to do next. See README.md of this folder.
#![warn(clippy::indexing_slicing, missing_docs)]

mod body;
pub mod bounce;
pub mod client;
mod command;
mod date;
mod entry;
mod line;
mod message_id;
mod needs;
mod queue_id;
mod reply;
pub mod results;
pub mod server;
pub mod srs;
pub mod submission;
pub mod trace;

pub use body::BodyType;
pub use date::Date;
pub use entry::{EntryName, ParseEntryNameError};
pub use message_id::MessageId;
pub use needs::{Needs, NeedsReader};
pub use queue_id::QueueId;
pub use reply::{EnhancedStatus, ParseStatusError};
