//! What the handle, the readers and the writer share.

use std::sync::{Arc, Mutex, OnceLock, RwLock};

use crate::appender::{AppendFault, Appender};
use crate::codec::Codecs;
use crate::disk::{Disk, Lock};
use crate::error::{AppendError, StoreFailure};
use crate::format::StoreId;
use crate::index::Index;
use crate::options::Options;
use crate::permit::Gates;
use crate::queue::Queue;
use crate::segments::Segments;
use crate::stats::Counters;
use crate::watch::Watchers;
use crate::work::Work;

/// The parts of an open store.
pub(crate) struct Core {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) options: Options,
    pub(crate) index: Index,
    pub(crate) segments: Arc<Segments>,
    pub(crate) appender: Appender,
    pub(crate) codecs: Codecs,
    pub(crate) queue: Queue<Box<dyn Work>>,
    pub(crate) watchers: Watchers,
    pub(crate) gates: Arc<Gates>,
    pub(crate) counters: Counters,
    /// Held by whatever reads or rewrites all segments. Of these locks, a thread takes the upper before the lower, and the
    /// appender's own last.
    pub(crate) maintenance: Mutex<()>,
    /// Held by whoever changes the index, from its first look at it.
    pub(crate) writing: Mutex<()>,
    /// Held for reading from looking up a record's place to reading it, for writing when places change.
    pub(crate) places: RwLock<()>,
    pub(crate) store: StoreId,
    pub(crate) failure: OnceLock<Arc<StoreFailure>>,
    /// Dropped last: another process may open the store then.
    pub(crate) _lock: Lock,
}

impl Core {
    /// Fails if the store has failed before.
    pub(crate) fn check(&self) -> Result<(), Arc<StoreFailure>> {
        self.failure.get().map_or(Ok(()), |failure| Err(Arc::clone(failure)))
    }

    /// From now on nothing is accepted. The first failure is the one that is told.
    pub(crate) fn poison(
        &self,
        attempt: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Arc<StoreFailure> {
        let failure = self.failure.get_or_init(|| {
            let failure = StoreFailure { attempt, source: source.into() };
            tracing::error!(error = &failure as &dyn std::error::Error, "{failure}");
            Arc::new(failure)
        });
        Arc::clone(failure)
    }

    /// Whether so many bytes more leave the reserve untouched. If the disk does not say, writing will.
    pub(crate) fn check_space(&self, bytes: usize) -> Result<(), AppendFault> {
        let needed = self.options.reserve.0.saturating_add(bytes as u64);
        match self.disk.free_space() {
            Ok(free) if free < needed => Err(AppendFault::NoSpace),
            _ => Ok(()),
        }
    }

    /// What a caller is told about a fault; anything but a full disk poisons the store.
    pub(crate) fn append_error(&self, fault: AppendFault) -> AppendError {
        match fault {
            AppendFault::NoSpace => AppendError::NoSpace,
            AppendFault::Io(source) => AppendError::Failed(self.poison("append to the last segment", source)),
        }
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("disk", &self.disk)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
