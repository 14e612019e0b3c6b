//! Garbage: segments that are mostly blobs which nothing names any more are rewritten without those.
//!
//! A rewritten segment keeps its number and its order, since the order of the log is the order of the stream; only offsets
//! change. Its file is written under another name and becomes the segment when an index that has the new offsets is durable;
//! until then the old file stays. So a crash at any moment leaves one of the two, whole.

mod plan;
mod rewrite;

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use essaim_types::Timestamp;

use crate::core::Core;
use crate::error::{ReadError, StoreFailure};
use crate::index::Table;
use crate::index::rows::{META_KEY, Meta, SegmentRow};

/// What a collection did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GarbageReport {
    /// Segments rewritten.
    pub segments: u64,
    /// Blobs swept.
    pub blobs: u64,
    /// Bytes that the disk has back.
    pub bytes: u64,
    /// Bytes of unnamed blobs that stay for now: too young, or in segments that are mostly alive.
    pub left: u64,
}

/// Why a collection stopped. What it did until then stands.
#[derive(Debug, thiserror::Error)]
pub enum GarbageError {
    /// There is no space to rewrite a segment.
    #[error("the disk is too full to rewrite a segment: free some space first")]
    NoSpace,
    /// A segment could not be rewritten; the old one stays.
    #[error("could not rewrite segment {segment}")]
    Rewrite {
        /// Its number.
        segment: u32,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The segment or the index could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store has failed and must be opened again.
    #[error(transparent)]
    Failed(Arc<StoreFailure>),
}

/// See [`crate::Store::collect_garbage`].
pub(crate) fn collect(core: &Core, now: Timestamp, grace: Duration) -> Result<GarbageReport, GarbageError> {
    let _alone = core.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
    core.check().map_err(GarbageError::Failed)?;
    let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp(now.0.saturating_sub(grace));
    let mut report = GarbageReport::default();
    for (segment, row) in segments(core)? {
        let length = core.segments.size(segment).map_err(|source| ReadError::Segment { segment, source })?;
        let swept = match plan::plan(core, segment, row, length, since) {
            Ok(Some(plan)) => rewrite::rewrite(core, &plan, since)?,
            Ok(None) => None,
            // Verify tells the operator; the other segments need not wait for that.
            Err(error @ ReadError::Damaged { .. }) => {
                tracing::warn!(
                    segment,
                    error = &error as &dyn std::error::Error,
                    "segment {segment} is not swept"
                );
                None
            }
            Err(error) => return Err(error.into()),
        };
        match swept {
            None => report.left += row.dead,
            Some(swept) => {
                report.segments += 1;
                report.blobs += swept.blobs;
                report.bytes += swept.bytes;
                report.left += swept.left;
            }
        }
    }
    Ok(report)
}

/// Segments with dead bytes that nothing is appended to any more, and that the index has seen whole.
fn segments(core: &Core) -> Result<Vec<(u32, SegmentRow)>, ReadError> {
    let view = core.index.view()?;
    let Some(meta) = view.with(Table::Meta, META_KEY, Meta::decode)?.transpose()? else {
        return Ok(Vec::new());
    };
    let sealed = meta.applied.segment;
    let mut segments = Vec::new();
    for (number, _) in core.segments.list().into_iter().filter(|(number, _)| *number < sealed) {
        let row = view.with(Table::Segments, &number.to_be_bytes(), SegmentRow::decode)?.transpose()?;
        segments.extend(row.filter(|row| row.dead > 0).map(|row| (number, row)));
    }
    Ok(segments)
}
