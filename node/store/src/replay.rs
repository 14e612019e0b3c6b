//! Applying to the index what the stream holds beyond it. From zero, this is a rebuild.

use essaim_types::{BlobId, NodeSeq, Timestamp};

use crate::appender::{AppendFault, create_segment};
use crate::codec::Codecs;
use crate::disk::{Disk, OpenMode};
use crate::error::OpenError;
use crate::fold::{self, FoldError};
use crate::format::StoreId;
use crate::index::rows::{Location, META_KEY, Meta, Place};
use crate::index::{Index, Table};
use crate::open::LOST;
use crate::overlay::Overlay;
use crate::scan::{Depth, ScanError, Scanned, Scanner};
use crate::segment::{FIRST, SegmentHeader, file_name};
use crate::segments::Segments;

/// What a replay found.
pub(crate) struct Replayed {
    pub(crate) meta: Meta,
    /// Where the stream goes on.
    pub(crate) end: Place,
    /// Blobs behind the last transaction: not in the index yet.
    pub(crate) blobs: Vec<(BlobId, Location)>,
}

/// Reads on from where the index is.
pub(crate) struct Replay<'a> {
    segments: &'a Segments,
    codecs: &'a Codecs,
    index: &'a Index,
    meta: Meta,
    overlay: Overlay,
    /// Blobs that stand before a transaction not yet seen.
    waiting: Vec<(BlobId, Location)>,
    /// Stream bytes in the overlay.
    gathered: u64,
    /// Stream bytes applied since the last checkpoint.
    unsynced: u64,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(
        segments: &'a Segments,
        codecs: &'a Codecs,
        index: &'a Index,
        store: StoreId,
    ) -> Result<Self, OpenError> {
        let view = index.view()?;
        let meta = view
            .with(Table::Meta, META_KEY, Meta::decode)?
            .transpose()
            .map_err(|e| OpenError::Index(Box::new(e)))?;
        let start = Place { segment: FIRST, offset: SegmentHeader::LEN };
        let fresh = Meta { applied: start, next_seq: NodeSeq(1), next_local: 1, time: Timestamp(0), store };
        let meta = meta.unwrap_or(fresh);
        let overlay = Overlay::new(view, meta.next_local);
        Ok(Self { segments, codecs, index, meta, overlay, waiting: Vec::new(), gathered: 0, unsynced: 0 })
    }

    /// Up to where the index is computed.
    pub(crate) fn applied(&self) -> Place {
        self.meta.applied
    }

    /// Reads a segment from `from` on; returns where its valid records end, and what is wrong there if that is not the end of
    /// the file.
    pub(crate) fn segment(
        &mut self,
        from: Place,
        depth: Depth,
    ) -> Result<(Place, Option<String>), OpenError> {
        let fail = |source| OpenError::Io { attempt: format!("read segment {}", from.segment), source };
        let file = self.segments.file(from.segment).map_err(fail)?;
        let mut scanner = Scanner::new(file, from, self.codecs, depth).map_err(fail)?;
        loop {
            let scanned = match scanner.next() {
                Ok(None) => return Ok((scanner.place(), None)),
                Ok(Some(scanned)) => scanned,
                Err(ScanError::Bad(reason)) => return Ok((scanner.place(), Some(reason.to_string()))),
                Err(ScanError::Io(error)) => return Err(fail(error)),
            };
            match scanned {
                Scanned::Blob { id, location } => self.waiting.push((id, location)),
                Scanned::Transaction { place, transaction } => {
                    let damaged = |e: FoldError| damaged(place, e);
                    if transaction.node_seq != self.meta.next_seq {
                        let (found, expected) = (transaction.node_seq, self.meta.next_seq);
                        return Err(OpenError::Damaged {
                            segment: place.segment,
                            offset: place.offset,
                            reason: format!("transaction {found} stands where {expected} should"),
                        });
                    }
                    for (id, location) in self.waiting.drain(..) {
                        self.overlay.add_blob(id, location)?;
                    }
                    fold::apply(&mut self.overlay, &transaction, place).map_err(damaged)?;
                    let end = scanner.place();
                    self.advance(end, transaction.time)?;
                }
            }
        }
    }

    fn advance(&mut self, end: Place, time: Timestamp) -> Result<(), OpenError> {
        let before = self.meta.applied;
        let from = if before.segment == end.segment { before.offset } else { 0 };
        self.gathered += end.offset - from;
        self.meta.applied = end;
        self.meta.time = time;
        self.meta.next_seq.0 += 1;
        if self.gathered >= GATHER { self.flush() } else { Ok(()) }
    }

    /// Hands what was gathered to the index.
    pub(crate) fn flush(&mut self) -> Result<(), OpenError> {
        if self.gathered == 0 {
            return Ok(());
        }
        self.meta.next_local = self.overlay.next_local;
        let fresh = Overlay::new(self.index.view()?, self.meta.next_local);
        let mut batch = std::mem::replace(&mut self.overlay, fresh).into_batch()?;
        batch.put(Table::Meta, META_KEY, self.meta.encode());
        self.index.apply(&batch)?;
        self.overlay = Overlay::new(self.index.view()?, self.meta.next_local);
        self.unsynced += std::mem::take(&mut self.gathered);
        if self.unsynced >= CHECKPOINT { self.checkpoint() } else { Ok(()) }
    }

    fn checkpoint(&mut self) -> Result<(), OpenError> {
        self.index.checkpoint()?;
        self.unsynced = 0;
        Ok(())
    }

    /// Nothing more to read.
    pub(crate) fn finish(mut self, end: Place) -> Result<Replayed, OpenError> {
        self.flush()?;
        if self.unsynced > 0 {
            self.checkpoint()?;
        }
        Ok(Replayed { meta: self.meta, end, blobs: self.waiting })
    }
}

