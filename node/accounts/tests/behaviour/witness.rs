//! A hoster as a witness of another's account: it keeps what it is told, signs what it sees first, and remembers the highest head.

use std::sync::Arc;

use essaim_accounts::{LearnError, Signer, Told, Witnessed};
use essaim_identity::account::{
    AccountDraft, AccountEntry, AccountLog, Epoch, Highest, Host, Kit, Witnesses,
};
use essaim_identity::{Cosigned, RecordHash, Signed, SigningKey};
use essaim_types::{AccountId, ListingId, Timestamp};

use crate::support::{Node, hoster, root};

#[tokio::test]
async fn what_is_told_is_kept_and_signed_once() {
    let (home, witness) = (hoster(1, "coop.test").await, hoster(2, "other.test").await);
    let account = home.member("ann@coop.test").await;
    let words = home.accounts.make_kit(account, None, root()).await.unwrap();
    let log = home.accounts.account_log(account).unwrap().unwrap();
    let learnt = told(&witness, &log, Vec::new(), None).await.unwrap();
    assert_eq!(learnt.log.entries().len(), 2);
    assert_eq!(learnt.log.receipts().count(), 1, "the first entry needs none");
    assert_eq!(learnt.highest, Some(Highest::of(log.settled_head())));
    assert_eq!(witness.accounts.witnessed(account).unwrap(), Some(learnt));

    // Two recoveries in one place: the one that came first is signed, and in force as the host is silent.
    let first = recovered(&log, &words, 3);
    let learnt = told(&witness, &log, vec![first.clone()], Some(listing(1))).await.unwrap();
    assert_eq!(receipts(&learnt, &first.hash()), [(true, listing(2))]);
    let state = learnt.log.state(&witnesses(), now());
    assert_eq!((state.head.hash(), state.head.record().epoch), (first.hash(), Epoch(1)));
    let second = recovered(&log, &words, 4);
    let learnt = told(&witness, &log, vec![second.clone()], Some(listing(1))).await.unwrap();
    assert!(receipts(&learnt, &second.hash()).is_empty(), "an honest witness signs once");
    assert_eq!(learnt.highest.map(|highest| highest.epoch), Some(Epoch(1)), "and forgets nothing");
}

#[tokio::test]
async fn a_host_that_was_heard_of_makes_a_recovery_wait() {
    let (home, witness) = (hoster(1, "coop.test").await, hoster(2, "other.test").await);
    let account = home.member("ann@coop.test").await;
    let words = home.accounts.make_kit(account, None, root()).await.unwrap();
    let log = home.accounts.account_log(account).unwrap().unwrap();
    let entry = recovered(&log, &words, 3);
    // Another host is silent: that says nothing about this one.
    let learnt = told(&witness, &log, vec![entry.clone()], Some(listing(9))).await.unwrap();
    assert_eq!(receipts(&learnt, &entry.hash()), [(false, listing(2))]);
    let state = learnt.log.state(&witnesses(), now());
    assert_eq!((state.head, state.waiting.len()), (log.settled_head(), 1));
}

#[tokio::test]
async fn a_log_without_its_beginning_is_not_taken() {
    let (home, witness) = (hoster(1, "coop.test").await, hoster(2, "other.test").await);
    let account = home.member("ann@coop.test").await;
    home.accounts.make_kit(account, None, root()).await.unwrap();
    let log = home.accounts.account_log(account).unwrap().unwrap();
    let entries = vec![log.settled_head().clone()];
    let learnt = witness.accounts.learn(tells(account, entries), Some(signer()), witnesses(), None).await;
    assert!(matches!(learnt, Err(LearnError::NoBeginning)));
    assert_eq!(witness.accounts.witnessed(account).unwrap(), None);
}

/// Everything of the log, and these.
async fn told(
    witness: &Node,
    log: &AccountLog,
    more: Vec<Cosigned<AccountEntry>>,
    silent: Option<ListingId>,
) -> Result<Witnessed, LearnError> {
    let entries = log.entries().cloned().chain(more).collect();
    witness.accounts.learn(tells(log.account(), entries), Some(signer()), witnesses(), silent).await
}

fn tells(account: AccountId, entries: Vec<Cosigned<AccountEntry>>) -> Told {
    Told { account, by: listing(1), entries, receipts: Vec::new() }
}

fn receipts(of: &Witnessed, entry: &RecordHash) -> Vec<(bool, ListingId)> {
    let said = of.log.receipts().map(Signed::record).filter(|said| said.entry == *entry);
    said.map(|said| (said.host_silent, said.witness)).collect()
}

/// By the words, at hoster `n`.
fn recovered(log: &AccountLog, words: &Kit, n: u8) -> Cosigned<AccountEntry> {
    let (key, next) = (SigningKey::from_seed(&[n; 32]), Kit::from_bytes(&[n; 32]));
    let host = Host { listing: listing(n), key: key.public() };
    let member = next.member_key();
    let keys = [member.public()].into();
    let draft = AccountDraft::recover(log.settled_head(), host, next.next_recovery(), keys, now());
    let mut entry = draft.propose().unwrap();
    for key in [&words.recovery_key(), &key, &member] {
        entry.sign(key).unwrap();
    }
    entry.verify().unwrap()
}

fn signer() -> Signer {
    let node = SigningKey::from_seed(&[102; 32]);
    let public = node.public();
    let sign = move |said: &essaim_identity::account::WitnessReceipt| Signed::sign(said, &node).unwrap();
    Signer { listing: listing(2), node: public, sign: Arc::new(sign) }
}

/// Hoster 2 alone.
fn witnesses() -> Witnesses {
    [listing(2)].into_iter().collect()
}

fn listing(n: u8) -> ListingId {
    ListingId::from_bytes([n; 32])
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap())
}
