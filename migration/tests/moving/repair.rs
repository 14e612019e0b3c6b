//! What was damaged on its way is found and sent again; what does not heal ends the move.

use essaim_migration::moving::batch::At;
use essaim_migration::moving::target::Step;
use essaim_migration::moving::{source, target};
use essaim_types::ByteSize;

use crate::adversary::settle;
use crate::world::{Crash, World, key};

/// Delivers everything in order until the condition holds.
fn run_until(world: &mut World, mut until: impl FnMut(&World) -> bool) {
    for _ in 0..1000 {
        if until(world) {
            return;
        }
        if let Some(message) = world.to_target.pop_front() {
            world.tell_target(target::Event::Received(message), Crash::Never);
        } else if let Some(message) = world.to_source.pop_front() {
            world.tell_source(source::Event::Received(message), Crash::Never);
        } else {
            world.now = world.source.as_ref().unwrap().deadline().expect("something is awaited");
            world.tell_source(source::Event::Tick, Crash::Never);
        }
        world.check();
    }
    panic!("source {:?}, target {:?}", world.source_record, world.target_record);
}

fn caught_up(world: &World) -> bool {
    matches!(&world.target_record.step, Step::Adopting(adopted) if matches!(adopted.place.at, At::Replay(_)))
}

#[test]
fn damage_is_repaired_before_the_account_changes_hands() {
    let mut world = World::new(200, 64, 16);
    world.damaged = true;
    world.connect();
    run_until(&mut world, caught_up);
    let account = world.target_account.as_mut().unwrap();
    account.objects.remove(&key(7));
    account.objects.get_mut(&key(100)).unwrap().charge = ByteSize(2);
    let mut spare = account.objects[&key(9)].clone();
    spare.key = vec![9, 9];
    account.objects.insert(essaim_migration::moving::batch::Key::of(&spare), spare);
    // The member goes on writing while pages are compared.
    run_until(&mut world, |world| matches!(world.source_record.step, source::Step::Verify));
    world.write(3, true);
    world.write(100, false);
    run_until(&mut world, |world| world.target_open);
    assert_eq!(world.target_account.as_ref().unwrap().objects, world.source_account.objects);
}

#[test]
fn damage_that_comes_again_ends_the_move_and_changes_nothing() {
    let mut world = World::new(20, 64, 16);
    world.damaged = true;
    world.connect();
    run_until(&mut world, |world| {
        matches!(world.source_record.step, source::Step::Aborted(_)) || caught_up(world)
    });
    for _ in 0..100 {
        if let Some(account) = &mut world.target_account {
            account.objects.remove(&key(7));
        }
        run_until(&mut world, |world| {
            let there = world.target_account.as_ref().is_some_and(|a| a.objects.contains_key(&key(7)));
            there || world.is_over()
        });
        if world.is_over() {
            break;
        }
    }
    assert!(matches!(world.source_record.step, source::Step::Aborted(_)), "{:?}", world.source_record);
    assert!(world.source_open() && world.target_account.is_none());
}

#[test]
fn a_fence_that_leads_nowhere_lets_writes_go_on() {
    let mut world = World::new(3, 64, 16);
    world.connect();
    run_until(&mut world, |world| world.fenced);
    world.disconnect();
    world.to_target.clear();
    world.to_source.clear();
    world.now = world.source.as_ref().unwrap().deadline().expect("a fence ends");
    world.tell_source(source::Event::Tick, Crash::Never);
    assert!(world.source_open());
    assert_eq!(world.source_record.step, source::Step::Catchup);
    settle(world, |_| false);
}
