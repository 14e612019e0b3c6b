//! One error for each operation of the store.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::sync::Arc;

use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind};

use crate::account::AccountStatus;
use crate::index::IndexError;
use crate::wire::DecodeError;

/// Why a store could not be opened. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the store is in use by another process: stop that node first, or give the command to it")]
    Locked,
    /// FORMAT has a larger number.
    #[error(
        "the store was written by a newer essaim (store format {found}, this one knows {known}): install that version"
    )]
    Newer {
        /// The number found.
        found: u32,
        /// The largest number known.
        known: u32,
    },
    /// FORMAT has a smaller number.
    #[error(
        "the store was written by an essaim from before the first release (store format {found}, this one knows {known}): begin a new one"
    )]
    Older {
        /// The number found.
        found: u32,
        /// The only number known.
        known: u32,
    },
    /// FORMAT is there, but is not what a store writes.
    #[error(
        "the file FORMAT of the store is damaged: restore it from a backup, or write \"essaim store 2\" and the line \"id ...\" of any backup into it"
    )]
    Format,
    /// There are segments, but FORMAT is gone.
    #[error("the store has segments but no file FORMAT: restore it from a backup of the same store")]
    FormatMissing,
    /// A segment between others is gone.
    #[error("segment {segment} of the store is missing: restore segments/ from a backup")]
    SegmentMissing {
        /// Its number.
        segment: u32,
    },
    /// A segment of another store.
    #[error("segment {segment} belongs to another store: put back the one of this store")]
    SegmentForeign {
        /// Its number.
        segment: u32,
    },
    /// A record that is not at the end of the stream is damaged.
    #[error("segment {segment} is damaged at offset {offset} ({reason}): restore this file from a backup")]
    Damaged {
        /// Number of the segment.
        segment: u32,
        /// Where the damaged record begins.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The index has seen more than the segments hold.
    #[error(
        "the segments end before what the index has already seen (segment {segment}, offset {offset}): segments were lost; restore them, or accept the loss with `essaim store rebuild-index`"
    )]
    SegmentsLost {
        /// Number of the segment up to which the index is computed.
        segment: u32,
        /// And the offset in it.
        offset: u64,
    },
    /// The file system failed.
    #[error("could not {attempt}")]
    Io {
        /// What was attempted, and on what.
        attempt: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The index failed although it was made anew.
    #[error("the index of the store failed: check the disk, then delete index.redb while the node is down")]
    Index(#[source] Box<dyn Error + Send + Sync>),
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No such blob.
    #[error("there is no blob {blob}")]
    NoSuchBlob {
        /// Its id.
        blob: BlobId,
    },
    /// The bytes on the disk are not those that were written.
    #[error("segment {segment} is damaged at offset {offset} ({reason}): run `essaim store verify`")]
    Damaged {
        /// Number of the segment.
        segment: u32,
        /// Where the record begins.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system failed.
    #[error("could not read segment {segment}")]
    Segment {
        /// Its number.
        segment: u32,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The index that was to be compared could not be made.
    #[error("could not make the index that verify compares with")]
    Scratch(#[source] io::Error),
    /// The index failed or holds what it should not.
    #[error("could not read the index of the store")]
    Index(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a closure could not do what it wanted within a transaction.
#[derive(Debug, thiserror::Error)]
pub enum TxError {
    /// No such account.
    #[error("there is no account {account}")]
    NoSuchAccount {
        /// Its id.
        account: AccountId,
    },
    /// It is there already.
    #[error("account {account} exists already")]
    AccountExists {
        /// Its id.
        account: AccountId,
    },
    /// An account is deleted after everything in it.
    #[error("account {account} still has {objects} objects")]
    AccountNotEmpty {
        /// Its id.
        account: AccountId,
        /// How many.
        objects: u64,
    },
    /// The account lives elsewhere, or is on its way here: see [`AccountStatus`].
    #[error("account {account} is {status}: this cannot be done to it now")]
    Status {
        /// Its id.
        account: AccountId,
        /// What its status is.
        status: AccountStatus,
    },
    /// The account changes its host at this moment, and the commit has no permit to write to it: see [`crate::Store::commit_to`].
    #[error("account {account} is being moved: try again in a moment")]
    Fenced {
        /// Its id.
        account: AccountId,
    },
    /// A change to replay that is not the next, or an account that does not stand where it should.
    #[error("account {account} stands at LSN {last}, and {found} does not fit")]
    Gap {
        /// Its id.
        account: AccountId,
        /// The last LSN here.
        last: Lsn,
        /// The one given.
        found: Lsn,
    },
    /// A copy holds objects that are newer than the last change replayed.
    #[error(
        "account {account} stands at LSN {lsn} and holds an object of LSN {copied}: replay the changes up to there first"
    )]
    Incomplete {
        /// Its id.
        account: AccountId,
        /// The last LSN here.
        lsn: Lsn,
        /// The highest LSN of an object that was adopted.
        copied: Lsn,
    },
    /// The store writes this kind itself.
    #[error("objects of kind {kind} are written by the store alone")]
    Reserved {
        /// The kind.
        kind: ObjectKind,
    },
    /// A key, value, charge or list of blobs is over its limit.
    #[error("{what} is too large: {size}, at most {limit}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How large it is.
        size: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The blob was never put, or swept since.
    #[error("there is no blob {blob} to name: put it before the commit")]
    NoSuchBlob {
        /// Its id.
        blob: BlobId,
    },
    /// The index failed.
    #[error("could not read the index of the store")]
    Index(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a commit did not happen. With any of these, nothing of the closure's work is visible.
#[derive(Debug, thiserror::Error)]
pub enum CommitError<E> {
    /// The closure refused.
    #[error("{0}")]
    Refused(E),
    /// The account changes its host at this moment: waiting for it took too long. It will be here again, or elsewhere, soon.
    #[error("account {account} is being moved: try again in a moment")]
    Unavailable {
        /// Whose.
        account: AccountId,
    },
    /// The account would be over its quota, and fuller than before.
    #[error("account {account} is over its quota of {quota}")]
    OverQuota {
        /// Whose.
        account: AccountId,
        /// How much it may hold.
        quota: ByteSize,
    },
    /// The transaction is larger than a record may be.
    #[error("the transaction is too large: at most {limit}; split it")]
    TooLarge {
        /// How large its record may be.
        limit: ByteSize,
    },
    /// The disk is full, or nearly: see [`crate::Options::reserve`]. The store goes on when there is space again.
    #[error("the disk is full: free some space, or make the reserve smaller")]
    NoSpace,
    /// The store has failed and must be opened again. Whether this commit will be there then is not known.
    #[error(transparent)]
    Failed(Arc<StoreFailure>),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

/// Why an account does not stand still.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// No such account.
    #[error("there is no account {account}")]
    NoSuchAccount {
        /// Its id.
        account: AccountId,
    },
    /// Another fence of the account stands.
    #[error("account {account} is fenced already")]
    Fenced {
        /// Its id.
        account: AccountId,
    },
    /// Those who write to it did not come to their end: see [`crate::FENCE_MAX`].
    #[error("account {account} is written to without a pause: try again")]
    Busy {
        /// Its id.
        account: AccountId,
    },
    /// The store could not wait for its own commits.
    #[error(transparent)]
    Commit(#[from] CommitError<Infallible>),
    /// The account could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why bytes could not be appended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// More than [`crate::BLOB_MAX`] in one blob.
    #[error("a blob of {size} is too large: at most {limit}; use a content writer")]
    TooLarge {
        /// Its size.
        size: ByteSize,
        /// How large it may be.
        limit: ByteSize,
    },
    /// The disk is full, or nearly: see [`crate::Options::reserve`]. The store goes on when there is space again.
    #[error("the disk is full: free some space, or make the reserve smaller")]
    NoSpace,
    /// The store has failed and must be opened again.
    #[error(transparent)]
    Failed(Arc<StoreFailure>),
}

/// Why a record that another store made was not put.
#[derive(Debug, thiserror::Error)]
pub enum PutRecordError {
    /// Its bytes are not what its header says.
    #[error("a blob that came is not what it says")]
    NotIntact(#[from] DecodeError),
    /// As with any blob.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// The one failure after which a store accepts nothing more: what is on the disk is no longer certain.
#[derive(Debug, thiserror::Error)]
#[error("the store could not {attempt} and accepts nothing more: check the disk, then restart the node")]
pub struct StoreFailure {
    /// What was attempted.
    pub attempt: &'static str,
    /// The cause.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl From<IndexError> for OpenError {
    fn from(error: IndexError) -> Self {
        Self::Index(error.0)
    }
}

impl From<IndexError> for ReadError {
    fn from(error: IndexError) -> Self {
        Self::Index(error.0)
    }
}

impl From<DecodeError> for ReadError {
    fn from(error: DecodeError) -> Self {
        Self::Index(Box::new(error))
    }
}

impl From<IndexError> for TxError {
    fn from(error: IndexError) -> Self {
        Self::Index(error.0)
    }
}

impl From<DecodeError> for TxError {
    fn from(error: DecodeError) -> Self {
        Self::Index(Box::new(error))
    }
}

impl OpenError {
    pub(crate) fn io(attempt: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let attempt = attempt.into();
        |source| Self::Io { attempt, source }
    }
}
