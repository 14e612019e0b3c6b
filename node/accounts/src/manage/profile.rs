//! Name, language, quota and state of an account.

use essaim_types::AccountId;

use super::create::Quota;
use super::{NoSuchAccount, member};
use crate::Accounts;
use crate::record::{AccountState, Act, Actor, DisplayName, Language, Profile};
use crate::storage::{StorageError, from_store, save, settle};

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No such account.
    #[error(transparent)]
    NoSuchAccount(#[from] NoSuchAccount),
    /// It does nothing already.
    #[error("the account is closed: enable it first")]
    Closed,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

from_store!(ChangeError);

impl Accounts {
    /// Changes what the member is called and written to in.
    pub async fn set_profile(
        &self,
        account: AccountId,
        display_name: DisplayName,
        language: Language,
        by: Actor,
    ) -> Result<(), ChangeError> {
        let set = |profile: &mut Profile| {
            (profile.display_name, profile.language) = (display_name, language);
            Ok(())
        };
        self.change(account, Act::ACCOUNT_PROFILE, by, set).await
    }

    /// Changes how much the account may hold. One that holds more keeps it, and gets nothing more.
    pub async fn set_quota(&self, account: AccountId, quota: Quota, by: Actor) -> Result<(), ChangeError> {
        let (quota, journal) = (self.0.bytes(quota), self.journal(by));
        let set = self.0.store.commit(move |tx| -> Result<(), ChangeError> {
            member::<ChangeError>(tx, account)?;
            tx.set_quota(account, quota)?;
            let detail = quota.map_or_else(|| "unlimited".to_owned(), |quota| quota.to_string());
            Ok(journal.note(tx, Act::ACCOUNT_QUOTA, Some(account), &detail)?)
        });
        settle(set.await)
    }

    /// Takes login and mail away for now. Sessions that are open learn it from [`Accounts::is_current`].
    pub async fn disable(&self, account: AccountId, by: Actor) -> Result<(), ChangeError> {
        self.set_state(account, AccountState::Disabled, Act::ACCOUNT_DISABLE, by).await
    }

    /// Gives login and mail back, also to a closed account whose data is still there.
    pub async fn enable(&self, account: AccountId, by: Actor) -> Result<(), ChangeError> {
        self.set_state(account, AccountState::Active, Act::ACCOUNT_ENABLE, by).await
    }

    /// Marks the account as closed: no login, no mail, its addresses stay taken. Its data stays until
    /// [`Accounts::delete`].
    pub async fn close(&self, account: AccountId, by: Actor) -> Result<(), ChangeError> {
        self.set_state(account, AccountState::Closed, Act::ACCOUNT_CLOSE, by).await
    }

    async fn set_state(
        &self,
        account: AccountId,
        state: AccountState,
        act: Act,
        by: Actor,
    ) -> Result<(), ChangeError> {
        self.change(account, act, by, move |profile| {
            if (profile.state, state) == (AccountState::Closed, AccountState::Disabled) {
                return Err(ChangeError::Closed);
            }
            profile.state = state;
            Ok(())
        })
        .await
    }

    async fn change(
        &self,
        account: AccountId,
        act: Act,
        by: Actor,
        change: impl FnOnce(&mut Profile) -> Result<(), ChangeError> + Send + 'static,
    ) -> Result<(), ChangeError> {
        let journal = self.journal(by);
        let changed = self.0.store.commit_to([account], move |tx| -> Result<(), ChangeError> {
            let mut profile = member::<ChangeError>(tx, account)?;
            change(&mut profile)?;
            save(tx, account, Profile::KEY, &profile)?;
            Ok(journal.note(tx, act, Some(account), "")?)
        });
        settle(changed.await)
    }
}
