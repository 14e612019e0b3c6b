//! An account's log: founded with it, followed by its addresses, committed to the member's words.

use essaim_accounts::{Details, KitError};
use essaim_identity::account::{Epoch, Kit, Seq};
use essaim_types::{AccountId, ObjectKind};

use crate::support::{Node, address, node, root};

#[tokio::test]
async fn an_account_is_the_hash_of_its_signed_first_entry() {
    let node = node().await;
    let account = node.member("ann@coop.test").await;
    let log = node.accounts.account_log(account).unwrap().unwrap();
    assert_eq!(log.account(), account);
    let identity = shown(&node, account).identity.unwrap();
    assert_eq!((identity.entry.epoch, identity.entry.seq), (Epoch::FIRST, Seq::FIRST));
    assert_eq!(Some(identity.entry.host.listing), node.accounts.listing());
    assert_eq!(node.accounts.host_key(account).unwrap().unwrap().public(), identity.entry.host.key);
    assert!(identity.hosted_here && !identity.entry.has_kit());
    assert_ne!(node.member("bob@coop.test").await, account);
}

#[tokio::test]
async fn the_log_follows_the_addresses_without_naming_them() {
    let node = node().await;
    let account = node.member("ann@coop.test").await;
    let before = commits(&node, account);
    node.accounts.add_address(account, address("anna@coop.test"), root()).await.unwrap();
    let both = commits(&node, account);
    assert!(both.len() == 2 && before.iter().all(|commit| both.contains(commit)));
    node.accounts.remove_address(account, address("anna@coop.test"), root()).await.unwrap();
    assert_eq!(commits(&node, account), before);
    let log = node.accounts.account_log(account).unwrap().unwrap();
    assert_eq!(log.entries().len(), 3);
    assert!(log.entries().all(|entry| !entry.to_wire().windows(3).any(|window| window == b"ann")));
}

#[tokio::test]
async fn words_are_made_once_and_replaced_by_the_old_ones() {
    let node = node().await;
    let account = node.member("ann@coop.test").await;
    let make = |old| node.accounts.make_kit(account, old, root());
    assert!(matches!(make(Some(Kit::from_bytes(&[1; 32]))).await, Err(KitError::NoKit)));
    let first = make(None).await.unwrap();
    let entry = shown(&node, account).identity.unwrap().entry;
    assert_eq!(entry.next_recovery, Some(first.next_recovery()));
    assert!(entry.member_keys.contains(&first.member_key().public()));
    assert!(matches!(make(None).await, Err(KitError::HasKit)));
    assert!(matches!(make(Some(Kit::from_bytes(&[1; 32]))).await, Err(KitError::WrongWords)));
    let second = make(Some(Kit::from_words(&first.to_words()).unwrap())).await.unwrap();
    let entry = shown(&node, account).identity.unwrap().entry;
    assert_eq!(entry.next_recovery, Some(second.next_recovery()));
    assert!(!entry.member_keys.contains(&first.member_key().public()));
    assert!(
        matches!(make(Some(first)).await, Err(KitError::WrongWords)),
        "the old ones are worth nothing now"
    );
    let words = second.to_words();
    let first_word = words.split(' ').next().unwrap().as_bytes();
    let stored = node.store.read().unwrap();
    for (owner, kind) in [(account, ObjectKind::ACCOUNT_LOG), (node.accounts.hoster(), ObjectKind::AUDIT)] {
        let all = std::ops::Bound::Unbounded;
        for object in stored.range(owner, kind, all, all).unwrap() {
            let value = object.unwrap().1.value;
            assert!(!value.windows(first_word.len()).any(|window| window == first_word), "no word is kept");
        }
    }
}

#[tokio::test]
async fn the_hosts_key_goes_with_the_account() {
    let node = node().await;
    let account = node.member("ann@coop.test").await;
    node.accounts.close(account, root()).await.unwrap();
    node.accounts.delete(account, root(), |_| {}).await.unwrap();
    assert!(node.accounts.host_key(account).unwrap().is_none());
    assert!(node.accounts.account_log(account).unwrap().is_none());
}

fn shown(node: &Node, account: AccountId) -> Details {
    node.accounts.show(account).unwrap().unwrap()
}

fn commits(node: &Node, account: AccountId) -> Vec<essaim_identity::account::AddressCommit> {
    shown(node, account).identity.unwrap().entry.addr_commits
}
