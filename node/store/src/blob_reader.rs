//! Reading blobs together: one look at the index for all of them, one read for neighbours on the disk, buffers that are used again.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, PoisonError};

use bytes::{Bytes, BytesMut};
use essaim_types::BlobId;

use crate::core::Core;
use crate::error::ReadError;
use crate::index::Table;
use crate::index::rows::{BlobRow, Location};
use crate::record::RecordHeader;
use crate::segments::damaged;
use crate::wire::DecodeError;

/// Reads some blobs after others. Its buffers are those of earlier calls again, once nobody holds bytes of them.
#[derive(Debug)]
pub struct BlobReader {
    core: Arc<Core>,
    records: Vec<u8>,
    /// One for each call whose bytes may still be held; the oldest first.
    plain: VecDeque<BytesMut>,
}

/// A blob that is wanted.
#[derive(Debug)]
struct Wanted {
    /// Its place among those asked for.
    number: usize,
    id: BlobId,
    location: Location,
    /// Where its bytes go.
    plain: Range<usize>,
}

impl BlobReader {
    pub(crate) fn new(core: Arc<Core>, buffers: usize) -> Self {
        Self { core, records: Vec::new(), plain: vec![BytesMut::new(); buffers].into() }
    }

    /// The bytes of each blob, checked as [`crate::Store::blob`] does, in the order of `ids`. All of them are in memory together, and one
    /// that somebody keeps holds the memory of all: ask for a few at a time.
    pub fn read(&mut self, ids: &[BlobId]) -> Result<Vec<Result<Bytes, ReadError>>, ReadError> {
        let core = Arc::clone(&self.core);
        let _places = core.places.read().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = locate(&core, ids)?;
        wanted.sort_unstable_by_key(|wanted| wanted.location.place);
        let mut length = 0;
        for wanted in &mut wanted {
            wanted.plain = length..length + wanted.location.plain as usize;
            length = wanted.plain.end;
        }
        let mut plain = self.plain.pop_front().unwrap_or_default();
        plain.clear();
        plain.resize(length, 0);
        let mut outcomes = Vec::with_capacity(wanted.len());
        for run in wanted.chunk_by(follows).flat_map(|run| run.chunks(RUN_RECORDS_MAX)) {
            self.read_run(run, &mut plain, &mut outcomes);
        }
        let filled = plain.split().freeze();
        self.plain.push_back(plain);
        let mut read: Vec<_> = ids.iter().map(|id| Err(ReadError::NoSuchBlob { blob: *id })).collect();
        for (wanted, outcome) in wanted.into_iter().zip(outcomes) {
            if let Some(slot) = read.get_mut(wanted.number) {
                *slot = outcome.map(|()| filled.slice(wanted.plain));
            }
        }
        Ok(read)
    }

    /// Records that stand close together.
    fn read_run(&mut self, run: &[Wanted], plain: &mut [u8], outcomes: &mut Vec<Result<(), ReadError>>) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
        let start = first.location.place;
        let length = usize::try_from(end(last) - start.offset).unwrap_or(usize::MAX);
        if self.records.len() < length {
            self.records.resize(length, 0);
        }
        let file = self.core.segments.file(start.segment);
        let whole = file.and_then(|file| file.read_exact_at(&mut self.records[..length], start.offset));
        if let (Err(_), [_, _, ..]) = (&whole, run) {
            // One may lie beyond the end of a file that was cut: the others are read all the same.
            run.chunks(1).for_each(|one| self.read_run(one, plain, outcomes));
            return;
        }
        if let Err(source) = whole {
            outcomes.push(Err(ReadError::Segment { segment: start.segment, source }));
            return;
        }
        for wanted in run {
            let at = usize::try_from(wanted.location.place.offset - start.offset).unwrap_or(usize::MAX);
            let record = self.records.get(at..).unwrap_or_default();
            let decoded = decode(&self.core, wanted, record, &mut plain[wanted.plain.clone()]);
            outcomes.push(decoded.map_err(damaged(wanted.location.place)));
        }
    }
}

/// The ones that are there. First among those that were just appended, then in the index as it is *after* that: a blob goes from there to
/// here, never back.
fn locate(core: &Core, ids: &[BlobId]) -> Result<Vec<Wanted>, ReadError> {
    let appended: Vec<_> = ids.iter().map(|id| core.appender.find(id)).collect();
    let view = core.index.view()?;
    let mut wanted = Vec::with_capacity(ids.len());
    for (number, (id, appended)) in ids.iter().zip(appended).enumerate() {
        let location = match appended {
            Some(location) => Some(location),
            None => {
                let row = view.with(Table::Blobs, id.as_bytes(), BlobRow::decode)?.transpose()?;
                row.and_then(|row| row.location)
            }
        };
        wanted.extend(location.map(|location| Wanted { number, id: *id, location, plain: 0..0 }));
    }
    Ok(wanted)
}

/// Whether reading both with what stands between them is cheaper than reading twice.
fn follows(one: &Wanted, next: &Wanted) -> bool {
    let (place, next_place) = (one.location.place, next.location.place);
    place.segment == next_place.segment && next_place.offset.saturating_sub(end(one)) <= GAP_MAX
}

fn end(wanted: &Wanted) -> u64 {
    wanted.location.place.offset + RecordHeader::LEN as u64 + u64::from(wanted.location.stored)
}

fn decode(core: &Core, wanted: &Wanted, record: &[u8], plain: &mut [u8]) -> Result<(), DecodeError> {
    let (header, payload) = record.split_first_chunk().ok_or(DecodeError("the record is too short"))?;
    let header = RecordHeader::decode(header)?;
    let Location { stored, plain: length, .. } = wanted.location;
    if (header.stored, header.plain) != (stored, length) {
        return Err(DecodeError("the record has another length than the index says"));
    }
    if &header.hash != wanted.id.as_bytes() {
        return Err(DecodeError("another blob stands there"));
    }
    let payload = payload.get(..stored as usize).ok_or(DecodeError("the record is too short"))?;
    core.codecs.plain_into(&header, payload, plain)
}

/// Bytes between two records that are read for nothing rather than asked for separately.
const GAP_MAX: u64 = 4 << 10;
/// Records read at once. A run is then at most so many gaps longer than what was asked for.
const RUN_RECORDS_MAX: usize = 64;
