//! Changes in the middle of a check: the pool is held up, so that they come exactly then.

use std::num::NonZeroUsize;
use std::sync::mpsc;

use essaim_store::Store;
use essaim_types::ByteSize;

use super::*;
use crate::hash::Memory;
use crate::record::Actor;
use crate::{AccountsConfig, HashConfig, LocalDomains, NewAccount, NewPassword};

/// One account, `ann`, with the password `old`, and a pool for one hash at a time.
async fn ann() -> (Accounts, AccountId) {
    let at_once = NonZeroUsize::new(1);
    let hash = HashConfig { memory: ByteSize::kib(64), passes: 1, at_once, ..HashConfig::default() };
    let config = AccountsConfig { hash, ..AccountsConfig::default() };
    let domains = LocalDomains::new("coop.test".parse().unwrap(), []);
    let accounts = Accounts::open(Store::in_memory(), config, domains, Some(ListingId::from_bytes([1; 32])))
        .await
        .unwrap();
    let password = NewPassword::Hashed(hashed(&accounts, "old"));
    let new = NewAccount { password, ..NewAccount::new("ann@coop.test".parse().unwrap()) };
    let ann = accounts.create(new, Actor::Node).await.unwrap().account;
    (accounts, ann)
}

/// A hash made without the pool.
fn hashed(accounts: &Accounts, password: &str) -> Secret {
    Secret::new(accounts.0.hasher.hash(&Secret::new(password), &mut Memory::new(64)))
}

/// Logs in with `old`; while the check waits for the pool, the password is set to what stands there.
async fn login_while_it_becomes(password: &str) -> Result<Authenticated, AuthError> {
    let (accounts, ann) = ann().await;
    let (go, wait) = mpsc::channel::<()>();
    let pool = accounts.clone();
    let blocker = tokio::spawn(async move { pool.0.pool.run(64, move |_| wait.recv().unwrap()).await });
    let login = {
        let (accounts, peer) = (accounts.clone(), IpAddr::from([192, 0, 2, 1]));
        tokio::spawn(
            async move { accounts.authenticate("ann", &Secret::new("old"), peer, Timestamp(0)).await },
        )
    };
    while accounts.0.pool.taken() < 2 {
        tokio::task::yield_now().await;
    }
    let new = NewPassword::Hashed(hashed(&accounts, password));
    accounts.set_password(ann, new, Actor::Member).await.unwrap();
    go.send(()).unwrap();
    blocker.await.unwrap().unwrap();
    login.await.unwrap()
}

#[tokio::test]
async fn a_password_that_is_changed_while_it_is_checked_is_wrong() {
    assert!(matches!(login_while_it_becomes("new").await, Err(AuthError::Wrong)));
}

#[tokio::test]
async fn a_password_that_is_hashed_anew_while_it_is_checked_is_checked_again() {
    login_while_it_becomes("old").await.unwrap();
}

#[tokio::test]
async fn hashing_anew_never_undoes_a_change_of_the_password() {
    let (accounts, ann) = ann().await;
    let mut check = Checking {
        account: Some(ann),
        login: "ann@coop.test".into(),
        stored: hashed(&accounts, "before that").expose().to_owned(),
        password: Secret::new("before that"),
        attempt: None,
        now: Timestamp(0),
        inner: Arc::clone(&accounts.0),
    };
    assert_eq!(check.hash_again().await, None);
    let peer = IpAddr::from([192, 0, 2, 1]);
    accounts.authenticate("ann", &Secret::new("old"), peer, Timestamp(0)).await.unwrap();
}
