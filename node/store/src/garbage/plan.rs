//! What of a segment stays, and whether it is worth rewriting.

use std::collections::HashMap;

use essaim_types::{AccountId, BlobId, Lsn, Timestamp};

use crate::core::Core;
use crate::error::ReadError;
use crate::index::Table;
use crate::index::rows::{BlobRow, Location, Place, SegmentRow};
use crate::scan::{Depth, ScanError, Scanned, Scanner};
use crate::segment::SegmentHeader;

/// How to rewrite a segment.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) segment: u32,
    pub(super) row: SegmentRow,
    pub(super) length: u64,
    /// Runs of bytes that stay, in order.
    pub(super) runs: Vec<(u64, u64)>,
    /// Blobs that stay, and those that go.
    pub(super) kept: Vec<(BlobId, Location)>,
    pub(super) swept: Vec<(BlobId, Location)>,
    /// Where transactions are.
    pub(super) log: Vec<(AccountId, Lsn, u64)>,
}

/// `None` if less than half of the segment would go.
pub(super) fn plan(
    core: &Core,
    segment: u32,
    row: SegmentRow,
    length: u64,
    since: Timestamp,
) -> Result<Option<Plan>, ReadError> {
    if row.dead < length / 2 {
        return Ok(None);
    }
    let view = core.index.view()?;
    let fail = |source| ReadError::Segment { segment, source };
    let start = Place { segment, offset: SegmentHeader::LEN };
    let file = core.segments.file(segment).map_err(fail)?;
    let mut scanner = Scanner::new(file, start, &core.codecs, Depth::Headers).map_err(fail)?;
    let mut plan =
        Plan { segment, row, length, runs: Vec::new(), kept: Vec::new(), swept: Vec::new(), log: Vec::new() };
    let mut stays = SegmentHeader::LEN;
    loop {
        let from = scanner.place().offset;
        let scanned = match scanner.next() {
            Ok(Some(scanned)) => scanned,
            Ok(None) => break,
            Err(ScanError::Io(source)) => return Err(fail(source)),
            Err(ScanError::Bad(reason)) => {
                return Err(ReadError::Damaged { segment, offset: from, reason: reason.to_string() });
            }
        };
        let keep = match scanned {
            Scanned::Transaction { transaction, .. } => {
                plan.log.extend(transaction.groups.iter().map(|group| (group.account, group.lsn, from)));
                true
            }
            Scanned::Blob { id, location } => {
                let row = view.with(Table::Blobs, id.as_bytes(), BlobRow::decode)?.transpose()?;
                match row.filter(|row| row.location == Some(location)) {
                    // It stands in the stream twice, and the other place counts.
                    None => false,
                    Some(row) => {
                        let young = row.idle_since > since || core.appender.is_pinned(&id, since);
                        let keep = row.references > 0 || young;
                        if keep { &mut plan.kept } else { &mut plan.swept }.push((id, location));
                        keep
                    }
                }
            }
        };
        if keep {
            let to = scanner.place().offset;
            match plan.runs.last_mut() {
                Some((_, end)) if *end == from => *end = to,
                _ => plan.runs.push((from, to)),
            }
            stays += to - from;
        }
    }
    Ok((stays <= length / 2).then_some(plan))
}

impl Plan {
    /// From an offset in the old file to the one in the new.
    pub(super) fn offsets(&self) -> HashMap<u64, u64> {
        let mut offsets = HashMap::new();
        let (mut removed, mut end) = (0, SegmentHeader::LEN);
        let mut records: Vec<u64> = self.kept.iter().map(|(_, location)| location.place.offset).collect();
        records.extend(self.log.iter().map(|(_, _, offset)| *offset));
        records.sort_unstable();
        let mut records = records.into_iter().peekable();
        for (from, to) in &self.runs {
            removed += from - end;
            end = *to;
            while let Some(offset) = records.next_if(|offset| offset < to) {
                offsets.insert(offset, offset - removed);
            }
        }
        offsets
    }
}
