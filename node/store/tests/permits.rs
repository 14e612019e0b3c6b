//! Fences in a storm of commits: what was answered before is in the account, and nothing comes while it stands still.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use essaim_store::{AccountStatus, CommitError, FENCE_MAX, FenceError, Put, Store, Tx, TxError};
use essaim_types::{AccountId, Lsn, ObjectKind};

const A: AccountId = AccountId::from_bytes([1; 32]);
const B: AccountId = AccountId::from_bytes([2; 32]);
const KIND: ObjectKind = ObjectKind::MESSAGE;

fn store() -> Store {
    let store = Store::in_memory();
    let create = |tx: &mut Tx<'_>| [A, B].into_iter().try_for_each(|id| tx.create_account(id, None));
    store.commit_blocking(create).unwrap();
    store
}

fn put(tx: &mut Tx<'_>, accounts: &[AccountId], key: u64) -> Result<(), TxError> {
    accounts.iter().try_for_each(|id| tx.put(*id, KIND, &key.to_be_bytes(), Put::new("v")))
}

fn lsn(store: &Store) -> Lsn {
    store.read().unwrap().account(A).unwrap().unwrap().lsn
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_written_to_a_fenced_account_and_nobody_is_refused() {
    let (store, stop, answered) = (store(), Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> = (0..12u64)
        .map(|writer| {
            let (store, stop, answered) = (store.clone(), Arc::clone(&stop), Arc::clone(&answered));
            // Some write to both accounts, some name both in the other order, some to one.
            let accounts: &[AccountId] = match writer % 3 {
                0 => &[A, B],
                1 => &[B, A],
                _ => &[A],
            };
            tokio::spawn(async move {
                for n in (writer..).step_by(12) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    store.commit_to(accounts, move |tx| put(tx, accounts, n)).await.unwrap();
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 0..40 {
        let account = if round % 4 == 0 { B } else { A };
        let before = answered.load(Ordering::Relaxed);
        let fence = store.fence(account).await.unwrap();
        if account == A {
            assert!(fence.lsn().0 > before, "what was answered is there");
            for _ in 0..20 {
                assert_eq!(lsn(&store), fence.lsn(), "round {round}");
                tokio::task::yield_now().await;
            }
        }
        let now = answered.load(Ordering::Relaxed);
        drop(fence);
        while answered.load(Ordering::Relaxed) == now {
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(lsn(&store).0, 1 + answered.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_commit_without_a_permit_meets_the_fence_and_a_seal_does_not() {
    let store = store();
    let fence = store.fence(A).await.unwrap();
    assert_eq!((fence.account(), fence.lsn()), (A, Lsn(1)));
    let refused = store.commit(|tx| put(tx, &[B, A], 1)).await.unwrap_err();
    assert!(matches!(refused, CommitError::Refused(TxError::Fenced { account: A })), "{refused}");
    store.commit(|tx| put(tx, &[B], 1)).await.unwrap();
    store.commit(|tx| tx.put_derived(A, KIND, b"k", "derived")).await.unwrap();
    let at = fence.lsn();
    store.commit(move |tx| tx.seal_account(A, at)).await.unwrap();
    drop(fence);
    let sealed = store.commit_to([A], |tx| put(tx, &[A], 1)).await.unwrap_err();
    let status = AccountStatus::Sealed;
    assert!(matches!(sealed, CommitError::Refused(TxError::Status { account: A, status: s }) if s == status));
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_to_come_again() {
    let store = store();
    let fence = store.fence(A).await.unwrap();
    assert!(matches!(store.fence(A).await, Err(FenceError::Fenced { account: A })));
    let begun = tokio::time::Instant::now();
    let waiting = store.clone();
    let waiting = tokio::spawn(async move { waiting.commit_to([B, A], |tx| put(tx, &[A, B], 1)).await });
    tokio::task::yield_now().await;
    tokio::time::advance(FENCE_MAX / 2).await;
    drop(fence);
    let again = store.fence(A).await.unwrap();
    let waited = waiting.await.unwrap();
    assert!(matches!(waited, Err(CommitError::Unavailable { account: A })), "{waited:?}");
    assert_eq!(begun.elapsed().as_secs(), FENCE_MAX.as_secs());
    // A fence that nobody lifts is over, too.
    store.commit_to([A], |tx| put(tx, &[A], 2)).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), (FENCE_MAX * 3 / 2).as_secs());
    drop(again);
}

#[test]
fn threads_wait_for_a_fence_too() {
    let store = store();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let fence = runtime.block_on(store.fence(A)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| store.commit_to_blocking([A], |tx| put(tx, &[A], 1)));
        assert_eq!(lsn(&store), Lsn(1));
        drop(fence);
        writer.join().unwrap().unwrap();
    });
    assert_eq!(lsn(&store), Lsn(2));
}

#[tokio::test]
async fn no_account_is_no_fence() {
    let nobody = AccountId::from_bytes([7; 32]);
    assert!(matches!(store().fence(nobody).await, Err(FenceError::NoSuchAccount { .. })));
}
