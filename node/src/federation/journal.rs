//! The journal of what became visible here, kept in the store: what `since=` and the feed are answered from.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use essaim_directory::View;
use essaim_directory::journal::{Entry, Head, Journal, Step};
use essaim_types::{ListingId, ObjectKind, Timestamp};
use tokio::time::{MissedTickBehavior, interval};

use super::rows::{Rows, Write, unwritten};
use super::{Federation, keys};
use crate::failure::Failure;
use crate::shutdown::Stop;
use crate::vitals::now;

/// The journal in memory. It never has what the store has not.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// One observes at a time; when it did so last.
    turn: tokio::sync::Mutex<Option<Timestamp>>,
    /// Who reads holds a copy and not the lock.
    journal: RwLock<Option<Arc<Journal>>>,
}

impl Federation {
    /// Looks at the directory together with its journal, which is then at most this old.
    pub(crate) async fn look_since<T: Send + 'static>(
        &self,
        age_max: Duration,
        look: impl FnOnce(&View, &Journal, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let observed = self.observe(age_max).await;
        let inner = Arc::clone(&self.0);
        let seen = self.look(move |directory, now| {
            let journal = inner.journal.journal.read().unwrap_or_else(PoisonError::into_inner).clone();
            journal.map(|journal| look(directory, &journal, now))
        });
        match (seen.await?, observed) {
            // On a full disk readers are told what was known before.
            (Some(seen), _) => Ok(seen),
            (None, Err(failure)) => Err(failure),
            (None, Ok(())) => Err(super::stopping()),
        }
    }

    /// Writes down what changed since the last time.
    async fn observe(&self, age_max: Duration) -> Result<(), Failure> {
        let mut last = self.0.journal.turn.lock().await;
        if last.is_some_and(|last| now().since(last) < age_max) {
            return Ok(());
        }
        self.begin().await?;
        let inner = Arc::clone(&self.0);
        let steps = self.look(move |directory, now| {
            let mut journal = inner.journal.journal.write().unwrap_or_else(PoisonError::into_inner);
            let journal = journal.as_mut().map(Arc::make_mut);
            journal.map_or_else(Vec::new, |journal| journal.observe(now, directory))
        });
        let steps = steps.await?;
        if !steps.is_empty() {
            let writes = steps.iter().map(write).collect();
            self.0.rows.commit(writes).await.map_err(|error| unwritten(&error))?;
            self.with_journal(|journal| journal.take_in(steps));
        }
        *last = Some(now());
        Ok(())
    }

    /// Reads the journal, or begins one.
    async fn begin(&self) -> Result<(), Failure> {
        if self.with_journal(|_| ()).is_some() {
            return Ok(());
        }
        let rows = self.0.rows.clone();
        let journal = match read(&rows)? {
            Some(journal) => journal,
            None => {
                let id = keys::random()
                    .map_err(|error| Failure::caused("the system gives no random bytes", &error))?;
                let journal = Journal::new(*id);
                let head = write(&Step::Head(journal.head()));
                rows.commit(vec![head]).await.map_err(|error| unwritten(&error))?;
                journal
            }
        };
        *self.0.journal.journal.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(journal));
        Ok(())
    }

    fn with_journal<T>(&self, work: impl FnOnce(&mut Journal) -> T) -> Option<T> {
        let mut journal = self.0.journal.journal.write().unwrap_or_else(PoisonError::into_inner);
        journal.as_mut().map(Arc::make_mut).map(work)
    }

    /// Observes until the node stops, so that the feed knows when something happened although nobody asked.
    pub(crate) async fn keep_journal(self, stop: Stop) {
        let mut tick = interval(OBSERVE_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    // A full disk is told by whoever needs it more; the next time sees all of it.
                    let _ = self.observe(OBSERVE_EVERY / 2).await;
                }
                () = stop.requested() => return,
            }
        }
    }
}

fn read(rows: &Rows) -> Result<Option<Journal>, Failure> {
    let Some(head) = rows.record::<Head>(ObjectKind::LISTED, HEAD)? else { return Ok(None) };
    let entries = rows.records::<Entry>(ObjectKind::LISTED)?;
    let entry = |(key, entry): (Vec<u8>, Entry)| Some((ListingId::from_bytes(key.try_into().ok()?), entry));
    Ok(Some(Journal::load(head, entries.into_iter().filter_map(entry))))
}

fn write(step: &Step) -> Write {
    match step {
        Step::Put(listing, entry) => Write::record(ObjectKind::LISTED, listing.as_bytes(), entry),
        Step::Forget(listing) => Write::Delete(ObjectKind::LISTED, listing.as_bytes().to_vec()),
        Step::Head(head) => Write::record(ObjectKind::LISTED, HEAD, head),
    }
}

/// The key of what is true of the whole journal.
const HEAD: &[u8] = &[];
/// How exact the times of the feed are.
const OBSERVE_EVERY: Duration = Duration::from_secs(60);
