//! What callers of the store rely on, one behaviour each.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::convert::Infallible;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use essaim_store::{
    Change, Changes, CommitError, Content, Object, OpenError, Options, Position, Put, Record, SimDisk, Store,
    Tx, TxError, TxRange,
};
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind};

const KIND: ObjectKind = ObjectKind::MESSAGE;

fn account(n: u8) -> AccountId {
    AccountId::from_bytes([n; 32])
}

fn with_account(store: &Store, n: u8, quota: Option<ByteSize>) -> AccountId {
    let id = account(n);
    store.commit_blocking(move |tx| tx.create_account(id, quota)).unwrap();
    id
}

fn changes(store: &Store, id: AccountId, after: u64, limit: usize) -> Vec<Change> {
    match store.changes(id, Lsn(after), limit).unwrap() {
        Changes::Since(changes) => changes,
        Changes::Trimmed { base } => panic!("the log begins after {base}"),
    }
}

fn put(store: &Store, id: AccountId, key: &[u8], value: &[u8]) -> Lsn {
    let (key, value) = (key.to_vec(), value.to_vec());
    let lsn = store.commit_blocking(move |tx| {
        tx.put(id, KIND, &key, Put::new(value))?;
        tx.lsn(id)
    });
    lsn.unwrap()
}

fn all<'a>(tx: &'a Tx<'_>, id: AccountId) -> TxRange<'a> {
    tx.range(id, KIND, Bound::Unbounded, Bound::Unbounded).unwrap()
}

fn names(rows: Vec<Result<(Bytes, Object), TxError>>) -> Vec<String> {
    let name =
        |(key, object): (Bytes, Object)| format!("{}={}", key.escape_ascii(), object.value.escape_ascii());
    rows.into_iter().map(|row| name(row.unwrap())).collect()
}

fn keys(store: &Store, id: AccountId) -> Vec<Vec<u8>> {
    let range = store.read().unwrap().range(id, KIND, Bound::Unbounded, Bound::Unbounded).unwrap();
    range.map(|row| row.unwrap().0.to_vec()).collect()
}

#[tokio::test]
async fn an_object_is_there_after_its_commit_and_gone_after_its_deletion() {
    let store = Store::in_memory();
    let id = account(1);
    let lsn = store
        .commit(move |tx| {
            tx.create_account(id, None)?;
            tx.put(id, KIND, b"k", Put::new("v").charge(ByteSize(7)))?;
            tx.lsn(id)
        })
        .await
        .unwrap();
    assert_eq!(lsn, Lsn(1));
    let snapshot = store.read().unwrap();
    let object = snapshot.get(id, KIND, b"k").unwrap().unwrap();
    assert_eq!((&object.value[..], object.lsn, object.charge), (&b"v"[..], Lsn(1), ByteSize(7)));
    let state = snapshot.account(id).unwrap().unwrap();
    assert_eq!((state.lsn, state.used, state.objects, state.quota), (Lsn(1), ByteSize(7), 2, None));

    assert!(store.commit(move |tx| tx.delete(id, KIND, b"k")).await.unwrap());
    assert!(!store.commit(move |tx| tx.delete(id, KIND, b"k")).await.unwrap());
    assert!(snapshot.get(id, KIND, b"k").unwrap().is_some(), "a snapshot does not move");
    let state = store.read().unwrap().account(id).unwrap().unwrap();
    assert_eq!((state.lsn, state.used, state.objects), (Lsn(2), ByteSize(0), 1));
}

#[test]
fn a_closure_that_fails_leaves_nothing_and_disturbs_nobody() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    let refused = store.commit_blocking(move |tx| {
        tx.put(id, KIND, b"k", Put::new("v"))?;
        tx.create_account(id, None)
    });
    assert!(matches!(refused, Err(CommitError::Refused(TxError::AccountExists { .. }))));
    assert_eq!(put(&store, id, b"other", b"v"), Lsn(2));
    assert_eq!(keys(&store, id), [b"other"]);
}

#[test]
fn a_panic_in_a_closure_is_raised_at_its_caller_alone() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    let other = store.clone();
    let caller = std::thread::spawn(move || {
        other.commit_blocking::<(), Infallible, _>(move |tx| {
            tx.put(id, KIND, b"k", Put::new("v")).unwrap();
            panic!("as the test wants it");
        })
    });
    assert!(caller.join().is_err());
    assert_eq!(put(&store, id, b"other", b"v"), Lsn(2));
    assert_eq!(keys(&store, id), [b"other"]);
}

