//! A selected mailbox as its client knows it: which messages it was told of, and what it has not been told yet.
//!
//! Sequence numbers are ranks in a bitmap of UIDs. RFC 9051 section 7.5.1 says when a client may be told of removals.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use essaim_imap::command::Access;
use essaim_imap::{MailboxName, MessageSet, Numbering};
use essaim_store::Changes;
use essaim_types::{AccountId, Lsn, MailboxId, Uid};
use roaring::RoaringBitmap;

use crate::Mail;
use crate::mailbox::{Event, Index, IndexError};

/// One session's view of one mailbox.
#[derive(Debug)]
pub(super) struct View {
    pub(super) account: AccountId,
    pub(super) id: MailboxId,
    pub(super) name: MailboxName,
    pub(super) access: Access,
    /// Shared with all sessions; it may be ahead of this view.
    index: Arc<RwLock<Index>>,
    /// What the client counts: the message with sequence number n is the n-th of these.
    known: RoaringBitmap,
    /// Read up to here in the account's log.
    at: Lsn,
    /// Removed, and still counted by the client.
    removed: RoaringBitmap,
    /// Came since.
    arrived: RoaringBitmap,
    /// Flags changed since.
    changed: RoaringBitmap,
    /// `$` of RFC 5182.
    pub(super) saved: RoaringBitmap,
}

/// A number that names no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no message with that sequence number")]
pub(super) struct NoSuchMessage;

/// What the client is to be told, in this order.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Sequence number at the time of telling, and UID, of each message that went.
    pub(super) removed: Vec<(u32, Uid)>,
    /// How many messages there are now, if some came.
    pub(super) exists: Option<u64>,
    /// Messages whose flags are to be told.
    pub(super) changed: Vec<Uid>,
}

/// Whether the client may be told of removals now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removals {
    Tell,
    Hold,
}

impl View {
    pub(super) fn new(
        account: AccountId,
        name: MailboxName,
        id: MailboxId,
        access: Access,
        index: Arc<RwLock<Index>>,
    ) -> Self {
        let (known, at) = {
            let index = index.read().unwrap_or_else(PoisonError::into_inner);
            (index.uids().clone(), index.at())
        };
        let none = RoaringBitmap::new;
        Self {
            account,
            id,
            name,
            access,
            index,
            known,
            at,
            removed: none(),
            arrived: none(),
            changed: none(),
            saved: none(),
        }
    }

    /// The shared state of the mailbox.
    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages the client counts.
    pub(super) fn exists(&self) -> u64 {
        self.known.len()
    }

    /// The messages that the client knows and that are still there.
    pub(super) fn present(&self) -> RoaringBitmap {
        &self.known - &self.removed
    }

    /// The sequence number of a message that the client knows.
    pub(super) fn sequence(&self, uid: Uid) -> Option<u32> {
        let known = self.known.contains(uid.value());
        known.then(|| u32::try_from(self.known.rank(uid.value())).ok()).flatten()
    }

    /// The UIDs that a set of the client's means. A UID that is not there is left out (RFC 9051 section 6.4.9); a sequence number is an error.
    pub(super) fn resolve(
        &self,
        messages: &MessageSet,
        numbering: Numbering,
    ) -> Result<RoaringBitmap, NoSuchMessage> {
        let set = match messages {
            MessageSet::Saved => return Ok(&self.saved & &self.known),
            MessageSet::Set(set) => set,
        };
        let mut uids = RoaringBitmap::new();
        match numbering {
            Numbering::Uid => {
                let largest = self.known.max().and_then(Uid::new).map(|uid| uid.0);
                for range in set.resolve(largest) {
                    uids.insert_range(range);
                }
            }
            Numbering::Sequence => {
                let largest = u32::try_from(self.known.len()).ok().and_then(Uid::new).map(|count| count.0);
                for range in set.resolve(largest) {
                    let uid = |number: u32| number.checked_sub(1).and_then(|rank| self.known.select(rank));
                    let (first, last) = uid(*range.start()).zip(uid(*range.end())).ok_or(NoSuchMessage)?;
                    uids.insert_range(first..=last);
                }
            }
        }
        uids &= &self.known;
        Ok(uids)
    }

    /// Reads the log on. Changes in `own` were made by this session, which tells of their flags itself.
    pub(super) fn refresh(&mut self, mail: &Mail, own: &[Lsn]) -> Result<(), IndexError> {
        // Where the mailbox was deleted by another session, the last state stays, and the log tells that its messages went.
        if let Some(index) = mail.catalog.current(self.account, self.id)? {
            self.index = index;
        }
        while self.at < self.index().at() {
            let Changes::Since(changes) = mail.store.changes(self.account, self.at, CHANGES_AT_ONCE)? else {
                self.compare();
                break;
            };
            let Some(last) = changes.last() else { break };
            self.at = last.lsn;
            for change in &changes {
                let (id, own) = (self.id, own.contains(&change.lsn));
                for op in &change.ops {
                    let Some(event) = Event::of(op, change.lsn, id)? else { continue };
                    self.note(event, own);
                }
            }
        }
        Ok(())
    }

    /// What the client is to be told now; the view then counts as the client does.
    pub(super) fn news(&mut self, removals: Removals) -> News {
        let mut news = News::default();
        if removals == Removals::Tell {
            news.removed = self.tell_removed();
        }
        if !self.arrived.is_empty() {
            self.known |= std::mem::take(&mut self.arrived);
            news.exists = Some(self.known.len());
        }
        let changed = std::mem::take(&mut self.changed) - &self.removed;
        news.changed = changed.iter().filter_map(Uid::new).collect();
        news
    }

    /// The log does not say what happened: what is there does. Of each message that stayed the flags may be others.
    fn compare(&mut self) {
        let (present, at) = {
            let index = self.index();
            (index.uids().clone(), index.at())
        };
        self.removed = &self.known - &present;
        self.arrived = &present - &self.known;
        self.changed = &present & &self.known;
        self.at = at;
    }

    fn note(&mut self, event: Event, own: bool) {
        match event {
            Event::Upserted(some) => {
                for uid in some.uids() {
                    if !self.known.contains(uid.value()) {
                        self.arrived.insert(uid.value());
                    } else if !own {
                        self.changed.insert(uid.value());
                    }
                }
            }
            Event::Removed(uid) => {
                self.arrived.remove(uid.value());
                self.changed.remove(uid.value());
                if self.known.contains(uid.value()) {
                    self.removed.insert(uid.value());
                }
            }
        }
    }

    /// From the highest down, so that each number is right when it is read and no rank is computed twice.
    fn tell_removed(&mut self) -> Vec<(u32, Uid)> {
        let removed = std::mem::take(&mut self.removed);
        let mut told = Vec::new();
        for uid in removed.iter().rev() {
            let number = u32::try_from(self.known.rank(uid)).unwrap_or(u32::MAX);
            told.extend(Uid::new(uid).map(|uid| (number, uid)));
        }
        self.known -= &removed;
        self.saved -= &removed;
        told
    }
}

const CHANGES_AT_ONCE: usize = 256;
