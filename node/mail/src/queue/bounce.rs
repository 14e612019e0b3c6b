//! What the sender of a message is told: a delivery status notification (RFC 3464), delivered like any mail.

use essaim_accounts::Resolution;
use essaim_types::{Address, BlobId};
use tracing::warn;

use super::dsn;
use super::entry::{Entry, Notice};
use super::key::QueueKey;
use super::{Queue, QueueError, now};
use crate::delivery::{Envelope, Incoming, Remote, Spooled};

/// A notice whose bytes are blobs already.
#[derive(Debug)]
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
        let Some(envelope) = self.envelope(key, sender)? else { return Ok(Vec::new()) };
        let beginning = blobs.first().map(|blob| self.store.blob(blob)).transpose()?.unwrap_or_default();
        let mut told = Vec::new();
        for notice in notices {
            let bytes = dsn::compose(&self.hostname, key.id, entry, sender, notice, &beginning, now());
            let mut incoming = Incoming::new(&self.store);
            incoming.push(&bytes)?;
            told.push(Told { envelope: envelope.clone(), message: incoming.finish()? });
        }
        Ok(told)
    }

    /// How a notice comes to the sender, from nobody; `None` if it cannot.
    fn envelope(&self, key: &QueueKey, sender: &Address) -> Result<Option<Envelope>, QueueError> {
        match self.accounts.resolve(sender)? {
            Resolution::Local(to) => Ok(Some(Envelope { local: to.accounts, ..Envelope::default() })),
            Resolution::NotLocal => {
                let (account, recipients) = (self.hoster, vec![sender.clone()]);
                let remote = Remote { account, recipients, smtputf8: sender.is_internationalized() };
                Ok(Some(Envelope { remote: Some(remote), ..Envelope::default() }))
            }
            Resolution::NoSuchMailbox | Resolution::Disabled | Resolution::OverQuota => {
                warn!(entry = %key.id, "the sender of entry {} cannot be told what became of it", key.id);
                Ok(None)
            }
        }
    }
}
