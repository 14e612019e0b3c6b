//! How often this node looks for others: one look at a time for each hoster, a few an hour for each, few in all. Pure: the time is an
//! argument.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use essaim_types::{ListingId, Timestamp};

/// What was looked at in the last hour. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rates(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    /// When each hoster was looked at, oldest first.
    looks: BTreeMap<ListingId, VecDeque<Timestamp>>,
    /// Who is being looked at now.
    open: Vec<ListingId>,
}

/// One look. Dropped, it is over.
#[derive(Debug)]
pub(crate) struct Permit {
    rates: Rates,
    of: ListingId,
}

impl Rates {
    /// Begins to look at a hoster, if it is not too often.
    pub(crate) fn begin(&self, of: ListingId, now: Timestamp) -> Option<Permit> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.forget_old(now);
        let all: usize = table.looks.values().map(VecDeque::len).sum();
        let is_free = table.open.len() < OPEN_MAX && !table.open.contains(&of);
        let mine = table.looks.get(&of).map_or(0, VecDeque::len);
        if !is_free || all >= LOOKS_PER_HOUR || mine >= LOOKS_PER_HOSTER_AND_HOUR {
            return None;
        }
        table.looks.entry(of).or_default().push_back(now);
        table.open.push(of);
        Some(Permit { rates: self.clone(), of })
    }
}

impl Table {
    fn forget_old(&mut self, now: Timestamp) {
        self.looks.retain(|_, looks| {
            // A clock that was set back must not bar anybody for long.
            looks.retain(|at| now.since(*at) < HOUR && at.since(now) < HOUR);
            !looks.is_empty()
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut table = self.rates.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.open.retain(|of| *of != self.of);
    }
}

const HOUR: Duration = Duration::from_secs(3600);
/// For all hosters together: also what bounds the table.
const LOOKS_PER_HOUR: usize = 60;
const LOOKS_PER_HOSTER_AND_HOUR: usize = 6;
/// At one time.
const OPEN_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn hoster(number: u8) -> ListingId {
        ListingId::from_bytes([number; 32])
    }

    #[test]
    fn r22_nobody_is_looked_at_twice_at_once_or_without_end() {
        let (rates, now) = (Rates::default(), Timestamp(1_000_000));
        let first = rates.begin(hoster(1), now);
        assert!(first.is_some() && rates.begin(hoster(1), now).is_none(), "one at a time");
        drop(first);
        let more = (0..20).filter(|_| rates.begin(hoster(1), now).is_some()).count();
        assert_eq!(more, LOOKS_PER_HOSTER_AND_HOUR - 1);
        assert!(rates.begin(hoster(2), now).is_some(), "others do not suffer");
        assert!(rates.begin(hoster(1), now.after(HOUR)).is_some());
        let set_back = Timestamp(now.0 - 10_000_000);
        assert!(rates.begin(hoster(1), set_back).is_some(), "the clock was set back");
    }

    #[test]
    fn r22_many_hosters_together_are_bounded_too() {
        let (rates, now) = (Rates::default(), Timestamp(1_000_000));
        let open: Vec<_> = (0..10).filter_map(|n| rates.begin(hoster(n), now)).collect();
        assert_eq!(open.len(), OPEN_MAX);
        drop(open);
        let all = (0..=255).filter(|n| rates.begin(hoster(*n), now).is_some()).count();
        assert_eq!(all, LOOKS_PER_HOUR - OPEN_MAX);
    }
}
