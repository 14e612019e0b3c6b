//! The rules on a store in memory, and the index against what is stored.

use essaim_imap::MailboxName;
use essaim_imap::command::StoreAction;
use essaim_store::{Content, Store};
use essaim_types::{AccountId, ByteSize, MailboxId, Timestamp, Uid};

use super::*;
use crate::record::{INBOX_ID, SystemFlags};

const ALICE: AccountId = AccountId::from_bytes([1; 32]);

fn name(text: &str) -> MailboxName {
    MailboxName::new(text).unwrap()
}

fn uid(value: u32) -> Uid {
    Uid::new(value).unwrap()
}

fn store() -> Store {
    let store = Store::in_memory();
    store
        .commit_blocking(|tx| {
            tx.create_account(ALICE, Some(ByteSize::mib(1)))?;
            ensure_defaults(tx, ALICE)
        })
        .unwrap();
    store
}

fn arrival(store: &Store, text: &[u8], flags: SystemFlags) -> Arrival {
    let mut writer = store.content_writer(Content::Mail);
    writer.push(text).unwrap();
    Arrival {
        content: writer.finish().unwrap(),
        flags: Flags { system: flags, keywords: vec!["$Work".into()] },
        internal_date: Some(Timestamp(0)),
        summary: crate::message::Summary::of(text).encode(),
    }
}

fn add(store: &Store, to: MailboxId, text: &[u8]) -> Appended {
    let arrival = arrival(store, text, SystemFlags::default());
    store.commit_blocking(move |tx| append(tx, ALICE, to, arrival)).unwrap()
}

#[test]
fn everybody_has_the_same_mailboxes_once() {
    let store = store();
    store.commit_blocking(|tx| ensure_defaults(tx, ALICE)).unwrap();
    let mailboxes = all(&store.read().unwrap(), ALICE).unwrap();
    let names: Vec<_> = mailboxes.iter().map(|(_, mailbox)| mailbox.name.as_str()).collect();
    assert_eq!(names, ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"]);
    assert_eq!(by_name(&store.read().unwrap(), ALICE, &name("inbox")).unwrap().unwrap().0, INBOX_ID);
}

#[test]
fn ids_and_uid_validities_are_given_once() {
    let store = store();
    let made = |text: &'static str| {
        store.commit_blocking(move |tx| create(tx, ALICE, &name(text), None, 100)).unwrap()
    };
    let first = made("a/b");
    let before = by_id(&store.read().unwrap(), ALICE, first).unwrap().unwrap();
    assert!(by_name(&store.read().unwrap(), ALICE, &name("a")).unwrap().is_some());
    store.commit_blocking(|tx| delete(tx, ALICE, &name("a/b"))).unwrap();
    let second = made("a/b");
    let after = by_id(&store.read().unwrap(), ALICE, second).unwrap().unwrap();
    assert!(second > first && after.uid_validity > before.uid_validity);
}

#[test]
fn rename_takes_the_mailboxes_below_along() {
    let store = store();
    store.commit_blocking(|tx| create(tx, ALICE, &name("a/b/c"), None, 100)).unwrap();
    store.commit_blocking(|tx| rename(tx, ALICE, &name("a/b"), &name("x/y"), 100)).unwrap();
    let mailboxes = all(&store.read().unwrap(), ALICE).unwrap();
    let has = |text: &str| mailboxes.iter().any(|(_, mailbox)| mailbox.name == text);
    assert!(has("a") && has("x") && has("x/y") && has("x/y/c") && !has("a/b") && !has("a/b/c"));
    let below = store.commit_blocking(|tx| rename(tx, ALICE, &name("x"), &name("x/z"), 100));
    assert!(below.is_err());
}

#[test]
fn rfc9051_6_3_6_renaming_inbox_moves_its_messages() {
    let store = store();
    add(&store, INBOX_ID, b"Subject: a\r\n\r\n");
    store.commit_blocking(|tx| rename(tx, ALICE, &name("INBOX"), &name("old"), 100)).unwrap();
    let snapshot = store.read().unwrap();
    let (old, _) = by_name(&snapshot, ALICE, &name("old")).unwrap().unwrap();
    assert_eq!(Index::load(&snapshot, ALICE, old).unwrap().unwrap().uids().len(), 1);
    assert_eq!(Index::load(&snapshot, ALICE, INBOX_ID).unwrap().unwrap().uids().len(), 0);
}

#[test]
fn over_quota_changes_nothing() {
    let store = store();
    let before = store.read().unwrap().account(ALICE).unwrap().unwrap();
    let arrival = arrival(&store, &vec![b'x'; 2 << 20], SystemFlags::default());
    let refused = store.commit_blocking(move |tx| append(tx, ALICE, INBOX_ID, arrival));
    assert!(matches!(refused, Err(essaim_store::CommitError::OverQuota { .. })));
    assert_eq!(store.read().unwrap().account(ALICE).unwrap().unwrap(), before);
}

#[test]
fn uids_go_on_after_the_last_message_is_removed() {
    let store = store();
    let first = add(&store, INBOX_ID, b"a");
    store.commit_blocking(move |tx| expunge(tx, ALICE, INBOX_ID, [first.uid])).unwrap();
    let second = add(&store, INBOX_ID, b"b");
    assert_eq!((first.uid, second.uid), (uid(1), uid(2)));
}

#[test]
fn the_index_follows_the_log_to_what_is_stored() {
    let store = store();
    let catalog = Catalog::new(store.clone());
    let check = |step: &str| {
        let current = catalog.current(ALICE, INBOX_ID).unwrap().unwrap();
        let current = current.read().unwrap();
        let loaded = Index::load(&store.read().unwrap(), ALICE, INBOX_ID).unwrap().unwrap();
        assert_eq!(current.uids(), loaded.uids(), "{step}");
        assert_eq!(current.highest_mod_seq(), loaded.highest_mod_seq(), "{step}");
        assert_eq!(current.unseen(), loaded.unseen(), "{step}");
        for uid in loaded.uids().iter().filter_map(Uid::new) {
            assert!(current.flags(uid).eq(loaded.flags(uid)), "{step}");
        }
    };
    check("empty");
    for _ in 0..3 {
        add(&store, INBOX_ID, b"a");
    }
    check("arrived");
    let seen = Flags { system: SystemFlags::SEEN, keywords: Vec::new() };
    let change = FlagChange { action: StoreAction::Replace, flags: seen };
    let among = [Some64::one(uid(2))];
    store.commit_blocking(move |tx| change_flags(tx, ALICE, INBOX_ID, &among, &change, None)).unwrap();
    check("flags");
    store.commit_blocking(|tx| copy(tx, ALICE, INBOX_ID, [uid(2)], INBOX_ID)).unwrap();
    check("copied");
    store.commit_blocking(|tx| expunge(tx, ALICE, INBOX_ID, [uid(1), uid(2)])).unwrap();
    check("removed");
    let (trash, _) = by_name(&store.read().unwrap(), ALICE, &name("Trash")).unwrap().unwrap();
    add(&store, trash, b"elsewhere");
    check("elsewhere");
}
