//! An account that was recovered from what others kept of it: opened here, with everything put aside by which its old hoster could still come in
//! (`specs/17-recovery.md`, Quarantine).

use std::sync::Arc;

use essaim_identity::Cosigned;
use essaim_identity::account::AccountEntry;
use essaim_store::{Put, Tx};
use essaim_types::{AccountId, Address, ObjectKind, Secret, Timestamp};
use serde::Serialize;

use super::{ENTRY, append, entries, follow_addresses};
use crate::manage::address::claim;
use crate::manage::arrive::ArriveError;
use crate::manage::password::{NewPassword, PasswordError};
use crate::manage::{NoSuchAccount, member};
use crate::record::{
    AccountState, Act, Actor, AddressRecord, AppPasswordId, CredentialId, CredentialRecord, Profile, Record,
    Word,
};
use crate::storage::{Reads, StorageError, from_store, load, save, settle};
use crate::{Accounts, elsewhere};

/// An account that lives here again.
#[derive(Debug)]
pub struct Recovered {
    /// Its address here.
    pub address: Address,
    /// The addresses that it had when the replica was made: the first is where it was known best.
    pub former: Vec<Address>,
    /// The new password. It is shown once.
    pub password: Secret,
    /// What is put aside until the member confirms it.
    pub aside: Vec<Aside>,
}

/// Something that gives access, or sends on, and does not until the member says that it is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aside {
    /// By which it is confirmed.
    pub id: AppPasswordId,
    /// What it is.
    pub kind: &'static str,
    /// What the member called it.
    pub name: String,
    /// When it was made, as the old hoster says.
    pub created: Timestamp,
    /// When it was last used, as the old hoster says.
    pub last_used: Option<Timestamp>,
}

