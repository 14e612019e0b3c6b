//! How fast something may come from one part of the Internet. Pure: the time is an argument.
//!
//! A token bucket for each *neighbourhood* (IPv4 /24, IPv6 /48: what one customer gets, RFC 6177; or one hoster of the federation), written as one moment: the one
//! at which the bucket will be full again. A bucket that is full is as good as none, so that a table of fixed size is enough.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use essaim_types::ListingId;

/// Counts what comes from each neighbourhood. Never more than [`NEIGHBOURHOODS_MAX`] of them: when there are more, the one that
/// has used least of a few is forgotten.
#[derive(Debug)]
pub(crate) struct Rate {
    /// `None`: as fast as it comes.
    pace: Option<Pace>,
    table: Mutex<Table>,
}

/// What a neighbourhood gets: so many at once, then one after each `every`.
#[derive(Debug, Clone, Copy)]
struct Pace {
    every: Duration,
    full_after: Duration,
}

#[derive(Debug, Default)]
struct Table {
    slots: Vec<Slot>,
    index: HashMap<Neighbourhood, usize>,
    hand: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    whose: Neighbourhood,
    /// When the bucket is full again, if nothing more comes.
    full_at: Instant,
}

/// From where something comes. The first byte tells the families apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Neighbourhood([u8; 7]);

impl Rate {
    /// So many in a minute, all of them at once if need be; 0 is no limit.
    pub(crate) fn per_minute(count: u32) -> Self {
        let pace = MINUTE.checked_div(count).map(|every| Pace { every, full_after: every * count });
        Self { pace, table: Mutex::default() }
    }

    /// Takes one, if the neighbourhood of `peer` has one left at `now`.
    pub(crate) fn admits(&self, peer: impl Into<Neighbourhood>, now: Instant) -> bool {
        let Some(pace) = self.pace else { return true };
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = table.slot(peer.into(), now);
        let full_at = slot.full_at.max(now) + pace.every;
        let fits = full_at.duration_since(now) <= pace.full_after;
        if fits {
            slot.full_at = full_at;
        }
        fits
    }
}

impl Table {
    fn slot(&mut self, whose: Neighbourhood, now: Instant) -> &mut Slot {
        let at = match self.index.get(&whose) {
            Some(&at) => at,
            None => self.place(Slot { whose, full_at: now }),
        };
        self.slots.get_mut(at).expect("the index names slots that exist")
    }

    /// A new slot, or that of the fullest bucket among the next few under the hand.
    fn place(&mut self, slot: Slot) -> usize {
        let at = if self.slots.len() < NEIGHBOURHOODS_MAX {
            self.slots.push(slot);
            self.slots.len() - 1
        } else {
            let start = self.hand;
            self.hand = (start + LOOKED_AT) % NEIGHBOURHOODS_MAX;
            let few = (start..start + LOOKED_AT).map(|at| at % NEIGHBOURHOODS_MAX);
            let fullest = few.min_by_key(|at| self.slots.get(*at).map(|slot| slot.full_at)).unwrap_or(start);
            if let Some(old) = self.slots.get_mut(fullest) {
                self.index.remove(&old.whose);
                *old = slot;
            }
            fullest
        };
        self.index.insert(slot.whose, at);
        at
    }
}

impl From<ListingId> for Neighbourhood {
    fn from(hoster: ListingId) -> Self {
        let [a, b, c, d, e, f, ..] = *hoster.as_bytes();
        Self([1, a, b, c, d, e, f])
    }
}

impl From<IpAddr> for Neighbourhood {
    fn from(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V4(peer) => {
                let [a, b, c, _] = peer.octets();
                Self([4, a, b, c, 0, 0, 0])
            }
            IpAddr::V6(peer) => {
                let [a, b, c, d, e, f, ..] = peer.octets();
                Self([6, a, b, c, d, e, f])
            }
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// With index less than 1 MiB.
const NEIGHBOURHOODS_MAX: usize = 8192;
/// How many slots compete when one has to go.
const LOOKED_AT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many of `tries` are admitted.
    fn admitted(rate: &Rate, peer: &str, tries: usize, now: Instant) -> usize {
        (0..tries).filter(|_| rate.admits(ip(peer), now)).count()
    }

    #[test]
    fn a_minutes_worth_comes_at_once_and_the_rest_as_time_goes_by() {
        let (rate, start) = (Rate::per_minute(60), Instant::now());
        assert_eq!(admitted(&rate, "192.0.2.1", 100, start), 60);
        assert_eq!(admitted(&rate, "192.0.2.1", 100, start + Duration::from_millis(999)), 0);
        assert_eq!(admitted(&rate, "192.0.2.1", 100, start + Duration::from_secs(10)), 10);
        assert_eq!(admitted(&rate, "192.0.2.1", 100, start + Duration::from_secs(3600)), 60);
    }

    #[test]
    fn a_neighbourhood_shares_and_others_do_not_suffer() {
        let (rate, now) = (Rate::per_minute(2), Instant::now());
        for (neighbours, other) in [
            (["192.0.2.1", "::ffff:192.0.2.99", "192.0.2.255"], "192.0.3.1"),
            (["2001:db8:1::1", "2001:db8:1:ffff::1", "2001:db8:1::2"], "2001:db8:2::1"),
        ] {
            assert_eq!(neighbours.map(|peer| rate.admits(ip(peer), now)), [true, true, false]);
            assert!(rate.admits(ip(other), now));
        }
    }

    #[test]
    fn a_hoster_has_its_own_measure() {
        let (rate, now) = (Rate::per_minute(1), Instant::now());
        let hoster = |byte| ListingId::from_bytes([byte; 32]);
        assert!(
            rate.admits(hoster(1), now) && rate.admits(hoster(2), now) && rate.admits(ip("1.1.1.1"), now)
        );
        assert!(!rate.admits(hoster(1), now));
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(admitted(&Rate::per_minute(0), "192.0.2.1", 10_000, Instant::now()), 10_000);
        assert_eq!(admitted(&Rate::per_minute(u32::MAX), "192.0.2.1", 10_000, Instant::now()), 10_000);
    }

    #[test]
    fn refusals_do_not_push_the_end_away() {
        let (rate, start) = (Rate::per_minute(1), Instant::now());
        assert!(rate.admits(ip("192.0.2.1"), start));
        assert_eq!(admitted(&rate, "192.0.2.1", 1000, start + Duration::from_secs(59)), 0);
        assert!(rate.admits(ip("192.0.2.1"), start + Duration::from_secs(60)));
    }

    #[test]
    fn a_crowd_of_strangers_fills_no_memory_and_frees_nobody() {
        let (rate, now) = (Rate::per_minute(3), Instant::now());
        assert_eq!(admitted(&rate, "192.0.2.1", 10, now), 3);
        for stranger in 0..100_000u32 {
            let [_, a, b, c] = stranger.to_be_bytes();
            rate.admits(IpAddr::from([10 + a, b, c, 1]), now + Duration::from_millis(1));
        }
        assert_eq!(rate.table.lock().unwrap().slots.len(), NEIGHBOURHOODS_MAX);
        assert_eq!(rate.table.lock().unwrap().index.len(), NEIGHBOURHOODS_MAX);
        assert_eq!(
            admitted(&rate, "192.0.2.1", 10, now + Duration::from_millis(2)),
            0,
            "the busy one is remembered"
        );
    }
}
