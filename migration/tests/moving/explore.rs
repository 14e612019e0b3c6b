//! Every path, breadth first.

use std::collections::{HashSet, VecDeque};

use crate::adversary::{Budget, act, acts, settle, with_crash};
use crate::world::World;

/// All states that can be reached within the budget; each is checked, and from each the move must come to an end.
fn explore(world: World, budget: Budget, keys: u8) -> usize {
    let mut seen: HashSet<(u128, Budget)> = HashSet::new();
    let mut ending: HashSet<u128> = HashSet::new();
    let mut next = VecDeque::from([(world, budget)]);
    let mut committed = 0;
    while let Some((world, budget)) = next.pop_front() {
        if !seen.insert((world.digest(), budget)) {
            continue;
        }
        world.check();
        committed += usize::from(world.sealed);
        settle(world.clone(), |world| !ending.insert(world.digest()));
        for one in acts(&world, budget, keys) {
            let (mut after, mut left) = (world.clone(), budget);
            let actions = act(&mut after, &mut left, &one);
            next.push_back((after, left));
            let crashes = if budget.crashes > 0 { actions } else { 0 };
            for one in (0..crashes).filter_map(|number| with_crash(&one, number)) {
                let (mut after, mut left) = (world.clone(), budget);
                act(&mut after, &mut left, &one);
                next.push_back((after, left));
            }
        }
    }
    println!("{budget:?}: {} states, {committed} of them after the commit", seen.len());
    assert!(committed > 0, "the search never came to the commit");
    seen.len()
}

const NOTHING: Budget = Budget { writes: 0, crashes: 0, doubles: 0, cuts: 0, ticks: 0, aborts: 0 };

#[test]
fn every_path_with_one_fault_of_a_kind() {
    let one = [
        Budget { writes: 1, crashes: 1, ..NOTHING },
        Budget { doubles: 1, cuts: 1, ..NOTHING },
        Budget { ticks: 1, cuts: 1, ..NOTHING },
        Budget { aborts: 1, crashes: 1, ..NOTHING },
        Budget { ticks: 1, doubles: 1, ..NOTHING },
        Budget { aborts: 1, ticks: 1, ..NOTHING },
    ];
    let states: usize = one.into_iter().map(|budget| explore(World::new(1, 3, 2), budget, 1)).sum();
    assert!(states > 5_000, "{states}: the search saw too little");
}

/// The long form: `cargo test -p essaim-migration --test moving -- --ignored`.
#[test]
#[ignore = "minutes; every path with two faults of a kind"]
fn every_path_with_two_faults_of_a_kind() {
    let two = [
        Budget { writes: 1, ticks: 1, cuts: 1, ..NOTHING },
        Budget { writes: 2, crashes: 1, ..NOTHING },
        Budget { crashes: 2, ticks: 1, ..NOTHING },
        Budget { doubles: 2, cuts: 2, ..NOTHING },
        Budget { crashes: 1, ticks: 1, aborts: 1, ..NOTHING },
    ];
    let states: usize = two.into_iter().map(|budget| explore(World::new(1, 3, 2), budget, 1)).sum();
    println!("{states} states");
}
