//! What operators and members see of accounts.

use std::ops::Bound;

use essaim_store::Snapshot;
use essaim_types::{AccountId, Address, ByteSize, ObjectKind, Timestamp};
use serde::Serialize;

use crate::Accounts;
use crate::ledger::{Identity, identity};
use crate::record::{
    AccountState, AddressRecord, AddressUse, AppPasswordId, CredentialId, CredentialRecord, DisplayName,
    Language, Origin, Profile, Record, Role,
};
use crate::storage::{StorageError, load};

/// An account in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its id.
    pub account: AccountId,
    /// Its primary address.
    pub address: Address,
    /// What the member is called.
    pub display_name: DisplayName,
    /// What it may do.
    #[serde(serialize_with = "state_name")]
    pub state: AccountState,
    /// How much it holds.
    pub used: ByteSize,
    /// How much it may hold; `None` if unlimited.
    pub quota: Option<ByteSize>,
    /// When it was made.
    pub created: Timestamp,
}

/// Everything about an account but its content and its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Details {
    /// What a list shows.
    #[serde(flatten)]
    pub summary: Summary,
    /// The language in which the node writes to the member.
    pub language: Language,
    /// Personal addresses, the primary one first.
    pub addresses: Vec<Address>,
    /// Shared addresses and catch-alls whose mail the account gets.
    pub shared: Vec<SharedAddress>,
    /// The password; `None` if it has none.
    pub password: Option<Password>,
    /// App passwords, the oldest first.
    pub app_passwords: Vec<AppPassword>,
    /// What its log says; `None` if it is from before there were logs.
    #[serde(skip)]
    pub identity: Option<Identity>,
}

/// A shared address or a catch-all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SharedAddress {
    /// `info@domain`, or `@domain`.
    pub address: String,
    /// Everybody who gets its mail.
    pub accounts: Vec<AccountId>,
}

/// What is shown of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Password {
    /// Whether it is one that the node made up, and so should be changed.
    pub generated: bool,
    /// When it was set.
    pub created: Timestamp,
    /// When it was last used, exact to the hour.
    pub last_used: Option<Timestamp>,
}

/// What is shown of an app password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppPassword {
    /// By which it is revoked.
    pub id: AppPasswordId,
    /// Which device has it.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used, exact to the hour.
    pub last_used: Option<Timestamp>,
}

impl Accounts {
    /// Accounts in the order of their primary addresses, `limit` at most, from after an address on: that of the last one
    /// of the page before.
    pub fn list(&self, after: Option<&Address>, limit: usize) -> Result<Vec<Summary>, StorageError> {
        let snapshot = self.0.store.read()?;
        let after = after.map(AddressRecord::key);
        let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut page = Vec::new();
        for address in snapshot.range(self.0.hoster, ObjectKind::ADDRESS, from, Bound::Unbounded)? {
            if page.len() == limit {
                break;
            }
            let (key, object) = address?;
            let record = AddressRecord::decode(&object.value)?;
            let (AddressUse::Personal, [account]) = (record.usage, record.accounts.as_slice()) else {
                continue;
            };
            let Some((profile, summary)) = summary(&snapshot, *account)? else { continue };
            // An account stands in the list once: where its primary address is.
            if profile.addresses.first().is_some_and(|primary| *key == *AddressRecord::key(primary)) {
                page.push(summary);
            }
        }
        Ok(page)
    }

    /// Everything about one account; `None` if there is no such member here.
    pub fn show(&self, account: AccountId) -> Result<Option<Details>, StorageError> {
        let snapshot = self.0.store.read()?;
        let Some((profile, summary)) = summary(&snapshot, account)? else { return Ok(None) };
        let shared = shared(&snapshot, self.0.hoster)?;
        let (password, app_passwords) = credentials(&snapshot, account)?;
        Ok(Some(Details {
            summary,
            language: profile.language,
            addresses: profile.addresses,
            shared: shared.into_iter().filter(|shared| shared.accounts.contains(&account)).collect(),
            password,
            app_passwords,
            identity: identity(&snapshot, self.0.hoster, account)?,
        }))
    }

    /// Every shared address and catch-all.
    pub fn shared_addresses(&self) -> Result<Vec<SharedAddress>, StorageError> {
        shared(&self.0.store.read()?, self.0.hoster)
    }
}

fn summary(snapshot: &Snapshot, account: AccountId) -> Result<Option<(Profile, Summary)>, StorageError> {
    let Some(state) = snapshot.account(account)? else { return Ok(None) };
    let profile: Option<Profile> = load(snapshot, account, Profile::KEY)?;
    let Some(profile) = profile.filter(|profile| profile.role == Role::Member) else { return Ok(None) };
    let Some(address) = profile.addresses.first().cloned() else { return Ok(None) };
    let summary = Summary {
        account,
        address,
        display_name: profile.display_name.clone(),
        state: profile.state,
        used: state.used,
        quota: state.quota,
        created: profile.created,
    };
    Ok(Some((profile, summary)))
}

fn shared(snapshot: &Snapshot, hoster: AccountId) -> Result<Vec<SharedAddress>, StorageError> {
    let mut shared = Vec::new();
    for address in snapshot.range(hoster, ObjectKind::ADDRESS, Bound::Unbounded, Bound::Unbounded)? {
        let AddressRecord { usage, accounts, written, .. } = AddressRecord::decode(&address?.1.value)?;
        if usage != AddressUse::Personal {
            shared.push(SharedAddress { address: written, accounts });
        }
    }
    Ok(shared)
}

fn credentials(
    snapshot: &Snapshot,
    account: AccountId,
) -> Result<(Option<Password>, Vec<AppPassword>), StorageError> {
    let (mut password, mut apps) = (None, Vec::new());
    for credential in snapshot.range(account, ObjectKind::CREDENTIAL, Bound::Unbounded, Bound::Unbounded)? {
        let (key, object) = credential?;
        match (CredentialId::of_key(&key)?, CredentialRecord::decode(&object.value)?) {
            (CredentialId::App(id), CredentialRecord::App(app)) => {
                let (name, created, last_used) = (app.name, app.created, app.last_used);
                apps.push(AppPassword { id, name, created, last_used });
            }
            (_, CredentialRecord::Password(record)) => {
                let generated = record.origin == Origin::Generated;
                let (created, last_used) = (record.created, record.last_used);
                password = Some(Password { generated, created, last_used });
            }
            (CredentialId::Password, CredentialRecord::App(_)) => {}
        }
    }
    Ok((password, apps))
}

fn state_name<S: serde::Serializer>(state: &AccountState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.name())
}
