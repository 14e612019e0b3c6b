//! One check of one password, in the pool.

use std::error::Error;
use std::sync::Arc;

use essaim_types::{AccountId, Secret, Timestamp};
use tracing::warn;

use crate::Inner;
use crate::hash::{Check, stored_cost_kib};
use crate::logins::{LoginKey, Running};
use crate::pool::PoolError;
use crate::record::{CredentialId, CredentialRecord, PasswordRecord};
use crate::storage::{StorageError, load, save, settle};
use crate::throttle::{Attempt, Outcome};

/// How a check of a password ended, for everybody who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// And the fingerprint of what is stored now.
    Right(blake3::Hash),
    Wrong,
    Busy,
}

/// What is needed to check, and what has to be told at the end.
pub(super) struct Checking {
    pub(super) account: Option<AccountId>,
    pub(super) login: String,
    pub(super) stored: String,
    pub(super) password: Secret,
    /// Until its end is told.
    pub(super) attempt: Option<Attempt>,
    pub(super) now: Timestamp,
    pub(super) inner: Arc<Inner>,
}

impl Checking {
    pub(super) async fn run(mut self, key: LoginKey, running: Running<Answer>) {
        let checked = self.compute().await;
        self.end(match checked {
            Ok(Check::Wrong) => Outcome::Wrong,
            Ok(Check::Right | Check::RightOutdated) => Outcome::Right,
            Err(_) => Outcome::Unknown,
        });
        match checked {
            Ok(Check::Wrong) => running.tell(Answer::Wrong),
            Ok(Check::Right) => self.right(key, running),
            Ok(Check::RightOutdated) => {
                let key = self.hash_again().await.unwrap_or(key);
                self.right(key, running);
            }
            Err(_) => running.tell(Answer::Busy),
        }
    }

    async fn compute(&self) -> Result<Check, PoolError> {
        let hasher = self.inner.hasher.clone();
        let usable = stored_cost_kib(&self.stored).map_err(|error| error.to_string()).and_then(|kib| {
            let fits = self.inner.pool.fits(kib);
            fits.then_some(kib).ok_or_else(|| format!("it needs {kib} KiB"))
        });
        let (stored, kib) = match usable {
            Ok(kib) => (self.stored.clone(), kib),
            Err(reason) => {
                warn!(account = ?self.account, reason, "the password of this account cannot be checked: set a new one");
                (hasher.nobody().to_owned(), hasher.cost_kib())
            }
        };
        let password = self.password.clone();
        let checked =
            self.inner.pool.run(kib, move |memory| hasher.check(&stored, &password, memory)).await?;
        Ok(checked.unwrap_or(Check::Wrong))
    }

    fn right(&self, key: LoginKey, running: Running<Answer>) {
        running.right(key, self.now, Answer::Right(blake3::hash(self.stored.as_bytes())));
    }

    /// The password is at hand: hashes it with the costs of today. The next login would try again, so a failure is no harm.
    pub(super) async fn hash_again(&mut self) -> Option<LoginKey> {
        let (hasher, password) = (self.inner.hasher.clone(), self.password.clone());
        let hash = self
            .inner
            .pool
            .run(hasher.cost_kib(), move |memory| hasher.hash(&password, memory))
            .await
            .ok()?;
        let (account, old, new) = (self.account?, self.stored.clone(), hash.clone());
        let replaced = self.inner.store.commit_to([account], move |tx| -> Result<bool, StorageError> {
            let key = CredentialId::Password.key();
            match load(tx, account, &key)? {
                Some(CredentialRecord::Password(stored)) if stored.hash == old => {
                    save(
                        tx,
                        account,
                        &key,
                        &CredentialRecord::Password(PasswordRecord { hash: new, ..stored }),
                    )?;
                    Ok(true)
                }
                _ => Ok(false),
            }
        });
        match settle(replaced.await) {
            Ok(true) => {
                self.stored = hash;
                Some(self.inner.logins.key(&self.login, &self.stored, &self.password))
            }
            Ok(false) => None,
            Err(error) => {
                warn!(%account, error = &error as &dyn Error, "a password was not hashed again with today's costs");
                None
            }
        }
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(attempt) = self.attempt.take() {
            self.inner.throttle(|throttle| throttle.end(attempt, outcome, self.now));
        }
    }
}

impl Drop for Checking {
    /// A check that did not come to its end must not look as if it went on for ever.
    fn drop(&mut self) {
        self.end(Outcome::Unknown);
    }
}
