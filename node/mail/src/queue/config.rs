//! `[mail.queue]` of `essaim.toml`: when mail that could not be delivered is tried again, and when it goes back.

use std::time::Duration;

use essaim_types::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::QueueId;

/// When and how hard the queue tries. RFC 5321 section 4.5.4.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueConfig {
    /// How long to wait after the first failed attempt, after the second, and so on; after the last one listed, always that long.
    #[serde(with = "durations")]
    pub retry: Vec<Duration>,
    /// How long a message is tried before it goes back to its sender. RFC 5321: at least 4 to 5 days.
    #[serde(with = "humantime_serde")]
    pub lifetime: Duration,
    /// After this long the sender is told that the message is late. "0s": never.
    #[serde(with = "humantime_serde")]
    pub delay_notice: Duration,
    /// Connections to other servers at one time.
    pub connections: u32,
    /// Connections to one destination at one time.
    pub connections_per_destination: u32,
    /// Messages sent over one connection before it is closed, so that other destinations get their turn.
    pub messages_per_connection: u32,
    /// Entries that the queue holds; submission is refused for now when it is full.
    pub max_entries: u64,
}

impl Default for QueueConfig {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        Self {
            retry: [1, 5, 15, 30, 60, 120, 240].map(minutes).to_vec(),
            lifetime: minutes(5 * 24 * 60),
            delay_notice: minutes(4 * 60),
            connections: 20,
            connections_per_destination: 4,
            messages_per_connection: 100,
            max_entries: 100_000,
        }
    }
}

impl QueueConfig {
    /// When a message that came in at `queued` is given up.
    pub fn expiry(&self, queued: Timestamp) -> Timestamp {
        queued.after(self.lifetime)
    }

    /// When the sender of a message that came in at `queued` is told that it is late; `None` if never.
    pub fn late(&self, queued: Timestamp) -> Option<Timestamp> {
        (!self.delay_notice.is_zero()).then(|| queued.after(self.delay_notice))
    }

    /// When to try again after the `attempts`-th attempt failed at `now`; `None` if the message has been tried long enough.
    ///
    /// Up to a tenth is added, the same for the same message and attempt, so that mail that failed together does not come back
    /// together. The wait is cut at the moments that matter: one attempt falls on the expiry, and one on the moment when the
    /// sender is to be told.
    pub fn next_attempt(
        &self,
        id: QueueId,
        queued: Timestamp,
        attempts: u32,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let expiry = self.expiry(queued);
        if now >= expiry {
            return None;
        }
        let wait = self.wait_after(attempts);
        let due = now.after(wait.saturating_add(jitter(id, attempts, wait)));
        let late = self.late(queued).filter(|late| *late > now);
        Some(due.min(expiry).min(late.unwrap_or(expiry)))
    }

    fn wait_after(&self, attempts: u32) -> Duration {
        let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = self.retry.get(step).or_else(|| self.retry.last()).copied();
        wait.unwrap_or(WAIT_MIN).max(WAIT_MIN)
    }
}

/// Up to a tenth of `wait`.
fn jitter(id: QueueId, attempts: u32, wait: Duration) -> Duration {
    let mixed = (id.lsn.0 ^ (u64::from(id.part) << 48) ^ (u64::from(attempts) << 32))
        .wrapping_add(0x9e37_79b9_7f4a_7c15)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let permille = u32::try_from((mixed >> 32) % 101).unwrap_or(0);
    wait / 1000 * permille
}

/// Even an empty `retry` does not make the queue spin.
const WAIT_MIN: Duration = Duration::from_millis(10);

mod durations {
    use std::time::Duration;

    use humantime_serde::Serde;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(list: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|wait| Serde::from(*wait)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Duration>, D::Error> {
        let list = Vec::<Serde<Duration>>::deserialize(deserializer)?;
        Ok(list.into_iter().map(Serde::into_inner).collect())
    }
}

#[cfg(test)]
mod tests {
    use essaim_types::Lsn;
    use proptest::prelude::*;

    use super::*;

    fn any_config() -> impl Strategy<Value = QueueConfig> {
        let wait = (1u64..100_000_000).prop_map(Duration::from_millis);
        (prop::collection::vec(wait, 0..8), 1u64..1_000_000_000, 0u64..100_000_000).prop_map(
            |(retry, lifetime, notice)| QueueConfig {
                retry,
                lifetime: Duration::from_millis(lifetime),
                delay_notice: Duration::from_millis(notice),
                ..QueueConfig::default()
            },
        )
    }

    fn id(lsn: u64) -> QueueId {
        QueueId { lsn: Lsn(lsn), part: 0 }
    }

    proptest! {
        #[test]
        fn every_attempt_is_later_and_the_last_one_is_at_the_expiry(config in any_config(), lsn in 1u64..1000) {
            let queued = Timestamp(1_700_000_000_000);
            let (mut now, mut told) = (queued, 0);
            for attempts in 1..200u32 {
                let Some(due) = config.next_attempt(id(lsn), queued, attempts, now) else {
                    prop_assert_eq!(now, config.expiry(queued));
                    let expected = config.late(queued).is_some_and(|late| late <= config.expiry(queued));
                    prop_assert_eq!(told, u32::from(expected));
                    break;
                };
                prop_assert!(due > now && due <= config.expiry(queued));
                let wait = config.wait_after(attempts);
                prop_assert!(due.since(now) <= wait + wait / 10);
                told += u32::from(config.late(queued) == Some(due));
                now = due;
            }
        }

        #[test]
        fn a_wait_is_only_cut_by_the_expiry_and_the_notice(config in any_config(), attempts in 1u32..20) {
            let queued = Timestamp(0);
            if let Some(due) = config.next_attempt(id(7), queued, attempts, queued) {
                let cut = due == config.expiry(queued) || Some(due) == config.late(queued);
                prop_assert!(cut || due.since(queued) >= config.wait_after(attempts));
            }
        }
    }

    #[test]
    fn the_default_waits_longer_each_time_and_gives_up_after_five_days() {
        let config = QueueConfig::default();
        let (mut now, mut attempts, mut last) = (Timestamp(0), 0, Duration::ZERO);
        while let Some(due) = config.next_attempt(id(1), Timestamp(0), attempts + 1, now) {
            let wait = due.since(now);
            if due != config.expiry(Timestamp(0)) && Some(due) != config.late(Timestamp(0)) && attempts < 7 {
                assert!(wait >= last, "{wait:?} after {last:?}");
                last = wait;
            }
            (now, attempts) = (due, attempts + 1);
        }
        assert_eq!(now, Timestamp(5 * 24 * 3600 * 1000));
        assert!((30..45).contains(&attempts), "{attempts}");
    }

    #[test]
    fn the_schedule_is_written_as_people_write_times() {
        let config: QueueConfig =
            toml::from_str("retry = [\"1m\", \"2h 30m\"]\nlifetime = \"3d\"\ndelay_notice = \"0s\"").unwrap();
        assert_eq!(config.retry, [Duration::from_secs(60), Duration::from_secs(9000)]);
        assert_eq!(config.late(Timestamp(0)), None);
        assert!(toml::from_str::<QueueConfig>("retries = []").is_err());
        let text = toml::to_string(&QueueConfig::default()).unwrap();
        assert_eq!(toml::from_str::<QueueConfig>(&text).unwrap(), QueueConfig::default());
    }
}
