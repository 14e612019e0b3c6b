//! Accounts that moved away, and what is known of those that came.

use std::time::Duration;

use essaim_accounts::{ArriveError, StorageError};
use essaim_identity::account::{
    AccountDraft, AccountEntry, Host, Kit, MoveAccept, MoveId, MoveIntent, StateRoot,
};
use essaim_identity::{Cosigned, Cosigning, SigningKey};
use essaim_types::{AccountId, Address, ListingId, Lsn, ObjectKind, Timestamp};

use crate::support::{Node, address, hoster, root};

#[tokio::test]
async fn the_old_hoster_knows_where_an_account_went_and_the_new_one_what_it_was() {
    let (a, b) = (hoster(1, "a.test").await, hoster(2, "b.test").await);
    let account = a.member("Ann@a.test").await;
    a.accounts.add_address(account, address("anna@a.test"), root()).await.unwrap();
    assert!(
        a.accounts.departure(account).unwrap().is_none() && b.accounts.came_from(account).unwrap().is_empty()
    );
    let words = a.accounts.make_kit(account, None, root()).await.unwrap();
    let there = move_account(&a, &b, &words, (account, 1)).await;
    assert_eq!(there, address("Ann@b.test"));

    let (departed, departure) = a.accounts.departure_of(&address("anna+shop@A.test")).unwrap().unwrap();
    assert_eq!((departed, departure.listing, departure.to.as_str()), (account, listing(2), "2"));
    assert_eq!(departure.addresses, [address("Ann@a.test"), address("anna@a.test")]);
    assert_eq!(departure.address, None, "nobody has said yet that it is served");
    a.accounts.settled_at(account, there.clone()).await.unwrap();
    let departure = a.accounts.departure(account).unwrap().unwrap();
    assert_eq!(departure.address, Some(there));
    a.accounts.release(account).await.unwrap();
    assert!(
        a.accounts.host_key(account).unwrap().is_none() && b.accounts.host_key(account).unwrap().is_some()
    );
    b.accounts.release(account).await.unwrap();
    assert!(b.accounts.host_key(account).unwrap().is_some(), "it lives there");
    assert_eq!(a.accounts.departure_of(&address("ann@a.test")).unwrap().unwrap().0, account);
    let days = |days: u64| departure.moved.after(Duration::from_secs(days * 86_400));
    assert!(departure.leads_on(days(89)) && !departure.leads_on(days(90)));
    assert!(a.accounts.departure_of(&address("ann@b.test")).unwrap().is_none());
    assert!(a.accounts.departure_of(&address("bob@a.test")).unwrap().is_none());

    let former = |text| b.accounts.former(&address(text), listing(1)).unwrap();
    assert_eq!(
        (former("ANN@a.test"), former("anna+x@a.test"), former("bob@a.test")),
        (Some(account), Some(account), None)
    );
    assert_eq!(b.accounts.former(&address("ann@a.test"), listing(3)).unwrap(), None, "another hoster's word");
    assert_eq!(b.accounts.formers(&address("ann@a.test")).unwrap(), [(account, listing(1))]);
    assert!(
        b.accounts.has_formers_from(listing(1)).unwrap() && !b.accounts.has_formers_from(listing(2)).unwrap()
    );
}

#[tokio::test]
async fn former_addresses_move_on_with_the_account() {
    let (a, b, c) = (hoster(1, "a.test").await, hoster(2, "b.test").await, hoster(3, "c.test").await);
    let account = a.member("ann@a.test").await;
    let words = a.accounts.make_kit(account, None, root()).await.unwrap();
    move_account(&a, &b, &words, (account, 1)).await;
    move_account(&b, &c, &words, (account, 2)).await;
    let came = c.accounts.came_from(account).unwrap();
    let came: Vec<_> = came.iter().map(|former| (former.address.to_string(), former.listing)).collect();
    assert_eq!(came, [("ann@b.test".to_owned(), listing(2)), ("ann@a.test".to_owned(), listing(1))]);
    assert_eq!(c.accounts.former(&address("ann@a.test"), listing(1)).unwrap(), Some(account));
    // The one in the middle leads on.
    assert_eq!(b.accounts.former(&address("ann@a.test"), listing(1)).unwrap(), Some(account));
    assert_eq!(b.accounts.departure(account).unwrap().unwrap().listing, listing(3));
    // Each shows where the account is, as far as it knows.
    let now = Timestamp(i64::MAX);
    let shown = |node: &Node| node.accounts.residence(account).unwrap().unwrap();
    assert_eq!(shown(&a).check(&address("ann@a.test"), listing(1), now).unwrap().home, listing(2));
    assert_eq!(shown(&b).check(&address("ann@a.test"), listing(1), now).unwrap().home, listing(3));
    assert!(shown(&b).check(&address("bob@a.test"), listing(1), now).is_err());
    assert!(c.accounts.residence(account).unwrap().is_none());
    // And the first is told where to ask.
    a.accounts.moved_on(account, listing(3), "c.test".to_owned(), address("ann@c.test")).await.unwrap();
    assert_eq!(a.accounts.departure(account).unwrap().unwrap().to, "c.test");
}

#[tokio::test]
async fn a_hoster_that_claims_an_address_of_another_is_in_nobodys_way() {
    let (a, evil, b) = (hoster(1, "a.test").await, hoster(9, "a.test").await, hoster(2, "b.test").await);
    let (squatter, ann) = (evil.member("ann@a.test").await, a.member("ann@a.test").await);
    for (from, account) in [(&evil, squatter), (&a, ann)] {
        let words = from.accounts.make_kit(account, None, root()).await.unwrap();
        move_account(from, &b, &words, (account, 1)).await;
    }
    assert_eq!(b.accounts.former(&address("ann@a.test"), listing(1)).unwrap(), Some(ann));
    assert_eq!(b.accounts.former(&address("ann@a.test"), listing(9)).unwrap(), Some(squatter));
    assert_eq!(b.accounts.formers(&address("ann@a.test")).unwrap().len(), 2);
}

