//! What happened, in numbers, for metrics and tests.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counts since the start. Each only grows.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts { $($(#[$doc])* pub $name: u64),* }

        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: Counter),* }

        impl Counters {
            pub(crate) fn read(&self) -> Counts {
                Counts { $($name: self.$name.0.load(Ordering::Relaxed)),* }
            }
        }

        impl Counts {
            /// Name and value of each, for metrics.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }
        }
    };
}

counters! {
    /// Messages handed to the owner.
    gossip_received,
    /// Messages ignored because their peer brought too many.
    gossip_over_rate,
    /// Messages ignored because the owner does not keep up.
    gossip_owner_full,
    /// Messages larger than allowed; their peer's score falls.
    gossip_oversize,
    /// Messages that the owner rejected; their peer's score falls.
    gossip_rejected,
    /// Messages that the owner ignored.
    gossip_ignored,
    /// Messages that the owner accepted and that were passed on.
    gossip_forwarded,
    /// Verdicts that came after gossip had forgotten the message.
    gossip_verdict_late,
    /// Messages of ours that went out.
    gossip_published,
    /// Requests handed to the owner.
    requests_received,
    /// Requests answered "busy": too many of one peer, or the owner does not keep up.
    requests_busy,
    /// Requests for a service that nobody has here.
    requests_unknown,
    /// Connections that others made and that a limit, the block list or a failed handshake ended.
    connections_refused,
    /// Peers disconnected because they never told their topics.
    subscription_bounces,
    /// Bulk connections refused: a limit, the block list, or no proof of who it is.
    bulk_connections_refused,
    /// Bulk streams refused because the owner does not keep up.
    bulk_streams_busy,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
