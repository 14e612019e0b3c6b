//! Counters, for whoever watches the node.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a store has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions made durable.
    pub commits: u64,
    /// Batches of them.
    pub batches: u64,
    /// Syncs of segments for batches.
    pub syncs: u64,
    /// Times that the index was made durable.
    pub checkpoints: u64,
    /// Bytes appended to segments.
    pub appended_bytes: u64,
    /// Blobs appended.
    pub blobs: u64,
    /// Blobs that were there already.
    pub blobs_known: u64,
    /// Commits and blobs refused because the disk was full.
    pub no_space: u64,
    /// Segments there are now.
    pub segments: u64,
    /// The store has failed and accepts nothing more.
    pub poisoned: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: Counter,
    pub(crate) batches: Counter,
    pub(crate) syncs: Counter,
    pub(crate) checkpoints: Counter,
    pub(crate) appended_bytes: Counter,
    pub(crate) blobs: Counter,
    pub(crate) blobs_known: Counter,
    pub(crate) no_space: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
