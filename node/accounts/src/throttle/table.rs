//! One bounded table of failures.

use std::collections::HashMap;
use std::time::Duration;

use essaim_types::Timestamp;

/// The hash of what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key(pub(super) [u8; 16]);

/// How failures turn into waiting.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) free: u32,
    pub(super) first: Duration,
    pub(super) longest: Duration,
    pub(super) forget_after: Duration,
}

/// Failures by key. Never more than `capacity` entries: when it is full, the one that matters least of a few goes.
#[derive(Debug)]
pub(super) struct Table {
    rule: Rule,
    capacity: usize,
    slots: Vec<Entry>,
    index: HashMap<Key, usize>,
    hand: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    key: Key,
    failures: u32,
    /// Attempts whose outcome is not known yet.
    pending: u32,
    /// The last failure; of an entry without one, the last attempt.
    last: Timestamp,
    /// The last success.
    success: Option<Timestamp>,
}

impl Rule {
    /// The wait after that many failures.
    pub(super) fn delay(&self, failures: u32) -> Duration {
        let Some(above) = failures.checked_sub(self.free) else { return Duration::ZERO };
        let factor = 1u32.checked_shl(above.min(31)).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

impl Table {
    pub(super) fn new(rule: Rule, capacity: usize) -> Self {
        Self { rule, capacity: capacity.max(1), slots: Vec::new(), index: HashMap::new(), hand: 0 }
    }

    /// How long an attempt has to wait; zero if it may be made now.
    pub(super) fn wait(&self, key: Key, now: Timestamp) -> Duration {
        let Some(entry) = self.entry(key) else { return Duration::ZERO };
        let failures = self.failures(entry, now);
        if entry.pending > 0 && failures.saturating_add(entry.pending) >= self.rule.free {
            // As if those that are being checked had just failed: past the free ones there is one at a time.
            return self.rule.delay(failures.saturating_add(entry.pending)).max(self.rule.first);
        }
        self.rule.delay(failures).saturating_sub(now.since(entry.last))
    }

    pub(super) fn has_succeeded(&self, key: Key, now: Timestamp) -> bool {
        self.entry(key).is_some_and(|entry| entry.is_at_home(now))
    }

    pub(super) fn begin(&mut self, key: Key, now: Timestamp) {
        let counts = self.entry(key).map_or(0, |entry| self.failures(entry, now));
        let entry = self.entry_or_new(key, now);
        entry.failures = counts;
        entry.pending = entry.pending.saturating_add(1);
        if counts == 0 {
            entry.last = now;
        }
    }

    pub(super) fn fail(&mut self, key: Key, now: Timestamp) {
        let entry = self.entry_or_new(key, now);
        entry.pending = entry.pending.saturating_sub(1);
        entry.failures = entry.failures.saturating_add(1);
        entry.last = now;
    }

    pub(super) fn give_back(&mut self, key: Key) {
        if let Some(entry) = self.index.get(&key).and_then(|&slot| self.slots.get_mut(slot)) {
            entry.pending = entry.pending.saturating_sub(1);
        }
    }

    pub(super) fn succeed(&mut self, key: Key, now: Timestamp) {
        let entry = self.entry_or_new(key, now);
        entry.failures = 0;
        entry.success = Some(now);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.slots.len(), self.index.len());
        self.slots.len()
    }

    fn entry(&self, key: Key) -> Option<&Entry> {
        self.slots.get(*self.index.get(&key)?)
    }

    /// What still counts. A clock that was set back by more than the longest wait forgives rather than lock out.
    fn failures(&self, entry: &Entry, now: Timestamp) -> u32 {
        let forgotten = now.since(entry.last) >= self.rule.forget_after;
        let set_back = entry.last.since(now) > self.rule.longest;
        if forgotten || set_back { 0 } else { entry.failures }
    }

    fn entry_or_new(&mut self, key: Key, now: Timestamp) -> &mut Entry {
        let slot = match self.index.get(&key) {
            Some(&slot) => slot,
            None => self.place(Entry { key, failures: 0, pending: 0, last: now, success: None }, now),
        };
        self.slots.get_mut(slot).expect("the index names slots that exist")
    }

    /// A new slot, or that of the entry that matters least among the next few under the hand.
    fn place(&mut self, entry: Entry, now: Timestamp) -> usize {
        let key = entry.key;
        let slot = if self.slots.len() < self.capacity {
            self.slots.push(entry);
            self.slots.len() - 1
        } else {
            let slot = self.least(now);
            if let Some(old) = self.slots.get_mut(slot) {
                self.index.remove(&old.key);
                *old = entry;
            }
            slot
        };
        self.index.insert(key, slot);
        slot
    }

    fn least(&mut self, now: Timestamp) -> usize {
        let start = self.hand;
        self.hand = (self.hand + LOOKED_AT) % self.capacity;
        (start..start + LOOKED_AT)
            .map(|slot| slot % self.capacity)
            .filter_map(|slot| Some((slot, self.slots.get(slot)?)))
            .min_by_key(|(_, entry)| {
                let failures = self.failures(entry, now);
                (entry.is_at_home(now), entry.pending.saturating_add(failures), entry.last)
            })
            .map_or(0, |(slot, _)| slot)
    }
}

impl Entry {
    fn is_at_home(&self, now: Timestamp) -> bool {
        self.success.is_some_and(|success| now.since(success) < AT_HOME_FOR)
    }
}

/// How many entries compete when one has to go.
const LOOKED_AT: usize = 8;
/// How long a network stays a login's home after a success there.
const AT_HOME_FOR: Duration = Duration::from_secs(30 * 86_400);
