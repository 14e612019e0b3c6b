//! Where addresses of other hosters live now: learnt from their old hosters, so that mail goes straight to the home, also when the old hoster is gone.
//! What an account's log says is checked by whoever learns it. See specs/16-move.md.

use std::ops::Bound;

use essaim_store::Tx;
use essaim_types::{AccountId, Address, ObjectKind, Timestamp};

use crate::Accounts;
use crate::record::{Record, Relocation, StoredRelocation};
use crate::storage::{Reads, StorageError, load, save, settle};

/// Where mail for an address of another hoster goes, if it is known to have moved.
pub fn relocation_of(
    tx: &Tx<'_>,
    hoster: AccountId,
    address: &Address,
) -> Result<Option<Relocation>, StorageError> {
    let known = known(tx, hoster, address)?;
    Ok(known.filter(|known| is_good(known, tx.now())))
}

impl Accounts {
    /// What is remembered of an address of another hoster, however old.
    pub fn relocation(&self, address: &Address) -> Result<Option<Relocation>, StorageError> {
        known(&self.0.store.read()?, self.0.hoster, address)
    }

    /// Remembers where an address lives now. What is remembered of an account never goes back to an earlier hoster of it. Whether it was taken in.
    pub async fn learn_relocation(
        &self,
        address: &Address,
        relocation: Relocation,
    ) -> Result<bool, StorageError> {
        let (hoster, address) = (self.0.hoster, address.clone());
        let learnt = self.0.store.commit(move |tx| -> Result<bool, StorageError> {
            match known(tx, hoster, &address)? {
                Some(before)
                    if before.account == relocation.account && before.seen.epoch > relocation.seen.epoch =>
                {
                    return Ok(false);
                }
                Some(_) => {}
                None => make_room(tx, hoster)?,
            }
            save(tx, hoster, &Relocation::key(&address), &StoredRelocation::of(&relocation))?;
            Ok(true)
        });
        settle(learnt.await)
    }

    /// The home has taken mail for the address: it is good from today on again. Written once a day.
    pub async fn renew_relocation(&self, address: &Address, now: Timestamp) -> Result<(), StorageError> {
        match self.relocation(address)? {
            Some(known) if now.since(known.since) >= DAY => {
                self.learn_relocation(address, Relocation { since: now, ..known }).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// The home does not know the address: its old hoster is asked again.
    pub async fn forget_relocation(&self, address: &Address) -> Result<(), StorageError> {
        let (hoster, key) = (self.0.hoster, Relocation::key(address));
        let forgotten = self.0.store.commit(move |tx| -> Result<(), StorageError> {
            tx.delete(hoster, ObjectKind::RELOCATION, &key)?;
            Ok(())
        });
        settle(forgotten.await)
    }
}

fn known(
    from: &impl Reads,
    hoster: AccountId,
    address: &Address,
) -> Result<Option<Relocation>, StorageError> {
    let stored: Option<StoredRelocation> = load(from, hoster, &Relocation::key(address))?;
    Ok(stored.map(StoredRelocation::into_relocation))
}

/// Takes out the one that was used least recently when there are as many as there may be.
fn make_room(tx: &mut Tx<'_>, hoster: AccountId) -> Result<(), StorageError> {
    let (mut count, mut oldest) = (0, None);
    for row in tx.range(hoster, ObjectKind::RELOCATION, Bound::Unbounded, Bound::Unbounded)? {
        let (key, object) = row?;
        let since = StoredRelocation::decode(&object.value)?.into_relocation().since;
        count += 1;
        if oldest.as_ref().is_none_or(|(time, _)| since < *time) {
            oldest = Some((since, key.to_vec()));
        }
    }
    if let Some((_, key)) = oldest.filter(|_| count >= RELOCATIONS_MAX) {
        tx.delete(hoster, ObjectKind::RELOCATION, &key)?;
    }
    Ok(())
}

fn is_good(known: &Relocation, now: Timestamp) -> bool {
    now.since(known.since) < GOOD_FOR
}

/// Addresses that are remembered: a hoster's members write to fewer.
pub const RELOCATIONS_MAX: usize = 10_000;
/// Where no mail was sent for so long, the old hoster is asked again.
const GOOD_FOR: std::time::Duration = std::time::Duration::from_secs(365 * 86_400);
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
