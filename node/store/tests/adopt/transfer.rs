//! The smallest mover that there can be, and what it moves. All that it remembers is in the target.

use essaim_store::{Changes, CommitError, Content, Object, Op, Put, ReadError, Store, Tx, TxError};
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind, Timestamp};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};

use crate::support::{blob_bytes, changes};

/// The account that moves.
pub(crate) const ID: AccountId = AccountId::from_bytes([1; 32]);
/// The target's own, with the cursor in it.
pub(crate) const HOSTER: AccountId = AccountId::from_bytes([9; 32]);
const CURSOR: ObjectKind = ObjectKind(200);

/// What happens to one object of the account.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Put { kind: u8, key: u8, value: u16, charge: u64, blobs: Vec<u8> },
    Delete { kind: u8, key: u8 },
}

/// One thing that happens while the account moves.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// The member does something, at whatever host the account is open.
    Commit(Vec<Act>),
    /// The mover does its next step, with so many objects or changes at once.
    Step { page: usize },
    /// The target is closed and opened again.
    Reopen,
    /// Blobs that nothing names are swept, on both sides.
    Collect,
}

pub(crate) fn commits() -> impl Strategy<Value = Vec<Act>> {
    let target = || (1..5u8, 0..7u8);
    let put = (target(), 0..200u16, 0..40u64, vec(0..30u8, 0..3));
    let act = prop_oneof![
        3 => put.prop_map(|((kind, key), value, charge, blobs)| Act::Put { kind, key, value, charge, blobs }),
        2 => target().prop_map(|(kind, key)| Act::Delete { kind, key }),
    ];
    vec(act, 1..5)
}

pub(crate) fn events(count: usize) -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        5 => commits().prop_map(Event::Commit),
        5 => (1..6usize).prop_map(|page| Event::Step { page }),
        1 => Just(Event::Reopen),
        1 => Just(Event::Collect),
    ];
    vec(event, 1..count)
}

pub(crate) fn create(store: &Store, account: AccountId) {
    store.commit_blocking(move |tx| tx.create_account(account, None)).unwrap();
}

/// Does it at a store where the account is open.
pub(crate) fn commit(store: &Store, acts: &[Act]) {
    for act in acts {
        if let Act::Put { blobs, .. } = act {
            for n in blobs {
                store.put_blob(Content::Mail, &blob_bytes(*n)).unwrap();
            }
        }
    }
    let acts = acts.to_vec();
    store.commit_blocking(move |tx| acts.iter().try_for_each(|act| apply(tx, act))).unwrap();
}

fn apply(tx: &mut Tx<'_>, act: &Act) -> Result<(), TxError> {
    match act {
        Act::Put { kind, key, value, charge, blobs } => {
            let blobs: Vec<_> = blobs.iter().map(|n| BlobId::of(&blob_bytes(*n))).collect();
            let put = Put::new(value.to_le_bytes()).charge(ByteSize(*charge)).blobs(blobs);
            tx.put(ID, ObjectKind(*kind), &[*key], put)
        }
        Act::Delete { kind, key } => tx.delete(ID, ObjectKind(*kind), &[*key]).map(drop),
    }
}

pub(crate) fn collect(store: &Store) -> bool {
    store.collect_garbage(Timestamp(i64::MAX), std::time::Duration::ZERO).is_ok()
}

/// Why the mover could not do its step: the target's disk failed.
#[derive(Debug)]
pub(crate) struct Failed;

/// Does the next step of the move; says whether there was nothing to do.
pub(crate) fn step(source: &Store, target: &Store, page: usize) -> Result<bool, Failed> {
    let snapshot = target.read().map_err(failed)?;
    if snapshot.account(ID).map_err(failed)?.is_none() {
        return begin(source, target).map(|()| false);
    }
    let cursor = snapshot.get(HOSTER, CURSOR, b"").map_err(failed)?.unwrap().value;
    drop(snapshot);
    match cursor.split_first() {
        Some((kind, key)) => copy(source, target, (ObjectKind(*kind), key), page).map(|()| false),
        None => catch_up(source, target, page),
    }
}

fn begin(source: &Store, target: &Store) -> Result<(), Failed> {
    let base = lsn(source);
    let done = target.commit_blocking(move |tx| {
        if tx.account(HOSTER)?.is_none() {
            tx.create_account(HOSTER, None)?;
        }
        tx.adopt_account(ID, None, base)?;
        tx.put(HOSTER, CURSOR, b"", Put::new([0]))
    });
    done.map_err(not_refused)
}

