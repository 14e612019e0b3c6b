//! Sweeping blobs that nothing names: nothing else goes with them, whatever happens meanwhile.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use essaim_store::{Content, Disk as _, Fault, Options, Position, Put, Record, SimDisk, Store, Survival};
use essaim_types::{BlobId, Timestamp};
use support::{Action, KIND, Model, Outcome, Step, account, assert_clean, dump, open, run};

const FAR: Timestamp = Timestamp(i64::MAX);

/// Twenty objects, one of five still there; each has a blob of its own and one that all share.
fn steps() -> Vec<Step> {
    let put = |n: u8| Action::Put { account: 1, key: n, value: 3, charge: 1, blobs: vec![n * 4 + 2, 1] };
    let mut steps = vec![Step::Commit(vec![Action::Create { account: 1, quota: 0 }])];
    steps.extend((0..20).map(|n| Step::Commit(vec![put(n)])));
    let delete = |n: u8| Step::Commit(vec![Action::Delete { account: 1, key: n }]);
    steps.extend((0..20).filter(|n| n % 5 != 0).map(delete));
    steps
}

fn filled(disk: &SimDisk) -> (Store, Model) {
    let (store, mut model) = (open(disk.clone()), Model::default());
    for step in steps() {
        assert_eq!((run(&store, &step), model.apply(&step)), (Outcome::Done, Outcome::Done));
    }
    (store, model)
}

fn bytes_on_disk(disk: &SimDisk) -> u64 {
    let size = |name: &String| {
        disk.open(&format!("segments/{name}"), essaim_store::OpenMode::Existing).unwrap().size().unwrap()
    };
    disk.list("segments").unwrap().iter().map(size).sum()
}

#[test]
fn what_nothing_names_is_swept_and_nothing_else() {
    let disk = SimDisk::new();
    let (store, model) = filled(&disk);
    let before = bytes_on_disk(&disk);
    let report = store.collect_garbage(FAR, Duration::ZERO).unwrap();
    assert!(report.segments >= 2 && report.blobs >= 8, "{report:?}");
    assert_eq!(bytes_on_disk(&disk), before - report.bytes);
    assert_eq!(dump(&store), model);
    assert_clean(&store);
    assert_eq!(store.collect_garbage(FAR, Duration::ZERO).unwrap().segments, 0);
    store.close();
    let store = open(disk.clone());
    assert_eq!(dump(&store), model);
    assert_clean(&store);
    store.close();
    disk.remove("index.redb").unwrap();
    let store = open(disk);
    assert_eq!(dump(&store), model);
    assert_clean(&store);
}

#[test]
fn young_garbage_stays() {
    let (store, _) = filled(&SimDisk::new());
    let now = (Options::default().clock)();
    let report = store.collect_garbage(now, Duration::from_secs(3600)).unwrap();
    assert_eq!((report.segments, report.blobs), (0, 0));
    assert!(report.left > 0);
    let later = now.after(Duration::from_secs(3601));
    assert!(store.collect_garbage(later, Duration::from_secs(3600)).unwrap().blobs > 0);
}

#[test]
fn a_swept_blob_can_be_put_again() {
    let (store, _) = filled(&SimDisk::new());
    let bytes = support::blob_bytes(6);
    let id = BlobId::of(&bytes);
    store.blob(&id).unwrap();
    store.collect_garbage(FAR, Duration::ZERO).unwrap();
    assert!(store.blob(&id).is_err());
    let again = Step::Commit(vec![Action::Put { account: 1, key: 99, value: 1, charge: 0, blobs: vec![6] }]);
    assert_eq!(run(&store, &again), Outcome::Done);
    assert_eq!(store.blob(&id).unwrap(), bytes);
    assert_clean(&store);
}

#[test]
fn a_dying_blob_that_is_put_again_lives() {
    static NOW: AtomicI64 = AtomicI64::new(1000);
    let options = Options { clock: || Timestamp(NOW.load(Ordering::Relaxed)), ..support::options() };
    let store = Store::open_on(Arc::new(SimDisk::new()), &options).unwrap();
    assert!(steps().iter().all(|step| run(&store, step) == Outcome::Done));
    let bytes = support::blob_bytes(6);
    NOW.store(5000, Ordering::Relaxed);
    // Known, so it is not appended again; named by nothing, and as old as its brothers that are swept.
    let id = store.put_blob(Content::Mail, &bytes).unwrap();
    let brother = BlobId::of(&support::blob_bytes(2 * 4 + 2));
    let report = store.collect_garbage(Timestamp(4000), Duration::ZERO).unwrap();
    assert!(report.segments > 0 && report.left > 0, "{report:?}");
    assert!(store.blob(&brother).is_err());
    store.commit_blocking(move |tx| tx.put(account(1), KIND, b"new", Put::default().blobs([id]))).unwrap();
    assert_eq!(store.blob(&id).unwrap(), bytes);
    assert_clean(&store);
}

