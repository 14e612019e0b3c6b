//! Long paths with much going wrong, drawn from a seed that is printed and replays.

use crate::adversary::{Act, Budget, act, acts, settle, with_crash};
use crate::world::World;

/// Numbers from a seed: xorshift64*.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }
}

#[derive(Debug, Default)]
struct Outcomes {
    moved: usize,
    aborted: usize,
}

fn run(seed: u64, outcomes: &mut Outcomes) {
    let mut draw = Draw(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut world = World::new(6, 8, 1 + draw.below(3));
    let aborts = u8::from(draw.below(4) == 0);
    let mut budget = Budget { writes: 30, crashes: 12, doubles: 30, cuts: 12, ticks: 12, aborts };
    for _ in 0..400 {
        let mut can = acts(&world, budget, 6);
        // Messages arrive more often than machines crash.
        let deliveries = can.iter().filter(|one| matches!(one, Act::Deliver(..))).count();
        if deliveries > 0 && draw.below(4) > 0 {
            can.retain(|one| matches!(one, Act::Deliver(..)));
        }
        if can.is_empty() {
            break;
        }
        let chosen = can.swap_remove(draw.below(can.len()));
        let crash = budget.crashes > 0 && draw.below(8) == 0;
        let chosen = if crash { with_crash(&chosen, draw.below(4)).unwrap_or(chosen) } else { chosen };
        act(&mut world, &mut budget, &chosen);
        world.check();
    }
    outcomes.moved += usize::from(world.sealed);
    outcomes.aborted += usize::from(world.target_account.is_none());
    settle(world, |_| false);
}

fn runs(first: u64, count: u64) {
    let mut outcomes = Outcomes::default();
    for seed in first..first + count {
        let here = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed, &mut outcomes)));
        if let Err(panic) = here {
            println!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
    println!("{count} runs from seed {first}: {outcomes:?} before anybody helped");
    assert!(outcomes.moved > 0 && outcomes.aborted > 0, "{outcomes:?}: only one way was seen");
}

#[test]
fn random_faults_lose_nothing() {
    runs(1, 500);
}

/// The long form; `ESSAIM_SEED` chooses where it begins.
#[test]
#[ignore = "minutes; a hundred times as many"]
fn many_random_faults_lose_nothing() {
    let first = std::env::var("ESSAIM_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    runs(first, 50_000);
}