#[test]
fn a_transaction_sees_itself_and_those_before_it() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    for key in [b"b", b"d", b"f"] {
        put(&store, id, key, b"old");
    }
    let seen = store.commit_blocking(move |tx| {
        tx.put(id, KIND, b"a", Put::new("new"))?;
        tx.put(id, KIND, b"d", Put::new("new"))?;
        tx.delete(id, KIND, b"f")?;
        tx.put(id, KIND, b"g", Put::new("new"))?;
        let forward = names(all(tx, id).collect());
        let mut backward = names(all(tx, id).rev().collect());
        backward.reverse();
        assert_eq!(forward, backward);
        let mut both = all(tx, id);
        let ends = names(vec![both.next().unwrap(), both.next_back().unwrap(), both.next().unwrap()]);
        assert_eq!(ends, ["a=new", "g=new", "b=old"]);
        let some = names(tx.range(id, KIND, Bound::Excluded(b"a"), Bound::Included(b"d"))?.collect());
        assert_eq!(some, ["b=old", "d=new"]);
        assert_eq!(tx.range(id, KIND, Bound::Included(b"z"), Bound::Excluded(b"a"))?.count(), 0);
        Ok::<_, TxError>(forward)
    });
    assert_eq!(seen.unwrap(), ["a=new", "b=old", "d=new", "g=new"]);
    assert_eq!(keys(&store, id), [b"a", b"b", b"d", b"g"]);
}

#[test]
fn a_commit_over_the_quota_is_refused_unless_it_frees() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, Some(ByteSize(10)));
    let charge = move |key: &'static [u8], bytes| {
        move |tx: &mut Tx<'_>| tx.put(id, KIND, key, Put::default().charge(ByteSize(bytes)))
    };
    store.commit_blocking(charge(b"a", 10)).unwrap();
    let over = store.commit_blocking(charge(b"b", 1)).unwrap_err();
    assert!(matches!(over, CommitError::OverQuota { quota: ByteSize(10), .. }));
    store.commit_blocking(move |tx| tx.set_quota(id, Some(ByteSize(5)))).unwrap();
    store.commit_blocking(charge(b"a", 8)).unwrap();
    assert!(store.commit_blocking(charge(b"a", 9)).is_err());
    let state = store.read().unwrap().account(id).unwrap().unwrap();
    assert_eq!((state.used, state.lsn), (ByteSize(8), Lsn(3)), "a quota has no LSN");
}

#[test]
fn a_commit_names_only_blobs_that_were_put() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    let name =
        |blob: BlobId| store.commit_blocking(move |tx| tx.put(id, KIND, b"k", Put::default().blobs([blob])));
    let unknown = name(BlobId::of(b"never put")).unwrap_err();
    assert!(matches!(unknown, CommitError::Refused(TxError::NoSuchBlob { .. })));
    let blob = store.put_blob(Content::Mail, b"put").unwrap();
    assert_eq!(store.blob(&blob).unwrap(), "put", "readable before it is named");
    name(blob).unwrap();
    assert_eq!(store.blob(&blob).unwrap(), "put");
    assert_eq!(store.put_blob(Content::Mail, b"put").unwrap(), blob);
    assert_eq!((store.stats().blobs, store.stats().blobs_known), (1, 1));
}

#[tokio::test]
async fn the_log_wakes_who_watches_and_tells_what_changed() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    let mut watch = store.watch(id);
    assert_eq!(*watch.borrow_and_update(), Lsn(1));
    put(&store, id, b"k", b"v");
    watch.changed().await.unwrap();
    assert_eq!(*watch.borrow_and_update(), Lsn(2));
    store.commit(move |tx| tx.delete(id, KIND, b"k")).await.unwrap();
    let seen = changes(&store, id, 1, 10);
    assert_eq!(seen.iter().map(|c| (c.lsn, c.ops.len())).collect::<Vec<_>>(), [(Lsn(2), 1), (Lsn(3), 1)]);
    assert_eq!(changes(&store, id, 0, 1).len(), 1);
    assert!(changes(&store, id, 3, 10).is_empty());
    assert!(changes(&store, account(9), 0, 10).is_empty());
}

