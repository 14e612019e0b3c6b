//! Reading a segment from front to back.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use essaim_types::BlobId;

use crate::codec::{Check, Codecs};
use crate::disk::DiskFile;
use crate::index::rows::{Location, Place};
use crate::record::{RecordHeader, RecordKind};
use crate::transaction::Transaction;
use crate::wire::DecodeError;

/// How closely blobs are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Their headers only.
    Headers,
    /// Their bytes too.
    Bodies,
}

/// Reads the records of one segment in order.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    file: Arc<dyn DiskFile>,
    codecs: &'a Codecs,
    depth: Depth,
    segment: u32,
    offset: u64,
    length: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
}

/// One record.
#[derive(Debug)]
pub(crate) enum Scanned {
    Blob { id: BlobId, location: Location },
    Transaction { place: Place, transaction: Transaction },
}

/// Why a scan stopped before the end of the file.
#[derive(Debug)]
pub(crate) enum ScanError {
    /// There is no valid record at [`Scanner::place`].
    Bad(DecodeError),
    /// The file could not be read.
    Io(io::Error),
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(
        file: Arc<dyn DiskFile>,
        from: Place,
        codecs: &'a Codecs,
        depth: Depth,
    ) -> io::Result<Self> {
        let length = file.size()?;
        let Place { segment, offset } = from;
        Ok(Self { file, codecs, depth, segment, offset, length, buffer: Vec::new(), buffer_at: 0 })
    }

    /// Reads no further than to this offset.
    #[must_use]
    pub(crate) fn until(self, offset: u64) -> Self {
        Self { length: self.length.min(offset), ..self }
    }

    /// Where the next record begins.
    pub(crate) fn place(&self) -> Place {
        Place { segment: self.segment, offset: self.offset }
    }

    /// The next record; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Scanned>, ScanError> {
        if self.offset >= self.length {
            return Ok(None);
        }
        let place = self.place();
        let header = self.window(place.offset, RecordHeader::LEN)?.first_chunk().copied();
        let header = header.ok_or(CUT_OFF).and_then(|h| RecordHeader::decode(&h)).map_err(ScanError::Bad)?;
        if header.record_len() > self.length - place.offset {
            return Err(ScanError::Bad(CUT_OFF));
        }
        let scanned = match header.kind {
            RecordKind::Blob => {
                if self.depth == Depth::Bodies {
                    self.payload(&header)?;
                }
                let location = Location { place, stored: header.stored, plain: header.plain };
                Scanned::Blob { id: BlobId::from_bytes(header.hash), location }
            }
            RecordKind::Transaction => {
                let plain = self.payload(&header)?;
                let transaction = Transaction::decode(&plain).map_err(ScanError::Bad)?;
                Scanned::Transaction { place, transaction }
            }
        };
        self.offset += header.record_len();
        Ok(Some(scanned))
    }

    /// The header of the next record, if it is intact.
    pub(crate) fn header(&mut self) -> Result<Option<RecordHeader>, ScanError> {
        let header = self.window(self.offset, RecordHeader::LEN)?.first_chunk().copied();
        let header = header.and_then(|bytes| RecordHeader::decode(&bytes).ok());
        Ok(header.filter(|header| header.record_len() <= self.length - self.offset))
    }

    /// Goes on behind a damaged record: behind its payload, or else at the next intact header or the end of the file.
    pub(crate) fn skip_damage(&mut self) -> Result<(), ScanError> {
        if let Some(header) = self.header()? {
            self.offset += header.record_len();
            return Ok(());
        }
        while self.offset < self.length {
            self.offset += 1;
            if self.header()?.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn payload(&mut self, header: &RecordHeader) -> Result<Bytes, ScanError> {
        let offset = self.offset;
        let payload = self.window(offset + RecordHeader::LEN as u64, header.stored as usize)?;
        let payload = Bytes::copy_from_slice(payload);
        self.codecs.plain(header, payload, Check::Hash).map_err(ScanError::Bad)
    }

    /// Bytes of the file; fewer at its end.
    fn window(&mut self, offset: u64, length: usize) -> Result<&[u8], ScanError> {
        let within = |at: u64, buffer: &[u8]| {
            let from = usize::try_from(offset.checked_sub(at)?).ok()?;
            (from.checked_add(length)? <= buffer.len()).then_some(from)
        };
        let from = match within(self.buffer_at, &self.buffer) {
            Some(from) => from,
            None => {
                let ahead = if self.depth == Depth::Bodies { READ_AHEAD } else { READ_AHEAD_HEADERS };
                let left = usize::try_from(self.length - offset).unwrap_or(usize::MAX);
                self.buffer.resize(length.max(ahead).min(left), 0);
                self.file.read_exact_at(&mut self.buffer, offset).map_err(ScanError::Io)?;
                self.buffer_at = offset;
                0
            }
        };
        Ok(self.buffer.get(from..).map_or(&[], |rest| &rest[..length.min(rest.len())]))
    }
}

const CUT_OFF: DecodeError = DecodeError("the record is cut off");
const READ_AHEAD: usize = 1 << 20;
const READ_AHEAD_HEADERS: usize = 64 << 10;
