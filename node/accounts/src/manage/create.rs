//! New accounts.

use std::sync::Arc;

use essaim_store::Tx;
use essaim_types::{AccountId, Address, ByteSize, Secret};

use super::address::{AddressError, claim, usable};
use super::password::{NewPassword, PasswordError};
use crate::journal::Journal;
use crate::ledger::Founded;
use crate::record::{
    AccountState, Act, Actor, AddressRecord, AddressUse, CredentialId, DisplayName, Language, Profile, Role,
};
use crate::storage::{StorageError, from_store, load, save, settle};
use crate::{Accounts, Inner};

/// An account to make.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its first address.
    pub address: Address,
    /// What the member is called; may be empty.
    pub display_name: DisplayName,
    /// The language in which the node writes to the member.
    pub language: Language,
    /// How much it may hold.
    pub quota: Quota,
    /// How it logs in.
    pub password: NewPassword,
}

/// How much an account may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    /// What `accounts.quota` says now.
    Default,
    /// As much as the disk holds.
    Unlimited,
    /// At most so much. 0 is [`Quota::Unlimited`].
    Bytes(ByteSize),
}

/// An account that was made.
#[derive(Debug)]
pub struct Created {
    /// Its id.
    pub account: AccountId,
    /// The password, if the node made it up. It is shown once and cannot be had again.
    pub generated: Option<Secret>,
}

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The address cannot be had.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The password cannot be had.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The hoster has no keys yet, or they cannot be read, so nobody could sign for the account.
    #[error(
        "the node has no keys of its hoster: start it once with essaim serve, or make them with essaim init"
    )]
    NoListing,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

from_store!(CreateError);

impl NewAccount {
    /// An account with a generated password, no name and the default quota.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            display_name: DisplayName::default(),
            language: Language::default(),
            quota: Quota::Default,
            password: NewPassword::Generate,
        }
    }
}

impl Accounts {
    /// Makes an account. The first one also becomes `postmaster@` of the hoster's domain (RFC 5321 section 4.5.1).
    pub async fn create(&self, new: NewAccount, by: Actor) -> Result<Created, CreateError> {
        let new = NewAccount { address: usable(&self.0.domains, &new.address)?, ..new };
        let addresses = std::slice::from_ref(&new.address);
        let (prepared, generated) = self.0.prepare(new.password.clone(), addresses).await?;
        let listing = self.0.listing.ok_or(CreateError::NoListing)?;
        let (inner, journal) = (Arc::clone(&self.0), self.journal(by));
        let quota = self.0.bytes(new.quota);
        let created = self.0.store.commit(move |tx| -> Result<AccountId, CreateError> {
            let founded = Founded::new(listing, std::slice::from_ref(&new.address), tx.now());
            let account = founded.account();
            tx.create_account(account, quota)?;
            founded.save(tx, inner.hoster)?;
            claim::<CreateError>(tx, inner.hoster, &new.address, account)?;
            save(tx, account, Profile::KEY, &profile(tx, &new))?;
            save(tx, account, &CredentialId::Password.key(), &prepared.record(tx.now()))?;
            inner.first_is_postmaster(tx, account, &journal)?;
            journal.note(tx, Act::ACCOUNT_CREATE, Some(account), &new.address.to_string())?;
            Ok(account)
        });
        let account = settle(created.await)?;
        Ok(Created { account, generated })
    }
}

impl Inner {
    /// As the store has it: none is unlimited.
    pub(crate) fn bytes(&self, quota: Quota) -> Option<ByteSize> {
        let bytes = match quota {
            Quota::Default => self.config.quota,
            Quota::Unlimited => ByteSize(0),
            Quota::Bytes(bytes) => bytes,
        };
        (bytes > ByteSize(0)).then_some(bytes)
    }

    fn first_is_postmaster(
        &self,
        tx: &mut Tx<'_>,
        account: AccountId,
        journal: &Journal,
    ) -> Result<(), StorageError> {
        let postmaster = self.postmaster();
        let key = AddressRecord::key(&postmaster);
        if load::<AddressRecord>(tx, self.hoster, &key)?.is_some() {
            return Ok(());
        }
        let record = AddressRecord {
            usage: AddressUse::Shared,
            ..AddressRecord::personal(&postmaster, account, tx.now())
        };
        save(tx, self.hoster, &key, &record)?;
        journal.note(tx, Act::ADDRESS_SHARE, Some(account), &record.written)
    }
}

fn profile(tx: &Tx<'_>, new: &NewAccount) -> Profile {
    Profile {
        role: Role::Member,
        state: AccountState::Active,
        display_name: new.display_name.clone(),
        language: new.language.clone(),
        created: tx.now(),
        addresses: vec![new.address.clone()],
        genesis: Vec::new(),
    }
}
