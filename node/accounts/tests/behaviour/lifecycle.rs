//! Accounts come, change, close and go; the journal says who did it.

use essaim_accounts::{
    AccountState, Act, Actor, ChangeError, CreateError, DeleteError, NewAccount, NewPassword, Quota,
};
use essaim_store::{Put, Store};
use essaim_types::{AccountId, ByteSize, ObjectKind, Secret};

use crate::support::{PASSWORD, address, at, cheap, node, node_with, root};

#[tokio::test]
async fn the_hosters_account_is_made_once_and_found_again() {
    let store = Store::in_memory();
    let first = node_with(store.clone(), cheap()).await;
    first.member("ann@coop.test").await;
    let again = node_with(store.clone(), cheap()).await;
    assert_eq!(first.accounts.hoster(), again.accounts.hoster());
    assert_eq!(store.read().unwrap().accounts().unwrap().count(), 2);
    again.login("ann@coop.test", PASSWORD, at(0)).await.unwrap();
}

#[tokio::test]
async fn a_refused_account_leaves_nothing() {
    let node = node().await;
    node.member("ann@coop.test").await;
    let before = node.store.read().unwrap().accounts().unwrap().count();
    let acts = node.accounts.acts(100).unwrap().len();
    node.accounts.create(NewAccount::new(address("ann@coop.test")), root()).await.unwrap_err();
    assert_eq!(node.store.read().unwrap().accounts().unwrap().count(), before);
    assert_eq!(node.accounts.acts(100).unwrap().len(), acts);
}

#[tokio::test]
async fn two_who_want_one_address_at_once_do_not_both_get_it() {
    let node = node().await;
    let want = || node.accounts.create(NewAccount::new(address("ann@coop.test")), root());
    let (one, other) = tokio::join!(want(), want());
    let refused = [one, other].into_iter().filter(Result::is_err).count();
    assert_eq!(refused, 1);
}

#[tokio::test]
async fn a_list_has_every_member_once_in_order_and_in_pages() {
    let node = node().await;
    for n in 0..25 {
        let account = node.member(&format!("m{n:02}@coop.test")).await;
        if n % 2 == 0 {
            node.accounts
                .add_address(account, address(&format!("a{n:02}@other.test")), root())
                .await
                .unwrap();
        }
    }
    let mut listed = Vec::new();
    loop {
        let after = listed.last().cloned();
        let page = node.accounts.list(after.as_ref(), 10).unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 10);
        listed.extend(page.into_iter().map(|account| account.address));
    }
    let expected: Vec<_> = (0..25).map(|n| address(&format!("m{n:02}@coop.test"))).collect();
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn what_is_shown_is_what_was_set() {
    let node = node().await;
    let new = NewAccount {
        display_name: "Ann".parse().unwrap(),
        language: "nl".parse().unwrap(),
        quota: Quota::Bytes(ByteSize::mib(5)),
        password: NewPassword::Chosen(Secret::new(PASSWORD)),
        ..NewAccount::new(address("Ann@coop.test"))
    };
    let account = node.accounts.create(new, root()).await.unwrap().account;
    let details = node.accounts.show(account).unwrap().unwrap();
    assert_eq!(details.summary.address.to_string(), "Ann@coop.test");
    assert_eq!((details.summary.display_name.as_str(), details.language.as_str()), ("Ann", "nl"));
    assert_eq!((details.summary.quota, details.summary.used), (Some(ByteSize::mib(5)), ByteSize(0)));
    node.accounts.set_profile(account, "Anna".parse().unwrap(), "fr".parse().unwrap(), root()).await.unwrap();
    node.accounts.set_quota(account, Quota::Unlimited, root()).await.unwrap();
    let details = node.accounts.show(account).unwrap().unwrap();
    assert_eq!((details.summary.display_name.as_str(), details.summary.quota), ("Anna", None));
    assert_eq!(node.accounts.show(node.accounts.hoster()).unwrap(), None, "the hoster is no member");
}

#[tokio::test]
async fn nobody_changes_the_hosters_account_or_one_that_is_not_there() {
    let node = node().await;
    let stranger = AccountId::from_bytes([9; 32]);
    for account in [node.accounts.hoster(), stranger] {
        let refused = node.accounts.close(account, root()).await.unwrap_err();
        assert!(matches!(refused, ChangeError::NoSuchAccount(_)), "{refused}");
        let refused = node.accounts.set_quota(account, Quota::Default, root()).await.unwrap_err();
        assert!(matches!(refused, ChangeError::NoSuchAccount(_)), "{refused}");
        assert!(node.accounts.set_password(account, NewPassword::Generate, root()).await.is_err());
        assert!(node.accounts.delete(account, root(), |_| ()).await.is_err());
    }
}

#[tokio::test]
async fn a_closed_account_can_be_opened_again_until_it_is_deleted() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    node.accounts.close(ann, root()).await.unwrap();
    assert!(matches!(node.accounts.disable(ann, root()).await, Err(ChangeError::Closed)));
    assert!(node.login("ann@coop.test", PASSWORD, at(0)).await.is_err());
    let taken = node.accounts.create(NewAccount::new(address("ann@coop.test")), root()).await.unwrap_err();
    assert!(matches!(taken, CreateError::Address(_)), "{taken}");
    node.accounts.enable(ann, root()).await.unwrap();
    node.login("ann@coop.test", PASSWORD, at(1)).await.unwrap();
    assert_eq!(node.accounts.show(ann).unwrap().unwrap().summary.state, AccountState::Active);
}

