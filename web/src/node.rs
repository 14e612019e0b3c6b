//! What the pages ask of the node that they belong to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::time::Duration;

use essaim_directory::View;
use essaim_directory::import::Draft;
use essaim_directory::journal::Journal;
use essaim_directory::observation::Observation;
use essaim_types::{Domain, ListingId, Timestamp};
use tokio::sync::{Semaphore, oneshot};

use crate::language::Language;
use crate::metrics::Metric;

/// The node, as the program has it.
pub trait Node: Send + Sync + 'static {
    /// Who runs it.
    fn host(&self) -> Host;
    /// Shows the directory of this moment to `look`. `Err` if there is none, or the node is stopping: then `look` was not called.
    fn look(&self, look: Look) -> Pin<Box<dyn Future<Output = Result<(), Away>> + Send + '_>>;
    /// What nodes have seen of a hoster, as far as it is kept here: a page asks nobody else.
    fn observations(&self, of: ListingId) -> Vec<Observation>;
    /// The same with the journal of what changed, which is some seconds old at most.
    fn look_since(&self, look: LookSince) -> Pin<Box<dyn Future<Output = Result<(), Away>> + Send + '_>>;
    /// Hosters that are only mentioned, and have no listing.
    fn mentioned(&self) -> Pin<Box<dyn Future<Output = Result<Vec<Draft>, Away>> + Send + '_>>;
    /// The signed card by which the domain says which hoster it belongs to (`specs/08-identity.md`); `None` if there is none yet.
    fn card(&self) -> Option<Vec<u8>>;
    /// `Err` says in one sentence why the node cannot serve now.
    fn ready(&self) -> Result<(), String>;
    /// All counters, now.
    fn metrics(&self) -> Vec<Metric>;
}

/// What is done with the directory, as it is at that moment.
pub type Look = Box<dyn FnOnce(&View, Timestamp) + Send>;

/// What is done with the directory and its journal.
pub type LookSince = Box<dyn FnOnce(&View, &Journal, Timestamp) + Send>;

/// Who runs a node, from its configuration: what can be said when there is no directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// How it is called.
    pub name: String,
    /// Its domain.
    pub domain: Domain,
    /// Where its pages stand for others: `https://` and the name of the machine.
    pub base: String,
    /// The version of the program.
    pub version: &'static str,
    /// A mail address at which a human reads.
    pub contact: String,
    /// What it speaks with those whose language nobody here knows.
    pub language: Language,
}

/// The directory cannot be looked at now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away;

/// Looks at the directory, with bounds: so many at once, and so long.
#[derive(Debug)]
pub(crate) struct Window {
    places: Semaphore,
}

impl Window {
    pub(crate) fn new() -> Self {
        Self { places: Semaphore::new(LOOKS_MAX) }
    }

    /// What `look` makes of the directory.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        node: &dyn Node,
        look: impl FnOnce(&View, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Away> {
        let (tell, told) = oneshot::channel();
        let look = move |directory: &View, now| guarded(tell, || look(directory, now));
        self.within(async { node.look(Box::new(look)).await }, told).await
    }

    /// What `look` makes of the directory and its journal.
    pub(crate) async fn look_since<T: Send + 'static>(
        &self,
        node: &dyn Node,
        look: impl FnOnce(&View, &Journal, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Away> {
        let (tell, told) = oneshot::channel();
        let look = move |directory: &View, journal: &Journal, now| {
            guarded(tell, || look(directory, journal, now));
        };
        self.within(async { node.look_since(Box::new(look)).await }, told).await
    }

    async fn within<T>(
        &self,
        looking: impl Future<Output = Result<(), Away>>,
        told: oneshot::Receiver<T>,
    ) -> Result<T, Away> {
        let asked = async {
            let _place = self.places.acquire().await.map_err(|_| Away)?;
            looking.await?;
            told.await.map_err(|_| Away)
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or(Err(Away))
    }
}

/// A mistake in a page ends that page and nothing else.
fn guarded<T>(tell: oneshot::Sender<T>, look: impl FnOnce() -> T) {
    if let Ok(seen) = catch_unwind(AssertUnwindSafe(look)) {
        // Whoever asked may have gone.
        let _ = tell.send(seen);
    }
}

/// Pages that look at the directory at one time; others wait.
const LOOKS_MAX: usize = 4;
/// How long a page waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
