//! Logging in: is this the password of that account, asked from there, now?
//!
//! The order matters. The throttle first, so that neither a remembered password nor an unknown login answers faster than
//! the rest. Then one snapshot: who it is and what is stored. Then app passwords, whose hash is fast. Then the password:
//! remembered, being checked by another connection, or checked in the pool. Whoever is unknown takes the same way with a
//! hash that nobody has.

mod candidate;
mod checking;

use std::error::Error;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use essaim_store::AccountStatus;
use essaim_types::{AccountId, Address, ListingId, Secret, Timestamp};
use tracing::warn;

use crate::logins::Entry;
use crate::record::{AccountState, CredentialId, CredentialRecord, Profile};
use crate::storage::{StorageError, from_store, load, save, settle};
use crate::throttle::{Throttle, Who};
use crate::{Accounts, Inner};

use candidate::{Absence, Candidate, Name};
pub(crate) use checking::Answer;
use checking::Checking;

/// Somebody who has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// Whose account it is.
    pub account: AccountId,
    /// With what.
    pub credential: CredentialId,
    fingerprint: blake3::Hash,
}

/// Why somebody is not logged in. Only [`AuthError::Wrong`], [`AuthError::Disabled`] and [`AuthError::Moved`] are final: answer the others as
/// temporary (RFC 5530 `UNAVAILABLE`, SMTP 454), or mail clients ask their members for another password.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No such login, or not its password. Which of the two is not said, and takes the same time.
    #[error("the address or the password is wrong")]
    Wrong,
    /// Too many wrong ones. The password was not looked at.
    #[error("too many wrong passwords: try again in {} s", retry_after.as_secs().saturating_add(1))]
    Throttled {
        /// After how long it makes sense to try again.
        retry_after: Duration,
    },
    /// The password is right, but the account is disabled or closed.
    #[error("the account is disabled: ask the hoster")]
    Disabled,
    /// The password is right, and the account lives at another hoster now.
    #[error("{}", moved(to, address.as_ref()))]
    Moved {
        /// The domain of that hoster.
        to: String,
        /// The member's address there, if it is known.
        address: Option<Address>,
    },
    /// The account lives at another hoster, which was to look at the password and does not answer.
    #[error("the account lives at another hoster now, which does not answer: try again in a few minutes")]
    HomeSilent,
    /// The password is right, and the account is being copied.
    #[error("the account is on its way: try again in a moment")]
    Arriving,
    /// Too many passwords are being checked.
    #[error("too many logins at this moment: try again in a few seconds")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

from_store!(AuthError);

/// Counters since the start, for `/metrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoginStats {
    /// Slow hashes computed.
    pub hashes: u64,
    /// Logins answered from memory.
    pub remembered: u64,
    /// Logins refused by the throttle.
    pub throttled: u64,
    /// Logins refused because too many waited.
    pub busy: u64,
}

