//! An account moves between two real stores, over frames, while it is written to; and either side loses power before every single action.
#![expect(clippy::unwrap_used, reason = "a test: a panic is its answer")]

mod world;

use essaim_migration::moving::limits::WINDOW_BYTES;
use essaim_migration::moving::{source, target};
use essaim_store::{AccountStatus, Tx};
use essaim_types::{Lsn, ObjectKind};
use world::{ACCOUNT, World};

/// Moves, with a loss of power before one of the actions; how many actions there were, and how many bytes were sent.
async fn run(crash_before: Option<usize>, large: u8) -> (usize, u64) {
    let mut world = World::new(crash_before, large).await;
    world.run().await;
    world.check().await;
    (world.actions, world.sent)
}

#[tokio::test]
async fn an_account_moves_while_it_is_written_to() {
    let mut world = World::new(None, 5).await;
    world.run().await;
    world.check().await;
    assert!(matches!(world.a.machine.record().step, source::Step::Drain { .. }));
    assert!(matches!(world.b.machine.record().step, target::Step::Active { .. }));
    let state = |site: &world::Disk| site.store.read().unwrap().account(ACCOUNT).unwrap().unwrap();
    assert_eq!(state(&world.a.disk).status, AccountStatus::Sealed);
    assert_eq!(state(&world.b.disk).status, AccountStatus::Open);
    assert!(state(&world.b.disk).base > Lsn(1), "the log of the copy begins where the copy began");
}

#[tokio::test]
async fn power_may_be_lost_before_every_action() {
    let (actions, bytes) = run(None, 5).await;
    let mut most = 0;
    for number in 0..actions {
        let (_, sent) = run(Some(number), 5).await;
        most = most.max(sent.saturating_sub(bytes));
    }
    eprintln!("{actions} places, {bytes} bytes sent, at most {most} of them again");
    assert!(actions > 40, "{actions}");
    assert!(most <= WINDOW_BYTES, "{most} bytes were sent again");
}

#[tokio::test]
async fn of_an_object_larger_than_the_window_only_the_window_is_sent_again() {
    let (actions, bytes) = run(None, 30).await;
    assert!(bytes > 2 * WINDOW_BYTES, "{bytes}");
    for number in (10..actions).step_by(9) {
        let (_, sent) = run(Some(number), 30).await;
        let again = sent.saturating_sub(bytes);
        assert!(again <= WINDOW_BYTES, "before action {number}: {again} bytes were sent again");
    }
}

#[tokio::test]
async fn what_was_damaged_at_the_target_is_sent_again() {
    let mut world = World::new(None, 5).await;
    let caught_up = |world: &World| matches!(&world.b.machine.record().step, target::Step::Adopting(adopted) if adopted.place.lsn().is_some());
    world.run_until(caught_up).await;
    let damage = |tx: &mut Tx<'_>| {
        for key in [vec![30], b"large".to_vec()] {
            assert!(tx.forget(ACCOUNT, ObjectKind::MESSAGE, &key)?);
        }
        let other = tx.get(ACCOUNT, ObjectKind::MESSAGE, &[31])?.unwrap();
        tx.adopt(ACCOUNT, ObjectKind::MESSAGE, b"nobody has this", other)
    };
    world.b.disk.store.commit(damage).await.unwrap();
    world.run().await;
    assert!(world.repairs > 0, "it was found before the account changed hands");
    world.check().await;
}

#[tokio::test]
async fn a_move_that_is_given_up_leaves_nothing_and_changes_nothing() {
    let mut world = World::new(None, 5).await;
    world.run_until(|world| world.written >= 10).await;
    world.abort().await;
    world.run().await;
    assert!(matches!(world.a.machine.record().step, source::Step::Aborted(_)));
    assert!(world.b.disk.store.read().unwrap().account(ACCOUNT).unwrap().is_none(), "the copy is deleted");
    let state = world.a.disk.store.read().unwrap().account(ACCOUNT).unwrap().unwrap();
    assert_eq!(state.status, AccountStatus::Open);
    world.put(b"after".to_vec(), 1, 100).await;
}
