//! The segments that there are, and reading records from them. Handles of files are opened when asked for, and few kept.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;

use crate::codec::{Check, Codecs};
use crate::disk::{Disk, DiskFile, OpenMode};
use crate::error::ReadError;
use crate::index::rows::Place;
use crate::progress::StreamBytes;
use crate::record::{RecordHeader, RecordKind};
use crate::segment::file_name;
use crate::wire::DecodeError;

/// All segments of a store, for reading.
#[derive(Debug)]
pub(crate) struct Segments {
    disk: Arc<dyn Disk>,
    /// Number to revision.
    known: RwLock<BTreeMap<u32, u32>>,
    /// The handles used last, newest at the back.
    handles: Mutex<VecDeque<Handle>>,
}

#[derive(Debug)]
struct Handle {
    number: u32,
    revision: u32,
    file: Arc<dyn DiskFile>,
}

impl Segments {
    pub(crate) fn new(disk: Arc<dyn Disk>, known: BTreeMap<u32, u32>) -> Self {
        Self { disk, known: RwLock::new(known), handles: Mutex::default() }
    }

    /// Number and revision of each, in order.
    pub(crate) fn list(&self) -> Vec<(u32, u32)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(number, revision)| (*number, *revision)).collect()
    }

    /// The revision of a segment that is in use; `None` if there is no such segment.
    pub(crate) fn revision(&self, number: u32) -> Option<u32> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&number).copied()
    }

    /// The length of a segment's file.
    pub(crate) fn size(&self, number: u32) -> io::Result<u64> {
        self.file(number)?.size()
    }

    /// How the bytes of the stream from a place on are spread over segments.
    pub(crate) fn bytes(&self, start: Place) -> io::Result<StreamBytes> {
        let (mut before, mut total) = (Vec::new(), 0);
        for (number, _) in self.list().into_iter().filter(|(number, _)| *number >= start.segment) {
            before.push(total);
            let skipped = if number == start.segment { start.offset } else { 0 };
            total += self.size(number)?.saturating_sub(skipped);
        }
        Ok(StreamBytes { start, before, total })
    }

    /// From now on, this file is the segment of that number.
    pub(crate) fn adopt(&self, number: u32, revision: u32, file: Arc<dyn DiskFile>) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(number, revision);
        self.remember(number, revision, file);
    }

    /// The file of a segment.
    pub(crate) fn file(&self, number: u32) -> io::Result<Arc<dyn DiskFile>> {
        let revision = self.revision(number).ok_or(io::ErrorKind::NotFound)?;
        if let Some(file) = self.remembered(number, revision) {
            return Ok(file);
        }
        let file = self.disk.open(&file_name(number, revision), OpenMode::Existing)?;
        self.remember(number, revision, Arc::clone(&file));
        Ok(file)
    }

    /// Reads and checks one record.
    pub(crate) fn read(
        &self,
        place: Place,
        stored: u32,
        codecs: &Codecs,
        check: Check,
    ) -> Result<(RecordHeader, Bytes), ReadError> {
        let (header, record) = self.read_record(place, stored)?;
        let plain =
            codecs.plain(&header, record.slice(RecordHeader::LEN..), check).map_err(damaged(place))?;
        Ok((header, plain))
    }

    /// A record as it stands there, its header checked.
    pub(crate) fn read_record(&self, place: Place, stored: u32) -> Result<(RecordHeader, Bytes), ReadError> {
        let Place { segment, offset } = place;
        let fail = |source| ReadError::Segment { segment, source };
        let damaged = damaged(place);
        let mut record = vec![0; RecordHeader::LEN + stored as usize];
        self.file(segment).map_err(fail)?.read_exact_at(&mut record, offset).map_err(fail)?;
        let header = record.first_chunk().ok_or(DecodeError("the record is too short"));
        let header = header.and_then(RecordHeader::decode).map_err(&damaged)?;
        if header.stored != stored {
            return Err(damaged(DecodeError("the record has another length than the index says")));
        }
        Ok((header, Bytes::from(record)))
    }

    /// Reads the payload of a transaction whose length nobody wrote down.
    pub(crate) fn read_transaction(&self, place: Place, codecs: &Codecs) -> Result<Bytes, ReadError> {
        let Place { segment, offset } = place;
        let fail = |source| ReadError::Segment { segment, source };
        let damaged = damaged(place);
        let mut header = [0; RecordHeader::LEN];
        self.file(segment).map_err(fail)?.read_exact_at(&mut header, offset).map_err(fail)?;
        let header = RecordHeader::decode(&header).map_err(&damaged)?;
        if header.kind != RecordKind::Transaction {
            return Err(damaged(DecodeError("there is a blob where a transaction should be")));
        }
        Ok(self.read(place, header.stored, codecs, Check::Sum)?.1)
    }

    fn remembered(&self, number: u32, revision: u32) -> Option<Arc<dyn DiskFile>> {
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        let at = handles.iter().position(|h| h.number == number && h.revision == revision)?;
        let handle = handles.remove(at)?;
        let file = Arc::clone(&handle.file);
        handles.push_back(handle);
        Some(file)
    }

    fn remember(&self, number: u32, revision: u32, file: Arc<dyn DiskFile>) {
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that was replaced takes up space for as long as it is open.
        handles.retain(|h| h.number != number);
        if handles.len() >= HANDLES_MAX {
            handles.pop_front();
        }
        handles.push_back(Handle { number, revision, file });
    }
}

/// What a reader is told of a record that is not what was written.
pub(crate) fn damaged(place: Place) -> impl Fn(DecodeError) -> ReadError {
    move |error| ReadError::Damaged {
        segment: place.segment,
        offset: place.offset,
        reason: error.to_string(),
    }
}

/// File handles kept open.
const HANDLES_MAX: usize = 64;
