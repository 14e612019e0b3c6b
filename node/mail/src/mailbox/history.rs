//! What changed in a mailbox since a MODSEQ, read from the account's log; or from the messages where the log would be the longer way.

use essaim_store::Snapshot;
use essaim_types::{AccountId, Lsn, MailboxId, ModSeq, ObjectKind, Uid};
use roaring::RoaringBitmap;

use super::block::{Block, Some64};
use super::flags::FlagReader;
use super::index::{Event, IndexError};
use super::rules::as_bytes;
use crate::Mail;
use crate::record::{self, Message};

impl Mail {
    /// The UIDs that were removed after `since`; `None` if that is too long ago to be read from the log.
    pub(crate) fn removed_since(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        since: ModSeq,
    ) -> Result<Option<RoaringBitmap>, IndexError> {
        let history = self.history(account, mailbox, since, &self.store.read()?)?;
        Ok(history.map(|history| history.removed))
    }

    /// Which of `among` changed after `since`.
    pub(crate) fn changed_since(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        since: ModSeq,
        among: &RoaringBitmap,
    ) -> Result<RoaringBitmap, IndexError> {
        let snapshot = self.store.read()?;
        if let Some(history) = self.history(account, mailbox, since, &snapshot)? {
            return Ok(history.upserted & among);
        }
        let mut changed = RoaringBitmap::new();
        let block = |uid: Option<u32>| uid.and_then(Uid::new).map_or(0, |uid| Some64::one(uid).block);
        let (first, last) = record::message_range(mailbox, block(among.min()), block(among.max()));
        for entry in snapshot.range(account, ObjectKind::FLAGS, as_bytes(&first), as_bytes(&last))? {
            let (key, object) = entry?;
            let Some((_, number)) = record::split_pair_key(&key).filter(|_| ModSeq::from(object.lsn) > since)
            else {
                continue;
            };
            let mask = Block::decode(&object.value)?.changed_after(since);
            changed.extend(Some64 { block: number, mask }.uids().map(Uid::value));
        }
        Ok(changed & among)
    }

    /// The MODSEQ of each message; `None` for one that is gone or cannot be read.
    pub(crate) fn mod_seqs(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        uids: &[Uid],
    ) -> Vec<Option<ModSeq>> {
        let Ok(snapshot) = self.store.read() else { return vec![None; uids.len()] };
        let mut reader = FlagReader::new(&snapshot, account, mailbox);
        uids.iter().map(|uid| Some(reader.message(*uid).ok()??.1)).collect()
    }

    /// RFC 8438: how many bytes the messages of a mailbox have; those in `among` only, if given.
    pub(crate) fn size_of(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        among: Option<&RoaringBitmap>,
    ) -> Result<u64, IndexError> {
        let snapshot = self.store.read()?;
        let (first, last) = record::message_range(mailbox, 0, u32::MAX);
        let mut size = 0u64;
        for entry in snapshot.range(account, ObjectKind::MESSAGE, as_bytes(&first), as_bytes(&last))? {
            let (key, object) = entry?;
            let (_, uid) = record::message_of_key(&key)?;
            if among.is_some_and(|among| !among.contains(uid.value())) {
                continue;
            }
            size = size.saturating_add(Message::decode(&object.value)?.size.0);
        }
        Ok(size)
    }

    fn history(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        since: ModSeq,
        snapshot: &Snapshot,
    ) -> Result<Option<History>, IndexError> {
        let now = snapshot.account(account)?.map_or(Lsn::ZERO, |state| state.lsn);
        if now.0.saturating_sub(since.0) > READ_FROM_LOG_MAX {
            return Ok(None);
        }
        let mut history = History::default();
        let mut at = Lsn(since.0);
        while at < now {
            let changes = self.store.changes(account, at, CHANGES_AT_ONCE)?;
            let Some(last) = changes.last() else { break };
            at = last.lsn;
            for change in &changes {
                for op in &change.ops {
                    match Event::of(op, change.lsn, mailbox)? {
                        Some(Event::Upserted(some)) => history.upserted.extend(some.uids().map(Uid::value)),
                        Some(Event::Removed(uid)) => _ = history.removed.insert(uid.value()),
                        None => {}
                    }
                }
            }
        }
        Ok(Some(history))
    }
}

/// What the log says of one mailbox. A message may be in both.
#[derive(Debug, Default)]
struct History {
    upserted: RoaringBitmap,
    removed: RoaringBitmap,
}

/// Changes of an account that are read from the log; beyond, reading the messages is quicker.
const READ_FROM_LOG_MAX: u64 = 20_000;
const CHANGES_AT_ONCE: usize = 256;
