//! Passwords and app passwords.

use std::ops::Bound;

use essaim_store::Tx;
use essaim_types::{AccountId, Address, ObjectKind, Secret, Timestamp};

use super::{NoSuchAccount, member};
use crate::generate::{app_password, app_password_symbols, one_time_password, random};
use crate::hash::{app_password_hash, stored_cost_kib};
use crate::pool::PoolError;
use crate::record::{
    Act, Actor, AppPasswordId, AppPasswordRecord, CredentialId, CredentialRecord, Origin, PasswordRecord,
    Profile,
};
use crate::storage::{StorageError, from_store, load, save, settle};
use crate::{Accounts, Inner};

/// A password to set.
#[derive(Debug, Clone)]
pub enum NewPassword {
    /// The node makes one up and tells it once.
    Generate,
    /// Somebody chose it.
    Chosen(Secret),
    /// The argon2 PHC string of a password that another system had.
    Hashed(Secret),
}

/// Why a password cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too easy to try.
    #[error("the password is shorter than {min} characters")]
    TooShort {
        /// How many there must be.
        min: usize,
    },
    /// More than a login can carry.
    #[error("the password is longer than {max} bytes")]
    TooLong {
        /// How many there may be.
        max: usize,
    },
    /// Mail clients could not send it: RFC 4616 section 2 and RFC 9051 section 4.3.
    #[error("the password has a control character, which mail clients cannot send")]
    Control,
    /// What is tried first.
    #[error("the password is the address, or the part before the @")]
    IsAddress,
    /// Not an argon2 PHC string, or one that costs too much.
    #[error("the hash cannot be used: {0}")]
    Hash(String),
    /// Too many passwords are being checked.
    #[error("too many passwords are being checked now: try again in a few seconds")]
    Busy,
    /// The thread that hashed it stopped.
    #[error("the password could not be hashed: see the log, and try again")]
    Stopped,
}

