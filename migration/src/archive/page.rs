//! Pages of objects: what the store has, verbatim and whatever its kind, so that nothing is lost that this version does not know.

use essaim_identity::cbor::{self, Bounded, CborError};
use essaim_types::{BlobId, ByteSize, Lsn, ObjectKind};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::limits::{BLOB_MAX, OBJECT_MAX, PAGE_MAX, SEGMENT_OBJECTS};
use super::path::Path;
use super::refusal::Why;
use crate::object::Object;

/// What a page says of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// It is now this. A later item of the same kind and key counts more.
    Object {
        /// The object, verbatim.
        object: Object,
        /// Where its content stands; `None` if it names no blob.
        content: Option<Content>,
    },
    /// It is gone: a tombstone.
    Gone {
        /// Which kind of object.
        kind: ObjectKind,
        /// Its key.
        key: Vec<u8>,
        /// The change in which it went.
        lsn: Lsn,
    },
}

/// The file that an object's blobs are, one after another, from its first byte to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// In the same segment, in the order of the objects.
    pub path: Path,
    /// The length of each blob.
    pub lengths: Vec<u32>,
}

impl Content {
    /// The size of the file.
    pub fn size(&self) -> u64 {
        self.lengths.iter().map(|length| u64::from(*length)).sum()
    }
}

impl Item {
    /// Its content, if it has any.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::Object { content, .. } => content.as_ref(),
            Self::Gone { .. } => None,
        }
    }

    /// About how many bytes it takes in a page.
    pub(super) fn weight(&self) -> u64 {
        let bytes = match self {
            Self::Object { object, .. } => {
                object.key.len() + object.value.len() + object.blobs.len() * (BlobId::LEN + 7) + 64
            }
            Self::Gone { key, .. } => key.len() + 16,
        };
        bytes as u64
    }
}

/// As it stands in the page: RFC 8949, deterministic.
#[derive(Encode, Decode)]
#[cbor(flat)]
enum Wire {
    #[n(0)]
    Gone {
        #[n(0)]
        kind: u8,
        #[n(1)]
        key: ByteVec,
        #[n(2)]
        lsn: u64,
    },
    #[n(1)]
    Object {
        #[n(0)]
        kind: u8,
        #[n(1)]
        key: ByteVec,
        #[n(2)]
        lsn: u64,
        #[n(3)]
        charge: u64,
        #[n(4)]
        value: ByteVec,
        #[n(5)]
        path: String,
        #[n(6)]
        blobs: Vec<(ByteVec, u32)>,
    },
}

#[derive(Encode, Decode)]
#[cbor(transparent)]
struct Page(#[n(0)] Vec<Wire>);

impl Bounded for Page {
    const BYTES_MAX: usize = PAGE_MAX;
    const DEPTH_MAX: usize = 4;
}

/// The bytes of a page.
pub(super) fn encode(items: &[Item]) -> Vec<u8> {
    cbor::encode(&Page(items.iter().map(wire).collect()))
}

/// Reads a page with this number, and checks what can be said without knowing what its objects mean.
pub(super) fn decode(number: u32, bytes: &[u8]) -> Result<Vec<Item>, Why> {
    let Page(wires) = cbor::decode(bytes).map_err(Why::Page)?;
    if wires.is_empty() || wires.len() > SEGMENT_OBJECTS {
        return Err(Why::Page(CborError::Form(format!("a page has 1 to {SEGMENT_OBJECTS} objects"))));
    }
    wires
        .into_iter()
        .enumerate()
        .map(|(index, wire)| {
            item(number, index, wire).map_err(|reason| Why::Object { number: index, reason })
        })
        .collect()
}

fn wire(item: &Item) -> Wire {
    match item {
        Item::Gone { kind, key, lsn } => Wire::Gone { kind: kind.0, key: key.clone().into(), lsn: lsn.0 },
        Item::Object { object, content } => {
            let Object { kind, key, lsn, charge, blobs, value } = object;
            let lengths = content.iter().flat_map(|content| &content.lengths);
            let blobs =
                blobs.iter().zip(lengths).map(|(blob, length)| (blob.as_bytes().to_vec().into(), *length));
            Wire::Object {
                kind: kind.0,
                key: key.clone().into(),
                lsn: lsn.0,
                charge: charge.0,
                value: value.clone().into(),
                path: content.as_ref().map(|content| content.path.to_string()).unwrap_or_default(),
                blobs: blobs.collect(),
            }
        }
    }
}

fn item(page: u32, index: usize, wire: Wire) -> Result<Item, &'static str> {
    let (kind, key, lsn) = match &wire {
        Wire::Gone { kind, key, lsn } | Wire::Object { kind, key, lsn, .. } => (*kind, key, *lsn),
    };
    if key.len() > KEY_MAX {
        return Err("its key is too long");
    }
    if lsn == 0 || lsn > MOD_SEQ_MAX {
        return Err("its LSN is not the number of a change");
    }
    let (kind, key, lsn) = (ObjectKind(kind), key.to_vec(), Lsn(lsn));
    let Wire::Object { charge, value, path, blobs, .. } = wire else {
        return Ok(Item::Gone { kind, key, lsn });
    };
    if value.len() > VALUE_MAX {
        return Err("its value is too long");
    }
    if charge > CHARGE_MAX {
        return Err("its charge is more than any object is charged");
    }
    let content = content(page, index, &path, &blobs)?;
    let blobs = blobs.iter().map(|(id, _)| id.as_slice().try_into().map(BlobId::from_bytes));
    let blobs = blobs.collect::<Result<_, _>>().map_err(|_| "a blob's id has 32 bytes")?;
    let object = Object { kind, key, lsn, charge: ByteSize(charge), blobs, value: value.into() };
    Ok(Item::Object { object, content })
}

