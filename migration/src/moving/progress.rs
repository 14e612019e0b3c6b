//! What a person sees while an account moves.

use std::time::Duration;

use essaim_types::Timestamp;
use minicbor::{Decode, Encode};

/// Where a move is. In order; only from the three before COMMIT does it go back, to CATCHUP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Phase {
    /// The target looks at what is to come.
    #[n(0)]
    Preflight,
    /// All objects are copied as they are found.
    #[n(1)]
    Copy,
    /// What changed meanwhile follows.
    #[n(2)]
    Catchup,
    /// Both sides compare.
    #[n(3)]
    Verify,
    /// Writes are held.
    #[n(4)]
    Fence,
    /// The source writes that the account has moved.
    #[n(5)]
    Commit,
    /// The target begins to serve.
    #[n(6)]
    Activate,
    /// It serves; the source leads old clients and mail there, and keeps its sealed copy.
    #[n(7)]
    Drain,
    /// The source has deleted its copy.
    #[n(8)]
    Release,
    /// It was given up before the commit; everything is as it was.
    #[n(9)]
    Aborted,
}

impl Phase {
    /// As people and programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Copy => "copy",
            Self::Catchup => "catchup",
            Self::Verify => "verify",
            Self::Fence => "fence",
            Self::Commit => "commit",
            Self::Activate => "activate",
            Self::Drain => "drain",
            Self::Release => "release",
            Self::Aborted => "aborted",
        }
    }
}

/// The numbers of a move, as the source knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where it is.
    pub phase: Phase,
    /// Acknowledged since this machine began.
    pub bytes: u64,
    /// Of the account when it was asked last: what its objects are charged.
    pub bytes_total: u64,
    /// Objects and operations acknowledged.
    pub objects: u64,
    /// Objects of the account.
    pub objects_total: u64,
    /// Changes that the target does not have yet.
    pub lag: u64,
    /// Until everything is copied, at the pace up to now.
    pub eta: Option<Duration>,
    /// How long writes were held, the last time.
    pub fenced: Option<Duration>,
}

/// Counts what was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Meter {
    pub(crate) bytes: u64,
    pub(crate) objects: u64,
    began: Option<Timestamp>,
}

impl Meter {
    pub(crate) fn count(&mut self, now: Timestamp, bytes: u64, objects: u64) {
        self.began.get_or_insert(now);
        self.bytes = self.bytes.saturating_add(bytes);
        self.objects = self.objects.saturating_add(objects);
    }

    /// The time that the rest of `total` takes at the pace up to now.
    pub(crate) fn eta(&self, now: Timestamp, total: u64) -> Option<Duration> {
        let took = now.since(self.began?);
        let left = total.saturating_sub(self.bytes);
        let ms = took.as_millis().checked_mul(u128::from(left))?.checked_div(u128::from(self.bytes))?;
        Some(Duration::from_millis(u64::try_from(ms).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_the_pace_says() {
        let mut meter = Meter::default();
        assert_eq!(meter.eta(Timestamp(0), 100), None, "nothing is known yet");
        meter.count(Timestamp(1000), 0, 0);
        assert_eq!(meter.eta(Timestamp(2000), 100), None, "nothing has moved");
        meter.count(Timestamp(3000), 25, 1);
        assert_eq!(meter.eta(Timestamp(3000), 100), Some(Duration::from_secs(6)));
        assert_eq!(meter.eta(Timestamp(3000), 20), Some(Duration::ZERO));
    }
}
