//! Mail on its way out: durable in the commit that takes it, tried until it is delivered or too old. See specs/07-queue.md.
//!
//! Rules and order live here. Sockets, DNS and TLS do not: a [`Transport`] carries what this hands it.

mod bounce;
mod config;
mod course;
mod enqueue;
mod entry;
mod key;
mod operate;
mod reply;
mod run;
mod scheduler;
mod settle;
mod tally;
mod transport;

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use essaim_accounts::Accounts;
use essaim_smtp::bounce::Language;
use essaim_store::{AppendError, CommitError, Object, ReadError, Store, TxError};
use essaim_types::{AccountId, Domain, ObjectKind, Timestamp};

use crate::delivery::DeliverError;
use crate::record::RecordError;

pub use config::QueueConfig;
pub use course::{Course, Heading};
pub use enqueue::{EnqueueError, Outgoing, RECIPIENTS_MAX, enqueue};
pub use entry::{Entry, Next, Notice, Recipient, RecipientState, Settled, TURNS_MAX};
pub use key::{Lane, ParseQueueIdError, QueueId, QueueKey};
pub use operate::{Cursor, Dropped, Farewell, Listed, Page, ParseCursorError, Rehearsal, Selection};
pub use reply::{Diagnosis, Outcome};
pub use scheduler::{Route, Scheduler};
pub use transport::{Attempt, Body, Letter, Session, Transport, Way};

/// The queue of a node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    store: Store,
    accounts: Accounts,
    /// Whose objects the entries are.
    hoster: AccountId,
    /// As this node calls itself in bounces.
    hostname: Domain,
    /// What members read.
    language: Language,
    config: Arc<QueueConfig>,
    /// Entries, as far as [`Queue::run`] has followed the log.
    waiting: Arc<AtomicI64>,
    /// What went which way.
    tally: Arc<tally::Tally>,
}

/// Why the queue stopped, or an operation on it failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("could not read the queue")]
    Read(#[from] ReadError),
    #[error("the log of the hoster's account begins after {base}: it is no account that moves")]
    Moved { base: essaim_types::Lsn },
    #[error("could not read an entry of the queue")]
    Record(#[from] RecordError),
    #[error("could not write a bounce")]
    Append(#[from] AppendError),
    #[error("could not change the queue")]
    Commit(#[source] CommitError<StepError>),
}

/// What can fail within a commit of the queue.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(transparent)]
    Store(#[from] TxError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error("could not deliver a notice to the sender")]
    Deliver(#[from] DeliverError),
    #[error(transparent)]
    Journal(#[from] essaim_accounts::StorageError),
}

impl QueueError {
    /// It goes on when there is space again.
    fn is_full_disk(&self) -> bool {
        matches!(self, Self::Append(AppendError::NoSpace) | Self::Commit(CommitError::NoSpace))
    }
}

impl From<CommitError<StepError>> for QueueError {
    fn from(error: CommitError<StepError>) -> Self {
        Self::Commit(error)
    }
}

impl Queue {
    /// The queue in the store of these accounts. Nothing is sent before [`Queue::run`].
    pub fn new(
        store: Store,
        accounts: Accounts,
        hostname: Domain,
        language: Language,
        config: QueueConfig,
    ) -> Self {
        let hoster = accounts.hoster();
        Self {
            store,
            accounts,
            hoster,
            hostname,
            language,
            config: Arc::new(config),
            waiting: Arc::default(),
            tally: Arc::default(),
        }
    }

    /// Whose objects the entries are: for [`enqueue`].
    pub fn hoster(&self) -> AccountId {
        self.hoster
    }

    /// Entries that wait, while [`Queue::run`] runs.
    pub fn waiting(&self) -> u64 {
        u64::try_from(self.waiting.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Recipients that have got a message this way since the start, and those that were put off.
    pub fn sent(&self, way: Way) -> (u64, u64) {
        self.tally.read(way)
    }

    /// Whether more may come in; if not, submission answers "later".
    pub fn has_room(&self) -> bool {
        self.waiting() < self.config.max_entries
    }

    /// The first entry of a lane.
    fn head(&self, lane: &Lane) -> Result<Option<(QueueKey, Object)>, QueueError> {
        let (from, to) = (lane.prefix(), lane.end());
        let (from, to) = (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice()));
        let mut entries = self.store.read()?.range(self.hoster, ObjectKind::QUEUED, from, to)?;
        let Some(first) = entries.next() else { return Ok(None) };
        let (key, object) = first?;
        Ok(Some((QueueKey::decode(&key)?, object)))
    }
}

/// The time by the system's clock.
fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests;
