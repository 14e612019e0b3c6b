//! Addresses: personal ones, shared ones, and what a domain does with unknown names.

use essaim_store::Tx;
use essaim_types::{AccountId, Address, Domain, ObjectKind};

use super::{NoSuchAccount, member};
use crate::record::{Act, Actor, AddressRecord, AddressUse, Profile};
use crate::storage::{StorageError, from_store, load, save, settle};
use crate::{Accounts, LocalDomains, ledger};

/// Why an address cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Mail to it would not come here.
    #[error("{0} is not a domain of this node: add it to hoster.domains in essaim.toml, or choose another")]
    NotLocal(Domain),
    /// What follows a `+` is for the member to choose, with every mail.
    #[error("an address of an account has no \"+\": mail to {0} comes to its owner anyway")]
    HasDetail(Address),
    /// Somebody has it, or it is shared.
    #[error("{0} is taken")]
    Taken(Address),
}

/// Why an address was not added, or not made the first one.
#[derive(Debug, thiserror::Error)]
pub enum AddAddressError {
    /// No such account.
    #[error(transparent)]
    NoSuchAccount(#[from] NoSuchAccount),
    /// The address cannot be had.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// There are as many as there may be.
    #[error("the account has {max} addresses already: remove one, or raise accounts.addresses_max")]
    TooMany {
        /// How many there may be.
        max: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why an address was not removed, or not made the first one.
#[derive(Debug, thiserror::Error)]
pub enum RemoveAddressError {
    /// No such account.
    #[error(transparent)]
    NoSuchAccount(#[from] NoSuchAccount),
    /// It is not one of the account's.
    #[error("{0} is not an address of this account")]
    NotTheirs(Address),
    /// An account has at least one.
    #[error("{0} is the only address of the account: add another first, or close the account")]
    Last(Address),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why a shared address was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// No such account.
    #[error(transparent)]
    NoSuchAccount(#[from] NoSuchAccount),
    /// The address cannot be had.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// More accounts than one message may be delivered to at once.
    #[error("a shared address is for at most {max} accounts: use a mailing list for more")]
    TooMany {
        /// How many.
        max: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

from_store!(AddAddressError, RemoveAddressError, ShareError);

impl Accounts {
    /// Gives an account one more personal address, after those it has.
    pub async fn add_address(
        &self,
        account: AccountId,
        address: Address,
        by: Actor,
    ) -> Result<(), AddAddressError> {
        let address = usable(&self.0.domains, &address)?;
        let (hoster, max, journal) = (self.0.hoster, self.0.config.addresses_max, self.journal(by));
        let added = self.0.store.commit_to([account], move |tx| -> Result<(), AddAddressError> {
            let mut profile: Profile = member::<AddAddressError>(tx, account)?;
            if profile.addresses.len() >= max {
                return Err(AddAddressError::TooMany { max });
            }
            claim::<AddAddressError>(tx, hoster, &address, account)?;
            profile.addresses.push(address.clone());
            save(tx, account, Profile::KEY, &profile)?;
            ledger::follow_addresses(tx, hoster, account, &profile.addresses)?;
            Ok(journal.note(tx, Act::ADDRESS_ADD, Some(account), &address.to_string())?)
        });
        settle(added.await)
    }

    /// Takes a personal address away; it is free for others at once.
    pub async fn remove_address(
        &self,
        account: AccountId,
        address: Address,
        by: Actor,
    ) -> Result<(), RemoveAddressError> {
        let address = self.0.domains.localize(&address).unwrap_or(address);
        let (hoster, journal) = (self.0.hoster, self.journal(by));
        let removed = self.0.store.commit_to([account], move |tx| -> Result<(), RemoveAddressError> {
            let mut profile = member::<RemoveAddressError>(tx, account)?;
            let at = position(&profile, &address)?;
            if profile.addresses.len() == 1 {
                return Err(RemoveAddressError::Last(address));
            }
            profile.addresses.remove(at);
            save(tx, account, Profile::KEY, &profile)?;
            ledger::follow_addresses(tx, hoster, account, &profile.addresses)?;
            tx.delete(hoster, ObjectKind::ADDRESS, &AddressRecord::key(&address))?;
            Ok(journal.note(tx, Act::ADDRESS_REMOVE, Some(account), &address.to_string())?)
        });
        settle(removed.await)
    }

    /// Makes one of an account's addresses the first one: the one that is shown and written as.
    pub async fn set_primary_address(
        &self,
        account: AccountId,
        address: Address,
        by: Actor,
    ) -> Result<(), RemoveAddressError> {
        let address = self.0.domains.localize(&address).unwrap_or(address);
        let journal = self.journal(by);
        let moved = self.0.store.commit_to([account], move |tx| -> Result<(), RemoveAddressError> {
            let mut profile = member::<RemoveAddressError>(tx, account)?;
            let at = position(&profile, &address)?;
            if let Some(first) = profile.addresses.get_mut(..=at) {
                first.rotate_right(1);
            }
            save(tx, account, Profile::KEY, &profile)?;
            Ok(journal.note(tx, Act::ADDRESS_PRIMARY, Some(account), &address.to_string())?)
        });
        settle(moved.await)
    }

    /// Says who gets the mail of a shared address such as `info@`; nobody removes it.
    pub async fn share_address(
        &self,
        address: Address,
        accounts: Vec<AccountId>,
        by: Actor,
    ) -> Result<(), ShareError> {
        let address = usable(&self.0.domains, &address)?;
        let (key, written) = (AddressRecord::key(&address), address.to_string());
        self.share(key, written, AddressUse::Shared, Some(address), accounts, by).await
    }

    /// Says who gets the mail to names of a local domain that nobody has; nobody removes the catch-all.
    pub async fn set_catch_all(
        &self,
        domain: Domain,
        accounts: Vec<AccountId>,
        by: Actor,
    ) -> Result<(), ShareError> {
        let spelled = self.0.domains.spelled(&domain).cloned();
        let domain = spelled.ok_or(AddressError::NotLocal(domain))?;
        let (key, written) = (AddressRecord::catch_all_key(&domain), format!("@{domain}"));
        self.share(key, written, AddressUse::CatchAll, None, accounts, by).await
    }

    async fn share(
        &self,
        key: Vec<u8>,
        written: String,
        usage: AddressUse,
        address: Option<Address>,
        mut accounts: Vec<AccountId>,
        by: Actor,
    ) -> Result<(), ShareError> {
        accounts.sort();
        accounts.dedup();
        if accounts.len() > SHARED_MAX {
            return Err(ShareError::TooMany { max: SHARED_MAX });
        }
        let (hoster, journal) = (self.0.hoster, self.journal(by));
        let shared = self.0.store.commit(move |tx| -> Result<(), ShareError> {
            let old: Option<AddressRecord> = load(tx, hoster, &key)?;
            if let (Some(AddressRecord { usage: AddressUse::Personal, .. }), Some(address)) = (&old, address)
            {
                return Err(AddressError::Taken(address).into());
            }
            for account in &accounts {
                member::<ShareError>(tx, *account)?;
            }
            let account = accounts.first().copied();
            let since = old.map_or_else(|| tx.now(), |old| old.since);
            if accounts.is_empty() {
                tx.delete(hoster, ObjectKind::ADDRESS, &key)?;
            } else {
                save(tx, hoster, &key, &AddressRecord { usage, accounts, written: written.clone(), since })?;
            }
            Ok(journal.note(tx, Act::ADDRESS_SHARE, account, &written)?)
        });
        settle(shared.await)
    }
}

/// The address as an account here can have it.
pub(crate) fn usable(domains: &LocalDomains, address: &Address) -> Result<Address, AddressError> {
    let localized = domains.localize(address);
    let localized = localized.ok_or_else(|| AddressError::NotLocal(address.domain().clone()))?;
    if address.local().as_str().contains('+') {
        return Err(AddressError::HasDetail(address.clone()));
    }
    Ok(localized)
}

/// Makes it the account's personal address, unless it is somebody's.
pub(crate) fn claim<E>(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    address: &Address,
    account: AccountId,
) -> Result<(), E>
where
    E: From<StorageError> + From<AddressError>,
{
    let key = AddressRecord::key(address);
    if load::<AddressRecord>(tx, hoster, &key)?.is_some() {
        return Err(AddressError::Taken(address.clone()).into());
    }
    let record = AddressRecord::personal(address, account, tx.now());
    Ok(save(tx, hoster, &key, &record)?)
}

fn position(profile: &Profile, address: &Address) -> Result<usize, RemoveAddressError> {
    let at = profile.addresses.iter().position(|own| own.key() == address.key());
    at.ok_or_else(|| RemoveAddressError::NotTheirs(address.clone()))
}

/// One message to a shared address is one commit for all its accounts.
const SHARED_MAX: usize = 64;