/// Why nothing was confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// No such account.
    #[error(transparent)]
    NoSuchAccount(#[from] NoSuchAccount),
    /// Nothing with this number is put aside.
    #[error("nothing with the number {0} is put aside: essaim account confirm shows what is")]
    NotAside(AppPasswordId),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

from_store!(ConfirmError);

impl Accounts {
    /// Opens an account all of whose objects were adopted, by the word of this log: first entry to head, as it stands. `also` happens in the same
    /// commit, when the account takes changes.
    ///
    /// # Errors
    /// The account stays as it is, adopting.
    pub async fn recover(
        &self,
        account: AccountId,
        chain: Vec<Cosigned<AccountEntry>>,
        wish: Option<Address>,
        by: Actor,
        also: impl FnOnce(&mut Tx<'_>) -> Result<(), ArriveError> + Send + 'static,
    ) -> Result<Recovered, ArriveError> {
        let (prepared, generated) = self.0.prepare(NewPassword::Generate, &[]).await?;
        let password = generated.ok_or(PasswordError::Stopped)?;
        let (inner, journal) = (Arc::clone(&self.0), self.journal(by));
        let opened =
            self.0.store.commit(move |tx| -> Result<(Address, Vec<Address>, Vec<Aside>), ArriveError> {
                let before: Profile = member::<ArriveError>(tx, account)?;
                tx.open_account(account)?;
                // Who served it before the recovery may still take mail to its addresses there.
                if let Some(before_it) = chain.iter().rev().nth(1) {
                    elsewhere::remember(
                        tx,
                        inner.hoster,
                        account,
                        (&before, before_it.record().host.listing),
                        Word::Accounts,
                    )?;
                }
                elsewhere::is_back(tx, inner.hoster, account)?;
                replace_log(tx, account, &chain)?;
                let aside = put_aside(tx, account)?;
                save(tx, account, &CredentialId::Password.key(), &prepared.record(tx.now()))?;
                let address = inner.vacant(tx, account, before.addresses.first(), wish.as_ref())?;
                if load::<AddressRecord>(tx, inner.hoster, &AddressRecord::key(&address))?.is_none() {
                    claim::<ArriveError>(tx, inner.hoster, &address, account)?;
                }
                let addresses = vec![address.clone()];
                follow_addresses(tx, inner.hoster, account, &addresses)?;
                let former = before.addresses.clone();
                save(
                    tx,
                    account,
                    Profile::KEY,
                    &Profile { addresses, state: AccountState::Active, ..before },
                )?;
                also(tx)?;
                journal.note(tx, Act::ACCOUNT_RECOVER, Some(account), &address.to_string())?;
                Ok((address, former, aside))
            });
        let (address, former, aside) = settle(opened.await)?;
        Ok(Recovered { address, former, password, aside })
    }

    /// What a recovery has put aside, and nobody has confirmed.
    pub fn aside(&self, account: AccountId) -> Result<Vec<Aside>, StorageError> {
        set_aside(&self.0.store.read()?, account)
    }

    /// Puts these back into use, and, if `drop_rest`, deletes what is still aside. Says what is aside now.
    pub async fn confirm(
        &self,
        account: AccountId,
        keep: Vec<AppPasswordId>,
        drop_rest: bool,
        by: Actor,
    ) -> Result<Vec<Aside>, ConfirmError> {
        let journal = self.journal(by);
        let confirmed = self.0.store.commit_to([account], move |tx| -> Result<Vec<Aside>, ConfirmError> {
            member::<ConfirmError>(tx, account)?;
            let known = set_aside(tx, account)?;
            for id in keep {
                let one = known.iter().find(|one| one.id == id).ok_or(ConfirmError::NotAside(id))?;
                let key = CredentialId::App(id).key();
                let at = aside_key(ObjectKind::CREDENTIAL, &key);
                let Some(object) = tx.get(account, ObjectKind::ASIDE, &at)? else { continue };
                tx.delete(account, ObjectKind::ASIDE, &at)?;
                tx.put(account, ObjectKind::CREDENTIAL, &key, Put::new(object.value.to_vec()))?;
                journal.note(tx, Act::ACCOUNT_CONFIRM, Some(account), &one.name)?;
            }
            if drop_rest {
                for one in set_aside(tx, account)? {
                    let at = aside_key(ObjectKind::CREDENTIAL, &CredentialId::App(one.id).key());
                    tx.delete(account, ObjectKind::ASIDE, &at)?;
                    journal.note(tx, Act::APP_PASSWORD_REVOKE, Some(account), &one.name)?;
                }
            }
            Ok(set_aside(tx, account)?)
        });
        settle(confirmed.await)
    }
}

/// The log is this one: what the old hoster may have put beside it is gone.
fn replace_log(
    tx: &mut Tx<'_>,
    account: AccountId,
    chain: &[Cosigned<AccountEntry>],
) -> Result<(), StorageError> {
    let there = entries(tx, account)?;
    for entry in there.iter().filter(|entry| !chain.iter().any(|one| one.hash() == entry.hash())) {
        tx.delete(account, ObjectKind::ACCOUNT_LOG, &[ENTRY, entry.hash().as_bytes()].concat())?;
    }
    for entry in chain.iter().filter(|one| !there.iter().any(|entry| one.hash() == entry.hash())) {
        append(tx, account, entry)?;
    }
    Ok(())
}

/// Moves every object of the kinds in [`QUARANTINED`] out of the way. A password is no use to anybody: it is dropped.
fn put_aside(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<Aside>, StorageError> {
    for kind in QUARANTINED {
        for (key, object) in tx.objects(account, kind, usize::MAX)? {
            tx.delete(account, kind, &key)?;
            let is_password = kind == ObjectKind::CREDENTIAL && key == CredentialId::Password.key();
            if !is_password {
                let put = Put::new(object.value.to_vec());
                tx.put(account, ObjectKind::ASIDE, &aside_key(kind, &key), put)?;
            }
        }
    }
    set_aside(tx, account)
}

/// What can be shown of it; what a later version has put aside stays there unseen.
fn set_aside(from: &impl Reads, account: AccountId) -> Result<Vec<Aside>, StorageError> {
    let mut found = Vec::new();
    for (key, object) in from.objects_below(account, ObjectKind::ASIDE, &[ObjectKind::CREDENTIAL.0])? {
        let id = key.get(1..).map(CredentialId::of_key);
        let (Some(Ok(CredentialId::App(id))), Ok(CredentialRecord::App(app))) =
            (id, CredentialRecord::decode(&object.value))
        else {
            continue;
        };
        let (name, created, last_used) = (app.name, app.created, app.last_used);
        found.push(Aside { id, kind: "app password", name, created, last_used });
    }
    Ok(found)
}

fn aside_key(kind: ObjectKind, key: &[u8]) -> Vec<u8> {
    [&[kind.0], key].concat()
}

/// Kinds of objects by which somebody gets in, or gets what comes. Whoever adds such a kind (filters that redirect, shares, delegations) names it here.
const QUARANTINED: [ObjectKind; 1] = [ObjectKind::CREDENTIAL];
