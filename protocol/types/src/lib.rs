//! What every layer shares: ids, addresses, sizes and times. Values only: nothing here reads a clock, a file or a socket.
#![warn(clippy::indexing_slicing, missing_docs)]

mod address;
pub mod base32;
mod id;
mod object;
mod secret;
mod size;
mod time;

pub use address::{Address, Domain, LocalPart, ParseAddressError};
pub use id::{AccountId, BlobId, ListingId, Lsn, MailboxId, ModSeq, NodeSeq, ParseIdError, Uid, UidValidity};
pub use object::ObjectKind;
pub use secret::Secret;
pub use size::{ByteSize, ParseByteSizeError};
pub use time::Timestamp;
