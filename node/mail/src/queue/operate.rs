//! What operators do to the queue: look, try again now, take out.

use std::ops::Bound;
use std::str::FromStr;

use essaim_accounts::{Act, Actor, Journal};
use essaim_store::{Object, Tx};
use essaim_types::{AccountId, Address, Domain, ObjectKind, Timestamp};

use super::entry::{Entry, Next, Notice};
use super::key::{QueueId, QueueKey};
use super::reply::Diagnosis;
use super::settle::{Step, move_to};
use super::{Queue, QueueError, StepError};

/// Which entries are meant: those to which everything that is given applies. Nothing given: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// One of these.
    pub ids: Vec<QueueId>,
    /// Of the message that has this name in the reply to its sender.
    pub message: Option<String>,
    /// To this domain.
    pub domain: Option<Domain>,
    /// From this address.
    pub sender: Option<Address>,
    /// To this address, among others, and not delivered yet.
    pub recipient: Option<Address>,
}

/// An entry, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: QueueId,
    /// Who sends it.
    pub account: AccountId,
    /// Where it goes.
    pub domain: Domain,
    /// When it is tried next.
    pub due: Timestamp,
    /// When it is given up.
    pub expires: Timestamp,
    pub entry: Entry,
}

/// Some of the entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub entries: Vec<Listed>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<Cursor>,
}

/// A place in the queue, for the next page. As text: hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

/// Whether the sender of an entry that is taken out is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// With a bounce that gives the reason.
    Bounce,
    /// Not at all: for spam that a stolen account has sent.
    Silence,
}

/// Whether something is only shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rehearsal {
    /// Show what would be done.
    DryRun,
    /// Do it.
    Perform,
}

/// What was taken out, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    pub entries: u64,
    /// Who had not got the message.
    pub recipients: u64,
}

impl Queue {
    /// Entries in the order of destinations, `limit` at most.
    pub fn list(
        &self,
        selection: &Selection,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, QueueError> {
        let mut found = self.find(selection, after, limit.saturating_add(1))?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(key, ..)| Cursor(key.encode()));
        let entries = found.into_iter().map(|(key, entry, _)| self.listed(key, entry)).collect();
        Ok(Page { entries, next })
    }

    /// Tries entries now, or as soon as there is a connection for them; how many.
    pub async fn retry(&self, selection: &Selection, by: &Actor) -> Result<u64, QueueError> {
        self.make_due(selection, Some(self.accounts.journal(by.clone()))).await
    }

    /// The hoster of this domain can be reached again: what waits for it is tried now; how many.
    pub async fn is_back(&self, domain: Domain) -> Result<u64, QueueError> {
        self.make_due(&Selection { domain: Some(domain), ..Selection::default() }, None).await
    }

    async fn make_due(&self, selection: &Selection, journal: Option<Journal>) -> Result<u64, QueueError> {
        let mut moved = 0;
        let mut after = None;
        loop {
            let found = self.find(selection, after.as_ref(), AT_ONCE)?;
            let Some((last, ..)) = found.last() else { return Ok(moved) };
            after = Some(Cursor(last.encode())); // what is moved comes to stand before it
            let keys: Vec<QueueKey> = found.into_iter().map(|(key, ..)| key).collect();
            moved += self.make_some_due(keys, journal.clone()).await?;
        }
    }