#[test]
fn power_lost_while_sweeping_leaves_everything_that_is_named() {
    for at in 0.. {
        let disk = SimDisk::new();
        let (store, model) = filled(&disk);
        let begun = disk.operations();
        disk.on_operation(move |operation| (operation.number == begun + at).then_some(Fault::PowerLoss));
        let swept = store.collect_garbage(FAR, Duration::ZERO);
        let done = disk.operations() <= begun + at;
        assert_eq!(swept.is_ok(), done);
        drop(store);
        for survival in [Survival::Nothing, Survival::Everything, Survival::Some(at), Survival::Some(!at)] {
            let crashed = disk.after_crash(survival);
            let store = open(crashed.clone());
            assert_eq!(dump(&store), model, "operation {at}, {survival:?}");
            assert_clean(&store);
            store.collect_garbage(FAR, Duration::ZERO).unwrap();
            assert_eq!(dump(&store), model);
            assert_clean(&store);
            store.close();
            let names = crashed.list("segments").unwrap();
            assert!(names.iter().all(|name| name.ends_with(".seg")), "{names:?}");
            // Without an index, too.
            let again = disk.after_crash(survival);
            drop(again.remove("index.redb"));
            assert_eq!(dump(&open(again)), model, "operation {at}, {survival:?}, without an index");
        }
        if done {
            break;
        }
    }
}

#[test]
fn a_full_or_failing_disk_stops_the_sweep_and_not_the_store() {
    for (at, fault) in (0..).flat_map(|at| [(at, Fault::NoSpace), (at, Fault::Io)]) {
        let disk = SimDisk::new();
        let (store, model) = filled(&disk);
        let begun = disk.operations();
        disk.on_operation(move |operation| {
            let hit = operation.number == begun + at && operation.name.starts_with("segments");
            hit.then_some(fault)
        });
        drop(store.collect_garbage(FAR, Duration::ZERO));
        assert!(!store.stats().poisoned, "operation {at}");
        assert_eq!(dump(&store), model);
        store.collect_garbage(FAR, Duration::ZERO).unwrap();
        assert_eq!(dump(&store), model);
        assert_clean(&store);
        if disk.operations() <= begun + at {
            break;
        }
    }
}

#[test]
fn readers_and_writers_do_not_notice() {
    let (store, model) = filled(&SimDisk::new());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = || {
            while !done.load(Ordering::Relaxed) {
                for object in model.accounts[&account(1)].objects.values() {
                    for blob in &object.blobs {
                        assert_eq!(BlobId::of(&store.blob(blob).unwrap()), *blob);
                    }
                }
                assert!(store.changes(account(1), essaim_types::Lsn(0), 1000).is_ok());
                store.tail(Position::START).unwrap().for_each(|record| drop(record.unwrap()));
            }
        };
        scope.spawn(reader);
        scope.spawn(|| {
            for n in 0..40u8 {
                let put = Action::Put { account: 1, key: 200, value: 1, charge: 0, blobs: vec![n * 3] };
                assert_eq!(run(&store, &Step::Commit(vec![put])), Outcome::Done);
                // Blobs of this test are named within the hour, or never again.
                store.collect_garbage(FAR, Duration::ZERO).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
    });
    assert_clean(&store);
}

#[test]
fn a_tail_that_stopped_in_a_rewritten_segment_misses_nothing() {
    let (store, _) = filled(&SimDisk::new());
    let mut tail = store.tail(Position::START).unwrap();
    for _ in 0..7 {
        tail.next().unwrap().unwrap();
    }
    let position = tail.position();
    let sequence = |record: Record| match record {
        Record::Transaction(transaction) => Some(transaction.node_seq.0),
        Record::Blob { .. } => None,
    };
    store.collect_garbage(FAR, Duration::ZERO).unwrap();
    let tail = store.tail(position).unwrap();
    let seen: Vec<u64> = tail.filter_map(|record| sequence(record.unwrap())).collect();
    let expected = store.tail(Position::START).unwrap().filter_map(|record| sequence(record.unwrap()));
    assert!(seen.iter().copied().eq(expected), "from the beginning of the segment again");
}

#[test]
fn an_index_from_before_the_sweep_is_not_used_with_the_new_files() {
    let disk = SimDisk::new();
    let (store, model) = filled(&disk);
    store.close();
    let before = disk.after_crash(Survival::Everything);
    let store = open(disk.clone());
    store.collect_garbage(FAR, Duration::ZERO).unwrap();
    store.close();
    support::copy(&before, &disk, "index.redb");
    let store = open(disk);
    assert_eq!(dump(&store), model);
    assert_clean(&store);
}