#[tokio::test]
async fn deleting_takes_everything_of_any_kind_and_frees_the_addresses() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    let bob = node.member("bob@coop.test").await;
    node.accounts.add_address(ann, address("ann@other.test"), root()).await.unwrap();
    node.accounts.add_app_password(ann, "phone".into(), root()).await.unwrap();
    node.accounts.share_address(address("info@coop.test"), vec![ann, bob], root()).await.unwrap();
    node.accounts.set_catch_all("coop.test".parse().unwrap(), vec![ann], root()).await.unwrap();
    let filled = node.store.commit(move |tx| {
        for n in 0..2500u32 {
            tx.put(ann, ObjectKind::MESSAGE, &n.to_be_bytes(), Put::new(b"x".to_vec()).charge(ByteSize(10)))?;
        }
        tx.put(ann, ObjectKind(200), b"of a later version", Put::new(b"x".to_vec()))
    });
    filled.await.unwrap();

    let refused = node.accounts.delete(ann, root(), |_| ()).await.unwrap_err();
    assert!(matches!(refused, DeleteError::NotClosed), "{refused}");
    node.accounts.close(ann, root()).await.unwrap();
    let mut steps = Vec::new();
    node.accounts
        .delete(ann, root(), |progress| steps.push((progress.deleted, progress.total)))
        .await
        .unwrap();
    assert_eq!(
        steps.iter().map(|(deleted, _)| *deleted).collect::<Vec<_>>(),
        [1000, 2000, 2506],
        "salt and two entries of the log among them"
    );
    assert!(steps.iter().all(|(deleted, total)| deleted <= total));

    assert!(node.store.read().unwrap().account(ann).unwrap().is_none());
    assert_eq!(node.accounts.show(ann).unwrap(), None);
    assert_eq!(node.accounts.find(&address("ann@other.test")).unwrap(), None);
    let shared = node.accounts.shared_addresses().unwrap();
    let left: Vec<_> = shared.iter().map(|s| (s.address.as_str(), s.accounts.as_slice())).collect();
    assert_eq!(left, [("info@coop.test", &[bob][..])]);
    node.member("ann@coop.test").await;
    assert_eq!(
        node.accounts.acts(1000).unwrap().iter().filter(|act| act.act == Act::ACCOUNT_DELETE).count(),
        1
    );
}

#[tokio::test]
async fn the_journal_says_who_did_what_newest_first() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    node.accounts.set_password(ann, NewPassword::Generate, Actor::Member).await.unwrap();
    let app = node.accounts.add_app_password(ann, "phone".into(), Actor::Member).await.unwrap();
    node.accounts.disable(ann, root()).await.unwrap();
    let acts: Vec<_> = node
        .accounts
        .acts(100)
        .unwrap()
        .into_iter()
        .map(|entry| (entry.act.to_string(), entry.actor.to_string(), entry.detail))
        .collect();
    let act = |act: &str, actor: &str, detail: &str| (act.to_owned(), actor.to_owned(), detail.to_owned());
    let expected = [
        act("account.disable", "operator root", ""),
        act("app-password.add", "member", "phone"),
        act("password.set", "member", ""),
        act("account.create", "operator root", "ann@coop.test"),
        act("address.share", "operator root", "postmaster@coop.test"),
    ];
    assert_eq!(acts, expected);
    assert_eq!(node.accounts.acts(2).unwrap().len(), 2);
    let text = format!("{:?}", node.accounts.acts(100).unwrap());
    assert!(!text.contains(app.password.expose()) && !text.contains("argon2"));
}

#[tokio::test]
async fn the_journal_forgets_what_is_too_old_as_new_acts_come() {
    let store = Store::in_memory();
    let mut config = cheap();
    config.audit_keep = std::time::Duration::ZERO;
    let node = node_with(store, config).await;
    let ann = node.member("ann@coop.test").await;
    for _ in 0..20 {
        // The clock of the store moves between two commits, or an entry is as young as the act that would drop it.
        let before = node.accounts.acts(1).unwrap()[0].time;
        while node.store.commit(|tx| Ok::<_, essaim_store::TxError>(tx.now())).await.unwrap() <= before {
            tokio::task::yield_now().await;
        }
        node.accounts.disable(ann, root()).await.unwrap();
    }
    assert!(node.accounts.acts(100).unwrap().len() <= 3);
}

#[tokio::test]
async fn another_crate_writes_its_own_acts_in_its_own_commit() {
    let node = node().await;
    let journal = node.accounts.journal(Actor::Node);
    let noted = node.store.commit(move |tx| -> Result<(), essaim_accounts::StorageError> {
        for n in 0..3 {
            journal.note(tx, Act::new("queue.drop"), None, &n.to_string())?;
        }
        journal.note(tx, Act::new("queue.drop"), None, &"é".repeat(1000))
    });
    noted.await.unwrap();
    let details: Vec<String> =
        node.accounts.acts(10).unwrap().into_iter().map(|entry| entry.detail).collect();
    assert_eq!(details[1..], ["2", "1", "0"]);
    assert_eq!(details[0].len(), 512);
}
