//! Accounts in memory, with cheap hashes.

use std::net::{IpAddr, Ipv4Addr};

use essaim_accounts::{
    Accounts, AccountsConfig, Actor, AuthError, Authenticated, HashConfig, LocalDomains, NewAccount,
    NewPassword,
};
use essaim_store::Store;
use essaim_types::{AccountId, Address, ByteSize, ListingId, Secret, Timestamp};

pub(crate) const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
pub(crate) const PASSWORD: &str = "correct horse";

/// The accounts of a node, and its store.
pub(crate) struct Node {
    pub(crate) accounts: Accounts,
    pub(crate) store: Store,
}

pub(crate) fn cheap() -> AccountsConfig {
    AccountsConfig {
        hash: HashConfig { memory: ByteSize::kib(64), passes: 1, ..HashConfig::default() },
        ..AccountsConfig::default()
    }
}

/// Hoster number `n`, with this domain.
pub(crate) async fn hoster(n: u8, domain: &str) -> Node {
    let store = Store::in_memory();
    let domains = LocalDomains::new(domain.parse().unwrap(), []);
    let listing = Some(ListingId::from_bytes([n; 32]));
    let accounts = Accounts::open(store.clone(), cheap(), domains, listing).await.unwrap();
    Node { accounts, store }
}

/// A node with the domains `coop.test` and `other.test`.
pub(crate) async fn node() -> Node {
    node_with(Store::in_memory(), cheap()).await
}

pub(crate) async fn node_with(store: Store, config: AccountsConfig) -> Node {
    let domains = LocalDomains::new("coop.test".parse().unwrap(), ["other.test".parse().unwrap()]);
    let accounts =
        Accounts::open(store.clone(), config, domains, Some(ListingId::from_bytes([1; 32]))).await.unwrap();
    Node { accounts, store }
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn root() -> Actor {
    Actor::Operator("root".into())
}

/// Seconds after some moment.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_900_000_000 + seconds)
}

impl Node {
    /// An account with [`PASSWORD`].
    pub(crate) async fn member(&self, text: &str) -> AccountId {
        let password = NewPassword::Chosen(Secret::new(PASSWORD));
        let new = NewAccount { password, ..NewAccount::new(address(text)) };
        self.accounts.create(new, root()).await.unwrap().account
    }

    pub(crate) async fn login(
        &self,
        login: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<Authenticated, AuthError> {
        self.accounts.authenticate(login, &Secret::new(password), HOME, now).await
    }
}