fn content(
    page: u32,
    index: usize,
    path: &str,
    blobs: &[(ByteVec, u32)],
) -> Result<Option<Content>, &'static str> {
    if blobs.is_empty() {
        return if path.is_empty() { Ok(None) } else { Err("it names a file and no blob") };
    }
    if blobs.len() > BLOBS_MAX
        || blobs.iter().any(|(_, length)| *length == 0 || u64::from(*length) > BLOB_MAX)
    {
        return Err("its blobs are too many, too long or empty");
    }
    let path: Path = path.parse().map_err(|_| "it names a file that an archive may not have")?;
    let own = match path {
        Path::Blobs(of, object) => of == page && usize::try_from(object) == Ok(index),
        _ => path.is_content(),
    };
    let content = Content { path, lengths: blobs.iter().map(|(_, length)| *length).collect() };
    match own && content.size() <= OBJECT_MAX {
        true => Ok(Some(content)),
        false => Err("its content stands in a file that is not of content"),
    }
}

/// As the store has them.
const KEY_MAX: usize = 1024;
const VALUE_MAX: usize = 1 << 20;
const BLOBS_MAX: usize = 65_536;
const CHARGE_MAX: u64 = 1 << 48;
/// RFC 7162 section 3.1: a MODSEQ fits 63 bits.
const MOD_SEQ_MAX: u64 = i64::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Object {
        Object {
            kind: ObjectKind(200),
            key: vec![1, 2],
            lsn: Lsn(9),
            charge: ByteSize(5),
            blobs: vec![BlobId::of(b"abc"), BlobId::of(b"de")],
            value: b"\x01opaque".to_vec(),
        }
    }

    fn with(change: impl FnOnce(&mut Object, &mut Content)) -> Result<Vec<Item>, Why> {
        let (mut object, mut content) = (object(), Content { path: Path::Blobs(1, 0), lengths: vec![3, 2] });
        change(&mut object, &mut content);
        decode(1, &encode(&[Item::Object { object, content: Some(content) }]))
    }

    #[test]
    fn objects_of_kinds_that_nobody_knows_read_back() {
        let items = [
            Item::Object {
                object: object(),
                content: Some(Content { path: Path::Blobs(1, 0), lengths: vec![3, 2] }),
            },
            Item::Object { object: Object { blobs: Vec::new(), ..object() }, content: None },
            Item::Gone { kind: ObjectKind(255), key: vec![0; 1024], lsn: Lsn(1) },
        ];
        assert_eq!(decode(1, &encode(&items)).unwrap(), items);
    }

    #[test]
    fn objects_that_are_not_possible_are_refused_by_number() {
        let refused = |outcome: Result<_, _>| matches!(outcome, Err(Why::Object { number: 0, .. }));
        assert!(with(|_, _| {}).is_ok());
        assert!(refused(with(|object, _| object.lsn = Lsn(0))));
        assert!(refused(with(|object, _| object.lsn = Lsn(1 << 63))));
        assert!(refused(with(|object, _| object.key = vec![0; 1025])));
        assert!(refused(with(|object, _| object.charge = ByteSize(u64::MAX))));
        assert!(refused(with(|_, content| content.path = Path::Blobs(2, 0))));
        assert!(refused(with(|_, content| content.path = Path::Blobs(1, 1))));
        assert!(refused(with(|_, content| content.path = Path::About)));
        assert!(refused(with(|_, content| content.lengths = vec![3, 0])));
        assert!(refused(with(|_, content| content.lengths = vec![3, 5 << 20])));
        assert!(refused(with(|object, _| object.blobs.clear())));
    }

    #[test]
    fn pages_of_nothing_or_in_another_spelling_are_refused() {
        assert!(matches!(decode(1, &[0x80]), Err(Why::Page(_))));
        assert!(matches!(decode(1, &[]), Err(Why::Page(_))));
        let long = [
            &[0x98, 0x01][..],
            &encode(&[Item::Gone { kind: ObjectKind(1), key: vec![], lsn: Lsn(1) }])[1..],
        ];
        assert_eq!(decode(1, &long.concat()), Err(Why::Page(CborError::OtherSpelling)));
    }
}
