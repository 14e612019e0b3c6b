//! Accounts that live at another hoster now, and addresses that accounts of here had elsewhere: asked by whoever leads clients and mail on, and
//! by whoever takes them. See specs/16-move.md.

use std::ops::Bound;

use essaim_identity::account::Residence;
use essaim_store::{AccountStatus, Put, Tx};
use essaim_types::{AccountId, Address, ListingId, ObjectKind};

use crate::record::{
    AddressRecord, AddressUse, Departure, Former, FormerAddress, Profile, Record, RecordError, Word,
};
use crate::storage::{Reads, StorageError, load, save, settle};
use crate::{Accounts, Resolution};

impl Accounts {
    /// At the old hoster: where an account lives that has moved away from here. It may have been deleted here since.
    pub fn departure(&self, account: AccountId) -> Result<Option<Departure>, StorageError> {
        departure(&self.0.store.read()?, self.0.hoster, account)
    }

    /// At the old hoster: the account that has this personal address, with whatever `+detail`, and has moved away.
    pub fn departure_of(&self, address: &Address) -> Result<Option<(AccountId, Departure)>, StorageError> {
        let Some(address) = self.0.domains.localize(address) else { return Ok(None) };
        let snapshot = self.0.store.read()?;
        let key = AddressRecord::key(address.without_detail().as_ref().unwrap_or(&address));
        let record: Option<AddressRecord> = load(&snapshot, self.0.hoster, &key)?;
        let Some(AddressRecord { usage: AddressUse::Personal, accounts, .. }) = record else {
            return Ok(None);
        };
        let Some(account) = accounts.first().copied() else { return Ok(None) };
        // One that has come back lives here.
        if snapshot.account(account)?.is_some_and(|state| state.status == AccountStatus::Open) {
            return Ok(None);
        }
        Ok(departure(&snapshot, self.0.hoster, account)?.map(|departure| (account, departure)))
    }

    /// At the old hoster: the new one has said what the member's address there is.
    pub async fn settled_at(&self, account: AccountId, address: Address) -> Result<(), StorageError> {
        self.change_departure(account, |departure| departure.address = Some(address)).await
    }

    /// At the old hoster: the new one has said that the account has moved on from there. It asks there from now on.
    pub async fn moved_on(
        &self,
        account: AccountId,
        listing: ListingId,
        to: String,
        address: Address,
    ) -> Result<(), StorageError> {
        self.change_departure(account, move |departure| {
            (departure.listing, departure.to, departure.address) = (listing, to, Some(address));
        })
        .await
    }

    /// RELEASE at the old hoster: the copy of the account is to be deleted, and with it goes the key with which this hoster signed for it. The
    /// departure stays, and nobody else gets the addresses.
    pub async fn release(&self, account: AccountId) -> Result<(), StorageError> {
        let hoster = self.0.hoster;
        let released = self.0.store.commit(move |tx| -> Result<(), StorageError> {
            // An account that has come back is signed for.
            if tx.account(account)?.is_some_and(|state| state.status == AccountStatus::Open) {
                return Ok(());
            }
            tx.delete(hoster, ObjectKind::HOST_KEY, account.as_bytes())?;
            Ok(())
        });
        settle(released.await)
    }

    async fn change_departure(
        &self,
        account: AccountId,
        change: impl FnOnce(&mut Departure) + Send + 'static,
    ) -> Result<(), StorageError> {
        let hoster = self.0.hoster;
        let changed = self.0.store.commit(move |tx| -> Result<(), StorageError> {
            let Some(before) = departure(tx, hoster, account)? else { return Ok(()) };
            let mut after = before.clone();
            change(&mut after);
            if after == before { Ok(()) } else { save(tx, hoster, &Departure::key(account), &after) }
        });
        settle(changed.await)
    }

    /// At the old hoster: what shows others where the account lives now; `None` if it has no log that could.
    pub fn residence(&self, account: AccountId) -> Result<Option<Residence>, StorageError> {
        let snapshot = self.0.store.read()?;
        let kept = snapshot.object(self.0.hoster, ObjectKind::MOVE, &proof_key(account))?;
        let Some(object) = kept else { return Ok(None) };
        let bytes = object.value.strip_prefix(&[PROOF_VERSION]).ok_or(DAMAGED)?;
        Ok(Some(Residence::decode(bytes).map_err(|_| DAMAGED)?))
    }

    /// At the old hoster: the account has moved on, as this shows.
    pub async fn keep_residence(&self, residence: Residence) -> Result<(), StorageError> {
        let hoster = self.0.hoster;
        settle(self.0.store.commit(move |tx| keep_proof(tx, hoster, &residence)).await)
    }

    /// At the old hoster: the account whose member may write under this address, with whatever `+detail`, from the hoster where it lives now.
    pub fn writes_from(&self, address: &Address, home: ListingId) -> Result<Option<AccountId>, StorageError> {
        let found = self.departure_of(address)?;
        Ok(found.filter(|(_, departure)| departure.listing == home).map(|(account, _)| account))
    }

    /// At the home: what becomes of mail to an address that an account had at this hoster.
    pub fn resolve_former(&self, address: &Address, at: ListingId) -> Result<Resolution, StorageError> {
        match self.former(address, at)? {
            Some(account) => self.0.resolve_one(&self.0.store.read()?, account, address),
            None => Ok(Resolution::NotLocal),
        }
    }

    /// At the home: the account that had this address, with whatever `+detail`, at this hoster. It may have moved on meanwhile: then there is a
    /// [`Self::departure`].
    pub fn former(&self, address: &Address, at: ListingId) -> Result<Option<AccountId>, StorageError> {
        let address = address.without_detail().unwrap_or_else(|| address.clone());
        let former: Option<Former> = load(&self.0.store.read()?, self.0.hoster, &Former::key(&address, at))?;
        Ok(former.filter(|former| former.word != Word::Disputed).map(|former| former.account))
    }

