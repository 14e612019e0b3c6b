//! An account moves between two real stores, over frames, while it is written to; and either side loses power before every single action.
#![expect(clippy::unwrap_used, reason = "a test: a panic is its answer")]

mod world;

use essaim_migration::moving::limits::WINDOW_BYTES;
use essaim_migration::moving::{source, target};
use essaim_store::AccountStatus;
use essaim_types::Lsn;
use world::{ACCOUNT, World};

/// Moves, with a loss of power before one of the actions; how many actions there were, and how many bytes were sent.
async fn run(crash_before: Option<usize>) -> (usize, u64) {
    let mut world = World::new(crash_before).await;
    world.run().await;
    world.check().await;
    (world.actions, world.sent)
}

#[tokio::test]
async fn an_account_moves_while_it_is_written_to() {
    let mut world = World::new(None).await;
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
    let (actions, bytes) = run(None).await;
    let mut most = 0;
    for number in 0..actions {
        let (_, sent) = run(Some(number)).await;
        most = most.max(sent.saturating_sub(bytes));
    }
    eprintln!("{actions} places, {bytes} bytes sent, at most {most} of them again");
    assert!(actions > 40, "{actions}");
    assert!(most <= WINDOW_BYTES, "{most} bytes were sent again");
}

#[tokio::test]
async fn a_move_that_is_given_up_leaves_nothing_and_changes_nothing() {
    let mut world = World::new(None).await;
    world.run_until(|world| world.written >= 10).await;
    world.abort().await;
    world.run().await;
    assert!(matches!(world.a.machine.record().step, source::Step::Aborted(_)));
    assert!(world.b.disk.store.read().unwrap().account(ACCOUNT).unwrap().is_none(), "the copy is deleted");
    let state = world.a.disk.store.read().unwrap().account(ACCOUNT).unwrap().unwrap();
    assert_eq!(state.status, AccountStatus::Open);
    world.put(b"after".to_vec(), 1, 100).await;
}
