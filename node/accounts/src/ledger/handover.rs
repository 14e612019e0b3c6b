//! An account changes its hoster: what both do to their own records in the commit that makes it so. What the papers say is checked by
//! the caller.

use essaim_identity::account::{AccountEntry, Residence};
use essaim_identity::{Cosigned, SigningKey};
use essaim_store::Tx;
use essaim_types::{AccountId, Address, ListingId, LocalPart};

use super::record::HostKey;
use super::{accept, append, follow_addresses, head, key, read, salt};
use crate::generate::random;
use crate::manage::address::{claim, usable};
use crate::manage::arrive::ArriveError;
use crate::manage::member;
use crate::record::{AccountState, Act, Actor, AddressRecord, Departure, Profile, Word};
use crate::storage::{StorageError, load, save, settle};
use crate::{Accounts, Inner, elsewhere};

impl Accounts {
    /// The key with which this hoster signs for an account that is to come; made and durable if there is none.
    pub async fn key_for_guest(&self, account: AccountId) -> Result<SigningKey, StorageError> {
        let hoster = self.0.hoster;
        let made = self.0.store.commit(move |tx| -> Result<SigningKey, StorageError> {
            if let Some(key) = key(tx, hoster, account)? {
                return Ok(key);
            }
            let key = SigningKey::from_seed(&random());
            save(tx, hoster, account.as_bytes(), &HostKey::of(&key))?;
            Ok(key)
        });
        settle(made.await)
    }

    /// The last entry of an account's log that stands; `None` if it has no log.
    pub fn log_head(&self, account: AccountId) -> Result<Option<Cosigned<AccountEntry>>, StorageError> {
        let log = self.account_log(account)?;
        Ok(log.map(|log| log.settled_head().clone()))
    }

    /// The address that is on top of an account's profile, of whatever hoster it is.
    pub fn first_address(&self, account: AccountId) -> Result<Option<Address>, StorageError> {
        let profile: Option<Profile> = load(&self.0.store.read()?, account, Profile::KEY)?;
        Ok(profile.and_then(|profile| profile.addresses.first().cloned()))
    }

    /// In the commit that opens an account which has come: the entry that moved it, what its addresses were, and an address of this node, `wish` if
    /// nobody has it. Gives back the address. Which it is cannot make this fail: the account lives here already.
    pub fn welcome(
        &self,
        tx: &mut Tx<'_>,
        account: AccountId,
        entry: &Cosigned<AccountEntry>,
        wish: Option<&Address>,
    ) -> Result<Address, ArriveError> {
        let inner = &self.0;
        let before: Profile = member::<ArriveError>(tx, account)?;
        let log = read(tx, account)?.ok_or(ArriveError::Forged)?;
        let came_from = head(&log).record().host.listing;
        append(tx, account, entry)?;
        elsewhere::remember(tx, inner.hoster, account, (&before, came_from), Word::Hosters)?;
        elsewhere::is_back(tx, inner.hoster, account)?;
        let address = inner.vacant(tx, account, before.addresses.first(), wish)?;
        if load::<AddressRecord>(tx, inner.hoster, &AddressRecord::key(&address))?.is_none() {
            claim::<ArriveError>(tx, inner.hoster, &address, account)?;
        }
        let addresses = vec![address.clone()];
        follow_addresses(tx, inner.hoster, account, &addresses)?;
        save(tx, account, Profile::KEY, &Profile { addresses, state: AccountState::Active, ..before })?;
        self.journal(Actor::Node).note(tx, Act::ACCOUNT_ARRIVE, Some(account), &address.to_string())?;
        Ok(address)
    }

    /// In the commit that seals an account which goes to a hoster, whose domain is `to`: who comes here for it is led there.
    pub fn farewell(
        &self,
        tx: &mut Tx<'_>,
        account: AccountId,
        (listing, to): (ListingId, &str),
        entry: &Cosigned<AccountEntry>,
    ) -> Result<(), StorageError> {
        let profile: Option<Profile> = load(tx, account, Profile::KEY)?;
        let addresses = profile.map(|profile| profile.addresses).unwrap_or_default();
        let moved = tx.now();
        let until = moved.after(self.0.config.lead_on);
        let record = Departure { listing, to: to.to_owned(), address: None, addresses, moved, until };
        save(tx, self.0.hoster, &Departure::key(account), &record)?;
        keep_proof(tx, self.0.hoster, account, entry)?;
        self.journal(Actor::Node).note(tx, Act::ACCOUNT_LEAVE, Some(account), to)
    }
}

/// What others are shown who ask where the account lives now: it must outlive the copy of the account.
fn keep_proof(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    account: AccountId,
    entry: &Cosigned<AccountEntry>,
) -> Result<(), StorageError> {
    let (Some(mut log), Some(salt)) = (read(tx, account)?, salt(tx, account)?) else { return Ok(()) };
    match accept(&mut log, entry.clone()) {
        Ok(entry) => elsewhere::keep_proof(tx, hoster, &Residence::of(&log, &entry, &salt)),
        Err(refused) => {
            tracing::warn!(%account, error = %refused, "others cannot be shown where {account} lives");
            Ok(())
        }
    }
}

impl Inner {
    /// The first of these that the account can have: the wish; the name that it had, at the own domain; that name with a number.
    pub(super) fn vacant(
        &self,
        tx: &Tx<'_>,
        account: AccountId,
        had: Option<&Address>,
        wish: Option<&Address>,
    ) -> Result<Address, StorageError> {
        let here = |local: LocalPart| Address::new(local, self.domains.primary().clone());
        let name = had.map_or("member", |address| address.local().as_str());
        let numbered = (2..NUMBERS).map(|number| format!("{name}{number}"));
        let names = std::iter::once(name.to_owned()).chain(numbered);
        let own = names.filter_map(|name| LocalPart::new(&name).ok()).map(here);
        for address in wish.cloned().into_iter().chain(own) {
            let Ok(address) = usable(&self.domains, &address) else { continue };
            let there: Option<AddressRecord> = load(tx, self.hoster, &AddressRecord::key(&address))?;
            if there.is_none_or(|record| record.accounts == [account]) {
                return Ok(address);
            }
        }
        // Nobody has 32 random bytes for a name.
        let local = LocalPart::new(&account.to_string()).expect("letters and digits, fewer than 64");
        Ok(here(local))
    }
}

/// So many addresses are tried.
const NUMBERS: u32 = 100;