    /// The same, if that hoster itself has said so: what only the account says is for what the hoster sends.
    pub fn given_by(&self, address: &Address, at: ListingId) -> Result<Option<AccountId>, StorageError> {
        let address = address.without_detail().unwrap_or_else(|| address.clone());
        let former: Option<Former> = load(&self.0.store.read()?, self.0.hoster, &Former::key(&address, at))?;
        Ok(former.filter(|former| former.word == Word::Hosters).map(|former| former.account))
    }

    /// At the home: whose this address was, whatever hoster says so: usually one.
    pub fn formers(&self, address: &Address) -> Result<Vec<(AccountId, ListingId)>, StorageError> {
        let address = address.without_detail().unwrap_or_else(|| address.clone());
        let (from, to) = Former::keys_of(&address);
        let found = self.0.store.read()?.range(
            self.0.hoster,
            ObjectKind::FORMER,
            Bound::Included(&from),
            Bound::Excluded(&to),
        )?;
        let mut formers = Vec::new();
        for row in found.take(FORMER_MAX) {
            let (key, object) = row?;
            let former = Former::decode(&object.value)?;
            if former.word != Word::Disputed {
                formers.push((former.account, Former::listing_of(&key)?));
            }
        }
        Ok(formers)
    }

    /// At the home: whether an account of here had an address at this hoster.
    pub fn has_formers_from(&self, listing: ListingId) -> Result<bool, StorageError> {
        let snapshot = self.0.store.read()?;
        for row in snapshot.range(self.0.hoster, ObjectKind::FORMER, Bound::Unbounded, Bound::Unbounded)? {
            if Former::listing_of(&row?.0)? == listing {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// At the home: the addresses that an account had elsewhere.
    pub fn came_from(&self, account: AccountId) -> Result<Vec<FormerAddress>, StorageError> {
        came_from(&self.0.store.read()?, account)
    }
}

/// In the commit that opens an account which has come from `listing`: its addresses there, and those that it had before, are known here from now on.
/// `word` is whose word it is that it comes from there; of those before it is the account's.
pub(crate) fn remember(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    account: AccountId,
    (profile, listing): (&Profile, ListingId),
    word: Word,
) -> Result<(), StorageError> {
    let before = came_from(tx, account)?;
    let since = tx.now();
    let new = profile.addresses.iter().cloned().map(|address| FormerAddress { address, listing, since });
    let new: Vec<_> = new.take(FORMER_MAX).collect();
    for former in &new {
        save(tx, account, &Former::key(&former.address, listing), former)?;
    }
    let new = new.iter().map(|former| (former, word));
    for (former, word) in new.chain(before.iter().map(|former| (former, Word::Accounts))).take(FORMER_MAX) {
        let key = Former::key(&former.address, former.listing);
        let claim = Former { account, since: former.since, word };
        let known: Option<Former> = load(tx, hoster, &key)?;
        let now = match known {
            Some(known) => settled(known, claim),
            None => claim,
        };
        save(tx, hoster, &key, &now)?;
    }
    Ok(())
}

/// Of what is known and what is claimed now, what counts. The hoster of an address may say again whose it is, with another account; an account that
/// claims the address of another gets nothing, and nobody gets what only accounts claim.
fn settled(known: Former, claim: Former) -> Former {
    match (known.word, claim.word) {
        (_, Word::Hosters) => claim,
        (Word::Hosters, _) => known,
        _ if known.account == claim.account => known,
        _ => Former { word: Word::Disputed, ..known },
    }
}

pub(crate) fn keep_proof(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    residence: &Residence,
) -> Result<(), StorageError> {
    let mut kept = residence.clone();
    kept.address = None;
    let value = [vec![PROOF_VERSION], kept.encode()].concat();
    Ok(tx.put(hoster, ObjectKind::MOVE, &proof_key(residence.account), Put::new(value))?)
}

/// As long as the key of a departure.
fn proof_key(account: AccountId) -> Vec<u8> {
    [b"w".as_slice(), account.as_bytes()].concat()
}

/// In the commit that opens an account here: it has not gone from here any more.
pub(crate) fn is_back(tx: &mut Tx<'_>, hoster: AccountId, account: AccountId) -> Result<(), StorageError> {
    tx.delete(hoster, ObjectKind::MOVE, &Departure::key(account))?;
    tx.delete(hoster, ObjectKind::MOVE, &proof_key(account))?;
    Ok(())
}

pub(crate) fn departure(
    from: &impl Reads,
    hoster: AccountId,
    account: AccountId,
) -> Result<Option<Departure>, StorageError> {
    load(from, hoster, &Departure::key(account))
}

fn came_from(from: &impl Reads, account: AccountId) -> Result<Vec<FormerAddress>, StorageError> {
    let objects = from.objects(account, ObjectKind::FORMER_ADDRESS, FORMER_READ)?;
    let mut former: Vec<FormerAddress> = objects
        .iter()
        .map(|(_, object)| Ok(FormerAddress::decode(&object.value)?))
        .collect::<Result<_, StorageError>>()?;
    former.sort_by_key(|former| std::cmp::Reverse(former.since));
    Ok(former)
}

/// Addresses of one account at other hosters that are looked up here: those that it left last.
const FORMER_MAX: usize = 64;
/// So many of them are read: more than an account can have by moving, however much its objects claim.
const FORMER_READ: usize = 1024;
const PROOF_VERSION: u8 = 1;
const DAMAGED: RecordError = RecordError::Damaged { kind: "proof of a move" };
