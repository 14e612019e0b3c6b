//! Who may do what to an account that moves, one behaviour each.

use essaim_store::{
    AccountStatus, Changes, CommitError, Content, LSN_MAX, Object, Op, Put, PutRecordError, Store, Tx,
    TxError,
};
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind};

use crate::support::{assert_clean, changes};
use crate::transfer::{ID, create, lsn, objects};

const KIND: ObjectKind = ObjectKind::MESSAGE;

fn object(lsn: u64, value: &'static [u8]) -> Object {
    Object { lsn: Lsn(lsn), charge: ByteSize(1), blobs: Vec::new(), value: value.into() }
}

fn upsert(key: &'static [u8], value: &'static [u8]) -> Op {
    Op::Upsert { kind: KIND, key: key.into(), object: object(0, value) }
}

fn delete(key: &'static [u8]) -> Op {
    Op::Delete { kind: KIND, key: key.into() }
}

/// A store with a copy that begins at LSN 10.
fn adopting() -> Store {
    let store = Store::in_memory();
    done(&store, |tx| tx.adopt_account(ID, None, Lsn(10)));
    store
}

fn done<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, TxError> + Send + 'static,
) -> T {
    store.commit_blocking(work).unwrap()
}

fn refused<T: Send + std::fmt::Debug + 'static>(
    store: &Store,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, TxError> + Send + 'static,
) -> TxError {
    match store.commit_blocking(work).unwrap_err() {
        CommitError::Refused(error) => error,
        other => panic!("{other}"),
    }
}

fn is_status(error: &TxError, expected: AccountStatus) -> bool {
    matches!(error, TxError::Status { account: ID, status } if *status == expected)
}

fn status(store: &Store) -> AccountStatus {
    store.read().unwrap().account(ID).unwrap().unwrap().status
}

fn values(store: &Store) -> Vec<(u64, String)> {
    let value = |object: Object| (object.lsn.0, object.value.escape_ascii().to_string());
    objects(store).into_iter().map(|(_, _, object)| value(object)).collect()
}

#[test]
fn an_account_that_comes_is_written_by_adoption_alone() {
    let store = adopting();
    let put = refused(&store, |tx| tx.put(ID, KIND, b"k", Put::new("v")));
    assert!(is_status(&put, AccountStatus::Adopting), "{put}");
    assert!(is_status(&refused(&store, |tx| tx.delete(ID, KIND, b"k")), AccountStatus::Adopting));
    done(&store, |tx| tx.adopt(ID, KIND, b"k", object(7, b"v")));
    done(&store, |tx| tx.set_quota(ID, Some(ByteSize(50))));
    done(&store, |tx| tx.put_derived(ID, KIND, b"k", "derived"));
    assert_eq!(lsn(&store), Lsn(10), "none of it is a change of the account");
    assert_eq!(values(&store), [(7, "v".to_owned())]);
    let state = store.read().unwrap().account(ID).unwrap().unwrap();
    assert_eq!((state.used, state.objects, state.base), (ByteSize(1), 2, Lsn(10)));
    assert_clean(&store);
}

#[test]
fn an_account_that_left_is_not_written_at_all() {
    let store = Store::in_memory();
    create(&store, ID);
    done(&store, |tx| tx.put(ID, KIND, b"k", Put::new("v")));
    done(&store, |tx| tx.seal_account(ID, Lsn(2)));
    for error in [
        refused(&store, |tx| tx.put(ID, KIND, b"k", Put::new("w"))),
        refused(&store, |tx| tx.delete(ID, KIND, b"k").map(drop)),
        refused(&store, |tx| tx.adopt(ID, KIND, b"k", object(1, b"w"))),
        refused(&store, |tx| tx.forget(ID, KIND, b"k").map(drop)),
        refused(&store, |tx| tx.replay(ID, Lsn(3), vec![upsert(b"k", b"w")])),
        refused(&store, |tx| tx.seal_account(ID, Lsn(2))),
    ] {
        assert!(is_status(&error, AccountStatus::Sealed), "{error}");
    }
    assert_eq!((values(&store), lsn(&store)), (vec![(2, "v".to_owned())], Lsn(2)));
    assert_eq!(changes(&store, ID, Lsn(0)).len(), 2, "what was there is read");
    done(&store, |tx| tx.open_account(ID));
    done(&store, |tx| tx.put(ID, KIND, b"k", Put::new("w")));
    assert_eq!(values(&store), [(3, "w".to_owned())]);
    assert_clean(&store);
}