/// Why a password was not set.
#[derive(Debug, thiserror::Error)]
pub enum SetPasswordError {
    /// No such account.
    #[error(transparent)]
    NoSuchAccount(#[from] NoSuchAccount),
    /// The password cannot be had.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why an app password was not made or revoked.
#[derive(Debug, thiserror::Error)]
pub enum AppPasswordError {
    /// No such account.
    #[error(transparent)]
    NoSuchAccount(#[from] NoSuchAccount),
    /// A member has to recognise it later.
    #[error("an app password needs a name of 1 to {NAME_MAX} bytes without control characters")]
    Name,
    /// There are as many as there may be.
    #[error("the account has {max} app passwords already: revoke one, or raise accounts.app_passwords_max")]
    TooMany {
        /// How many there may be.
        max: usize,
    },
    /// It was revoked before, or never there.
    #[error("the account has no app password {0}")]
    NoSuchAppPassword(AppPasswordId),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

from_store!(SetPasswordError, AppPasswordError);

/// An app password that was made.
#[derive(Debug)]
pub struct NewAppPassword {
    /// By which it is revoked.
    pub id: AppPasswordId,
    /// What the member types into one device. It is shown once and cannot be had again.
    pub password: Secret,
}

/// A hashed password, before its commit.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    hash: String,
    origin: Origin,
}

impl Accounts {
    /// Sets the password of an account; returns it if the node made it up. App passwords stay.
    pub async fn set_password(
        &self,
        account: AccountId,
        password: NewPassword,
        by: Actor,
    ) -> Result<Option<Secret>, SetPasswordError> {
        let profile: Option<Profile> = load(&self.0.store.read()?, account, Profile::KEY)?;
        let addresses = profile.ok_or(NoSuchAccount(account))?.addresses;
        let (prepared, generated) = self.0.prepare(password, &addresses).await?;
        let journal = self.journal(by);
        let set = self.0.store.commit_to([account], move |tx| -> Result<(), SetPasswordError> {
            member::<SetPasswordError>(tx, account)?;
            save(tx, account, &CredentialId::Password.key(), &prepared.record(tx.now()))?;
            Ok(journal.note(tx, Act::PASSWORD_SET, Some(account), "")?)
        });
        settle(set.await)?;
        Ok(generated)
    }

    /// Makes an app password; `name` tells the member later which device has it.
    pub async fn add_app_password(
        &self,
        account: AccountId,
        name: String,
        by: Actor,
    ) -> Result<NewAppPassword, AppPasswordError> {
        if name.is_empty() || name.len() > NAME_MAX || name.chars().any(char::is_control) {
            return Err(AppPasswordError::Name);
        }
        let password = app_password();
        let symbols = app_password_symbols(password.expose()).expect("a generated one has the right form");
        let salt = random();
        let hash = *app_password_hash(&salt, &symbols).as_bytes();
        let (max, journal) = (self.0.config.app_passwords_max, self.journal(by));
        let added = self.0.store.commit_to([account], move |tx| -> Result<AppPasswordId, AppPasswordError> {
            member::<AppPasswordError>(tx, account)?;
            if app_passwords(tx, account)? >= max {
                return Err(AppPasswordError::TooMany { max });
            }
            let id = AppPasswordId::from(tx.lsn(account)?);
            journal.note(tx, Act::APP_PASSWORD_ADD, Some(account), &name)?;
            let app = AppPasswordRecord { name, salt, hash, created: tx.now(), last_used: None };
            save(tx, account, &CredentialId::App(id).key(), &CredentialRecord::App(app))?;
            Ok(id)
        });
        Ok(NewAppPassword { id: settle(added.await)?, password })
    }

    /// Revokes an app password: from this commit on it opens nothing.
    pub async fn revoke_app_password(
        &self,
        account: AccountId,
        id: AppPasswordId,
        by: Actor,
    ) -> Result<(), AppPasswordError> {
        let journal = self.journal(by);
        let revoked = self.0.store.commit_to([account], move |tx| -> Result<(), AppPasswordError> {
            member::<AppPasswordError>(tx, account)?;
            let key = CredentialId::App(id).key();
            let Some(CredentialRecord::App(app)) = load(tx, account, &key)? else {
                return Err(AppPasswordError::NoSuchAppPassword(id));
            };
            tx.delete(account, ObjectKind::CREDENTIAL, &key)?;
            Ok(journal.note(tx, Act::APP_PASSWORD_REVOKE, Some(account), &app.name)?)
        });
        settle(revoked.await)
    }
}

impl Inner {
    /// Checks and hashes a password; returns it as well if it was made up here.
    pub(crate) async fn prepare(
        &self,
        new: NewPassword,
        addresses: &[Address],
    ) -> Result<(Prepared, Option<Secret>), PasswordError> {
        let (password, origin) = match new {
            NewPassword::Generate => (one_time_password(), Origin::Generated),
            NewPassword::Chosen(password) => {
                self.acceptable(&password, addresses)?;
                (password, Origin::Chosen)
            }
            NewPassword::Hashed(hash) => {
                let hash = hash.expose().to_owned();
                let kib = stored_cost_kib(&hash).map_err(|error| PasswordError::Hash(error.to_string()))?;
                if !self.pool.fits(kib) {
                    return Err(PasswordError::Hash(format!(
                        "it needs {kib} KiB, more than all checks together may use"
                    )));
                }
                return Ok((Prepared { hash, origin: Origin::Chosen }, None));
            }
        };
        let (hasher, secret) = (self.hasher.clone(), password.clone());
        let hashed = self.pool.run(hasher.cost_kib(), move |memory| hasher.hash(&secret, memory)).await;
        let hash = hashed.map_err(|error| match error {
            PoolError::Busy => PasswordError::Busy,
            PoolError::TooLarge { .. } | PoolError::Stopped => PasswordError::Stopped,
        })?;
        Ok((Prepared { hash, origin }, (origin == Origin::Generated).then_some(password)))
    }

    fn acceptable(&self, password: &Secret, addresses: &[Address]) -> Result<(), PasswordError> {
        let (text, min) = (password.expose(), self.config.password_length_min);
        if text.len() > PASSWORD_MAX {
            return Err(PasswordError::TooLong { max: PASSWORD_MAX });
        }
        if text.chars().count() < min.max(1) {
            return Err(PasswordError::TooShort { min });
        }
        if text.chars().any(char::is_control) {
            return Err(PasswordError::Control);
        }
        let lower = text.to_lowercase();
        let is_address = |own: &Address| lower == own.key() || lower == own.local().as_str().to_lowercase();
        if addresses.iter().any(is_address) { Err(PasswordError::IsAddress) } else { Ok(()) }
    }
}

impl Prepared {
    pub(crate) fn record(self, created: Timestamp) -> CredentialRecord {
        let Self { hash, origin } = self;
        CredentialRecord::Password(PasswordRecord { hash, origin, created, last_used: None })
    }
}

fn app_passwords(tx: &Tx<'_>, account: AccountId) -> Result<usize, StorageError> {
    let (kind, all) = (ObjectKind::CREDENTIAL, Bound::Unbounded);
    let mut count = 0;
    for credential in tx.range(account, kind, all, all)? {
        let (key, _) = credential?;
        count += usize::from(matches!(CredentialId::of_key(&key)?, CredentialId::App(_)));
    }
    Ok(count)
}

/// Longer ones are refused here and wrong at every login.
pub(crate) const PASSWORD_MAX: usize = 1024;
const NAME_MAX: usize = 64;
