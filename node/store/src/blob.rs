//! Putting and reading blobs.

use std::borrow::Cow;
use std::sync::PoisonError;

use bytes::Bytes;
use essaim_types::{BlobId, ByteSize};

use crate::appender::Put;
use crate::codec::{Check, Content};
use crate::core::Core;
use crate::error::{AppendError, PutRecordError, ReadError};
use crate::index::rows::{BlobRow, Location};
use crate::index::{IndexError, Table};
use crate::record::{BLOB_MAX, RecordHeader, RecordKind};
use crate::wire::DecodeError;

/// Appends a blob unless it is there. Hashing and compressing happen before the stream's end is locked.
pub(crate) fn put_blob(core: &Core, content: Content, plain: &[u8]) -> Result<BlobId, AppendError> {
    let size = u32::try_from(plain.len()).ok().filter(|_| plain.len() <= BLOB_MAX);
    let Some(size) = size else {
        let (size, limit) = (ByteSize(plain.len() as u64), ByteSize(BLOB_MAX as u64));
        return Err(AppendError::TooLarge { size, limit });
    };
    let id = BlobId::of(plain);
    let record = || Cow::Owned(core.codecs.record(RecordKind::Blob, *id.as_bytes(), plain, content));
    append(core, id, size, record).map(|()| id)
}

/// Appends a record that another store made. It is unpacked and held against its id first, also if the blob is there: whoever only knows an id
/// must not come by the bytes.
pub(crate) fn put_record(core: &Core, record: &[u8]) -> Result<BlobId, PutRecordError> {
    let (header, payload) = record.split_first_chunk().ok_or(DecodeError("the record is too short"))?;
    let header = RecordHeader::decode(header)?;
    if header.kind != RecordKind::Blob || header.stored as usize != payload.len() {
        return Err(DecodeError("the record is not one of a blob, or has another length than it says").into());
    }
    core.codecs.plain(&header, Bytes::copy_from_slice(payload), Check::Hash)?;
    let id = BlobId::from_bytes(header.hash);
    append(core, id, header.plain, || Cow::Borrowed(record))?;
    Ok(id)
}

/// Appends what `make` makes, if it has to.
fn append<'r>(
    core: &Core,
    id: BlobId,
    size: u32,
    make: impl Fn() -> Cow<'r, [u8]>,
) -> Result<(), AppendError> {
    core.check().map_err(AppendError::Failed)?;
    let mut record = None;
    loop {
        let taken = core.appender.taken();
        let there = is_there(core, &id);
        if there.map_err(|error| AppendError::Failed(core.poison("read the index", error.0)))? {
            core.counters.blobs_known.add(1);
            return Ok(());
        }
        let record = record.get_or_insert_with(&make);
        let length = record.len();
        let put = core
            .check_space(length)
            .and_then(|()| core.appender.append_blob(id, record, size, taken))
            .map_err(|fault| core.append_error(fault))?;
        match put {
            Put::LookAgain => continue,
            Put::Known => core.counters.blobs_known.add(1),
            Put::Appended => {
                core.counters.blobs.add(1);
                core.counters.appended_bytes.add(length);
            }
        }
        return Ok(());
    }
}

/// A blob's bytes, checked: see [`RecordHeader::sum`](crate::RecordHeader::sum).
pub(crate) fn read_blob(core: &Core, id: &BlobId) -> Result<Bytes, ReadError> {
    read(core, id, |Location { place, stored, .. }| {
        core.segments.read(place, stored, &core.codecs, Check::Sum)
    })
}

/// A blob's record as it stands in its segment. Of the payload nothing is checked: whoever takes it unpacks it anyway.
pub(crate) fn read_record(core: &Core, id: &BlobId) -> Result<Bytes, ReadError> {
    read(core, id, |Location { place, stored, .. }| core.segments.read_record(place, stored))
}

fn read(
    core: &Core,
    id: &BlobId,
    read: impl FnOnce(Location) -> Result<(RecordHeader, Bytes), ReadError>,
) -> Result<Bytes, ReadError> {
    let _places = core.places.read().unwrap_or_else(PoisonError::into_inner);
    let location = find(core, id)?.ok_or(ReadError::NoSuchBlob { blob: *id })?;
    let (header, bytes) = read(location)?;
    if &header.hash != id.as_bytes() {
        let (segment, offset) = (location.place.segment, location.place.offset);
        return Err(ReadError::Damaged { segment, offset, reason: "another blob stands there".to_owned() });
    }
    Ok(bytes)
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