#[test]
fn an_open_account_is_not_adopted_into() {
    let store = Store::in_memory();
    create(&store, ID);
    for error in [
        refused(&store, |tx| tx.adopt(ID, KIND, b"k", object(1, b"v"))),
        refused(&store, |tx| tx.forget(ID, KIND, b"k").map(drop)),
        refused(&store, |tx| tx.replay(ID, Lsn(2), Vec::new())),
        refused(&store, |tx| tx.open_account(ID)),
        refused(&store, |tx| tx.take_back_account(ID)),
    ] {
        assert!(is_status(&error, AccountStatus::Open), "{error}");
    }
    let again = refused(&store, |tx| tx.adopt_account(ID, None, Lsn(4)));
    assert!(matches!(again, TxError::AccountExists { .. }));
    let nobody = AccountId::from_bytes([8; 32]);
    let none = refused(&store, move |tx| tx.adopt(nobody, KIND, b"k", object(1, b"v")));
    assert!(matches!(none, TxError::NoSuchAccount { .. }));
}

#[test]
fn changes_are_replayed_in_order_and_none_twice() {
    let store = adopting();
    for wrong in [9, 10, 12, u64::MAX] {
        let gap = refused(&store, move |tx| tx.replay(ID, Lsn(wrong), vec![upsert(b"k", b"v")]));
        assert!(matches!(gap, TxError::Gap { last: Lsn(10), found, .. } if found.0 == wrong), "{gap}");
    }
    done(&store, |tx| {
        tx.replay(ID, Lsn(11), vec![upsert(b"a", b"1"), upsert(b"b", b"1")])?;
        tx.replay(ID, Lsn(12), Vec::new())?;
        tx.replay(ID, Lsn(13), vec![upsert(b"b", b"2"), delete(b"a"), delete(b"never")])
    });
    assert_eq!((values(&store), lsn(&store)), (vec![(13, "2".to_owned())], Lsn(13)));
    let log = changes(&store, ID, Lsn(10));
    assert_eq!(log.iter().map(|change| change.ops.len()).collect::<Vec<_>>(), [2, 0, 3]);
    assert_clean(&store);
}

#[test]
fn an_upsert_older_than_what_was_copied_is_left_out_and_a_delete_is_not() {
    let store = adopting();
    done(&store, |tx| tx.adopt(ID, KIND, b"k", object(13, b"new")));
    // Its blob is gone at the source: nobody asks for it.
    let gone = Object { blobs: vec![BlobId::of(b"gone")], ..object(0, b"old") };
    done(&store, |tx| tx.replay(ID, Lsn(11), vec![Op::Upsert { kind: KIND, key: "k".into(), object: gone }]));
    assert_eq!(values(&store), [(13, "new".to_owned())]);
    done(&store, |tx| tx.replay(ID, Lsn(12), vec![delete(b"k")]));
    assert_eq!(values(&store), []);
    done(&store, |tx| tx.replay(ID, Lsn(13), vec![upsert(b"k", b"new")]));
    assert_eq!(values(&store), [(13, "new".to_owned())]);
    let log = changes(&store, ID, Lsn(10));
    assert_eq!(log.iter().map(|change| change.ops.len()).collect::<Vec<_>>(), [0, 1, 1]);
    assert_clean(&store);
}

#[test]
fn what_the_other_host_did_to_its_copy_is_not_repeated() {
    let store = adopting();
    let theirs = Op::Upsert { kind: ObjectKind::ACCOUNT, key: "".into(), object: object(0, b"theirs") };
    done(&store, |tx| tx.replay(ID, Lsn(11), vec![theirs, upsert(b"k", b"v")]));
    assert_eq!((values(&store).len(), status(&store)), (1, AccountStatus::Adopting));
    let reserved = refused(&store, |tx| tx.adopt(ID, ObjectKind::ACCOUNT, b"", object(1, b"theirs")));
    assert!(matches!(reserved, TxError::Reserved { .. }));
    assert_clean(&store);
}

#[test]
fn a_copy_that_is_behind_an_object_of_its_own_is_not_opened() {
    let store = adopting();
    done(&store, |tx| tx.adopt(ID, KIND, b"k", object(12, b"v")));
    let behind = refused(&store, |tx| tx.open_account(ID));
    assert!(matches!(behind, TxError::Incomplete { lsn: Lsn(10), copied: Lsn(12), .. }), "{behind}");
    done(&store, |tx| tx.replay(ID, Lsn(11), Vec::new()));
    assert!(matches!(refused(&store, |tx| tx.seal_account(ID, Lsn(11))), TxError::Incomplete { .. }));
    done(&store, |tx| {
        tx.replay(ID, Lsn(12), vec![upsert(b"k", b"v")])?;
        tx.open_account(ID)?;
        tx.put(ID, KIND, b"first", Put::new("here"))
    });
    assert_eq!(values(&store), [(13, "here".to_owned()), (12, "v".to_owned())]);
    assert_clean(&store);
}

