//! Deleting what a closed account holds: in small commits, so that others wait for none of them long.

use std::ops::Bound;

use essaim_store::Tx;
use essaim_types::{AccountId, ObjectKind};

use super::{NoSuchAccount, member};
use crate::Accounts;
use crate::journal::Journal;
use crate::record::{AccountState, Act, Actor, AddressRecord, AddressUse, Profile, Record};
use crate::storage::{StorageError, from_store, save, settle};

/// How far a deletion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteProgress {
    /// Objects deleted.
    pub deleted: u64,
    /// Objects that the account had when it began.
    pub total: u64,
}

/// Why an account was not deleted. What was deleted before the error stays deleted; deleting again goes on.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// No such account.
    #[error(transparent)]
    NoSuchAccount(#[from] NoSuchAccount),
    /// Deletion cannot be undone, so it needs two steps.
    #[error("the account is not closed: close it first")]
    NotClosed,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

from_store!(DeleteError);

impl Accounts {
    /// Deletes a closed account and everything in it, whatever kind it is. Its addresses are free at the end, in the same
    /// commit that deletes the account. Cannot be undone.
    pub async fn delete(
        &self,
        account: AccountId,
        by: Actor,
        mut progress: impl FnMut(DeleteProgress) + Send,
    ) -> Result<(), DeleteError> {
        let total = self.0.store.read()?.account(account)?.map_or(0, |state| state.objects);
        let (hoster, journal) = (self.0.hoster, self.journal(by));
        let (mut deleted, mut from) = (0, FIRST);
        loop {
            let journal = journal.clone();
            let step = self.0.store.commit_to([account], move |tx| step(tx, hoster, account, from, &journal));
            let Step { deleted: now, next } = settle(step.await)?;
            deleted += now;
            progress(DeleteProgress { deleted, total: total.max(deleted) });
            let Some(next) = next else { return Ok(()) };
            from = next;
        }
    }
}

struct Step {
    deleted: u64,
    /// The kind to go on with; none when the account is gone.
    next: Option<ObjectKind>,
}

fn step(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    account: AccountId,
    from: ObjectKind,
    journal: &Journal,
) -> Result<Step, DeleteError> {
    let profile = member::<DeleteError>(tx, account)?;
    if profile.state != AccountState::Closed {
        return Err(DeleteError::NotClosed);
    }
    let mut deleted = 0;
    for kind in (from.0..=u8::MAX).map(ObjectKind).filter(|kind| *kind != ObjectKind::PROFILE) {
        deleted += delete_some(tx, account, kind, OBJECTS_MAX - deleted)?;
        if deleted == OBJECTS_MAX {
            return Ok(Step { deleted, next: Some(kind) });
        }
    }
    // Something of a kind already passed may have come since: from a session that was open when the account was closed.
    let left = tx.account(account)?.map_or(0, |state| state.objects);
    if left > OBJECTS_OF_AN_EMPTY_ACCOUNT {
        return Ok(Step { deleted, next: Some(FIRST) });
    }
    delete_account(tx, hoster, account, &profile, journal)?;
    Ok(Step { deleted, next: None })
}

fn delete_some(
    tx: &mut Tx<'_>,
    account: AccountId,
    kind: ObjectKind,
    limit: u64,
) -> Result<u64, StorageError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let all = Bound::Unbounded;
    let keys = tx.range(account, kind, all, all)?.take(limit).map(|object| Ok(object?.0));
    let keys: Vec<_> = keys.collect::<Result<_, StorageError>>()?;
    for key in &keys {
        tx.delete(account, kind, key)?;
    }
    Ok(keys.len() as u64)
}

fn delete_account(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    account: AccountId,
    profile: &Profile,
    journal: &Journal,
) -> Result<(), StorageError> {
    let all = Bound::Unbounded;
    let mut theirs = Vec::new();
    for address in tx.range(hoster, ObjectKind::ADDRESS, all, all)? {
        let (key, object) = address?;
        let record = AddressRecord::decode(&object.value)?;
        if record.accounts.contains(&account) {
            theirs.push((key, record));
        }
    }
    for (key, mut record) in theirs {
        record.accounts.retain(|other| *other != account);
        if record.accounts.is_empty() || record.usage == AddressUse::Personal {
            tx.delete(hoster, ObjectKind::ADDRESS, &key)?;
        } else {
            save(tx, hoster, &key, &record)?;
        }
    }
    tx.delete(hoster, ObjectKind::HOST_KEY, account.as_bytes())?;
    tx.delete(account, ObjectKind::PROFILE, Profile::KEY)?;
    tx.delete_account(account)?;
    let address = profile.addresses.first().map_or_else(String::new, ToString::to_string);
    journal.note(tx, Act::ACCOUNT_DELETE, Some(account), &address)
}

/// Kind 0 is the account itself.
const FIRST: ObjectKind = ObjectKind(1);
/// One commit deletes at most so many objects.
const OBJECTS_MAX: u64 = 1000;
/// The account itself and its profile, which goes last: it says that the account is closed.
const OBJECTS_OF_AN_EMPTY_ACCOUNT: u64 = 2;
