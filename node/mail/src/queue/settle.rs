//! What an attempt brought becomes durable: the entry's new state and what its sender is told, in one commit.

use std::ops::Bound;
use std::time::Duration;

use essaim_store::{CommitError, Object, Tx};
use essaim_types::{AccountId, BlobId, ObjectKind, Timestamp};
use tracing::{error, info, warn};

use super::bounce::Told;
use super::course::Heading;
use super::enqueue;
use super::entry::{Entry, Next, Recipient, RecipientState, Settled};
use super::key::{Lane, QueueKey};
use super::transport::{Attempt, Way};
use super::{Queue, QueueError, StepError, now};
use crate::delivery;
use crate::record::RecordError;

/// What a commit does to an entry.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) key: QueueKey,
    pub(super) entry: Entry,
    pub(super) next: Next,
    pub(super) told: Vec<Told>,
    /// Entries that take the place of a part of this one.
    pub(super) onward: Vec<(Lane, Entry)>,
}

impl Queue {
    /// Writes down what came of an attempt. Once this returns, no recipient that has got the message gets it again.
    pub(super) async fn settle(
        &self,
        key: QueueKey,
        mut entry: Entry,
        blobs: Vec<BlobId>,
        attempt: Attempt,
    ) -> Result<(), QueueError> {
        self.tally.note(&attempt);
        entry.way = Some(attempt.way);
        let Settled { next, notices, onward } = entry.settle(key.id, attempt.outcomes, now(), &self.config);
        let onward = turned(&key, &entry, onward);
        log(&key, &entry, next);
        loop {
            let written = match self.tell(&key, &entry, &blobs, &notices) {
                Ok(told) => {
                    let (key, entry, onward) = (key.clone(), entry.clone(), onward.clone());
                    self.commit_step(Step { key, entry, next, told, onward }).await
                }
                Err(error) => Err(error),
            };
            match written {
                // Whoever has the message would get it again.
                Err(error) if error.is_full_disk() => {
                    error!(entry = %key.id, "the disk is full: what came of entry {} waits to be written down", key.id);
                    tokio::time::sleep(FULL_DISK_PAUSE).await;
                }
                written => return written,
            }
        }
    }

    /// Commits a step. A member whose account is full, or not here any more, does not get the notice, and the queue goes on.
    pub(super) async fn commit_step(&self, mut step: Step) -> Result<(), QueueError> {
        loop {
            let id = step.key.id;
            match self.try_commit(step.clone()).await {
                Err(CommitError::OverQuota { account, quota }) => {
                    warn!(account = %account, entry = %id, "no notice about entry {id}: over the quota of {quota}");
                }
                // It stays, or it leaves: either is soon.
                Err(CommitError::Unavailable { .. }) => continue,
                Err(CommitError::Refused(StepError::Deliver(error))) if error.moving().is_some() => {
                    let account = error.moving().map(tracing::field::display);
                    warn!(account, entry = %id, "no notice about entry {id}: the account has moved");
                }
                done => return Ok(done?),
            }
            if step.told.is_empty() {
                return Ok(self.try_commit(step).await?);
            }
            step.told.clear();
        }
    }

    async fn try_commit(&self, step: Step) -> Result<(), CommitError<StepError>> {
        let hoster = self.hoster;
        let id = step.key.id;
        let found = self.store.commit_to(step.accounts(), move |tx| step.run(tx, hoster)).await?;
        if !found {
            info!(entry = %id, "entry {id} was dropped while it was tried");
        }
        Ok(())
    }

    /// Tries an entry later, without looking at it.
    pub(super) async fn postpone(&self, key: QueueKey, due: Timestamp) -> Result<(), QueueError> {
        let hoster = self.hoster;
        let postpone = move |tx: &mut Tx<'_>| -> Result<(), StepError> {
            if let Some((key, object)) = locate(tx, hoster, &key)? {
                move_to(tx, hoster, &key, due, object)?;
            }
            Ok(())
        };
        Ok(self.store.commit(postpone).await?)
    }
}

impl Step {
    /// The members that it writes to.
    pub(super) fn accounts(&self) -> Vec<AccountId> {
        self.told.iter().flat_map(|told| &told.envelope.local).copied().collect()
    }

