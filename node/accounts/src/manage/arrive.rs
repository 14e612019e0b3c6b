//! Taking in an account whose objects came from elsewhere: from adopting to open, in one commit.

use std::sync::Arc;

use essaim_types::{AccountId, Address, Secret};

use super::address::{AddressError, claim, usable};
use super::password::{NewPassword, PasswordError};
use super::{NoSuchAccount, member};
use crate::Accounts;
use crate::ledger::identity;
use crate::record::{Act, Actor, CredentialId, CredentialRecord, Profile};
use crate::storage::{StorageError, from_store, load, save, settle};

/// Why an account that came is not opened.
#[derive(Debug, thiserror::Error)]
pub enum ArriveError {
    /// Its profile is missing, or is not a member's.
    #[error(transparent)]
    NoSuchAccount(#[from] NoSuchAccount),
    /// No entry of its log has its id as hash.
    #[error(
        "the account that came is not the one that it says: its log does not begin with the entry that its id is the hash of"
    )]
    Forged,
    /// The address cannot be had.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// What is in it does not take what is done to it at the same time.
    #[error("the content of the account cannot be opened")]
    Content(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No password could be made.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

from_store!(ArriveError);

impl Accounts {
    /// Whether this address could be given to somebody: before anything is taken in.
    ///
    /// # Errors
    /// It is not of a domain of this node.
    pub fn check_address(&self, address: &Address) -> Result<(), AddressError> {
        usable(&self.0.domains, address).map(drop)
    }

    /// Opens an account all of whose objects were adopted, with an address of this node. One that came without a password gets a new one, which is
    /// given back. What it was elsewhere (disabled, closed, other addresses) does not count here.
    ///
    /// # Errors
    /// The account stays as it is, adopting.
    pub async fn arrive(
        &self,
        account: AccountId,
        address: &Address,
        by: Actor,
    ) -> Result<Option<Secret>, ArriveError> {
        let address = usable(&self.0.domains, address)?;
        let addresses = std::slice::from_ref(&address);
        let (prepared, generated) = self.0.prepare(NewPassword::Generate, addresses).await?;
        let (inner, journal) = (Arc::clone(&self.0), self.journal(by));
        let opened = self.0.store.commit(move |tx| -> Result<bool, ArriveError> {
            let before: Profile = member::<ArriveError>(tx, account)?;
            if identity(tx, inner.hoster, account)?.is_none() {
                return Err(ArriveError::Forged);
            }
            let password: Option<CredentialRecord> = load(tx, account, &CredentialId::Password.key())?;
            tx.open_account(account)?;
            claim::<ArriveError>(tx, inner.hoster, &address, account)?;
            let state = crate::AccountState::Active;
            let profile = Profile { addresses: vec![address.clone()], state, ..before.clone() };
            // What stays as it was is no change of the account.
            if profile != before {
                save(tx, account, Profile::KEY, &profile)?;
            }
            if password.is_none() {
                save(tx, account, &CredentialId::Password.key(), &prepared.record(tx.now()))?;
            }
            journal.note(tx, Act::ACCOUNT_IMPORT, Some(account), &address.to_string())?;
            Ok(password.is_none())
        });
        let needed = settle(opened.await)?;
        Ok(generated.filter(|_| needed))
    }
}
