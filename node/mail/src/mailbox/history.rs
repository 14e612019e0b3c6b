//! What changed in a mailbox since a MODSEQ: what is there tells by its MODSEQ, what went is in the account's log.

use std::ops::ControlFlow;

use essaim_store::Changes;
use essaim_types::{AccountId, Lsn, MailboxId, ModSeq, ObjectKind, Uid};
use roaring::RoaringBitmap;

use super::block::{Block, Some64};
use super::flags::FlagReader;
use super::index::{Event, IndexError};
use super::rules::as_bytes;
use crate::Mail;
use crate::record::{self, Message};

impl Mail {
    /// Which of `among` changed after `since`.
    pub(crate) fn changed_since(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        since: ModSeq,
        among: &RoaringBitmap,
    ) -> Result<RoaringBitmap, IndexError> {
        let mut changed = RoaringBitmap::new();
        let block = |uid: Option<u32>| uid.and_then(Uid::new).map_or(0, |uid| Some64::one(uid).block);
        let (first, last) = record::message_range(mailbox, block(among.min()), block(among.max()));
        let failed = self.store.read()?.scan(
            account,
            ObjectKind::FLAGS,
            as_bytes(&first),
            as_bytes(&last),
            |key, object| {
                let number = record::split_pair_key(key).filter(|_| ModSeq::from(object.lsn) > since);
                let Some((_, block)) = number else { return ControlFlow::Continue(()) };
                match Block::decode(object.value) {
                    Ok(found) => {
                        let mask = found.changed_after(since);
                        changed.extend(Some64 { block, mask }.uids().map(Uid::value));
                        ControlFlow::Continue(())
                    }
                    Err(error) => ControlFlow::Break(error),
                }
            },
        )?;
        failed.map_or(Ok(changed & among), |error| Err(error.into()))
    }

    /// The UIDs that were removed after `since`; `None` if that is too long ago to be read from the log, or before
    /// the account came here.
    pub(crate) fn removed_since(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        since: ModSeq,
    ) -> Result<Option<RoaringBitmap>, IndexError> {
        let now = self.store.read()?.account(account)?.map_or(Lsn::ZERO, |state| state.lsn);
        if now.0.saturating_sub(since.0) > READ_FROM_LOG_MAX {
            return Ok(None);
        }
        let mut removed = RoaringBitmap::new();
        let mut at = Lsn(since.0);
        while at < now {
            let Changes::Since(changes) = self.store.changes(account, at, CHANGES_AT_ONCE)? else {
                return Ok(None);
            };
            let Some(last) = changes.last() else { break };
            at = last.lsn;
            for op in changes.iter().flat_map(|change| &change.ops) {
                removed.extend(Event::removed(op, mailbox).map(Uid::value));
            }
        }
        Ok(Some(removed))
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
}

/// Changes of an account that are read from the log; beyond, a client is told of every UID that is not there.
const READ_FROM_LOG_MAX: u64 = 20_000;
const CHANGES_AT_ONCE: usize = 256;
