//! Two halves that edit apart, and nodes that come and go.

use essaim_directory::document::Edit;
use essaim_sim::dice::Dice;
use essaim_sim::{Faults, Mutes, Weather, World};

const LOSSY: Faults = Faults { mute_percent: 30, mutes: Mutes::Answer, lost_percent: 5 };

#[test]
fn two_halves_that_were_apart_for_two_hours_are_equal_within_two_minutes() {
    let (nodes, edits) = if std::env::var_os("ESSAIM_LONG").is_some() { (1_000, 500) } else { (150, 20) };
    let mut world = World::new(nodes, 10, (8, 32), Weather::Harsh, LOSSY, Dice::seed(2));
    world.split(true);
    for edit in 0..edits {
        let text = format!("Edit {edit}");
        // Even nodes are one half, odd ones the other.
        world.edit(edit % 10, Edit::text("description.fr", &text));
        world.run_for(7_200_000 / i64::try_from(edits).unwrap());
    }
    assert!(!world.is_equal());
    world.split(false);
    let healed = world.run_until(120_000, World::is_equal);
    println!("{nodes} nodes, {edits} edits: equal after {healed:?} ms");
    assert!(healed.is_some(), "not equal after 120 s");
}

#[test]
fn nodes_that_come_and_go_catch_up_within_ten_seconds() {
    let mut world = World::new(150, 4, (8, 32), Weather::Harsh, LOSSY, Dice::seed(3));
    let mut away: Vec<usize> = Vec::new();
    for round in 0..30usize {
        let node = 4 + world.dice.below(146);
        if !away.contains(&node) {
            world.stop(node);
            away.push(node);
        }
        if away.len() > 20 {
            let back = away.remove(0);
            world.start(back);
        }
        world.edit(round % 4, Edit::number("price.monthly", i64::try_from(round).unwrap()));
        world.run_for(600_000);
    }
    away.into_iter().for_each(|node| world.start(node));
    let equal = world.run_until(120_000, World::is_equal);
    println!("20 nodes back at once: equal after {equal:?} ms");
    // With 5 % loss a question may have to be asked again at the next comparison.
    assert!(equal.is_some());
    let node = 149;
    let mut world = World::new(150, 4, (8, 32), Weather::Harsh, Faults::NONE, Dice::seed(3));
    world.stop(node);
    (0..4).for_each(|at| world.edit(at, Edit::flag("join.open", true)));
    world.run_for(86_400_000 / 24);
    world.start(node);
    let equal = world.run_until(10_000, World::is_equal);
    println!("one node back, no loss: equal after {equal:?} ms");
    assert!(equal.is_some());
}