    /// Whether the entry was still there.
    pub(super) fn run(self, tx: &mut Tx<'_>, hoster: AccountId) -> Result<bool, StepError> {
        let Self { key, entry, next, told, onward } = self;
        let Some((key, object)) = locate(tx, hoster, &key)? else { return Ok(false) };
        tx.delete(hoster, ObjectKind::QUEUED, &key.encode())?;
        for (part, (lane, entry)) in onward.into_iter().enumerate() {
            enqueue::put_new(tx, hoster, lane, &entry, object.blobs.clone(), part)?;
        }
        if let Next::Retry(due) = next {
            enqueue::put(tx, hoster, &QueueKey { due, ..key }, &entry, object.blobs)?;
        }
        for Told { envelope, message } in told {
            delivery::deliver_within(tx, hoster, envelope, message)?;
        }
        Ok(true)
    }
}

/// Gives an entry another due time.
pub(super) fn move_to(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    key: &QueueKey,
    due: Timestamp,
    object: Object,
) -> Result<(), StepError> {
    let Object { charge, blobs, value, .. } = object;
    let put = essaim_store::Put { charge, blobs, value: value.to_vec() };
    tx.delete(hoster, ObjectKind::QUEUED, &key.encode())?;
    Ok(tx.put(hoster, ObjectKind::QUEUED, &QueueKey { due, ..key.clone() }.encode(), put)?)
}

/// An entry, wherever in its lane it stands now: an operator may have moved it meanwhile.
fn locate(tx: &Tx<'_>, hoster: AccountId, key: &QueueKey) -> Result<Option<(QueueKey, Object)>, StepError> {
    if let Some(object) = tx.get(hoster, ObjectKind::QUEUED, &key.encode())? {
        return Ok(Some((key.clone(), object)));
    }
    let (from, to) = (key.lane.prefix(), key.lane.end());
    let (from, to) = (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice()));
    for entry in tx.range(hoster, ObjectKind::QUEUED, from, to)? {
        let (found, object) = entry?;
        let found = QueueKey::decode(&found).map_err(|error: RecordError| StepError::Record(error))?;
        if found.id == key.id {
            return Ok(Some((found, object)));
        }
    }
    Ok(None)
}

/// The entries of those who are tried elsewhere.
fn turned(key: &QueueKey, entry: &Entry, onward: Vec<(Heading, Recipient)>) -> Vec<(Lane, Entry)> {
    let mut entries = Vec::<(Heading, Vec<Recipient>)>::new();
    for (heading, recipient) in onward {
        match entries.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, recipients)) => recipients.push(recipient),
            None => entries.push((heading, vec![recipient])),
        }
    }
    let entry = |(heading, recipients): (Heading, _)| {
        let lane = Lane { domain: heading.domain, account: key.lane.account };
        info!(entry = %key.id, domain = %lane.domain, course = heading.course.name(), "a part of entry {} goes elsewhere", key.id);
        (lane, entry.turned(heading.course, recipients))
    };
    entries.into_iter().map(entry).collect()
}

fn log(key: &QueueKey, entry: &Entry, next: Next) {
    let count = |state| entry.recipients.iter().filter(|recipient| recipient.state == state).count();
    let (delivered, failed) = (count(RecipientState::Delivered), count(RecipientState::Failed));
    let (id, message, domain, attempts) = (key.id, entry.name(), &key.lane.domain, entry.attempts);
    let way = entry.way.map(Way::name);
    match next {
        Next::Done => {
            info!(entry = %id, message, %domain, way, attempts, delivered, failed, "entry {id} of the queue is done");
        }
        Next::Retry(due) => {
            let last = entry.open().find_map(|recipient| recipient.last.as_ref());
            let status = last.map(|last| last.status.to_string());
            let wait_seconds = due.since(now()).as_secs();
            info!(entry = %id, message, %domain, way, attempts, delivered, failed, status, wait_seconds, "entry {id} of the queue waits");
        }
    }
}

/// There is nothing to wait for but somebody who makes room.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(10);