#[test]
fn of_several_writes_to_one_object_the_log_keeps_the_last() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    let work = move |tx: &mut Tx<'_>| {
        for n in 0..5u8 {
            tx.put(id, KIND, b"counter", Put::new([n]))?;
        }
        tx.put(id, KIND, b"gone", Put::new("x"))?;
        tx.delete(id, KIND, b"gone")
    };
    store.commit_blocking(work).unwrap();
    assert_eq!(changes(&store, id, 1, 10)[0].ops.len(), 1);
    assert_eq!(&store.read().unwrap().get(id, KIND, b"counter").unwrap().unwrap().value[..], [4]);
}

#[test]
fn an_account_goes_when_it_is_empty_and_begins_anew() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    put(&store, id, b"k", b"v");
    let full = store.commit_blocking(move |tx| tx.delete_account(id)).unwrap_err();
    assert!(matches!(full, CommitError::Refused(TxError::AccountNotEmpty { objects: 1, .. })));
    let work = move |tx: &mut Tx<'_>| {
        tx.delete(id, KIND, b"k")?;
        tx.set_quota(id, Some(ByteSize(5)))?;
        tx.delete_account(id)
    };
    store.commit_blocking(work).unwrap();
    assert!(store.read().unwrap().account(id).unwrap().is_none());
    assert!(changes(&store, id, 0, 10).is_empty());
    with_account(&store, 1, None);
    assert_eq!(store.read().unwrap().account(id).unwrap().unwrap().lsn, Lsn(1));
    assert!(keys(&store, id).is_empty());
}

#[test]
fn derived_bytes_stay_beside_their_object_and_go_with_it() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    put(&store, id, b"k", b"v");
    store.commit_blocking(move |tx| tx.put_derived(id, KIND, b"k", "envelope")).unwrap();
    let derived = |store: &Store| store.read().unwrap().derived(id, KIND, b"k").unwrap();
    assert_eq!(derived(&store).unwrap(), "envelope");
    assert_eq!(store.read().unwrap().account(id).unwrap().unwrap().lsn, Lsn(2), "not in the log");
    put(&store, id, b"k", b"flags changed");
    assert_eq!(derived(&store).unwrap(), "envelope");
    store.commit_blocking(move |tx| tx.delete(id, KIND, b"k")).unwrap();
    assert!(derived(&store).is_none());
}

#[test]
fn a_store_opened_again_holds_what_it_held() {
    let disk = SimDisk::new();
    let open = || Store::open_on(Arc::new(disk.clone()), &Options::default());
    let store = open().unwrap();
    let id = with_account(&store, 1, None);
    let blob = store.put_blob(Content::Mail, &b"a line\n".repeat(100)).unwrap();
    store.commit_blocking(move |tx| tx.put(id, KIND, b"k", Put::new("v").blobs([blob]))).unwrap();
    assert!(matches!(open(), Err(OpenError::Locked)));
    store.close();
    let store = open().unwrap();
    assert_eq!(keys(&store, id), [b"k"]);
    assert_eq!(store.blob(&blob).unwrap(), b"a line\n".repeat(100));
    assert_eq!(put(&store, id, b"l", b"v"), Lsn(3));
}

#[test]
fn a_real_folder_holds_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &Options::default()).unwrap();
    let id = with_account(&store, 1, None);
    assert!(matches!(Store::open(folder.path(), &Options::default()), Err(OpenError::Locked)));
    drop(store);
    std::fs::remove_file(folder.path().join("index.redb")).unwrap();
    let store = Store::open(folder.path(), &Options::default()).unwrap();
    assert!(store.read().unwrap().account(id).unwrap().is_some(), "computed again");
}

#[test]
fn the_tail_is_the_whole_stream_in_order() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    let blob = store.put_blob(Content::Other, b"bytes").unwrap();
    store.commit_blocking(move |tx| tx.put(id, KIND, b"k", Put::default().blobs([blob]))).unwrap();
    let mut tail = store.tail(Position::START).unwrap();
    let records: Vec<_> = tail.by_ref().map(Result::unwrap).collect();
    assert!(matches!(&records[0], Record::Transaction(t) if t.groups[0].lsn == Lsn(1)));
    assert!(matches!(&records[1], Record::Blob { id, .. } if *id == blob));
    assert!(matches!(&records[2], Record::Transaction(t) if t.groups[0].lsn == Lsn(2)));
    assert_eq!(records.len(), 3);
    let position = Position::from_bytes(tail.position().to_bytes());
    assert_eq!(position, tail.position());
    put(&store, id, b"l", b"v");
    assert_eq!(store.tail(position).unwrap().count(), 1);
}

