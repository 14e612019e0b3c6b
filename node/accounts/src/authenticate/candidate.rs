//! What the store knows of a login.

use std::ops::Bound;
use std::time::Duration;

use essaim_store::{AccountStatus, Snapshot};
use essaim_types::{AccountId, Address, ObjectKind, Secret, Timestamp};

use crate::Inner;
use crate::elsewhere::departure;
use crate::generate::app_password_symbols;
use crate::record::{
    AccountState, AppPasswordRecord, CredentialId, CredentialRecord, PasswordRecord, Profile, Record,
};
use crate::storage::{StorageError, load};

/// Why an account is not served here although it is here.
pub(super) enum Absence {
    /// It is being copied, to here or back.
    Arriving,
    /// To this hoster, where the member has this address.
    Gone { to: String, address: Option<Address> },
}

/// Whom a login names.
pub(super) enum Name {
    /// Whoever has this address here.
    Address(Address),
    /// This account, by an address that it had elsewhere.
    Account(AccountId),
}

/// Whoever a login names, if anybody.
#[derive(Default)]
pub(super) struct Candidate {
    pub(super) account: Option<(AccountId, AccountState)>,
    /// Whether it is on its way here, or has gone.
    pub(super) absence: Option<Absence>,
    password: Option<PasswordRecord>,
    apps: Vec<(CredentialId, AppPasswordRecord)>,
}

impl Candidate {
    /// The app password that was typed, and its fingerprint.
    pub(super) fn app_password(&self, typed: &Secret) -> Option<(CredentialId, blake3::Hash)> {
        let symbols = app_password_symbols(typed.expose())?;
        let right = self.apps.iter().find(|(_, app)| app.is(&symbols));
        right.map(|(id, app)| (*id, app.fingerprint()))
    }

    /// The stored hash of the password.
    pub(super) fn stored(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.hash.as_str())
    }

    /// Whether the password is still the one that was checked.
    pub(super) fn has_still(&self, fingerprint: blake3::Hash) -> bool {
        self.password.as_ref().is_some_and(|password| password.fingerprint() == fingerprint)
    }

    /// Whether the time of the last use that is stored is more than an hour old.
    pub(super) fn is_used_after_long(&self, credential: CredentialId, now: Timestamp) -> bool {
        let last_used = match credential {
            CredentialId::Password => self.password.as_ref().and_then(|password| password.last_used),
            CredentialId::App(_) => {
                let app = self.apps.iter().find(|(id, _)| *id == credential);
                app.and_then(|(_, app)| app.last_used)
            }
        };
        last_used.is_none_or(|last| now.since(last) >= LAST_USED_EXACT_TO)
    }
}

impl Inner {
    pub(super) fn candidate(&self, name: Option<&Name>) -> Result<Candidate, StorageError> {
        let mut candidate = Candidate::default();
        let Some(name) = name else { return Ok(candidate) };
        let snapshot = self.store.read()?;
        let account = match name {
            Name::Address(address) => self.owner(&snapshot, address)?,
            Name::Account(account) => Some(*account),
        };
        let Some(account) = account else { return Ok(candidate) };
        let Some(profile) = load::<Profile>(&snapshot, account, Profile::KEY)? else { return Ok(candidate) };
        candidate.account = Some((account, profile.state));
        candidate.absence = self.absence(&snapshot, account)?;
        let (kind, all) = (ObjectKind::CREDENTIAL, Bound::Unbounded);
        for credential in snapshot.range(account, kind, all, all)? {
            let (key, object) = credential?;
            match CredentialRecord::decode(&object.value)? {
                CredentialRecord::Password(password) => candidate.password = Some(password),
                CredentialRecord::App(app) => candidate.apps.push((CredentialId::of_key(&key)?, app)),
            }
        }
        Ok(candidate)
    }

    fn absence(&self, snapshot: &Snapshot, account: AccountId) -> Result<Option<Absence>, StorageError> {
        Ok(match snapshot.account(account)?.map(|state| state.status) {
            Some(AccountStatus::Open) | None => None,
            Some(AccountStatus::Adopting) => Some(Absence::Arriving),
            Some(AccountStatus::Sealed) => {
                let departure = departure(snapshot, self.hoster, account)?;
                let (to, address) = departure.map_or_else(
                    || ("another hoster".to_owned(), None),
                    |departure| (departure.to, departure.address),
                );
                Some(Absence::Gone { to, address })
            }
        })
    }
}

/// The log does not grow by logins: the time of the last use is written at most this often.
const LAST_USED_EXACT_TO: Duration = Duration::from_secs(3600);
