//! What stays true on the disk: after any changes, when it is full, when power is lost.

use std::collections::HashMap;
use std::sync::Arc;

use essaim_accounts::{CreateError, NewAccount, NewPassword, StorageError};
use essaim_store::{Fault, OperationKind, Options, SimDisk, Store, Survival};
use essaim_types::{AccountId, Address, Domain, Secret};
use proptest::prelude::{Strategy, any, prop, proptest};

use crate::support::{Node, PASSWORD, address, at, cheap, node_with, root};

fn store_on(disk: &SimDisk) -> Store {
    Store::open_on(Arc::new(disk.clone()), &Options::default()).unwrap()
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_loss_of_power() {
    let disk = SimDisk::new();
    let node = node_with(store_on(&disk), cheap()).await;
    let ann = node.member("ann@coop.test").await;
    let app = node.accounts.add_app_password(ann, "phone".into(), root()).await.unwrap();
    let hoster = node.accounts.hoster();
    let again = node_with(store_on(&disk.after_crash(Survival::Nothing)), cheap()).await;
    assert_eq!(again.accounts.hoster(), hoster);
    assert_eq!(again.login("ann@coop.test", PASSWORD, at(0)).await.unwrap().account, ann);
    assert_eq!(again.login("ann@coop.test", app.password.expose(), at(0)).await.unwrap().account, ann);
    assert_eq!(again.accounts.acts(10).unwrap(), node.accounts.acts(10).unwrap());
}

#[tokio::test]
async fn a_full_disk_keeps_nobody_from_logging_in() {
    let disk = SimDisk::new();
    let node = node_with(store_on(&disk), cheap()).await;
    let ann = node.member("ann@coop.test").await;
    disk.on_operation(|operation| (operation.kind == OperationKind::Write).then_some(Fault::NoSpace));
    assert_eq!(node.login("ann@coop.test", PASSWORD, at(0)).await.unwrap().account, ann);
    assert_eq!(node.login("ann@coop.test", PASSWORD, at(1)).await.unwrap().account, ann);
    let refused = node.accounts.create(NewAccount::new(address("bob@coop.test")), root()).await.unwrap_err();
    assert!(matches!(refused, CreateError::Storage(StorageError::NoSpace)), "{refused}");
    disk.heal();
    node.member("bob@coop.test").await;
}

#[tokio::test]
async fn a_store_that_failed_says_what_to_do() {
    let disk = SimDisk::new();
    let node = node_with(store_on(&disk), cheap()).await;
    let ann = node.member("ann@coop.test").await;
    disk.on_operation(|operation| (operation.kind == OperationKind::Sync).then_some(Fault::Io));
    let refused = node.accounts.set_password(ann, NewPassword::Generate, root()).await.unwrap_err();
    assert!(refused.to_string().contains("restart the node"), "{refused}");
}

/// One change that an operator makes, with small numbers for accounts, names and domains.
#[derive(Debug, Clone)]
enum Step {
    Create(u8),
    Add(u8, u8),
    Remove(u8, u8),
    Primary(u8, u8),
    Share(u8, Vec<u8>),
    CatchAll(bool, Vec<u8>),
    Delete(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let some = || prop::collection::vec(any::<u8>(), 0..3);
    prop::strategy::Union::new_weighted(vec![
        (3, any::<u8>().prop_map(Step::Create).boxed()),
        (4, any::<(u8, u8)>().prop_map(|(account, name)| Step::Add(account, name)).boxed()),
        (2, any::<(u8, u8)>().prop_map(|(account, name)| Step::Remove(account, name)).boxed()),
        (1, any::<(u8, u8)>().prop_map(|(account, name)| Step::Primary(account, name)).boxed()),
        (2, (any::<u8>(), some()).prop_map(|(name, accounts)| Step::Share(name, accounts)).boxed()),
        (1, (any::<bool>(), some()).prop_map(|(domain, accounts)| Step::CatchAll(domain, accounts)).boxed()),
        (1, any::<u8>().prop_map(Step::Delete).boxed()),
    ])
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    /// Whatever is changed, refused or not: each personal address has one owner, who says so too, and each shared one
    /// only accounts that exist; everybody has an address, and not too many.
    #[test]
    fn accounts_and_addresses_say_the_same(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let node = node_with(Store::in_memory(), cheap()).await;
            let mut accounts = Vec::new();
            for step in steps {
                apply(&node, &mut accounts, step).await;
                check(&node, &accounts);
            }
            let report = node.store.verify(&mut |_| ()).unwrap();
            assert!(report.findings.is_empty(), "{report:?}");
        });
    }
}

/// Changes may be refused: only what they leave is looked at.
async fn apply(node: &Node, accounts: &mut Vec<AccountId>, step: Step) {
    let known = accounts.clone();
    let pick = |n: u8| known.get(usize::from(n) % known.len().max(1)).copied();
    let all = |picked: Vec<u8>| picked.into_iter().filter_map(pick).collect::<Vec<_>>();
    let of = |n: u8| pick(n).unwrap_or_else(|| node.accounts.hoster());
    match step {
        Step::Create(name) => {
            let hash = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
            let new = NewAccount {
                password: NewPassword::Hashed(Secret::new(hash)),
                ..NewAccount::new(named(name))
            };
            accounts.extend(node.accounts.create(new, root()).await.ok().map(|created| created.account));
        }
        Step::Add(account, name) => drop(node.accounts.add_address(of(account), named(name), root()).await),
        Step::Remove(account, name) => {
            drop(node.accounts.remove_address(of(account), named(name), root()).await)
        }
        Step::Primary(account, name) => {
            drop(node.accounts.set_primary_address(of(account), named(name), root()).await);
        }
        Step::Share(name, picked) => {
            drop(node.accounts.share_address(named(name), all(picked), root()).await)
        }
        Step::CatchAll(first, picked) => {
            let domain: Domain = if first { "coop.test" } else { "other.test" }.parse().unwrap();
            drop(node.accounts.set_catch_all(domain, all(picked), root()).await);
        }
        Step::Delete(account) => {
            let account = of(account);
            if node.accounts.close(account, root()).await.is_ok() {
                node.accounts.delete(account, root(), |_| ()).await.unwrap();
                accounts.retain(|other| *other != account);
            }
        }
    }
}

fn check(node: &Node, accounts: &[AccountId]) {
    let mut owners: HashMap<String, AccountId> = HashMap::new();
    for account in accounts {
        let details = node.accounts.show(*account).unwrap().unwrap();
        assert!((1..=2).contains(&details.addresses.len()));
        for own in details.addresses {
            assert_eq!(owners.insert(own.key(), *account), None, "two have {own}");
        }
    }
    for name in 0..NAMES {
        assert_eq!(node.accounts.find(&named(name)).unwrap(), owners.get(&named(name).key()).copied());
    }
    for shared in node.accounts.shared_addresses().unwrap() {
        assert!(
            !shared.accounts.is_empty() && shared.accounts.iter().all(|account| accounts.contains(account))
        );
        assert!(!owners.contains_key(&shared.address));
    }
    let mut listed: Vec<AccountId> =
        node.accounts.list(None, 1000).unwrap().into_iter().map(|account| account.account).collect();
    let mut expected = accounts.to_vec();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
}

/// One of a few addresses, so that they collide.
fn named(n: u8) -> Address {
    let n = n % NAMES;
    let domain = if n.is_multiple_of(2) { "coop.test" } else { "other.test" };
    let local = if n == 4 { "postmaster".to_owned() } else { format!("name{}", n / 2) };
    address(&format!("{local}@{domain}"))
}

const NAMES: u8 = 10;
