//! How much one peer or one hoster may say: buckets that fill with time.

use std::collections::BTreeMap;
use std::time::Duration;

use essaim_types::Timestamp;

/// So much at once, and so much again in a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// What a full bucket holds.
    pub(crate) burst: u32,
    /// How long an empty bucket takes to be full.
    pub(crate) refill: Duration,
}

/// A bucket for each of many keys; full ones are forgotten, so a table is as long as there are talkers.
#[derive(Debug)]
pub(crate) struct Paces<K> {
    pace: Pace,
    buckets: BTreeMap<K, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// What is missing, in thousandths.
    missing: u64,
    at: Timestamp,
}

impl<K: Ord + Clone> Paces<K> {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, buckets: BTreeMap::new() }
    }

    /// Whether the bucket of `key` holds `cost`.
    pub(crate) fn holds(&self, key: &K, cost: u32, now: Timestamp) -> bool {
        let missing = self.buckets.get(key).map_or(0, |bucket| self.pace.missing(*bucket, now));
        missing + u64::from(cost) * 1000 <= u64::from(self.pace.burst) * 1000
    }

    /// Takes `cost` from the bucket of `key`; `false` if it does not hold so much.
    pub(crate) fn allow(&mut self, key: &K, cost: u32, now: Timestamp) -> bool {
        if !self.holds(key, cost, now) {
            return false;
        }
        let cost = u64::from(cost) * 1000;
        let missing = self.buckets.get(key).map_or(0, |bucket| self.pace.missing(*bucket, now));
        if self.buckets.len() >= BUCKETS_MAX {
            self.forget_full(now);
        }
        self.buckets.insert(key.clone(), Bucket { missing: missing + cost, at: now });
        true
    }

    /// Forgets buckets that are full again.
    pub(crate) fn forget_full(&mut self, now: Timestamp) {
        let pace = self.pace;
        self.buckets.retain(|_, bucket| pace.missing(*bucket, now) > 0);
        while self.buckets.len() >= BUCKETS_MAX {
            self.buckets.pop_first();
        }
    }
}

impl Pace {
    fn missing(self, bucket: Bucket, now: Timestamp) -> u64 {
        let passed = u64::try_from(now.since(bucket.at).as_millis()).unwrap_or(u64::MAX);
        let whole = u64::try_from(self.refill.as_millis()).unwrap_or(u64::MAX).max(1);
        let gained = u128::from(passed) * u128::from(self.burst) * 1000 / u128::from(whole);
        bucket.missing.saturating_sub(u64::try_from(gained).unwrap_or(u64::MAX))
    }
}

/// Most buckets of a table.
const BUCKETS_MAX: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_at_once_and_fills_slowly() {
        let mut paces = Paces::new(Pace { burst: 8, refill: Duration::from_secs(8 * 600) });
        let mut allow = |seconds| paces.allow(&"a", 1, Timestamp::from_seconds(seconds));
        assert!((0..8).all(|_| allow(0)));
        assert!(!allow(0) && !allow(599));
        assert!(allow(600) && !allow(600));
        assert!((0..8).all(|_| allow(100_000)) && !allow(100_000));
    }
}
