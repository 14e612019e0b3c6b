//! Counts what went which way, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use super::reply::Outcome;
use super::transport::{Attempt, Way};

/// Recipients, by way, since the start.
#[derive(Debug, Default)]
pub(super) struct Tally([Counts; Way::ALL.len()]);

#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicU64,
    deferred: AtomicU64,
}

impl Tally {
    pub(super) fn note(&self, attempt: &Attempt) {
        let counts = self.of(attempt.way);
        let count = |wanted: fn(&Outcome) -> bool| {
            attempt.outcomes.iter().filter(|outcome| wanted(outcome)).count() as u64
        };
        let delivered = count(|outcome| matches!(outcome, Outcome::Delivered(_)));
        let deferred = count(|outcome| matches!(outcome, Outcome::Deferred(_)));
        counts.delivered.fetch_add(delivered, Ordering::Relaxed);
        counts.deferred.fetch_add(deferred, Ordering::Relaxed);
    }

    /// Delivered, and put off.
    pub(super) fn read(&self, way: Way) -> (u64, u64) {
        let counts = self.of(way);
        (counts.delivered.load(Ordering::Relaxed), counts.deferred.load(Ordering::Relaxed))
    }

    fn of(&self, way: Way) -> &Counts {
        let Self([peer, route, relay, mx]) = self;
        match way {
            Way::Peer => peer,
            Way::Route => route,
            Way::Relay => relay,
            Way::Mx => mx,
        }
    }
}
