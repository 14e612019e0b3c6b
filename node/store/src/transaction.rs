//! One transaction of the log: bytes and meaning. The format is in specs/01-store.md.

use bytes::Bytes;
use essaim_types::{AccountId, BlobId, Lsn, NodeSeq, ObjectKind, Timestamp};

use crate::object::{KEY_MAX, Object};
use crate::wire::{DecodeError, Reader, put_bytes, put_varint};

/// What one commit did, to one account or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its number in the log of the whole node.
    pub node_seq: NodeSeq,
    /// When it was committed.
    pub time: Timestamp,
    /// One for each account touched.
    pub groups: Vec<Group>,
}

/// The part of a transaction that belongs to one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Whose.
    pub account: AccountId,
    /// Its number in the account's log; of an unnumbered group, the account's last.
    pub lsn: Lsn,
    /// What was done, in order.
    pub ops: Vec<Op>,
}

/// One operation: it carries the full value, so that doing it twice is doing it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// The object is now this.
    Upsert {
        /// Which kind of object.
        kind: ObjectKind,
        /// Its key within the account and kind.
        key: Bytes,
        /// Its whole new state.
        object: Object,
    },
    /// The object is gone.
    Delete {
        /// Which kind of object.
        kind: ObjectKind,
        /// Its key within the account and kind.
        key: Bytes,
    },
    /// The object came with the account from its other host: it keeps its LSN.
    Adopt {
        /// Which kind of object.
        kind: ObjectKind,
        /// Its key within the account and kind.
        key: Bytes,
        /// Its whole state, with its own LSN.
        object: Object,
    },
}

impl Op {
    /// The kind and key of the object that it changes.
    pub fn target(&self) -> (ObjectKind, &Bytes) {
        match self {
            Self::Upsert { kind, key, .. } | Self::Delete { kind, key } | Self::Adopt { kind, key, .. } => {
                (*kind, key)
            }
        }
    }

    /// The new state of the object; `None` if it is gone.
    pub fn object(&self) -> Option<&Object> {
        match self {
            Self::Upsert { object, .. } | Self::Adopt { object, .. } => Some(object),
            Self::Delete { .. } => None,
        }
    }
}

impl Op {
    /// At least its bytes in the log.
    pub(crate) fn size(&self) -> usize {
        let object = self.object().map_or(0, |object| object.blobs.len() * BlobId::LEN + object.value.len());
        OP_HEAD + self.target().1.len() + object
    }
}

impl Transaction {
    /// At least the length of its payload.
    pub(crate) fn size(&self) -> u64 {
        let ops = self.groups.iter().flat_map(|group| &group.ops);
        let heads = PAYLOAD_HEAD + GROUP_HEAD * self.groups.len() as u64;
        ops.map(Op::size).sum::<usize>() as u64 + heads
    }

    /// The payload of a transaction record.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_varint(out, self.node_seq.0);
        put_varint(out, u64::try_from(self.time.0).unwrap_or(0));
        put_varint(out, self.groups.len() as u64);
        for group in &self.groups {
            out.extend_from_slice(group.account.as_bytes());
            put_varint(out, group.lsn.0);
            put_varint(out, group.ops.len() as u64);
            for op in &group.ops {
                encode_op(out, op);
            }
        }
    }

    /// Reads a payload; keys and values are views into it.
    pub fn decode(payload: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        if reader.u8()? != VERSION {
            return Err(DecodeError("the transaction has an unknown version"));
        }
        let node_seq = NodeSeq(reader.varint()?);
        let time =
            Timestamp(i64::try_from(reader.varint()?).map_err(|_| DecodeError("the time is out of range"))?);
        let count = reader.count(GROUP_MIN)?;
        let mut groups = Vec::with_capacity(count);
        for _ in 0..count {
            groups.push(decode_group(&mut reader, payload)?);
        }
        reader.end()?;
        Ok(Self { node_seq, time, groups })
    }
}

fn encode_op(out: &mut Vec<u8>, op: &Op) {
    let (kind, key) = op.target();
    out.push(match op {
        Op::Upsert { .. } => UPSERT,
        Op::Delete { .. } => DELETE,
        Op::Adopt { .. } => ADOPT,
    });
    out.push(kind.0);
    put_bytes(out, key);
    if let Op::Adopt { object, .. } = op {
        put_varint(out, object.lsn.0);
    }
    if let Some(object) = op.object() {
        object.encode_op(out);
    }
}

fn decode_group(reader: &mut Reader<'_>, payload: &Bytes) -> Result<Group, DecodeError> {
    let account = AccountId::from_bytes(reader.array()?);
    let lsn = Lsn(reader.varint()?);
    let count = reader.count(OP_MIN)?;
    // An operation in memory is many times its least size on disk: the vector grows as they are seen.
    let mut ops = Vec::with_capacity(count.min(RESERVED_OPS_MAX));
    for _ in 0..count {
        ops.push(decode_op(reader, lsn, payload)?);
    }
    Ok(Group { account, lsn, ops })
}

fn decode_op(reader: &mut Reader<'_>, lsn: Lsn, payload: &Bytes) -> Result<Op, DecodeError> {
    let tag = reader.u8()?;
    let kind = ObjectKind(reader.u8()?);
    let key = reader.bytes()?;
    if key.len() > KEY_MAX {
        return Err(DecodeError("a key is too long"));
    }
    let key = payload.slice_ref(key);
    match tag {
        UPSERT => Ok(Op::Upsert { kind, key, object: Object::decode_op(reader, lsn, payload)? }),
        DELETE => Ok(Op::Delete { kind, key }),
        ADOPT => {
            let lsn = Lsn(reader.varint()?);
            if lsn > LSN_MAX {
                return Err(DecodeError("the LSN of an object is out of range"));
            }
            Ok(Op::Adopt { kind, key, object: Object::decode_op(reader, lsn, payload)? })
        }
        _ => Err(DecodeError("an operation has an unknown tag")),
    }
}

/// An account's base and the LSN of an adopted object are at most this: counting on from there never ends, and a MODSEQ has 63 bits (RFC 7162
/// section 3.1).
pub const LSN_MAX: Lsn = Lsn(1 << 62);
const VERSION: u8 = 2;
const UPSERT: u8 = 1;
const DELETE: u8 = 2;
const ADOPT: u8 = 3;
const GROUP_MIN: usize = 34;
const OP_MIN: usize = 3;
const RESERVED_OPS_MAX: usize = 64;
const OP_HEAD: usize = 96;
const GROUP_HEAD: u64 = 52;
const PAYLOAD_HEAD: u64 = 32;
