//! Applying to the index what the stream holds beyond it. From zero, this is a rebuild.

use std::io;

use essaim_types::BlobId;

use crate::appender::{AppendFault, create_segment};
use crate::applier::Applier;
use crate::codec::Codecs;
use crate::disk::{Disk, OpenMode};
use crate::error::OpenError;
use crate::fold::FoldError;
use crate::format::StoreId;
use crate::index::Index;
use crate::index::rows::{Location, Meta, Place};
use crate::open::LOST;
use crate::progress::{Progress, Step};
use crate::scan::{Depth, ScanError, Scanned, Scanner};
use crate::segment::{FIRST, FOLDER, SegmentHeader, file_name};
use crate::segments::Segments;

/// What a replay found.
pub(crate) struct Replayed {
    pub(crate) meta: Meta,
    /// Where the stream goes on.
    pub(crate) end: Place,
    /// Blobs behind the last transaction: not in the index yet.
    pub(crate) blobs: Vec<(BlobId, Location)>,
}

/// The stream of a store that is being opened.
pub(crate) struct Stream<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) segments: &'a Segments,
    pub(crate) codecs: &'a Codecs,
    pub(crate) store: StoreId,
}

impl Stream<'_> {
    /// Replays to the end of the stream, and cuts off a torn end.
    pub(crate) fn replay(
        &self,
        index: &Index,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Replayed, OpenError> {
        let mut applier = Applier::new(index, self.store)?;
        let applied = applier.meta().applied;
        self.check_headers(applied.segment)?;
        let list: Vec<u32> = self.segments.list().into_iter().map(|(number, _)| number).collect();
        let last = list.last().copied().unwrap_or(FIRST);
        self.sync(last).map_err(OpenError::io("sync the last segment"))?;
        self.check_reaches(applied, last)?;
        let bytes = self.segments.bytes(applied).map_err(OpenError::io("read the lengths of segments"))?;
        let mut end = applied;
        for number in list.into_iter().filter(|number| *number >= applied.segment) {
            let start = Place { segment: number, offset: SegmentHeader::LEN };
            let from = if number == applied.segment { applied } else { start };
            // Segments before the last were synced whole before the next was begun.
            let depth = if number == last { Depth::Bodies } else { Depth::Headers };
            if from == start {
                applier.segment(number, self.segments.revision(number).unwrap_or(0));
            }
            let mut tell = |place: Place| progress(bytes.at(Step::Segments, place));
            let (stop, wrong) = self.segment(&mut applier, from, depth, &mut tell)?;
            match wrong {
                None => {}
                Some(_) if number == last => self.cut(stop)?,
                Some(reason) => {
                    return Err(OpenError::Damaged { segment: number, offset: stop.offset, reason });
                }
            }
            end = stop;
        }
        let (meta, blobs) = applier.finish()?;
        Ok(Replayed { meta, end, blobs })
    }

    /// Applies a segment from a place on; returns where its valid records end, and what is wrong there if that is not the
    /// end of the file.
    fn segment(
        &self,
        applier: &mut Applier<'_>,
        from: Place,
        depth: Depth,
        tell: &mut dyn FnMut(Place),
    ) -> Result<(Place, Option<String>), OpenError> {
        let fail = |source| OpenError::Io { attempt: format!("read segment {}", from.segment), source };
        let file = self.segments.file(from.segment).map_err(fail)?;
        let mut scanner = Scanner::new(file, from, self.codecs, depth).map_err(fail)?;
        loop {
            match scanner.next() {
                Ok(None) => return Ok((scanner.place(), None)),
                Ok(Some(Scanned::Blob { id, location })) => applier.blob(id, location),
                Ok(Some(Scanned::Transaction { place, transaction })) => {
                    applier
                        .transaction(&transaction, place, scanner.place())
                        .map_err(|error| damaged(place, error))?;
                    tell(scanner.place());
                }
                Err(ScanError::Bad(reason)) => return Ok((scanner.place(), Some(reason.to_string()))),
                Err(ScanError::Io(error)) => return Err(fail(error)),
            }
        }
    }

    /// A process that was killed may have left records that are written and not synced. They will be shown, and the index be
    /// built on them: first they are made durable.
    fn sync(&self, last: u32) -> io::Result<()> {
        self.segments.file(last)?.sync()?;
        self.disk.sync_folder(FOLDER)
    }

    fn check_reaches(&self, applied: Place, last: u32) -> Result<(), OpenError> {
        let Place { segment, offset } = applied;
        let lost = OpenError::SegmentsLost { segment, offset };
        if segment > last {
            return Err(lost);
        }
        let fail = OpenError::io(format!("read segment {segment}"));
        let length = self.segments.size(segment).map_err(fail)?;
        if length < offset { Err(lost) } else { Ok(()) }
    }

    /// Checks the headers of segments. The first is made if there is none; a last one whose making was torn is made again.
    fn check_headers(&self, from: u32) -> Result<(), OpenError> {
        let list = self.segments.list();
        let Some((last, _)) = list.last().copied() else { return self.create(FIRST) };
        for (segment, revision) in list.into_iter().filter(|(number, _)| *number >= from) {
            let fail = OpenError::io(format!("read segment {segment}"));
            let file = self.segments.file(segment).map_err(fail)?;
            let mut bytes = [0; 40];
            let header =
                file.read_exact_at(&mut bytes, 0).ok().and_then(|()| SegmentHeader::decode(&bytes).ok());
            match header {
                Some(header) if header.store != self.store => {
                    return Err(OpenError::SegmentForeign { segment });
                }
                Some(header) if (header.number, header.revision) == (segment, revision) => {}
                None if segment == last && file.size().is_ok_and(|size| size <= SegmentHeader::LEN) => {
                    let fail = OpenError::io(format!("remove segment {segment}, whose making was torn"));
                    self.disk.remove(&file_name(segment, revision)).map_err(fail)?;
                    self.create(segment)?;
                }
                _ => {
                    let reason = "its header is damaged".to_owned();
                    return Err(OpenError::Damaged { segment, offset: 0, reason });
                }
            }
        }
        Ok(())
    }

    fn create(&self, number: u32) -> Result<(), OpenError> {
        let file = create_segment(self.disk, number, self.store).map_err(|fault| {
            let source = match fault {
                AppendFault::NoSpace => io::ErrorKind::StorageFull.into(),
                AppendFault::Io(error) => error,
            };
            OpenError::Io { attempt: format!("make segment {number}"), source }
        })?;
        self.segments.adopt(number, 0, file);
        Ok(())
    }

    /// Cuts the stream at its last valid record. What is cut off was never answered for; it is kept in lost+found.
    fn cut(&self, end: Place) -> Result<(), OpenError> {
        let Place { segment, offset } = end;
        let cut = || {
            let file = self.segments.file(segment)?;
            let mut torn = vec![0; usize::try_from(file.size()? - offset).unwrap_or(usize::MAX)];
            file.read_exact_at(&mut torn, offset)?;
            if torn.iter().any(|byte| *byte != 0) {
                let name = format!("{LOST}/{segment:010}-{offset}");
                let kept = self.disk.open(&name, OpenMode::Any)?;
                kept.set_len(0)?;
                kept.write_all_at(&torn, 0)?;
                kept.sync()?;
                self.disk.sync_folder(LOST)?;
                tracing::warn!(
                    segment,
                    offset,
                    size_bytes = torn.len(),
                    "a torn end was cut off and kept in {name}"
                );
            }
            file.set_len(offset)?;
            file.sync()
        };
        cut().map_err(OpenError::io(format!("cut the torn end off segment {segment}")))
    }
}

fn damaged(place: Place, error: FoldError) -> OpenError {
    let Place { segment, offset } = place;
    match error {
        FoldError::Index(error) => error.into(),
        error => OpenError::Damaged { segment, offset, reason: error.to_string() },
    }
}