#[test]
fn content_of_any_size_comes_back_whole() {
    let store = Store::in_memory();
    for size in [0usize, 1, 100_000, 262_144, 262_145, 9_000_000] {
        let mut bytes = vec![0; size];
        blake3::Hasher::new().update(&size.to_le_bytes()).finalize_xof().fill(&mut bytes);
        let mut writer = store.content_writer(Content::Other);
        for piece in bytes.chunks(70_001) {
            writer.push(piece).unwrap();
        }
        let content = writer.finish().unwrap();
        assert_eq!(content.size, size as u64);
        let back: Vec<u8> = content.blobs.iter().flat_map(|id| store.blob(id).unwrap().to_vec()).collect();
        assert!(back == bytes, "{size} bytes");
        let mut whole = store.content_writer(Content::Other);
        whole.push(&bytes).unwrap();
        assert_eq!(whole.finish().unwrap(), content, "however it is pushed");
    }
}

#[test]
fn limits_have_names() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    let refused = |key: usize, value: usize| {
        let put = Put::new(vec![0; value]);
        store.commit_blocking(move |tx| tx.put(id, KIND, &vec![0; key], put)).unwrap_err().to_string()
    };
    assert_eq!(refused(1025, 0), "a key is too large: 1025, at most 1024");
    assert_eq!(refused(1, (1 << 20) + 1), "a value is too large: 1048577, at most 1048576");
    let reserved = store.commit_blocking(move |tx| tx.put(id, ObjectKind::ACCOUNT, b"", Put::default()));
    assert!(matches!(reserved, Err(CommitError::Refused(TxError::Reserved { .. }))));
    assert!(store.put_blob(Content::Other, &vec![0; (4 << 20) + 1]).is_err());
}

#[test]
fn a_blob_put_by_many_at_once_is_written_once() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..200u8 {
                    let blob = store.put_blob(Content::Mail, &[n; 100]).unwrap();
                    let key = [thread, n];
                    let put = move |tx: &mut Tx<'_>| tx.put(id, KIND, &key, Put::default().blobs([blob]));
                    store.commit_blocking(put).unwrap();
                }
            });
        }
    });
    let is_blob = |record: &Record| matches!(record, Record::Blob { .. });
    assert_eq!(store.tail(Position::START).unwrap().map(Result::unwrap).filter(is_blob).count(), 200);
    assert!(store.verify(&mut |_| {}).unwrap().is_clean());
}

#[test]
fn a_batch_of_much_is_several_and_a_transaction_of_too_much_is_refused() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    let much = |count: u8, seed: u8| {
        let store = store.clone();
        move || {
            store.commit_blocking(move |tx| {
                (0..count).try_for_each(|n| {
                    let mut value = vec![0; 1 << 20];
                    blake3::Hasher::new().update(&[n, seed]).finalize_xof().fill(&mut value);
                    tx.put(id, KIND, &[seed, n], Put::new(value))
                })
            })
        }
    };
    let threads: Vec<_> = (0..6).map(|seed| std::thread::spawn(much(5, seed))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
    assert_eq!(keys(&store, id).len(), 30);
    assert!(matches!(much(65, 9)(), Err(CommitError::TooLarge { .. })));
    assert_eq!(keys(&store, id).len(), 30);
}

#[test]
fn a_closure_may_own_the_last_handle() {
    let store = Store::in_memory();
    let id = with_account(&store, 1, None);
    let owned = store.clone();
    let mut commit = Box::pin(async move {
        let last = owned.clone();
        owned
            .commit(move |tx| {
                drop(last);
                tx.delete_account(id)
            })
            .await
    });
    let waker = std::task::Waker::noop();
    // Sent, and not waited for: whether it is the writer that drops the last handle is a matter of luck, and must not matter.
    let _sent = commit.as_mut().poll(&mut std::task::Context::from_waker(waker));
    drop(commit);
    drop(store);
}

#[tokio::test]
async fn a_closed_store_takes_no_more_commits() {
    let store = Store::in_memory();
    let other = store.clone();
    store.close();
    let refused = other.commit(|tx| tx.create_account(account(1), None)).await;
    assert!(matches!(refused, Err(CommitError::Closed)));
}