impl Accounts {
    /// Checks a password. `login` is an address, or the part before the `@` for the hoster's own domain; `peer` is the
    /// client's address, not that of a proxy. Long to answer, at most, is the queue of the pool.
    pub async fn authenticate(
        &self,
        login: &str,
        password: &Secret,
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<Authenticated, AuthError> {
        let (login, address) = self.0.login(login);
        let who = self.0.admit(|throttle| throttle.who(&login, peer), now)?;
        self.log_in((&login, address.map(Name::Address)), password, who, now).await
    }

    /// The same at the home of an account that has moved, for a client at its old hoster: `address` is what it had at that hoster, which
    /// says where the peer is.
    pub async fn authenticate_led(
        &self,
        (address, hoster): (&Address, ListingId),
        password: &Secret,
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<Authenticated, AuthError> {
        let account = self.former(address, hoster)?;
        let now_as = account.map(|account| self.first_address(account)).transpose()?.flatten();
        let login = now_as.as_ref().unwrap_or(address).key();
        let who = self.0.admit(|throttle| throttle.who_led(&login, peer, hoster), now)?;
        self.log_in((&login, account.map(Name::Account)), password, who, now).await
    }

    async fn log_in(
        &self,
        (login, name): (&str, Option<Name>),
        password: &Secret,
        who: Who,
        now: Timestamp,
    ) -> Result<Authenticated, AuthError> {
        let name = name.filter(|_| !password.expose().is_empty());
        let (mut candidate, credential, fingerprint) = self.0.prove(login, name, password, who, now).await?;
        self.0.throttle(|throttle| throttle.succeeded(&who, now));
        let (account, state) = candidate.account.ok_or(AuthError::Wrong)?;
        match candidate.absence.take() {
            Some(Absence::Gone { to, address }) => return Err(AuthError::Moved { to, address }),
            Some(Absence::Arriving) => return Err(AuthError::Arriving),
            None => {}
        }
        if state != AccountState::Active {
            return Err(AuthError::Disabled);
        }
        let authenticated = Authenticated { account, credential, fingerprint };
        if candidate.is_used_after_long(credential, now) {
            self.0.note_use(&authenticated, now).await;
        }
        Ok(authenticated)
    }

    /// The account that a login names, and its address as it is written here, if the account has moved away.
    pub fn departed(&self, login: &str) -> Result<Option<(AccountId, Address)>, StorageError> {
        let Some(address) = self.0.login(login).1 else { return Ok(None) };
        Ok(self.departure_of(&address)?.map(|(account, _)| (account, address)))
    }

    /// Whether somebody who has logged in may go on: the account is active, the credential neither changed nor revoked.
    /// Sessions ask when the account's log wakes them.
    pub fn is_current(&self, session: &Authenticated) -> Result<bool, StorageError> {
        let snapshot = self.0.store.read()?;
        let profile: Option<Profile> = load(&snapshot, session.account, Profile::KEY)?;
        let stored: Option<CredentialRecord> = load(&snapshot, session.account, &session.credential.key())?;
        let active = profile.is_some_and(|profile| profile.state == AccountState::Active);
        let here =
            snapshot.account(session.account)?.is_some_and(|state| state.status == AccountStatus::Open);
        Ok(here && active && stored.is_some_and(|stored| stored.fingerprint() == session.fingerprint))
    }

    /// How logins went since the start.
    pub fn login_stats(&self) -> LoginStats {
        LoginStats {
            hashes: self.0.pool.hashes(),
            remembered: self.0.remembered.load(Ordering::Relaxed),
            throttled: self.0.throttled.load(Ordering::Relaxed),
            busy: self.0.pool.refused(),
        }
    }
}

impl Inner {
    /// A login as it is compared, and the address that it is.
    fn login(&self, text: &str) -> (String, Option<Address>) {
        let text = text.get(..text.floor_char_boundary(LOGIN_MAX)).unwrap_or_default();
        let address = match text.contains('@') {
            true => text.parse::<Address>(),
            false => format!("{text}@{}", self.domains.primary()).parse(),
        };
        match address {
            Ok(address) => (address.key(), Some(address)),
            Err(_) => (text.to_lowercase(), None),
        }
    }

    fn admit(&self, who: impl FnOnce(&Throttle) -> Who, now: Timestamp) -> Result<Who, AuthError> {
        let admitted = self.throttle(|throttle| {
            let who = who(throttle);
            throttle.check(&who, now).map(|()| who)
        });
        admitted.map_err(|wait| self.throttled(wait))
    }

    fn throttled(&self, retry_after: Duration) -> AuthError {
        self.throttled.fetch_add(1, Ordering::Relaxed);
        AuthError::Throttled { retry_after }
    }

    /// Finds the credential that the password is of.
    async fn prove(
        self: &Arc<Self>,
        login: &str,
        name: Option<Name>,
        password: &Secret,
        who: Who,
        now: Timestamp,
    ) -> Result<(Candidate, CredentialId, blake3::Hash), AuthError> {
        let mut candidate = self.candidate(name.as_ref())?;
        if let Some((app, fingerprint)) = candidate.app_password(password) {
            return Ok((candidate, app, fingerprint));
        }
        for _ in 0..CHECKS_MAX {
            let fingerprint = self.check(login, &candidate, password, who, now).await?;
            // It took a while, in which the password may have been changed, or hashed anew by another login.
            candidate = self.candidate(name.as_ref())?;
            if candidate.has_still(fingerprint) {
                return Ok((candidate, CredentialId::Password, fingerprint));
            }
        }
        Err(AuthError::Wrong)
    }

    /// Checks the password itself; the fingerprint of what is stored if it is right.
    async fn check(
        self: &Arc<Self>,
        login: &str,
        candidate: &Candidate,
        password: &Secret,
        who: Who,
        now: Timestamp,
    ) -> Result<blake3::Hash, AuthError> {
        let stored = candidate.stored().unwrap_or_else(|| self.hasher.nobody());
        let key = self.logins.key(login, stored, password);
        let mut answer = match self.logins.enter(key, now) {
            Entry::Remembered => {
                self.remembered.fetch_add(1, Ordering::Relaxed);
                return Ok(blake3::hash(stored.as_bytes()));
            }
            Entry::Running(answer) => answer,
            Entry::Mine(running) => {
                let begun = self.throttle(|throttle| throttle.begin(who, now));
                let attempt = begun.map_err(|wait| self.throttled(wait))?;
                let answer = running.subscribe();
                let check = Checking {
                    account: candidate.account.map(|(account, _)| account),
                    login: login.to_owned(),
                    stored: stored.to_owned(),
                    password: password.clone(),
                    attempt: Some(attempt),
                    now,
                    inner: Arc::clone(self),
                };
                // In a task of its own: others wait for it too, and may stay when this client goes away.
                tokio::spawn(check.run(key, running));
                answer
            }
        };
        let answer = answer.wait_for(Option::is_some).await.map_or(Some(Answer::Busy), |answer| *answer);
        match answer.unwrap_or(Answer::Busy) {
            Answer::Right(fingerprint) => Ok(fingerprint),
            Answer::Wrong => Err(AuthError::Wrong),
            Answer::Busy => Err(AuthError::Busy),
        }
    }

    /// Writes down when a credential was used. A full disk does not keep anybody from reading their mail.
    async fn note_use(&self, session: &Authenticated, now: Timestamp) {
        let Authenticated { account, credential, fingerprint } = session.clone();
        let noted = self.store.commit_to([account], move |tx| -> Result<(), StorageError> {
            let key = credential.key();
            let stored: Option<CredentialRecord> = load(tx, account, &key)?;
            let Some(mut stored) = stored.filter(|stored| stored.fingerprint() == fingerprint) else {
                return Ok(());
            };
            stored.used(now);
            save(tx, account, &key, &stored)
        });
        if let Err(error) = settle(noted.await) {
            warn!(%account, error = &error as &dyn Error, "the time of a login was not written down");
        }
    }

    fn throttle<T>(&self, with: impl FnOnce(&mut Throttle) -> T) -> T {
        // Counters only: whatever a panic left behind is still a set of counters.
        with(&mut self.throttle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn moved(to: &str, address: Option<&Address>) -> String {
    match address {
        Some(address) => {
            format!("the account has moved to {to}: log in there as {address}, with the same password")
        }
        None => format!("the account has moved to {to}: log in there, with the same password"),
    }
}

/// A check counts only if its hash is still the stored one when it ends; so often it is made, should it not be.
const CHECKS_MAX: usize = 3;
/// Bytes of a login that are looked at; an address has at most 64 + 1 + 255.
const LOGIN_MAX: usize = 320;

#[cfg(test)]
mod tests;
