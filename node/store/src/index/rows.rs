//! The rows of the index: keys and values. Object rows are in `object`.

use bytes::Bytes;
use essaim_types::{ByteSize, Lsn, NodeSeq, ObjectKind, Timestamp};

use crate::account::AccountStatus;
use crate::record::RecordHeader;
use crate::wire::{DecodeError, Reader, put_varint};

/// A place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
}

/// The only row of `meta-1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Everything before it is applied.
    pub(crate) applied: Place,
    pub(crate) next_seq: NodeSeq,
    pub(crate) next_local: u32,
    /// The store that it was computed from.
    pub(crate) store: [u8; 16],
}

/// An account's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccountRow {
    /// Short name of the account in keys; never used again.
    pub(crate) local: u32,
    pub(crate) lsn: Lsn,
    /// 0 means none.
    pub(crate) quota: ByteSize,
    pub(crate) used: ByteSize,
    pub(crate) objects: u64,
    /// The log tells everything after it.
    pub(crate) base: Lsn,
    pub(crate) status: AccountStatus,
    /// The highest LSN of an object that was adopted.
    pub(crate) copied: Lsn,
}

/// Where a blob is and how often it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlobRow {
    /// `None`: named by the log's past, but swept since.
    pub(crate) location: Option<Location>,
    pub(crate) references: u64,
    /// Unnamed since then; meaningless while it is named.
    pub(crate) idle_since: Timestamp,
}

/// Where a record is and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) place: Place,
    pub(crate) stored: u32,
    pub(crate) plain: u32,
}

/// A segment that was rewritten or has dead bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SegmentRow {
    pub(crate) revision: u32,
    /// Bytes of records of blobs that nothing names.
    pub(crate) dead: u64,
}

impl Place {
    /// Bytes of stream from here to a later place, roughly where another segment began in between.
    pub(crate) fn bytes_to(self, later: Self) -> u64 {
        if self.segment == later.segment { later.offset - self.offset } else { later.offset }
    }

    fn put(self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.segment));
        put_varint(out, self.offset);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { segment: reader.varint_u32()?, offset: reader.varint()? })
    }

    pub(crate) fn encode(self) -> Bytes {
        row(|out| self.put(out))
    }

    pub(crate) fn decode(row: &[u8]) -> Result<Self, DecodeError> {
        whole(row, Self::read)
    }
}

impl Location {
    /// Bytes of the record, with its header.
    pub(crate) fn record_len(&self) -> i64 {
        RecordHeader::LEN as i64 + i64::from(self.stored)
    }
}

impl Meta {
    pub(crate) fn encode(&self) -> Bytes {
        row(|out| {
            out.extend_from_slice(&self.store);
            self.applied.put(out);
            put_varint(out, self.next_seq.0);
            put_varint(out, u64::from(self.next_local));
        })
    }

    pub(crate) fn decode(row: &[u8]) -> Result<Self, DecodeError> {
        whole(row, |reader| {
            Ok(Self {
                store: reader.array()?,
                applied: Place::read(reader)?,
                next_seq: NodeSeq(reader.varint()?),
                next_local: reader.varint_u32()?,
            })
        })
    }
}

impl AccountRow {
    pub(crate) fn encode(&self) -> Bytes {
        row(|out| {
            for number in [u64::from(self.local), self.lsn.0, self.quota.0, self.used.0, self.objects] {
                put_varint(out, number);
            }
            put_varint(out, self.base.0);
            out.push(self.status.number());
            put_varint(out, self.copied.0);
        })
    }

    pub(crate) fn decode(row: &[u8]) -> Result<Self, DecodeError> {
        whole(row, |reader| {
            Ok(Self {
                local: reader.varint_u32()?,
                lsn: Lsn(reader.varint()?),
                quota: ByteSize(reader.varint()?),
                used: ByteSize(reader.varint()?),
                objects: reader.varint()?,
                base: Lsn(reader.varint()?),
                status: AccountStatus::from_number(reader.u8()?)?,
                copied: Lsn(reader.varint()?),
            })
        })
    }
}

impl BlobRow {
    pub(crate) fn encode(&self) -> Bytes {
        row(|out| {
            put_varint(out, self.references);
            match self.location {
                None => put_varint(out, 0),
                Some(Location { place, stored, plain }) => {
                    place.put(out);
                    put_varint(out, u64::from(stored));
                    put_varint(out, u64::from(plain));
                }
            }
            if self.references == 0 {
                put_time(out, self.idle_since);
            }
        })
    }