#[tokio::test]
async fn what_an_account_says_of_another_hosters_address_takes_nothing_from_anybody() {
    let (a, evil) = (hoster(1, "a.test").await, hoster(1, "a.test").await);
    let (x, b) = (hoster(8, "x.test").await, hoster(2, "b.test").await);
    let (ann, theirs) = (address("ann@a.test"), listing(1));
    // Somebody's own nodes pretend to be any hoster: what the account brings from there is as good as invented.
    let mut squatters = Vec::new();
    for mid in [1, 2] {
        let hosted = if mid == 1 { &evil } else { &hoster(1, "a.test").await };
        let squatter = hosted.member("ann@a.test").await;
        let words = hosted.accounts.make_kit(squatter, None, root()).await.unwrap();
        move_account(hosted, &x, &words, (squatter, mid)).await;
        move_account(&x, &b, &words, (squatter, mid + 10)).await;
        squatters.push(squatter);
        let said = if mid == 1 { Some(squatter) } else { None };
        assert_eq!(b.accounts.former(&ann, theirs).unwrap(), said, "two that claim it get nothing");
        assert_eq!(
            b.accounts.given_by(&ann, theirs).unwrap(),
            None,
            "nothing that a member writes goes there"
        );
    }
    // The hoster of the address itself gives the account away: that counts, before and after.
    let account = a.member("ann@a.test").await;
    let words = a.accounts.make_kit(account, None, root()).await.unwrap();
    move_account(&a, &b, &words, (account, 3)).await;
    assert_eq!(b.accounts.former(&ann, theirs).unwrap(), Some(account));
    assert_eq!(b.accounts.given_by(&ann, theirs).unwrap(), Some(account));
    let third = hoster(1, "a.test").await;
    let squatter = third.member("ann@a.test").await;
    let words = third.accounts.make_kit(squatter, None, root()).await.unwrap();
    move_account(&third, &x, &words, (squatter, 4)).await;
    move_account(&x, &b, &words, (squatter, 5)).await;
    assert_eq!(b.accounts.given_by(&ann, theirs).unwrap(), Some(account));
}

fn listing(n: u8) -> ListingId {
    ListingId::from_bytes([n; 32])
}

/// What the two commits of a move do to accounts; the objects are carried by hand.
async fn move_account(from: &Node, to: &Node, words: &Kit, (account, mid): (AccountId, u8)) -> Address {
    let entry = moved(from, to, words, (account, mid)).await;
    let snapshot = from.store.read().unwrap();
    let last = snapshot.account(account).unwrap().unwrap().lsn;
    let objects: Vec<_> = snapshot.objects(account, None).unwrap().map(Result::unwrap).collect();
    drop(snapshot);
    let adopted = move |tx: &mut essaim_store::Tx<'_>| {
        tx.adopt_account(account, None, last)?;
        for (kind, key, object) in objects.into_iter().filter(|(kind, ..)| *kind != ObjectKind::ACCOUNT) {
            tx.adopt(account, kind, &key, object)?;
        }
        Ok::<_, essaim_store::TxError>(())
    };
    to.store.commit(adopted).await.unwrap();
    let (source, target, signed) = (from.accounts.clone(), to.accounts.listing().unwrap(), entry.clone());
    let sealed = move |tx: &mut essaim_store::Tx<'_>| -> Result<(), StorageError> {
        tx.seal_account(account, last)?;
        let name = target.as_bytes().first().unwrap().to_string();
        source.farewell(tx, account, (target, &name), &signed)
    };
    from.store.commit(sealed).await.unwrap();
    let target = to.accounts.clone();
    let opened = move |tx: &mut essaim_store::Tx<'_>| -> Result<Address, ArriveError> {
        tx.open_account(account)?;
        target.welcome(tx, account, &entry, None)
    };
    to.store.commit(opened).await.unwrap()
}

/// The entry, signed by all who must.
async fn moved(
    from: &Node,
    to: &Node,
    words: &Kit,
    (account, mid): (AccountId, u8),
) -> Cosigned<AccountEntry> {
    let before = from.accounts.log_head(account).unwrap().unwrap();
    let (key, node) = (to.accounts.key_for_guest(account).await.unwrap(), SigningKey::from_seed(&[100; 32]));
    let (at, mid, target) = (before.record().ts, MoveId([mid; 16]), to.accounts.listing().unwrap());
    let expires = Timestamp::from_seconds(at.seconds() + 86_400);
    let source = before.record().host.listing;
    let intent = MoveIntent { account, mid, source, target, nonce: [1; 16], expires };
    let mut consent = Cosigning::propose(&intent).unwrap();
    consent.sign(&words.member_key()).unwrap();
    let host = Host { listing: target, key: key.public() };
    let root = StateRoot([7; 32]);
    let mut accept =
        Cosigning::propose(&MoveAccept { account, mid, host, node: node.public(), lsn: Lsn(1), root })
            .unwrap();
    accept.sign(&key).unwrap();
    accept.sign(&node).unwrap();
    let mut entry = AccountDraft::hand_over(&before, consent, accept, at).propose().unwrap();
    entry.sign(&from.accounts.host_key(account).unwrap().unwrap()).unwrap();
    entry.verify().unwrap()
}
