//! Observations in the store: of each pair of observer and subject the latest, for 30 days.

use essaim_directory::observation::Observation;
use essaim_identity::Signed;
use essaim_types::{ListingId, ObjectKind, Timestamp};

use super::rows::{Rows, Write, unwritten, versioned};
use crate::failure::Failure;

impl Rows {
    /// All that is kept of a hoster and still says something, the latest first.
    pub(super) fn observations(
        &self,
        subject: ListingId,
        now: Timestamp,
    ) -> Result<Vec<Signed<Observation>>, Failure> {
        let kept = self.beginning(ObjectKind::OBSERVATION, subject.as_bytes())?;
        let read = kept.into_iter().filter_map(|kept| Observation::read(&kept.value, now).ok());
        let mut found: Vec<Signed<Observation>> = read.collect();
        found.sort_by_key(|observation| std::cmp::Reverse(observation.record().time));
        Ok(found)
    }

    /// What a node has seen of a hoster itself, as it is told to others.
    pub(super) fn observation(
        &self,
        subject: ListingId,
        observer: ListingId,
        now: Timestamp,
    ) -> Result<Option<Signed<Observation>>, Failure> {
        let found = self.one(ObjectKind::OBSERVATION, &key(subject, observer))?;
        Ok(found.and_then(|bytes| Observation::read(&bytes, now).ok()))
    }

    /// Forgets what says nothing any more.
    pub(super) async fn sweep_observations(&self, now: Timestamp) -> Result<(), Failure> {
        let kept = tokio::task::block_in_place(|| self.beginning(ObjectKind::OBSERVATION, &[]))?;
        let old = kept.into_iter().filter(|kept| Observation::read(&kept.value, now).is_err());
        let writes: Vec<Write> = old.map(|kept| Write::Delete(ObjectKind::OBSERVATION, kept.key)).collect();
        if writes.is_empty() {
            return Ok(());
        }
        self.commit(writes).await.map_err(|error| unwritten(&error))
    }
}

impl Write {
    pub(super) fn observation(observation: &Signed<Observation>) -> Self {
        let record = observation.record();
        let key = key(record.subject, record.observer).to_vec();
        Self::Put(ObjectKind::OBSERVATION, key, versioned(&observation.to_wire()))
    }
}

fn key(subject: ListingId, observer: ListingId) -> [u8; 64] {
    let mut key = [0; 64];
    let bytes = subject.as_bytes().iter().chain(observer.as_bytes());
    key.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    key
}
