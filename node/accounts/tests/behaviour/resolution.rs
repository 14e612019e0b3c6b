//! Whose is an address.

use essaim_accounts::{Matched, Quota, Recipients, Resolution};
use essaim_store::Put;
use essaim_types::{AccountId, ByteSize, ObjectKind};

use crate::support::{Node, address, node, root};

fn to(accounts: &[AccountId], detail: Option<&str>, matched: Matched) -> Resolution {
    let (accounts, detail) = (accounts.to_vec(), detail.map(str::to_owned));
    Resolution::Local(Recipients { accounts, moved: Vec::new(), without_space: Vec::new(), detail, matched })
}

fn resolve(node: &Node, text: &str) -> Resolution {
    node.accounts.resolve(&address(text)).unwrap()
}

/// Puts so many bytes into the account.
async fn fill(node: &Node, account: AccountId, bytes: u64) {
    let put = Put::new(b"x".to_vec()).charge(ByteSize(bytes));
    let filled = node.store.commit(move |tx| tx.put(account, ObjectKind::MESSAGE, b"filler", put));
    filled.await.unwrap();
}

#[tokio::test]
async fn an_address_is_found_however_it_is_written() {
    let node = node().await;
    let ann = node.member("Ann@coop.test").await;
    for text in ["ann@coop.test", "ANN@COOP.TEST", "\"ann\"@coop.test", "ann@coop.test."] {
        assert_eq!(resolve(&node, text), to(&[ann], None, Matched::Address), "{text}");
    }
    assert_eq!(resolve(&node, "bob@coop.test"), Resolution::NoSuchMailbox);
    assert_eq!(resolve(&node, "ann@other.test"), Resolution::NoSuchMailbox);
    assert_eq!(resolve(&node, "ann@elsewhere.test"), Resolution::NotLocal);
    assert_eq!(resolve(&node, "ann@[192.0.2.1]"), Resolution::NotLocal);
}

#[tokio::test]
async fn what_follows_a_plus_is_a_detail() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    assert_eq!(resolve(&node, "ann+Lists+x@coop.test"), to(&[ann], Some("Lists+x"), Matched::Address));
    assert_eq!(resolve(&node, "ann+@coop.test"), to(&[ann], Some(""), Matched::Address));
    assert_eq!(resolve(&node, "+ann@coop.test"), Resolution::NoSuchMailbox);
    assert_eq!(resolve(&node, "bob+ann@coop.test"), Resolution::NoSuchMailbox);
}

#[tokio::test]
async fn a_catch_all_gets_what_nobody_has() {
    let node = node().await;
    let (ann, bob) = (node.member("ann@coop.test").await, node.member("bob@coop.test").await);
    node.accounts.set_catch_all("other.test".parse().unwrap(), vec![bob], root()).await.unwrap();
    assert_eq!(resolve(&node, "whoever+x@other.test"), to(&[bob], None, Matched::CatchAll));
    assert_eq!(resolve(&node, "whoever@coop.test"), Resolution::NoSuchMailbox);
    node.accounts.add_address(ann, address("ann@other.test"), root()).await.unwrap();
    assert_eq!(resolve(&node, "ann@other.test"), to(&[ann], None, Matched::Address));
    node.accounts.set_catch_all("other.test".parse().unwrap(), vec![], root()).await.unwrap();
    assert_eq!(resolve(&node, "whoever@other.test"), Resolution::NoSuchMailbox);
}

#[tokio::test]
async fn rfc5321_4_5_1_every_domain_has_a_postmaster() {
    let node = node().await;
    let first = node.member("first@coop.test").await;
    let second = node.member("second@coop.test").await;
    assert_eq!(resolve(&node, "postmaster@coop.test"), to(&[first], None, Matched::Address));
    for text in ["PostMaster@other.test", "abuse@coop.test", "abuse+x@other.test"] {
        assert_eq!(resolve(&node, text), to(&[first], None, Matched::Postmaster), "{text}");
    }
    node.accounts.share_address(address("abuse@other.test"), vec![second], root()).await.unwrap();
    assert_eq!(resolve(&node, "abuse@other.test"), to(&[second], None, Matched::Address));
    node.accounts.share_address(address("postmaster@coop.test"), vec![first, second], root()).await.unwrap();
    let Resolution::Local(both) = resolve(&node, "abuse@coop.test") else { panic!("local") };
    assert_eq!(both.accounts.len(), 2);
}

