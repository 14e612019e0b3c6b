//! What the sender of a message is told: a delivery status notification (RFC 3464), delivered like any mail.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use essaim_accounts::Resolution;
use essaim_smtp::bounce::{Bounce, Composed, Fate, Undelivered};
use essaim_smtp::{EnhancedStatus, MessageId, QueueId as MessageName};
use essaim_types::{Address, BlobId, Timestamp};
use tracing::{error, info, warn};

use super::course::Course;
use super::entry::{Entry, Notice, Recipient};
use super::key::QueueKey;
use super::{Queue, QueueError, now};
use crate::delivery::{Envelope, Forward, Incoming, Remote, Spooled};

/// A notice whose bytes are blobs already.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) envelope: Envelope,
    pub(super) message: Spooled,
}

impl Queue {
    /// Writes the notices that an entry's sender gets. Whoever cannot be told is not: RFC 5321 section 6.1.
    pub(super) fn tell(
        &self,
        key: &QueueKey,
        entry: &Entry,
        blobs: &[BlobId],
        notices: &[Notice],
    ) -> Result<Vec<Told>, QueueError> {
        let Some(sender) = entry.sender.as_ref().filter(|_| !notices.is_empty()) else {
            return Ok(Vec::new());
        };
        let Some(envelope) = self.envelope_to(key, entry.course, sender) else { return Ok(Vec::new()) };
        let beginning = self.beginning(key, entry, blobs);
        let mut told = Vec::new();
        for (number, notice) in notices.iter().enumerate() {
            // An attempt may bring a failure and a delay at one time.
            let name = MessageName::new(format_args!("dsn-{}-{}-{number}", key.id, now().0));
            info!(entry = %key.id, message = name.as_str(), about = entry.name(), "the sender of entry {} is told", key.id);
            let composed = self.compose(key, entry, sender, notice, &name, &beginning);
            let mut envelope = Envelope { name: Some(name), ..envelope.clone() };
            if let Some(remote) = &mut envelope.remote {
                remote.smtputf8 = composed.smtputf8;
            }
            let mut incoming = Incoming::new(&self.store);
            incoming.push(&composed.message)?;
            told.push(Told { envelope, message: incoming.finish()? });
        }
        Ok(told)
    }

    fn compose(
        &self,
        key: &QueueKey,
        entry: &Entry,
        to: &Address,
        notice: &Notice,
        name: &MessageName,
        beginning: &[u8],
    ) -> Composed {
        let now = now();
        let (fate, recipients) = match notice {
            Notice::Failed(recipients) => (Fate::Failed, recipients),
            Notice::Delayed(recipients, until) => (Fate::Delayed { until: *until }, recipients),
        };
        let tried = entry.last_attempt.unwrap_or(now);
        let unnamed = MessageName::new(key.id);
        let recipients: Vec<_> =
            recipients.iter().map(|recipient| undelivered(recipient, fate, tried)).collect();
        Bounce {
            host: &self.hostname,
            language: self.language,
            to,
            at: now,
            message_id: &MessageId::new(name.as_str(), self.hostname.clone()),
            boundary: &format!("{:x}", RandomState::new().hash_one(key.id)),
            queue_id: entry.message.as_ref().unwrap_or(&unnamed),
            arrived: entry.queued,
            recipients: &recipients,
            original_header: beginning,
        }
        .compose()
    }

    /// The header of the message, and what follows it in the first blob. A notice without it is better than none.
    fn beginning(&self, key: &QueueKey, entry: &Entry, blobs: &[BlobId]) -> Bytes {
        let Some(blob) = blobs.first() else { return Bytes::new() };
        let sent =
            |blob: Bytes| blob.slice(usize::try_from(entry.skip).map_or(0, |skip| skip.min(blob.len()))..);
        self.store.blob(blob).map(sent).unwrap_or_else(|error| {
            error!(entry = %key.id, error = &error as &dyn Error, "entry {} of the queue cannot be read", key.id);
            Bytes::new()
        })
    }

    /// How a notice comes to the sender, from nobody; `None` if it cannot.
    fn envelope_to(&self, key: &QueueKey, course: Course, sender: &Address) -> Option<Envelope> {
        let found = match course {
            // A member of here under an address that they had there.
            Course::Through { hoster } => self.accounts.resolve_former(sender, hoster),
            _ => self.accounts.resolve(sender),
        };
        match found {
            Ok(Resolution::Local(to)) => {
                let forward = to.moved.into_iter().map(Forward::to_home).collect();
                Some(Envelope { local: to.accounts, forward, ..Envelope::default() })
            }
            Ok(Resolution::NotLocal) => {
                let (account, recipients) = (self.hoster, vec![sender.clone()]);
                let remote = Remote { account, recipients, through: None, smtputf8: false };
                Some(Envelope { remote: Some(remote), ..Envelope::default() })
            }
            Ok(Resolution::NoSuchMailbox | Resolution::Disabled | Resolution::OverQuota) => {
                warn!(entry = %key.id, "the sender of entry {} cannot be told what became of it", key.id);
                None
            }
            // One unreadable account must not stop everybody's mail; a store that fails is found out at the commit.
            Err(error) => {
                let error = &error as &dyn Error;
                error!(entry = %key.id, error, "the sender of entry {} cannot be looked up", key.id);
                None
            }
        }
    }
}

fn undelivered(recipient: &Recipient, fate: Fate, last_attempt: Timestamp) -> Undelivered<'_> {
    let last = recipient.last.as_ref();
    Undelivered {
        recipient: &recipient.address,
        fate,
        status: last.map_or(UNSPECIFIED, |last| last.status),
        remote_host: last.and_then(|last| last.remote.as_deref()),
        diagnostic: last.map_or("", |last| &last.text),
        last_attempt,
    }
}

const UNSPECIFIED: EnhancedStatus = EnhancedStatus::new(5, 0, 0).expect("5.0.0 is a status");
