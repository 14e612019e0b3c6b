//! What can be set when a store is opened.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use essaim_types::{ByteSize, Timestamp};

/// How a store is run. The defaults suit a small machine.
#[derive(Debug, Clone)]
pub struct Options {
    /// Memory for the pages of the index.
    pub cache: ByteSize,
    /// A segment is left for a new one when the next record would make it longer.
    pub segment_size: ByteSize,
    /// The index is made durable after so much of stream; opening after a crash reads at most about so much again.
    pub checkpoint_after: ByteSize,
    /// And after this long without a commit.
    pub checkpoint_idle: Duration,
    /// Commits that may wait for the writer; more wait for a place.
    pub queue: usize,
    /// Space left free on the disk: with less, commits and blobs get `NoSpace`, while the index can still be written.
    pub reserve: ByteSize,
    /// What time it is.
    pub clock: fn() -> Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache: ByteSize::mib(32),
            segment_size: ByteSize::mib(64),
            checkpoint_after: ByteSize::mib(16),
            checkpoint_idle: Duration::from_secs(5),
            queue: 1024,
            reserve: ByteSize::mib(64),
            clock: system_clock,
        }
    }
}

fn system_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