#[test]
fn a_seal_names_the_lsn_at_which_the_account_stands() {
    let store = Store::in_memory();
    create(&store, ID);
    let late = refused(&store, |tx| {
        tx.put(ID, KIND, b"k", Put::new("v"))?;
        tx.seal_account(ID, Lsn(1))
    });
    assert!(matches!(late, TxError::Gap { last: Lsn(2), found: Lsn(1), .. }), "{late}");
    done(&store, |tx| {
        tx.put(ID, KIND, b"k", Put::new("v"))?;
        tx.seal_account(ID, Lsn(2))
    });
    assert_eq!((lsn(&store), status(&store)), (Lsn(2), AccountStatus::Sealed));
    assert_clean(&store);
}

#[test]
fn the_log_of_a_copy_begins_at_its_base_and_a_repair_moves_it() {
    let store = adopting();
    done(&store, |tx| tx.replay(ID, Lsn(11), vec![upsert(b"a", b"1"), upsert(b"b", b"1")]));
    assert_eq!(store.changes(ID, Lsn(9), 5).unwrap(), Changes::Trimmed { base: Lsn(10) });
    assert_eq!(changes(&store, ID, Lsn(10)).len(), 1);
    done(&store, |tx| {
        tx.forget(ID, KIND, b"a")?;
        tx.adopt(ID, KIND, b"b", object(9, b"repaired"))
    });
    assert_eq!(values(&store), [(9, "repaired".to_owned())]);
    assert_eq!(lsn(&store), Lsn(11));
    assert_eq!(store.changes(ID, Lsn(10), 5).unwrap(), Changes::Trimmed { base: Lsn(11) });
    done(&store, |tx| tx.open_account(ID));
    done(&store, |tx| tx.delete(ID, KIND, b"b"));
    assert_eq!(changes(&store, ID, Lsn(11)).len(), 1);
    assert_eq!(store.read().unwrap().account(ID).unwrap().unwrap().base, Lsn(11));
    assert_clean(&store);
}

#[test]
fn a_copy_is_given_up_object_by_object() {
    let store = Store::in_memory();
    create(&store, ID);
    let blob = store.put_blob(Content::Mail, b"a mail").unwrap();
    done(&store, move |tx| tx.put(ID, KIND, b"k", Put::new("v").blobs([blob])));
    done(&store, |tx| tx.seal_account(ID, Lsn(2)));
    assert!(matches!(refused(&store, |tx| tx.delete_account(ID)), TxError::AccountNotEmpty { .. }));
    done(&store, |tx| {
        tx.take_back_account(ID)?;
        tx.forget(ID, KIND, b"k")
    });
    done(&store, |tx| tx.delete_account(ID));
    assert!(store.read().unwrap().account(ID).unwrap().is_none());
    assert_clean(&store);
    done(&store, |tx| tx.adopt_account(ID, None, Lsn(700)));
    assert_eq!(lsn(&store), Lsn(700));
    assert_clean(&store);
}

#[test]
fn everything_may_happen_in_one_transaction() {
    let store = Store::in_memory();
    done(&store, |tx| {
        tx.adopt_account(ID, None, Lsn(5))?;
        tx.adopt(ID, KIND, b"a", object(9, b"1"))?;
        tx.forget(ID, KIND, b"a")?;
        tx.adopt(ID, KIND, b"a", object(6, b"2"))?;
        tx.set_quota(ID, Some(ByteSize(9)))?;
        (6..=9).try_for_each(|lsn| tx.replay(ID, Lsn(lsn), vec![upsert(b"b", b"3")]))?;
        tx.open_account(ID)?;
        tx.put(ID, KIND, b"c", Put::new("4"))?;
        tx.delete(ID, KIND, b"b")?;
        tx.seal_account(ID, Lsn(10))?;
        tx.take_back_account(ID)?;
        tx.replay(ID, Lsn(11), vec![delete(b"c")])
    });
    assert_eq!((values(&store), lsn(&store)), (vec![(6, "2".to_owned())], Lsn(11)));
    assert_eq!(changes(&store, ID, Lsn(5)).len(), 6);
    assert_clean(&store);
}

#[test]
fn lsns_out_of_range_are_refused() {
    let store = adopting();
    let far = Lsn(LSN_MAX.0 + 1);
    let other = AccountId::from_bytes([2; 32]);
    assert!(matches!(
        refused(&store, move |tx| tx.adopt_account(other, None, far)),
        TxError::TooLarge { .. }
    ));
    let ahead = refused(&store, move |tx| tx.adopt(ID, KIND, b"k", object(far.0, b"v")));
    assert!(matches!(ahead, TxError::TooLarge { .. }));
    done(&store, move |tx| tx.adopt_account(other, None, LSN_MAX));
    done(&store, move |tx| tx.replay(other, LSN_MAX.next(), Vec::new()));
    assert_clean(&store);
}

