//! What can happen next, and what must come of it once nothing bad happens any more.

use essaim_migration::moving::message::Message;
use essaim_migration::moving::{source, target};
use essaim_types::Timestamp;

use crate::world::{Crash, Side, World, reason};

/// How much may go wrong on one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    pub(crate) writes: u8,
    pub(crate) crashes: u8,
    pub(crate) doubles: u8,
    pub(crate) cuts: u8,
    pub(crate) ticks: u8,
    pub(crate) aborts: u8,
}

#[derive(Debug, Clone)]
pub(crate) enum Act {
    Write(u8, bool),
    /// The message at this place arrives, and stays on the wire if it is doubled.
    Deliver(Side, usize, bool, Crash),
    Connect,
    Cut,
    Crash(Side),
    Restart(Side),
    Tick(Side, Crash),
    Abort(Side),
}

/// Everything that can happen in this world, crashes inside of steps left out.
pub(crate) fn acts(world: &World, budget: Budget, keys: u8) -> Vec<Act> {
    let mut acts = Vec::new();
    if budget.writes > 0 && world.source_open() && world.source.is_some() {
        acts.extend((0..keys).map(|number| Act::Write(number, budget.writes.is_multiple_of(2))));
    }
    let sides = [(Side::Source, world.source.is_some()), (Side::Target, world.target.is_some())];
    for (side, alive) in sides {
        if !alive {
            acts.push(Act::Restart(side));
            continue;
        }
        let wire = match side {
            Side::Source => world.to_source.len(),
            Side::Target => world.to_target.len(),
        };
        for place in 0..wire {
            acts.push(Act::Deliver(side, place, false, Crash::Never));
            if budget.doubles > 0 {
                acts.push(Act::Deliver(side, place, true, Crash::Never));
            }
        }
        if budget.crashes > 0 {
            acts.push(Act::Crash(side));
        }
        if budget.ticks > 0 && due(world, side).is_some() {
            acts.push(Act::Tick(side, Crash::Never));
        }
        if budget.aborts > 0 {
            acts.push(Act::Abort(side));
        }
    }
    if world.source.is_some() && world.target.is_some() && !world.connected {
        acts.push(Act::Connect);
    }
    if world.connected && budget.cuts > 0 {
        acts.push(Act::Cut);
    }
    acts
}

/// Does it; how many actions the machine that was told had, so that a crash can be tried after each.
pub(crate) fn act(world: &mut World, budget: &mut Budget, act: &Act) -> usize {
    let mut spend = |crash: &Crash| {
        if *crash != Crash::Never {
            budget.crashes -= 1;
        }
    };
    match act {
        Act::Write(number, upsert) => {
            budget.writes -= 1;
            world.write(*number, *upsert);
            0
        }
        Act::Deliver(side, place, double, crash) => {
            spend(crash);
            budget.doubles -= u8::from(*double);
            deliver(world, *side, *place, *double, *crash)
        }
        Act::Connect => {
            world.connect();
            0
        }
        Act::Cut => {
            budget.cuts -= 1;
            world.disconnect();
            0
        }
        Act::Crash(side) => {
            budget.crashes -= 1;
            world.crash(*side);
            0
        }
        Act::Restart(side) => {
            world.restart(*side);
            0
        }
        Act::Tick(side, crash) => {
            spend(crash);
            budget.ticks -= 1;
            let at = due(world, *side).expect("it was offered because it is due");
            world.now = world.now.max(at);
            match side {
                Side::Source => world.tell_source(source::Event::Tick, *crash),
                Side::Target => world.tell_target(target::Event::Tick, *crash),
            }
        }
        Act::Abort(side) => {
            budget.aborts -= 1;
            match side {
                Side::Source => world.tell_source(source::Event::Abort(reason()), Crash::Never),
                Side::Target => world.tell_target(target::Event::Abort(reason()), Crash::Never),
            }
        }
    }
}

/// The same with a crash after some of its actions; `None` for what no machine is told.
pub(crate) fn with_crash(act: &Act, after: usize) -> Option<Act> {
    let crash = Crash::After(after);
    match act {
        Act::Deliver(side, place, double, _) => Some(Act::Deliver(*side, *place, *double, crash)),
        Act::Tick(side, _) => Some(Act::Tick(*side, crash)),
        _ => None,
    }
}

/// Nothing bad happens any more: the move ends, one way or the other. What is on its way is lost first.
pub(crate) fn settle(mut world: World, mut known: impl FnMut(&World) -> bool) {
    world.disconnect();
    world.room = usize::MAX;
    world.to_source.clear();
    world.to_target.clear();
    for _ in 0..STEPS_MAX {
        world.check();
        if world.is_over() || known(&world) {
            return;
        }
        if world.source.is_none() {
            world.restart(Side::Source);
        } else if world.target.is_none() {
            world.restart(Side::Target);
        } else if !world.connected {
            world.connect();
        } else if !world.to_target.is_empty() {
            deliver(&mut world, Side::Target, 0, false, Crash::Never);
        } else if !world.to_source.is_empty() {
            deliver(&mut world, Side::Source, 0, false, Crash::Never);
        } else {
            wait(&mut world);
        }
    }
    panic!("it does not end: source {:?}, target {:?}", world.source, world.target_record);
}

fn wait(world: &mut World) {
    let sides = [Side::Source, Side::Target];
    let next = sides.into_iter().filter_map(|side| due(world, side).map(|at| (at, side)));
    let (at, side) = next.min_by_key(|(at, _)| *at).unwrap_or_else(|| {
        panic!("nothing will ever happen: source {:?}, target {:?}", world.source_record, world.target_record)
    });
    world.now = world.now.max(at);
    match side {
        Side::Source => world.tell_source(source::Event::Tick, Crash::Never),
        Side::Target => world.tell_target(target::Event::Tick, Crash::Never),
    };
}

/// When a side wants to be told of the time. The end of the retention is not waited for.
fn due(world: &World, side: Side) -> Option<Timestamp> {
    match side {
        Side::Source if world.source_record.is_committed() && world.target_open => {
            world.source.as_ref().filter(|source| !source.is_settled()).and_then(source::Source::deadline)
        }
        Side::Source => world.source.as_ref().and_then(source::Source::deadline),
        Side::Target => world.target.as_ref().and_then(target::Target::deadline),
    }
}

fn deliver(world: &mut World, side: Side, place: usize, double: bool, crash: Crash) -> usize {
    let wire = match side {
        Side::Source => &mut world.to_source,
        Side::Target => &mut world.to_target,
    };
    let message: Message = if double { wire[place].clone() } else { wire.remove(place).unwrap() };
    match side {
        Side::Source => world.tell_source(source::Event::Received(message), crash),
        Side::Target => world.tell_target(target::Event::Received(message), crash),
    }
}

const STEPS_MAX: usize = 2000;