/// Replays to the end of the stream, and cuts off a torn end.
pub(crate) fn replay(
    disk: &dyn Disk,
    segments: &Segments,
    codecs: &Codecs,
    index: &Index,
    store: StoreId,
) -> Result<Replayed, OpenError> {
    let mut replay = Replay::new(segments, codecs, index, store)?;
    let applied = replay.applied();
    check_headers(disk, segments, store, applied.segment)?;
    let list = segments.list();
    let last = list.last().map_or(FIRST, |(number, _)| *number);
    check_reaches(segments, applied, last)?;
    let mut end = applied;
    for (number, _) in list.into_iter().filter(|(number, _)| *number >= applied.segment) {
        let from = if number == applied.segment {
            applied
        } else {
            Place { segment: number, offset: SegmentHeader::LEN }
        };
        // Segments before the last were synced whole before the next was begun.
        let depth = if number == last { Depth::Bodies } else { Depth::Headers };
        let (stop, wrong) = replay.segment(from, depth)?;
        if let Some(reason) = wrong {
            if number != last {
                return Err(OpenError::Damaged { segment: number, offset: stop.offset, reason });
            }
            cut(disk, segments, stop)?;
        }
        end = stop;
    }
    replay.finish(end)
}

fn check_reaches(segments: &Segments, applied: Place, last: u32) -> Result<(), OpenError> {
    let Place { segment, offset } = applied;
    let lost = OpenError::SegmentsLost { segment, offset };
    if segment > last {
        return Err(lost);
    }
    let fail = OpenError::io(format!("read segment {segment}"));
    let length = segments.file(segment).and_then(|file| file.size()).map_err(fail)?;
    if length < offset { Err(lost) } else { Ok(()) }
}

/// Cuts the stream at its last valid record. What is cut off was never answered for; it is kept in lost+found all the same.
fn cut(disk: &dyn Disk, segments: &Segments, end: Place) -> Result<(), OpenError> {
    let cut = || {
        let file = segments.file(end.segment)?;
        let length = usize::try_from(file.size()? - end.offset).unwrap_or(usize::MAX);
        let mut torn = vec![0; length];
        file.read_exact_at(&mut torn, end.offset)?;
        if torn.iter().any(|byte| *byte != 0) {
            let kept = disk.open(&format!("{LOST}/{:010}-{}", end.segment, end.offset), OpenMode::Any)?;
            kept.set_len(0)?;
            kept.write_all_at(&torn, 0)?;
            kept.sync()?;
            disk.sync_folder(LOST)?;
            tracing::warn!(
                segment = end.segment,
                offset = end.offset,
                size_bytes = length,
                "a torn end was cut off the stream and kept in lost+found"
            );
        }
        file.set_len(end.offset)?;
        file.sync()
    };
    cut().map_err(OpenError::io(format!("cut the torn end off segment {}", end.segment)))
}

/// The segments' files, their headers checked; the first is made, and a last one whose making was torn is made again.
fn check_headers(disk: &dyn Disk, segments: &Segments, store: StoreId, from: u32) -> Result<(), OpenError> {
    let list = segments.list();
    let last = list.last().map(|(number, _)| *number);
    if last.is_none() {
        return create(disk, segments, FIRST, store);
    }
    for (number, revision) in list.into_iter().filter(|(number, _)| *number >= from) {
        let fail = OpenError::io(format!("read segment {number}"));
        let file = segments.file(number).map_err(fail)?;
        let mut bytes = [0; 40];
        let header = file.read_exact_at(&mut bytes, 0).ok().and_then(|()| SegmentHeader::decode(&bytes).ok());
        match header {
            Some(header) if header.store != store => {
                return Err(OpenError::SegmentForeign { segment: number });
            }
            Some(header) if (header.number, header.revision) == (number, revision) => {}
            None if Some(number) == last && file.size().is_ok_and(|size| size <= SegmentHeader::LEN) => {
                disk.remove(&file_name(number, revision))
                    .map_err(OpenError::io("remove a segment whose making was torn"))?;
                create(disk, segments, number, store)?;
            }
            _ => {
                let reason = "its header is damaged".to_owned();
                return Err(OpenError::Damaged { segment: number, offset: 0, reason });
            }
        }
    }
    Ok(())
}

fn create(disk: &dyn Disk, segments: &Segments, number: u32, store: StoreId) -> Result<(), OpenError> {
    let file = create_segment(disk, number, store).map_err(|fault| {
        let source = match fault {
            AppendFault::NoSpace => std::io::ErrorKind::StorageFull.into(),
            AppendFault::Io(error) => error,
        };
        OpenError::Io { attempt: format!("make segment {number}"), source }
    })?;
    segments.adopt(number, 0, file);
    Ok(())
}

fn damaged(place: Place, error: FoldError) -> OpenError {
    match error {
        FoldError::Index(error) => error.into(),
        error => {
            OpenError::Damaged { segment: place.segment, offset: place.offset, reason: error.to_string() }
        }
    }
}

/// Stream bytes gathered for one batch of the index.
const GATHER: u64 = 8 << 20;
/// Stream bytes between two checkpoints of a long replay.
const CHECKPOINT: u64 = 256 << 20;
