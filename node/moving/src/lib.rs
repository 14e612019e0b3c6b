//! What the machines of a move (`essaim_migration::moving`) ask of the store: batches are read here and applied there, and each side keeps
//! its record in the transaction of what the record says. Decides nothing, and knows no stream.
//!
//! The record of a move is an object of the hoster's own account (kind `MOVE`, key the move's id): a version byte, then CBOR. The blobs of a
//! large object that came before it are named by that object, so that they stay.
#![warn(missing_docs)]

mod adopting;
mod leaving;
mod record;
mod summary;

pub use adopting::Adopting;
pub use leaving::{Leaving, Loaded};
pub use record::{Records, StoredRecord};

use essaim_store::{CommitError, PutRecordError, ReadError, TxError};
use essaim_types::Lsn;

/// Why the store did not do what a machine asked. The machine ends, and a new one goes on from the record.
#[derive(Debug, thiserror::Error)]
pub enum MovingError {
    /// Reading failed.
    #[error("the account could not be read")]
    Read(#[from] ReadError),
    /// A blob could not be kept.
    #[error("a blob could not be kept")]
    Append(#[from] PutRecordError),
    /// Nothing was written.
    #[error("nothing was written")]
    Commit(#[source] Box<CommitError<TxError>>),
    /// The transaction in which the account changes hands was refused, by the store or by what the caller adds to it.
    #[error("the account did not change hands")]
    Handover(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The log of the source does not reach back to what the target has.
    #[error("the log of the account begins after {base}, and the other side is before that")]
    Trimmed {
        /// Where it begins.
        base: Lsn,
    },
    /// The record is not one of this version.
    #[error("the record of the move cannot be read: was it written by a newer essaim?")]
    Record,
}

impl From<CommitError<TxError>> for MovingError {
    fn from(error: CommitError<TxError>) -> Self {
        Self::Commit(Box::new(error))
    }
}
