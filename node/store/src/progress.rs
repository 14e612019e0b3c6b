//! How far a long work is.

use crate::index::rows::Place;

/// How far a long work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// How much of it is done.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

/// The steps of long works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reading the segments; counted in bytes.
    Segments,
    /// Comparing the index with the log; counted in rows.
    Index,
}

/// Bytes of the stream, for telling how far along a place is.
#[derive(Debug)]
pub(crate) struct StreamBytes {
    /// The place at which counting begins, and the bytes before each segment from there on.
    pub(crate) start: Place,
    pub(crate) before: Vec<u64>,
    pub(crate) total: u64,
}

impl StreamBytes {
    pub(crate) fn at(&self, step: Step, place: Place) -> Progress {
        let nth = place.segment.saturating_sub(self.start.segment) as usize;
        let before = self.before.get(nth).copied().unwrap_or(self.total);
        let skipped = if nth == 0 { self.start.offset } else { 0 };
        let done = (before + place.offset.saturating_sub(skipped)).min(self.total);
        Progress { step, done, total: self.total }
    }
}
