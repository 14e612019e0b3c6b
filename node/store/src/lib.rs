//! Accounts, their objects, the log of changes, and blobs.
//!
//! One append-only stream of segments holds everything; an index that can be computed again from it answers reads. The formats
//! and the reasons are in `specs/01-store.md`. Nothing here knows what an object means.

mod account;
mod appender;
mod applier;
mod blob;
mod blob_reader;
mod codec;
mod content;
mod core;
mod disk;
mod error;
mod fold;
mod format;
mod garbage;
mod index;
mod merge;
mod object;
mod open;
mod options;
mod overlay;
mod permit;
mod progress;
mod queue;
mod rebuild;
mod record;
mod replay;
mod scan;
mod segment;
mod segments;
mod snapshot;
mod stats;
mod store;
mod tail;
mod transaction;
mod tx;
mod verify;
mod watch;
mod wire;
mod work;
mod writer;

pub use account::AccountStatus;
pub use blob_reader::BlobReader;
pub use codec::Content;
pub use content::{ContentRef, ContentWriter};
pub use disk::{
    Disk, DiskFile, Fault, Lock, OpenMode, Operation, OperationKind, RealDisk, SimDisk, Survival,
};
pub use error::{
    AppendError, CommitError, FenceError, OpenError, PutRecordError, ReadError, StoreFailure, TxError,
};
pub use garbage::{GarbageError, GarbageReport};
pub use object::{BLOBS_MAX, KEY_MAX, Object, ObjectRef, Put, VALUE_MAX};
pub use options::Options;
pub use permit::{FENCE_MAX, Fence};
pub use progress::{Progress, Step};
pub use rebuild::{RebuildReport, rebuild_index};
pub use record::{BLOB_MAX, Codec, RecordHeader, RecordKind, TRANSACTION_MAX};
pub use snapshot::{AccountState, DerivedRange, Objects, Range, Snapshot};
pub use stats::Stats;
pub use store::Store;
pub use tail::{Change, Changes, Position, Record, Tail};
pub use transaction::{Group, LSN_MAX, Op, Transaction};
pub use tx::{Tx, TxRange};
pub use verify::{Difference, Finding, VerifyReport};
pub use wire::DecodeError;
