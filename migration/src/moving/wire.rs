//! How the parts of a batch are spelled in CBOR: short arrays, ids and keys as byte strings.

use essaim_types::{BlobId, ByteSize, Lsn, ObjectKind};
use minicbor::decode::Error as Unread;
use minicbor::encode::{Error as Unwritten, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::batch::{Change, Key, Op};
use crate::object::Object;

/// `[kind, key]`.
impl<C> Encode<C> for Key {
    fn encode<W: Write>(&self, to: &mut Encoder<W>, _: &mut C) -> Result<(), Unwritten<W::Error>> {
        to.array(2)?.u8(self.kind.0)?.bytes(&self.key)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Key {
    fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, Unread> {
        array(from, 2)?;
        Ok(Self { kind: ObjectKind(from.u8()?), key: from.bytes()?.to_vec() })
    }
}

/// An upsert is `[1, kind, key, charge, blobs, value]`, a delete `[2, kind, key]`, one without its value `[3, kind, key]`.
impl<C> Encode<C> for Change {
    fn encode<W: Write>(&self, to: &mut Encoder<W>, _: &mut C) -> Result<(), Unwritten<W::Error>> {
        to.array(2)?.u64(self.lsn.0)?.array(self.ops.len() as u64)?;
        for op in &self.ops {
            match op {
                Op::Upsert(object) => {
                    to.array(6)?.u8(UPSERT)?.u8(object.kind.0)?.bytes(&object.key)?;
                    body(object, to)?;
                }
                Op::Delete(key) => drop(to.array(3)?.u8(DELETE)?.u8(key.kind.0)?.bytes(&key.key)?),
                Op::Superseded(key) => drop(to.array(3)?.u8(SUPERSEDED)?.u8(key.kind.0)?.bytes(&key.key)?),
            }
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Change {
    fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, Unread> {
        array(from, 2)?;
        let lsn = Lsn(from.u64()?);
        let count = length(from)?;
        let mut ops = Vec::new();
        for _ in 0..count {
            let items = from.array()?;
            let (tag, kind) = (from.u8()?, ObjectKind(from.u8()?));
            let key = from.bytes()?.to_vec();
            ops.push(match (tag, items) {
                (UPSERT, Some(6)) => Op::Upsert(object(from, kind, key, lsn)?),
                (DELETE, Some(3)) => Op::Delete(Key { kind, key }),
                (SUPERSEDED, Some(3)) => Op::Superseded(Key { kind, key }),
                _ => return Err(Unread::message("no such operation")),
            });
        }
        Ok(Self { lsn, ops })
    }
}

/// A list of objects: `[[kind, key, lsn, charge, blobs, value], ..]`.
pub(super) mod objects {
    use super::{
        Decoder, Encoder, Lsn, Object, ObjectKind, Unread, Unwritten, Write, array, body, length, object,
    };

    pub(in super::super) fn encode<C, W: Write>(
        objects: &[Object],
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        to.array(objects.len() as u64)?;
        for object in objects {
            to.array(6)?.u8(object.kind.0)?.bytes(&object.key)?.u64(object.lsn.0)?;
            body(object, to)?;
        }
        Ok(())
    }

    pub(in super::super) fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<Vec<Object>, Unread> {
        let count = length(from)?;
        let mut objects = Vec::new();
        for _ in 0..count {
            array(from, 6)?;
            let (kind, key, lsn) = (ObjectKind(from.u8()?), from.bytes()?.to_vec(), Lsn(from.u64()?));
            objects.push(object(from, kind, key, lsn)?);
        }
        Ok(objects)
    }
}

/// Ids of blobs, one after another in one byte string.
pub(super) mod blobs {
    use super::{BlobId, Decoder, Encoder, Unread, Unwritten, Write};

    pub(in super::super) fn encode<C, W: Write>(
        blobs: &[BlobId],
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        let bytes: Vec<u8> = blobs.iter().flat_map(|id| *id.as_bytes()).collect();
        to.bytes(&bytes)?.ok()
    }

    pub(in super::super) fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<Vec<BlobId>, Unread> {
        let (ids, rest) = from.bytes()?.as_chunks::<{ BlobId::LEN }>();
        if !rest.is_empty() {
            return Err(Unread::message("not a whole number of ids"));
        }
        Ok(ids.iter().map(|id| BlobId::from_bytes(*id)).collect())
    }
}

/// An LSN: an unsigned integer.
pub(super) mod lsn {
    use super::{Decoder, Encoder, Lsn, Unread, Unwritten, Write};

    pub(in super::super) fn encode<C, W: Write>(
        lsn: &Lsn,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        to.u64(lsn.0)?.ok()
    }

    pub(in super::super) fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<Lsn, Unread> {
        from.u64().map(Lsn)
    }
}

/// A kind of object: a small integer.
pub(super) mod kind {
    use super::{Decoder, Encoder, ObjectKind, Unread, Unwritten, Write};

    pub(in super::super) fn encode<C, W: Write>(
        kind: &ObjectKind,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        to.u8(kind.0)?.ok()
    }

    pub(in super::super) fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<ObjectKind, Unread> {
        from.u8().map(ObjectKind)
    }
}

/// 32 bytes of a hash or an id.
pub(super) mod bytes32 {
    use super::{Decoder, Encoder, Unread, Unwritten, Write};

    pub(in super::super) fn encode<C, W: Write>(
        hash: &[u8; 32],
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        to.bytes(hash)?.ok()
    }

    pub(in super::super) fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<[u8; 32], Unread> {
        from.bytes()?.try_into().map_err(|_| Unread::message("not 32 bytes"))
    }
}

/// Charge, blobs and value, after what names the object.
fn body<W: Write>(object: &Object, to: &mut Encoder<W>) -> Result<(), Unwritten<W::Error>> {
    to.u64(object.charge.0)?;
    blobs::encode(&object.blobs, to, &mut ())?;
    to.bytes(&object.value)?.ok()
}

fn object(from: &mut Decoder<'_>, kind: ObjectKind, key: Vec<u8>, lsn: Lsn) -> Result<Object, Unread> {
    let charge = ByteSize(from.u64()?);
    let blobs = blobs::decode(from, &mut ())?;
    Ok(Object { kind, key, lsn, charge, blobs, value: from.bytes()?.to_vec() })
}

fn array(from: &mut Decoder<'_>, items: u64) -> Result<(), Unread> {
    if from.array()? == Some(items) { Ok(()) } else { Err(Unread::message("an array of another length")) }
}

fn length(from: &mut Decoder<'_>) -> Result<u64, Unread> {
    from.array()?.ok_or_else(|| Unread::message("an array without a length"))
}

const UPSERT: u8 = 1;
const DELETE: u8 = 2;
const SUPERSEDED: u8 = 3;