#[tokio::test]
async fn a_full_account_is_over_quota_until_it_has_space() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    node.accounts.set_quota(ann, Quota::Bytes(ByteSize(100)), root()).await.unwrap();
    fill(&node, ann, 100).await;
    assert_eq!(resolve(&node, "ann@coop.test"), Resolution::OverQuota);
    node.accounts.set_quota(ann, Quota::Bytes(ByteSize(101)), root()).await.unwrap();
    assert_eq!(resolve(&node, "ann@coop.test"), to(&[ann], None, Matched::Address));
    node.accounts.set_quota(ann, Quota::Unlimited, root()).await.unwrap();
    fill(&node, ann, 1 << 47).await;
    assert_eq!(resolve(&node, "ann@coop.test"), to(&[ann], None, Matched::Address));
}

#[tokio::test]
async fn a_shared_address_reaches_those_who_can_be_reached_and_names_those_who_cannot() {
    let node = node().await;
    let ids = [
        node.member("a@coop.test").await,
        node.member("b@coop.test").await,
        node.member("c@coop.test").await,
    ];
    let [a, b, c] = ids;
    let info = address("info@coop.test");
    node.accounts.share_address(info.clone(), ids.to_vec(), root()).await.unwrap();
    node.accounts.set_quota(b, Quota::Bytes(ByteSize(1)), root()).await.unwrap();
    fill(&node, b, 1).await;
    node.accounts.disable(c, root()).await.unwrap();
    let Resolution::Local(reached) = resolve(&node, "info@coop.test") else { panic!("local") };
    assert_eq!((reached.accounts, reached.without_space), (vec![a], vec![b]));
    node.accounts.disable(a, root()).await.unwrap();
    assert_eq!(resolve(&node, "info@coop.test"), Resolution::OverQuota);
    node.accounts.disable(b, root()).await.unwrap();
    assert_eq!(resolve(&node, "info@coop.test"), Resolution::Disabled);
}

#[tokio::test]
async fn a_disabled_account_is_disabled_and_a_closed_one_is_nobody() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    node.accounts.disable(ann, root()).await.unwrap();
    assert_eq!(resolve(&node, "ann@coop.test"), Resolution::Disabled);
    node.accounts.enable(ann, root()).await.unwrap();
    assert_eq!(resolve(&node, "ann@coop.test"), to(&[ann], None, Matched::Address));
    node.accounts.close(ann, root()).await.unwrap();
    assert_eq!(resolve(&node, "ann@coop.test"), Resolution::NoSuchMailbox);
}

#[tokio::test]
async fn members_send_as_what_reaches_them() {
    let node = node().await;
    let (ann, bob) = (node.member("ann@coop.test").await, node.member("bob@coop.test").await);
    node.accounts.share_address(address("info@coop.test"), vec![ann], root()).await.unwrap();
    node.accounts.set_catch_all("other.test".parse().unwrap(), vec![ann], root()).await.unwrap();
    let may = |account, text| node.accounts.may_send_as(account, &address(text)).unwrap();
    for text in ["Ann@coop.test", "ann+shop@coop.test", "info@coop.test", "anything@other.test"] {
        assert!(may(ann, text), "{text}");
        assert!(!may(bob, text), "{text}");
    }
    for text in ["bob@coop.test", "nobody@coop.test", "ann@elsewhere.test"] {
        assert!(!may(ann, text), "{text}");
    }
    node.accounts.disable(ann, root()).await.unwrap();
    assert!(!may(ann, "ann@coop.test"));
}