    pub(crate) fn decode(row: &[u8]) -> Result<Self, DecodeError> {
        whole(row, |reader| {
            let references = reader.varint()?;
            let location = match reader.varint_u32()? {
                0 => None,
                segment => Some(Location {
                    place: Place { segment, offset: reader.varint()? },
                    stored: reader.varint_u32()?,
                    plain: reader.varint_u32()?,
                }),
            };
            let idle_since = if references == 0 { read_time(reader)? } else { Timestamp(0) };
            Ok(Self { location, references, idle_since })
        })
    }
}

impl SegmentRow {
    pub(crate) fn encode(&self) -> Bytes {
        row(|out| {
            put_varint(out, u64::from(self.revision));
            put_varint(out, self.dead);
        })
    }

    pub(crate) fn decode(row: &[u8]) -> Result<Self, DecodeError> {
        whole(row, |reader| Ok(Self { revision: reader.varint_u32()?, dead: reader.varint()? }))
    }
}

/// The key of an object or of its derived bytes.
pub(crate) fn object_key(local: u32, kind: ObjectKind, key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(OBJECT_PREFIX + key.len());
    out.extend_from_slice(&local.to_be_bytes());
    out.push(kind.0);
    out.extend_from_slice(key);
    out
}

/// Splits what [`object_key`] made.
pub(crate) fn split_object_key(key: &[u8]) -> Result<(u32, ObjectKind, &[u8]), DecodeError> {
    let mut reader = Reader::new(key);
    let local = u32::from_be_bytes(reader.array()?);
    Ok((local, ObjectKind(reader.u8()?), reader.rest()))
}

/// The key of a transaction in an account's log.
pub(crate) fn log_key(local: u32, lsn: Lsn) -> [u8; 12] {
    let mut out = [0; 12];
    out[..4].copy_from_slice(&local.to_be_bytes());
    out[4..].copy_from_slice(&lsn.0.to_be_bytes());
    out
}

/// Splits what [`log_key`] made.
pub(crate) fn split_log_key(key: &[u8]) -> Result<(u32, Lsn), DecodeError> {
    let mut reader = Reader::new(key);
    let parts = (u32::from_be_bytes(reader.array()?), Lsn(u64::from_be_bytes(reader.array()?)));
    reader.end()?;
    Ok(parts)
}

/// The id in a key of `accounts-2` or `blobs-1`.
pub(crate) fn split_id(key: &[u8]) -> Result<[u8; 32], DecodeError> {
    whole(key, Reader::array)
}

/// Length of what stands before an object's own key.
pub(crate) const OBJECT_PREFIX: usize = 5;
/// The key of the only row of `meta-1`.
pub(crate) const META_KEY: &[u8] = b"state";

fn row(fill: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::with_capacity(48);
    fill(&mut out);
    out.into()
}

fn whole<'a, T>(
    row: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut reader = Reader::new(row);
    let value = read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    put_varint(out, u64::try_from(time.0).unwrap_or(0));
}

fn read_time(reader: &mut Reader<'_>) -> Result<Timestamp, DecodeError> {
    i64::try_from(reader.varint()?).map(Timestamp).map_err(|_| DecodeError("the time is out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back_as_written() {
        let place = Place { segment: 7, offset: 1 << 33 };
        let location = Some(Location { place, stored: 900, plain: 1000 });
        let meta = Meta { applied: place, next_seq: NodeSeq(9), next_local: 4, store: [8; 16] };
        assert_eq!(Meta::decode(&meta.encode()), Ok(meta));
        let account = AccountRow {
            local: 1,
            lsn: Lsn(2),
            quota: ByteSize(3),
            used: ByteSize(4),
            objects: 5,
            base: Lsn(6),
            status: AccountStatus::Adopting,
            copied: Lsn(7),
        };
        assert_eq!(AccountRow::decode(&account.encode()), Ok(account));
        for (location, references) in [(location, 0), (location, 3), (None, 2)] {
            let idle_since = Timestamp(if references == 0 { 77 } else { 0 });
            let blob = BlobRow { location, references, idle_since };
            assert_eq!(BlobRow::decode(&blob.encode()), Ok(blob));
        }
        let key = object_key(3, ObjectKind::MESSAGE, b"key");
        assert_eq!(split_object_key(&key), Ok((3, ObjectKind::MESSAGE, &b"key"[..])));
        let segment = SegmentRow { revision: 2, dead: 99 };
        assert_eq!(SegmentRow::decode(&segment.encode()), Ok(segment));
        assert_eq!(split_log_key(&log_key(3, Lsn(4))), Ok((3, Lsn(4))));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            _ = Meta::decode(&bytes);
            _ = AccountRow::decode(&bytes);
            _ = BlobRow::decode(&bytes);
            _ = SegmentRow::decode(&bytes);
            _ = Place::decode(&bytes);
            _ = split_object_key(&bytes);
            _ = split_log_key(&bytes);
            _ = split_id(&bytes);
            _ = crate::object::ObjectRef::decode(&bytes);
        }
    }
}
