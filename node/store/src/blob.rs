//! Putting and reading blobs.

use std::sync::PoisonError;

use bytes::Bytes;
use essaim_types::{BlobId, ByteSize};

use crate::appender::Put;
use crate::codec::{Check, Content};
use crate::core::Core;
use crate::error::{AppendError, ReadError};
use crate::index::rows::{BlobRow, Location};
use crate::index::{IndexError, Table};
use crate::record::{BLOB_MAX, Codec, RecordHeader, RecordKind};

/// Appends a blob unless it is there. Hashing and compressing happen before the stream's end is locked.
pub(crate) fn put_blob(core: &Core, content: Content, plain: &[u8]) -> Result<BlobId, AppendError> {
    let size = u32::try_from(plain.len()).ok().filter(|_| plain.len() <= BLOB_MAX);
    let Some(size) = size else {
        let (size, limit) = (ByteSize(plain.len() as u64), ByteSize(BLOB_MAX as u64));
        return Err(AppendError::TooLarge { size, limit });
    };
    core.check().map_err(AppendError::Failed)?;
    let id = BlobId::of(plain);
    let mut record = None;
    loop {
        let taken = core.appender.taken();
        let there = is_there(core, &id);
        if there.map_err(|error| AppendError::Failed(core.poison("read the index", error.0)))? {
            core.counters.blobs_known.add(1);
            return Ok(id);
        }
        let record = record
            .get_or_insert_with(|| core.codecs.record(RecordKind::Blob, *id.as_bytes(), plain, content));
        let put = core
            .check_space(record.len())
            .and_then(|()| core.appender.append_blob(id, record, size, taken))
            .map_err(|fault| core.append_error(fault))?;
        match put {
            Put::LookAgain => continue,
            Put::Known => core.counters.blobs_known.add(1),
            Put::Appended => {
                core.counters.blobs.add(1);
                core.counters.appended_bytes.add(record.len());
            }
        }
        return Ok(id);
    }
}

/// A blob's bytes, checked: see [`RecordHeader::sum`](crate::RecordHeader::sum).
pub(crate) fn read_blob(core: &Core, id: &BlobId) -> Result<Bytes, ReadError> {
    Ok(read(core, id, Check::Sum)?.1)
}

/// The same, checked against the id, and what the bytes were put as. Of what is stored raw that cannot be seen, and does not matter.
pub(crate) fn read_blob_to_send(core: &Core, id: &BlobId) -> Result<(Bytes, Content), ReadError> {
    let (header, plain) = read(core, id, Check::Hash)?;
    let content = match header.codec {
        Codec::ZstdMail1 | Codec::Lz4Mail1 => Content::Mail,
        Codec::Raw | Codec::Zstd => Content::Other,
    };
    Ok((plain, content))
}

fn read(core: &Core, id: &BlobId, check: Check) -> Result<(RecordHeader, Bytes), ReadError> {
    let _places = core.places.read().unwrap_or_else(PoisonError::into_inner);
    let location = find(core, id)?.ok_or(ReadError::NoSuchBlob { blob: *id })?;
    let (header, plain) = core.segments.read(location.place, location.stored, &core.codecs, check)?;
    if &header.hash != id.as_bytes() {
        let (segment, offset) = (location.place.segment, location.place.offset);
        return Err(ReadError::Damaged { segment, offset, reason: "another blob stands there".to_owned() });
    }
    Ok((header, plain))
}

/// Whether a blob need not be appended again. One that nothing names is kept from the garbage from now on, and looked up
/// again after that: it may have been swept in between.
fn is_there(core: &Core, id: &BlobId) -> Result<bool, IndexError> {
    if core.appender.find(id).is_some() {
        return Ok(true);
    }
    let row = index_row(core, id)?;
    match row.filter(|row| row.location.is_some()) {
        None => Ok(false),
        Some(row) if row.references > 0 => Ok(true),
        Some(_) => {
            core.appender.pin(*id, (core.options.clock)());
            Ok(index_row(core, id)?.is_some_and(|row| row.location.is_some()))
        }
    }
}

/// First among those that were just appended, then in the index: a blob goes from there to here, never back.
fn find(core: &Core, id: &BlobId) -> Result<Option<Location>, ReadError> {
    if let Some(location) = core.appender.find(id) {
        return Ok(Some(location));
    }
    Ok(index_row(core, id)?.and_then(|row| row.location))
}

fn index_row(core: &Core, id: &BlobId) -> Result<Option<BlobRow>, IndexError> {
    Ok(core.index.view()?.with(Table::Blobs, id.as_bytes(), BlobRow::decode)?.transpose()?)
}