    async fn make_some_due(&self, keys: Vec<QueueKey>, journal: Option<Journal>) -> Result<u64, QueueError> {
        let hoster = self.hoster;
        let retry = move |tx: &mut Tx<'_>| -> Result<u64, StepError> {
            let (now, mut moved) = (tx.now(), 0);
            for key in keys.into_iter().filter(|key| key.due > now) {
                let Some(object) = tx.get(hoster, ObjectKind::QUEUED, &key.encode())? else { continue };
                move_to(tx, hoster, &key, now, object)?;
                if let Some(journal) = &journal {
                    journal.note(tx, RETRY, Some(key.lane.account), &key.id.to_string())?;
                }
                moved += 1;
            }
            Ok(moved)
        };
        Ok(self.store.commit(retry).await?)
    }

    /// Takes entries out of the queue, for a reason that goes into the journal and into the bounce.
    pub async fn drop_entries(
        &self,
        selection: &Selection,
        reason: &str,
        farewell: Farewell,
        rehearsal: Rehearsal,
        by: &Actor,
    ) -> Result<Dropped, QueueError> {
        let mut dropped = Dropped::default();
        let mut after = None;
        loop {
            let found = self.find(selection, after.as_ref(), AT_ONCE)?;
            let Some((last, ..)) = found.last() else { return Ok(dropped) };
            after = Some(Cursor(last.encode()));
            for (key, entry, object) in found {
                let recipients = entry.open().count() as u64;
                let is_dropped = match rehearsal {
                    Rehearsal::DryRun => true,
                    Rehearsal::Perform => self.drop_one(key, entry, object, reason, farewell, by).await?,
                };
                if is_dropped {
                    dropped.entries += 1;
                    dropped.recipients += recipients;
                }
            }
        }
    }

    async fn drop_one(
        &self,
        key: QueueKey,
        mut entry: Entry,
        object: Object,
        reason: &str,
        farewell: Farewell,
        by: &Actor,
    ) -> Result<bool, QueueError> {
        let status = essaim_smtp::EnhancedStatus::new(5, 7, 0).expect("5.7.0 is a status");
        let why = Diagnosis::local(status, format!("taken out of the queue: {reason}"));
        let given_up = entry.give_up(&why);
        let notices = match farewell {
            Farewell::Bounce if entry.sender.is_some() => vec![Notice::Failed(given_up)],
            Farewell::Bounce | Farewell::Silence => Vec::new(),
        };
        let told = self.tell(&key, &entry, &object.blobs, &notices)?;
        let (hoster, journal) = (self.hoster, self.accounts.journal(by.clone()));
        let detail = format!("{} to {}: {reason}", key.id, key.lane.domain);
        let account = key.lane.account;
        let step = Step { key, entry, next: Next::Done, told, onward: Vec::new() };
        let accounts = step.accounts();
        let drop = move |tx: &mut Tx<'_>| -> Result<bool, StepError> {
            let found = step.run(tx, hoster)?;
            if found {
                journal.note(tx, DROP, Some(account), &detail)?;
            }
            Ok(found)
        };
        Ok(self.store.commit_to(&accounts, drop).await?)
    }

    /// The first entries that are meant.
    fn find(
        &self,
        selection: &Selection,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<(QueueKey, Entry, Object)>, QueueError> {
        let (domain_from, domain_to) = selection.bounds();
        let after = after.map(|cursor| Bound::Excluded(cursor.0.as_slice()));
        let from = after.unwrap_or(Bound::Included(&domain_from));
        let to = if domain_to.is_empty() { Bound::Unbounded } else { Bound::Excluded(domain_to.as_slice()) };
        let mut found = Vec::new();
        for entry in self.store.read()?.range(self.hoster, ObjectKind::QUEUED, from, to)? {
            let (key, object) = entry?;
            let (key, entry) = (QueueKey::decode(&key)?, Entry::decode(&object.value)?);
            if selection.means(&key, &entry) {
                found.push((key, entry, object));
                if found.len() == limit {
                    break;
                }
            }
        }
        Ok(found)
    }

    fn listed(&self, key: QueueKey, entry: Entry) -> Listed {
        let expires = self.config.expiry(entry.queued);
        Listed {
            id: key.id,
            account: key.lane.account,
            domain: key.lane.domain,
            due: key.due,
            expires,
            entry,
        }
    }
}

impl Selection {
    fn means(&self, key: &QueueKey, entry: &Entry) -> bool {
        let same = |address: &Address, wanted: &Address| address.key() == wanted.key();
        (self.ids.is_empty() || self.ids.contains(&key.id))
            && self.message.as_deref().is_none_or(|name| entry.name() == Some(name))
            && self.domain.as_ref().is_none_or(|domain| *domain == key.lane.domain)
            && self
                .sender
                .as_ref()
                .is_none_or(|wanted| entry.sender.iter().any(|sender| same(sender, wanted)))
            && self
                .recipient
                .as_ref()
                .is_none_or(|wanted| entry.open().any(|open| same(&open.address, wanted)))
    }

    /// The keys of the domain; an empty end is no end.
    fn bounds(&self) -> (Vec<u8>, Vec<u8>) {
        let domain = self.domain.as_ref().map(|domain| domain.as_str().as_bytes());
        domain.map_or_else(Default::default, |domain| ([domain, &[0]].concat(), [domain, &[1]].concat()))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the queue: take it from the page before")]
pub struct ParseCursorError;

impl FromStr for Cursor {
    type Err = ParseCursorError;
    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let (digits, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() || digits.len() > CURSOR_MAX {
            return Err(ParseCursorError);
        }
        let byte = |pair: &[u8; 2]| {
            std::str::from_utf8(pair)
                .ok()
                .and_then(|text| u8::from_str_radix(text, 16).ok())
                .ok_or(ParseCursorError)
        };
        digits.iter().map(byte).collect::<Result<_, _>>().map(Self)
    }
}

/// The detail is the entry.
const RETRY: Act = Act::new("queue.retry");
/// The detail is the entry, where it went and the reason.
const DROP: Act = Act::new("queue.drop");
const AT_ONCE: usize = 100;
const CURSOR_MAX: usize = 1024;
