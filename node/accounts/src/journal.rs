//! The journal of administrative acts, written in the commit of the act itself: there is neither one without the other.

use std::ops::Bound;
use std::time::Duration;

use essaim_store::Tx;
use essaim_types::{AccountId, ObjectKind};

use crate::Accounts;
use crate::record::{Act, Actor, AuditEntry, Record};
use crate::storage::{StorageError, load, save};

/// Writes down what one actor does, from within commits.
#[derive(Debug, Clone)]
pub struct Journal {
    hoster: AccountId,
    keep: Duration,
    actor: Actor,
}

impl Accounts {
    /// For the closures of one actor's commits; also of other crates, for acts of their own.
    pub fn journal(&self, actor: Actor) -> Journal {
        let (hoster, keep) = (self.0.hoster, self.0.config.audit_keep);
        Journal { hoster, keep, actor }
    }

    /// The last acts, newest first, `limit` at most.
    pub fn acts(&self, limit: usize) -> Result<Vec<AuditEntry>, StorageError> {
        let snapshot = self.0.store.read()?;
        let (kind, all) = (ObjectKind::AUDIT, Bound::Unbounded);
        let entries = snapshot.range(self.0.hoster, kind, all, all)?;
        entries.rev().take(limit).map(|entry| Ok(AuditEntry::decode(&entry?.1.value)?)).collect()
    }
}

impl Journal {
    /// Notes one act. `detail` is cut at 512 bytes.
    pub fn note(
        &self,
        tx: &mut Tx<'_>,
        act: Act,
        account: Option<AccountId>,
        detail: &str,
    ) -> Result<(), StorageError> {
        self.forget_old(tx)?;
        let lsn = tx.lsn(self.hoster)?;
        let key = (0..=u8::MAX)
            .map(|number| AuditEntry::key(lsn, number))
            .find_map(|key| match load::<AuditEntry>(tx, self.hoster, &key) {
                Ok(Some(_)) => None,
                Ok(None) => Some(Ok(key)),
                Err(error) => Some(Err(error)),
            })
            .transpose()?;
        // The 257th act of one commit is one too many to tell apart: the last place is written over.
        let key = key.unwrap_or_else(|| AuditEntry::key(lsn, u8::MAX));
        let detail = detail.get(..detail.floor_char_boundary(DETAIL_MAX)).unwrap_or_default();
        let (time, actor) = (tx.now(), self.actor.clone());
        save(tx, self.hoster, &key, &AuditEntry { time, actor, act, account, detail: detail.to_owned() })
    }

    /// Each act makes room for itself: the oldest go when they are too old, a few at a time.
    fn forget_old(&self, tx: &mut Tx<'_>) -> Result<(), StorageError> {
        let (kind, all) = (ObjectKind::AUDIT, Bound::Unbounded);
        let mut old = Vec::new();
        for entry in tx.range(self.hoster, kind, all, all)?.take(FORGOTTEN_AT_ONCE) {
            let (key, object) = entry?;
            if tx.now().since(AuditEntry::decode(&object.value)?.time) > self.keep {
                old.push(key);
            }
        }
        for key in old {
            tx.delete(self.hoster, kind, &key)?;
        }
        Ok(())
    }
}

const DETAIL_MAX: usize = 512;
const FORGOTTEN_AT_ONCE: usize = 4;