#[test]
fn a_copy_over_its_quota_is_refused() {
    let store = Store::in_memory();
    done(&store, |tx| tx.adopt_account(ID, Some(ByteSize(1)), Lsn(10)));
    done(&store, |tx| tx.adopt(ID, KIND, b"a", object(1, b"v")));
    for over in [
        store.commit_blocking(|tx| tx.adopt(ID, KIND, b"b", object(2, b"v"))),
        store.commit_blocking(|tx| tx.replay(ID, Lsn(11), vec![upsert(b"b", b"v")])),
    ] {
        assert!(matches!(over, Err(CommitError::OverQuota { quota: ByteSize(1), .. })));
    }
    assert_eq!((lsn(&store), values(&store).len()), (Lsn(10), 1));
    assert_clean(&store);
}

#[test]
fn what_is_replaced_loses_what_was_derived_from_it() {
    let store = adopting();
    let derived = |store: &Store| store.read().unwrap().derived(ID, KIND, b"k").unwrap().is_some();
    for step in 0..3u64 {
        done(&store, |tx| {
            tx.adopt(ID, KIND, b"k", object(1, b"v"))?;
            tx.put_derived(ID, KIND, b"k", "derived")
        });
        assert!(derived(&store));
        done(&store, move |tx| match step {
            0 => tx.adopt(ID, KIND, b"k", object(2, b"v")),
            1 => tx.replay(ID, Lsn(11), vec![upsert(b"k", b"v")]),
            _ => tx.forget(ID, KIND, b"k").map(drop),
        });
        assert!(!derived(&store), "step {step}");
    }
}

#[test]
fn all_objects_are_read_page_by_page_whatever_their_kind() {
    let store = Store::in_memory();
    create(&store, ID);
    done(&store, |tx| {
        for kind in [1, 7, 200, 255] {
            for key in [&b""[..], b"\0", b"a", b"ab", &[0xff; 1024]] {
                tx.put(ID, ObjectKind(kind), key, Put::default())?;
            }
        }
        tx.create_account(AccountId::from_bytes([2; 32]), None)
    });
    let all = objects(&store);
    assert_eq!(all.len(), 20);
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let after = cursor.as_ref().map(|(kind, key): &(ObjectKind, Vec<u8>)| (*kind, key.as_slice()));
        let page: Vec<_> = store.read().unwrap().objects(ID, after).unwrap().take(3).collect();
        let Some(Ok((kind, key, _))) = page.last() else { break };
        cursor = Some((*kind, key.to_vec()));
        seen.extend(page.into_iter().map(|row| row.map(|(kind, key, o)| (kind, key.to_vec(), o)).unwrap()));
    }
    assert_eq!(seen, all);
}

#[test]
fn blobs_go_packed_and_are_looked_at_where_they_come() {
    let (store, other) = (Store::in_memory(), Store::in_memory());
    let text =
        b"From: a@example.org\r\nTo: b@example.org\r\nSubject: hello\r\n\r\nA line of text.\r\n".repeat(40);
    for (content, bytes) in [
        (Content::Mail, text.repeat(5)),
        (Content::Mail, text.clone()),
        (Content::Other, [&text[..], b"x"].concat()),
    ] {
        let id = store.put_blob(content, &bytes).unwrap();
        let record = store.blob_record(&id).unwrap();
        assert!(record.len() < bytes.len() / 2, "packed");
        for bit in 0..record.len() * 8 {
            let mut bent = record.to_vec();
            bent[bit / 8] ^= 1 << (bit % 8);
            // Some bits of a zstd frame carry nothing.
            assert!(
                other
                    .put_blob_record(&bent)
                    .is_err_and(|error| error.to_string().contains("not what it says"))
                    || other.blob(&id).unwrap() == bytes
            );
        }
        for wrong in [&record[..record.len() - 1], &record[..59], &[], &[&record[..], b"x"].concat()] {
            assert!(other.put_blob_record(wrong).is_err());
        }
        let other = Store::in_memory();
        assert_eq!(other.put_blob_record(&record).unwrap(), id);
        assert_eq!(other.blob(&id).unwrap(), bytes);
        assert_eq!(other.blob_record(&id).unwrap(), record);
    }
}

#[test]
fn who_knows_only_the_id_of_a_blob_does_not_put_it() {
    let store = Store::in_memory();
    let id = store.put_blob(Content::Other, b"somebody's secret").unwrap();
    let mine = store.put_blob(Content::Other, b"somebody's guess!").unwrap();
    let (theirs, mine) = (store.blob_record(&id).unwrap(), store.blob_record(&mine).unwrap());
    // Their header, which can be made from the id, before my bytes.
    let forged = [&theirs[..60], &mine[60..]].concat();
    assert!(matches!(store.put_blob_record(&forged), Err(PutRecordError::NotIntact(_))));
}
