//! The hoster's own account: the one whose profile says so.

use essaim_store::Store;
use essaim_types::{AccountId, Timestamp};

use crate::config::ConfigError;
use crate::generate::random;
use crate::record::{AccountState, DisplayName, Language, Profile, Role};
use crate::storage::{StorageError, from_store, load, save, settle};

/// Why the accounts of a store cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum OpenAccountsError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A store that was put together from two.
    #[error("the store has two hoster accounts, {0} and {1}: restore it from a backup of one node")]
    TwoHosters(AccountId, AccountId),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

from_store!(OpenAccountsError);

/// Looks through the profiles: a few microseconds for each account, once per start. The store itself need not know that
/// one account is special, and a rebuilt index or a restored backup still has it.
pub(crate) async fn find_or_create(store: &Store) -> Result<AccountId, OpenAccountsError> {
    if let Some(hoster) = find(store)? {
        return Ok(hoster);
    }
    let (account, genesis) = Profile::genesis(random());
    let created = store
        .commit(move |tx| -> Result<(), OpenAccountsError> {
            tx.create_account(account, None)?;
            let profile = profile(tx.now(), genesis);
            Ok(save(tx, account, Profile::KEY, &profile)?)
        })
        .await;
    settle(created)?;
    Ok(account)
}

fn find(store: &Store) -> Result<Option<AccountId>, OpenAccountsError> {
    let snapshot = store.read()?;
    let mut found = None;
    for account in snapshot.accounts()? {
        let (account, _) = account?;
        let profile: Option<Profile> = load(&snapshot, account, Profile::KEY)?;
        if profile.is_some_and(|profile| profile.role == Role::Hoster)
            && let Some(other) = found.replace(account)
        {
            return Err(OpenAccountsError::TwoHosters(other, account));
        }
    }
    Ok(found)
}

fn profile(created: Timestamp, genesis: Vec<u8>) -> Profile {
    Profile {
        role: Role::Hoster,
        state: AccountState::Active,
        display_name: DisplayName::default(),
        language: Language::default(),
        created,
        addresses: Vec::new(),
        genesis,
    }
}
