//! What an account holds: typed objects with a key, a value, a charge against the quota and the blobs they name.

use bytes::Bytes;
use essaim_types::{BlobId, ByteSize, Lsn};

use crate::wire::{DecodeError, Reader, put_bytes, put_varint};

/// An object as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The account's LSN at the last change of this object.
    pub lsn: Lsn,
    /// What it counts against the quota.
    pub charge: ByteSize,
    /// The blobs that it keeps alive, in the order given; one may stand there twice.
    pub blobs: Vec<BlobId>,
    /// Bytes that only the layer above understands; it begins them with a version.
    pub value: Bytes,
}

/// A new value for an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Put {
    /// See [`Object::charge`].
    pub charge: ByteSize,
    /// See [`Object::blobs`].
    pub blobs: Vec<BlobId>,
    /// See [`Object::value`].
    pub value: Vec<u8>,
}

impl Put {
    /// A value that names no blob and is not charged.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self { value: value.into(), ..Self::default() }
    }

    /// The same, charged.
    #[must_use]
    pub fn charge(self, charge: ByteSize) -> Self {
        Self { charge, ..self }
    }

    /// The same, naming these blobs.
    #[must_use]
    pub fn blobs(self, blobs: impl Into<Vec<BlobId>>) -> Self {
        Self { blobs: blobs.into(), ..self }
    }
}

/// An object read in place, without a copy: see [`crate::Snapshot::scan`].
#[derive(Debug, Clone, Copy)]
pub struct ObjectRef<'a> {
    /// See [`Object::lsn`].
    pub lsn: Lsn,
    /// See [`Object::charge`].
    pub charge: ByteSize,
    /// See [`Object::value`].
    pub value: &'a [u8],
    blobs: &'a [[u8; BlobId::LEN]],
}

impl<'a> ObjectRef<'a> {
    /// See [`Object::blobs`].
    pub fn blobs(&self) -> impl ExactSizeIterator<Item = BlobId> + use<'a> {
        self.blobs.iter().map(|id| BlobId::from_bytes(*id))
    }

    pub(crate) fn decode(row: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(row);
        let lsn = Lsn(reader.varint()?);
        let (charge, blobs) = decode_body(&mut reader)?;
        Ok(Self { lsn, charge, blobs, value: reader.rest() })
    }
}

impl Object {
    /// The row of the index: LSN, charge, blobs, then the value up to the end.
    pub(crate) fn encode_row(&self) -> Bytes {
        let mut out = Vec::with_capacity(24 + self.blobs.len() * BlobId::LEN + self.value.len());
        put_varint(&mut out, self.lsn.0);
        encode_body(&mut out, self);
        out.extend_from_slice(&self.value);
        out.into()
    }

    pub(crate) fn decode_row(row: &Bytes) -> Result<Self, DecodeError> {
        let ObjectRef { lsn, charge, value, blobs } = ObjectRef::decode(row)?;
        let blobs = blobs.iter().map(|id| BlobId::from_bytes(*id)).collect();
        Ok(Self { lsn, charge, blobs, value: row.slice_ref(value) })
    }

    /// The operation of the log, without its LSN, which is the transaction's.
    pub(crate) fn encode_op(&self, out: &mut Vec<u8>) {
        encode_body(out, self);
        put_bytes(out, &self.value);
    }

    pub(crate) fn decode_op(reader: &mut Reader<'_>, lsn: Lsn, payload: &Bytes) -> Result<Self, DecodeError> {
        let (charge, blobs) = decode_body(reader)?;
        if blobs.len() > BLOBS_MAX {
            return Err(DecodeError("an object names too many blobs"));
        }
        let blobs = blobs.iter().map(|id| BlobId::from_bytes(*id)).collect();
        let value = reader.bytes()?;
        if value.len() > VALUE_MAX {
            return Err(DecodeError("a value is too long"));
        }
        Ok(Self { lsn, charge, blobs, value: payload.slice_ref(value) })
    }
}

fn encode_body(out: &mut Vec<u8>, object: &Object) {
    put_varint(out, object.charge.0);
    put_varint(out, object.blobs.len() as u64);
    for blob in &object.blobs {
        out.extend_from_slice(blob.as_bytes());
    }
}

fn decode_body<'a>(reader: &mut Reader<'a>) -> Result<(ByteSize, &'a [[u8; BlobId::LEN]]), DecodeError> {
    let charge = ByteSize(reader.varint()?);
    let count = reader.count(BlobId::LEN)?;
    let (blobs, _) = reader.take(count * BlobId::LEN)?.as_chunks();
    Ok((charge, blobs))
}

/// A key is at most this long.
pub const KEY_MAX: usize = 1024;
/// A value is at most this long; more belongs into a blob.
pub const VALUE_MAX: usize = 1 << 20;
/// An object names at most so many blobs: 64 GiB of content in chunks of a MiB.
pub const BLOBS_MAX: usize = 65_536;