/// The next page of objects, with the cursor behind it.
fn copy(source: &Store, target: &Store, after: (ObjectKind, &[u8]), page: usize) -> Result<(), Failed> {
    let snapshot = source.read().unwrap();
    let rows: Vec<_> = snapshot.objects(ID, Some(after)).unwrap().take(page).map(Result::unwrap).collect();
    drop(snapshot);
    for (_, _, object) in &rows {
        send_blobs(source, target, object)?;
    }
    let cursor = rows.last().map_or(Vec::new(), |(kind, key, _)| [&[kind.0], &key[..]].concat());
    let done = target.commit_blocking(move |tx| {
        for (kind, key, object) in rows {
            tx.adopt(ID, kind, &key, object)?;
        }
        tx.put(HOSTER, CURSOR, b"", Put::new(cursor))
    });
    done.map_err(not_refused)
}

/// The next changes; says whether there were none.
pub(crate) fn catch_up(source: &Store, target: &Store, page: usize) -> Result<bool, Failed> {
    let last = target.read().and_then(|snapshot| snapshot.account(ID)).map_err(failed)?.unwrap().lsn;
    let Changes::Since(changes) = source.changes(ID, last, page).unwrap() else {
        panic!("the source's log reaches back to the base")
    };
    if changes.is_empty() {
        return Ok(true);
    }
    let snapshot = source.read().unwrap();
    let mut kept = Vec::new();
    for change in changes {
        let (superseded, ops): (Vec<_>, Vec<_>) =
            change.ops.into_iter().partition(|op| snapshot.superseded(ID, change.lsn, op).unwrap());
        assert!(superseded.iter().all(|op| matches!(op, Op::Upsert { .. })));
        for object in ops.iter().filter_map(Op::object) {
            send_blobs(source, target, object)?;
        }
        kept.push((change.lsn, ops));
    }
    let done =
        target.commit_blocking(move |tx| kept.into_iter().try_for_each(|(lsn, ops)| tx.replay(ID, lsn, ops)));
    done.map_err(not_refused).map(|()| false)
}

fn send_blobs(source: &Store, target: &Store, object: &Object) -> Result<(), Failed> {
    for blob in &object.blobs {
        target.put_blob_record(&source.blob_record(blob).unwrap()).map_err(|_| Failed)?;
    }
    Ok(())
}

fn failed(_: ReadError) -> Failed {
    Failed
}

fn not_refused(error: CommitError<TxError>) -> Failed {
    match error {
        CommitError::Failed(_) | CommitError::Refused(TxError::Index(_)) => Failed,
        other => panic!("{other}"),
    }
}

pub(crate) fn lsn(store: &Store) -> Lsn {
    store.read().unwrap().account(ID).unwrap().unwrap().lsn
}

/// All objects of the account, each with its blobs there.
pub(crate) fn objects(store: &Store) -> Vec<(ObjectKind, Vec<u8>, Object)> {
    let rows = store.read().unwrap().objects(ID, None).unwrap().map(|row| {
        let (kind, key, object) = row.unwrap();
        for blob in &object.blobs {
            assert_eq!(BlobId::of(&store.blob(blob).unwrap()), *blob);
        }
        (kind, key.to_vec(), object)
    });
    rows.collect()
}

/// Both hold the same account.
pub(crate) fn assert_same(source: &Store, target: &Store) {
    assert_eq!(objects(target), objects(source));
    let numbers = |store: &Store| {
        let state = store.read().unwrap().account(ID).unwrap().unwrap();
        (state.lsn, state.used, state.objects)
    };
    assert_eq!(numbers(target), numbers(source));
}

/// The target's log is whole from its base on, and says what the source's says but for what was superseded.
pub(crate) fn assert_same_log(source: &Store, target: &Store) {
    let base = target.read().unwrap().account(ID).unwrap().unwrap().base;
    let (theirs, ours) = (changes(source, ID, base), changes(target, ID, base));
    assert!(ours.iter().map(|change| change.lsn.0).eq(base.0 + 1..=lsn(target).0));
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert!(ours.ops.iter().all(|op| theirs.ops.contains(op)), "{ours:?} {theirs:?}");
        let mut deletes = theirs.ops.iter().filter(|op| op.object().is_none());
        assert!(deletes.all(|op| ours.ops.contains(op)), "a delete is missing at {}", ours.lsn);
    }
}
