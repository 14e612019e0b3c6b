//! Token buckets: how much one peer may bring.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use essaim_types::ByteSize;

/// A rate with a burst. Full at first.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// `burst` is also the most that one call can take.
    pub(crate) fn new(per_second: f64, burst: f64, now: Instant) -> Self {
        Self { per_second, burst, tokens: burst, filled: now }
    }

    /// Whether `amount` is there. Nothing is taken.
    pub(crate) fn has(&mut self, amount: f64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.burst);
        self.filled = self.filled.max(now);
        self.tokens >= amount
    }

    /// Takes what `has` found.
    pub(crate) fn take(&mut self, amount: f64) {
        self.tokens -= amount;
    }
}

/// Messages and bytes of one peer.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    messages: Bucket,
    bytes: Bucket,
}

impl Allowance {
    pub(crate) fn new(messages: u32, bytes: u32, burst_seconds: u32, now: Instant) -> Self {
        let bucket = |rate: u32| {
            let rate = f64::from(rate);
            Bucket::new(rate, rate * f64::from(burst_seconds), now)
        };
        Self { messages: bucket(messages), bytes: bucket(bytes) }
    }

    /// Whether one more message of this size is within the rates. What is refused costs nothing.
    pub(crate) fn allows(&mut self, bytes: u32, now: Instant) -> bool {
        let bytes = f64::from(bytes);
        let allowed = self.messages.has(1.0, now) && self.bytes.has(bytes, now);
        if allowed {
            self.messages.take(1.0);
            self.bytes.take(bytes);
        }
        allowed
    }
}

/// Turns at a shared pipe: each caller is told when its bytes may go, in order of asking.
#[derive(Debug)]
struct Pacer {
    bytes_per_second: f64,
    next: Instant,
}

impl Pacer {
    fn new(bytes_per_second: u64, now: Instant) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a rate; 53 bits are enough")]
        let bytes_per_second = bytes_per_second.max(1) as f64;
        Self { bytes_per_second, next: now }
    }

    /// Bytes to move at once: about a twentieth of a second's.
    fn piece(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, then clamped"
        )]
        let piece = (self.bytes_per_second / 20.0) as usize;
        piece.clamp(PIECE_MIN, PIECE_MAX)
    }

    /// `bytes` went through. Returns when the next may; at or before `now`: at once.
    fn spend(&mut self, bytes: u32, now: Instant) -> Instant {
        let cost = Duration::from_secs_f64(f64::from(bytes) / self.bytes_per_second);
        self.next = self.next.max(now.checked_sub(PACER_BURST).unwrap_or(now)) + cost;
        self.next
    }
}

/// A pipe that all streams of one direction share; without a cap it is never full.
#[derive(Debug, Clone)]
pub(crate) struct Pipe(Option<Arc<Mutex<Pacer>>>);

impl Pipe {
    pub(crate) fn new(per_second: Option<ByteSize>, now: Instant) -> Self {
        Self(per_second.map(|rate| Arc::new(Mutex::new(Pacer::new(rate.0, now)))))
    }

    /// Bytes to move at once; `None`: as many as there are.
    pub(crate) fn piece(&self) -> Option<usize> {
        self.pacer().map(|pacer| pacer.piece())
    }

    /// See [`Pacer::spend`]. `None`: at once.
    pub(crate) fn spend(&self, bytes: usize, now: Instant) -> Option<Instant> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.pacer().map(|mut pacer| pacer.spend(bytes, now))
    }

    fn pacer(&self) -> Option<MutexGuard<'_, Pacer>> {
        // Two numbers: whole whatever happened.
        self.0.as_ref().map(|pacer| pacer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

const PIECE_MIN: usize = 1 << 10;
const PIECE_MAX: usize = 64 << 10;
/// Time that an idle pipe saves up.
const PACER_BURST: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate() {
        let start = Instant::now();
        let mut allowance = Allowance::new(50, 64 << 10, 2, start);
        let passed = (0..1000).filter(|_| allowance.allows(100, start)).count();
        assert_eq!(passed, 100);
        let later = start + Duration::from_secs(1);
        let passed = (0..1000).filter(|_| allowance.allows(100, later)).count();
        assert_eq!(passed, 50);
    }

    #[test]
    fn bytes_count_too() {
        let start = Instant::now();
        let mut allowance = Allowance::new(50, 64 << 10, 2, start);
        let passed = (0..100).filter(|_| allowance.allows(20 << 10, start)).count();
        assert_eq!(passed, 6, "128 KiB of 20 KiB messages");
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_nothing() {
        let start = Instant::now() + Duration::from_secs(10);
        let mut bucket = Bucket::new(1.0, 1.0, start);
        assert!(bucket.has(1.0, start));
        bucket.take(1.0);
        assert!(!bucket.has(1.0, start));
        assert!(!bucket.has(1.0, start - Duration::from_secs(5)));
    }

    #[test]
    fn a_pacer_spreads_bytes_over_time() {
        let start = Instant::now();
        let mut pacer = Pacer::new(1000, start);
        let mut last = start;
        for _ in 0..10 {
            last = pacer.spend(100, start);
        }
        let spread = last - start;
        assert!(spread >= Duration::from_millis(979) && spread <= Duration::from_millis(1001), "{spread:?}");
        // After a pause only the small burst is free.
        let later = start + Duration::from_secs(60);
        assert!(pacer.spend(100, later) >= later + Duration::from_millis(79));
    }
}
