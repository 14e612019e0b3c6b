//! A message goes into the queue, in the commit that answers for it.

use std::collections::BTreeMap;

use essaim_accounts::{StorageError, relocation_of};
use essaim_smtp::{BodyType, Needs};
use essaim_store::{ContentRef, Put, Tx, TxError};
use essaim_types::{AccountId, Address, BlobId, ByteSize, ObjectKind, Timestamp};

use super::course::{Course, Heading};
use super::entry::{Entry, Recipient};
use super::key::{Lane, QueueId, QueueKey};

/// A message on its way out; its bytes are blobs already.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// What its sender was told that it is called here.
    pub name: Option<essaim_smtp::QueueId>,
    /// Who sends it: members take turns. The hoster itself for what the node writes.
    pub account: AccountId,
    /// The envelope's reverse-path; `None` is the null reverse-path, to which no bounce is ever sent.
    pub sender: Option<Address>,
    /// None of them lives here.
    pub recipients: Vec<Address>,
    /// Where it goes, if not to the domains of the recipients.
    pub heading: Option<Heading>,
    /// Bytes at its beginning that are not sent.
    pub skip: u32,
    /// The bytes.
    pub content: ContentRef,
    /// What its bytes need; what addresses need is seen when they are written.
    pub needs: Needs,
}

/// Why a message did not go into the queue.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    #[error("one transaction queues at most {PARTS_MAX} entries")]
    TooMany,
    #[error(transparent)]
    Store(#[from] TxError),
    #[error("could not look up where a recipient has moved")]
    Relocation(#[from] StorageError),
}

/// Queues messages: one entry for each domain, and for each [`RECIPIENTS_MAX`] recipients of it.
pub fn enqueue(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    messages: impl IntoIterator<Item = Outgoing>,
) -> Result<Vec<QueueId>, EnqueueError> {
    let now = tx.now();
    let mut ids = Vec::new();
    for message in messages {
        let Outgoing { name, account, sender, recipients, heading, skip, content, needs } = message;
        for (Heading { domain, course }, recipients) in by_destination(tx, hoster, recipients, heading)? {
            for recipients in recipients.chunks(RECIPIENTS_MAX) {
                let entry = Entry {
                    message: name.clone(),
                    smtputf8: needs.smtputf8,
                    eight_bit: needs.body == BodyType::EightBit,
                    sender: sender.clone(),
                    recipients: recipients.iter().cloned().map(Recipient::new).collect(),
                    size: ByteSize(content.size),
                    queued: now,
                    attempts: 0,
                    last_attempt: None,
                    way: None,
                    course,
                    turns: 0,
                    skip,
                };
                let lane = Lane { domain: domain.clone(), account };
                ids.push(put_new(tx, hoster, lane, &entry, content.blobs.clone(), ids.len())?);
            }
        }
    }
    Ok(ids)
}

/// Writes an entry that is due now. So many were written in this transaction before.
pub(super) fn put_new(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    lane: Lane,
    entry: &Entry,
    blobs: Vec<BlobId>,
    before: usize,
) -> Result<QueueId, EnqueueError> {
    let key = free_key(tx, hoster, lane, tx.now(), before)?;
    put(tx, hoster, &key, entry, blobs)?;
    Ok(key.id)
}

/// Writes an entry.
pub(super) fn put(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    key: &QueueKey,
    entry: &Entry,
    blobs: Vec<BlobId>,
) -> Result<(), TxError> {
    let put = Put { charge: entry.size, blobs, value: entry.encode() };
    tx.put(hoster, ObjectKind::QUEUED, &key.encode(), put)
}

/// The key of a new entry. The LSN is this transaction's, so only what it has queued itself can be in the way.
fn free_key(
    tx: &Tx<'_>,
    hoster: AccountId,
    lane: Lane,
    due: Timestamp,
    first_part: usize,
) -> Result<QueueKey, EnqueueError> {
    let lsn = tx.lsn(hoster)?;
    for part in u16::try_from(first_part).unwrap_or(PARTS_MAX)..PARTS_MAX {
        let key = QueueKey { lane: lane.clone(), due, id: QueueId { lsn, part } };
        if tx.get(hoster, ObjectKind::QUEUED, &key.encode())?.is_none() {
            return Ok(key);
        }
    }
    Err(EnqueueError::TooMany)
}

/// Each to its domain, or to where it is known to have moved.
fn by_destination(
    tx: &Tx<'_>,
    hoster: AccountId,
    recipients: Vec<Address>,
    heading: Option<Heading>,
) -> Result<BTreeMap<Heading, Vec<Address>>, StorageError> {
    if let Some(heading) = heading {
        return Ok(BTreeMap::from([(heading, recipients)]));
    }
    let mut destinations = BTreeMap::<Heading, Vec<Address>>::new();
    for recipient in recipients {
        let heading = match relocation_of(tx, hoster, &recipient)? {
            Some(known) => Heading { domain: known.domain, course: Course::Follow { home: known.home } },
            None => Heading { domain: recipient.domain().clone(), course: Course::Straight },
        };
        let known = destinations.entry(heading).or_default();
        if !known.contains(&recipient) {
            known.push(recipient);
        }
    }
    Ok(destinations)
}

/// RFC 5321 section 4.5.3.1.8: every server takes a hundred in one transaction.
pub const RECIPIENTS_MAX: usize = 100;
const PARTS_MAX: u16 = 10_000;
