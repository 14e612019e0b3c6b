//! What is carried: objects of the copy, changes of the log, how far both sides are. No batch is applied twice or out of order,
//! because each begins where the one before it ended and the target keeps that place in the same transaction.

use essaim_types::{BlobId, ByteSize, Lsn, ObjectKind};
use minicbor::{Decode, Encode};

use super::limits::STAGED_MAX;
use super::wire;
use crate::object::Object;

/// An object's place in its account. Ordered as the store orders: by kind, then key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is.
    pub kind: ObjectKind,
    /// Its key within account and kind.
    pub key: Vec<u8>,
}

/// How far the target is: everything before it is durable there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Place {
    /// Which of the two passes, and where in it.
    #[n(0)]
    pub at: At,
    /// Blobs of the next object or change that are there already.
    #[n(1)]
    pub part: Option<Part>,
}

/// First all objects as they are found, then the log from before the first was read: what changed meanwhile comes again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum At {
    /// Copying: all objects up to this one are there; `None`, none.
    #[n(0)]
    Copy(#[n(0)] Option<Key>),
    /// Replaying: all changes up to this one are there.
    #[n(1)]
    Replay(
        #[n(0)]
        #[cbor(with = "wire::lsn")]
        Lsn,
    ),
}

/// Some blobs of a thing whose list is too long for one batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Part {
    /// BLAKE3 of the ids of all its blobs: if the thing has changed meanwhile, its blobs are sent from the first again.
    #[n(0)]
    #[cbor(with = "wire::bytes32")]
    pub list: [u8; 32],
    /// How many are there.
    #[n(1)]
    pub count: u32,
}

/// One step of the copy or of the replay, applied in one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Batch {
    /// Where the target must be.
    #[n(0)]
    pub from: Place,
    /// Where it is then.
    #[n(1)]
    pub to: Place,
    /// The blobs that were sent before it, in order.
    #[n(2)]
    #[cbor(with = "wire::blobs")]
    pub blobs: Vec<BlobId>,
    /// Of the copy: in order, each with its own LSN, which may be above the base.
    #[n(3)]
    #[cbor(with = "wire::objects")]
    pub objects: Vec<Object>,
    /// Of the log: the next changes without a gap.
    #[n(4)]
    pub changes: Vec<Change>,
    /// The bytes of all this, for flow control and progress.
    #[n(5)]
    pub bytes: u64,
}

/// One change of the account's log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    /// Its number: the one after the last.
    pub lsn: Lsn,
    /// What it did.
    pub ops: Vec<Op>,
}

/// One operation of a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Op {
    /// The object is now this.
    Upsert(Object),
    /// It was written here, and again later or deleted: its value of then is of no use, and its blobs may be gone.
    Superseded(Key),
    /// The object is gone.
    Delete(Key),
}

/// Why a batch is not one that an honest source sends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchFault {
    /// Objects in a pass of changes, or the other way, or a place of the other pass.
    #[error("objects, changes and places of the batch do not belong together")]
    Mixed,
    /// Not after the one before it.
    #[error("{0} {1:02x?} is not in the order of kinds and keys")]
    Order(ObjectKind, Vec<u8>),
    /// A kind that only the store writes.
    #[error("an object of kind {0} does not travel")]
    Kind(ObjectKind),
    /// LSN 0, or above what 63 bits hold (RFC 7162 section 3.1.1).
    #[error("LSN {0} is not one of an account's log")]
    Number(Lsn),
    /// Not the next.
    #[error("change {came} comes after {last}")]
    Gap {
        /// The last change that is there.
        last: Lsn,
        /// What came.
        came: Lsn,
    },
    /// The counts of blobs that are there do not fit.
    #[error("the blobs that came before an object are miscounted")]
    Part,
}

impl Place {
    /// Nothing is there.
    pub const START: Self = Self { at: At::Copy(None), part: None };

    /// All changes up to this one are there.
    pub fn replayed(lsn: Lsn) -> Self {
        Self { at: At::Replay(lsn), part: None }
    }

    /// The LSN, if exactly all changes up to it are there.
    pub fn lsn(&self) -> Option<Lsn> {
        match (&self.at, &self.part) {
            (At::Replay(lsn), None) => Some(*lsn),
            _ => None,
        }
    }
}

impl Part {
    /// The first `count` of a list of blobs.
    pub fn of(blobs: &[BlobId], count: u32) -> Self {
        let mut list = blake3::Hasher::new_derive_key(LIST);
        for id in blobs {
            list.update(id.as_bytes());
        }
        Self { list: *list.finalize().as_bytes(), count }
    }
}

impl Key {
    /// Where an object is.
    pub fn of(object: &Object) -> Self {
        Self { kind: object.kind, key: object.key.clone() }
    }
}

impl Op {
    /// What it is about.
    pub fn key(&self) -> (ObjectKind, &[u8]) {
        match self {
            Self::Upsert(object) => (object.kind, &object.key),
            Self::Superseded(key) | Self::Delete(key) => (key.kind, &key.key),
        }
    }
}

impl Batch {
    /// Nothing in it: the source had nothing more to send from `place`.
    pub fn empty(place: Place) -> Self {
        Self { from: place.clone(), to: place, blobs: vec![], objects: vec![], changes: vec![], bytes: 0 }
    }

    /// Whether it moves anything on.
    pub fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// Checks what a target relies on, for an account that begins at `base`. That the blobs are there, the store checks.
    ///
    /// # Errors
    /// The first thing that no honest source sends.
    pub fn check(&self, base: Lsn) -> Result<(), BatchFault> {
        match (&self.from.at, &self.to.at) {
            (At::Copy(after), At::Copy(last)) if self.changes.is_empty() => {
                self.check_objects(after.as_ref())?;
                let reached = self.objects.last().map(Key::of).or_else(|| after.clone());
                if reached != *last {
                    return Err(BatchFault::Mixed);
                }
            }
            (At::Copy(after), At::Replay(lsn)) if self.changes.is_empty() && *lsn == base => {
                self.check_objects(after.as_ref())?;
                if self.to.part.is_some() {
                    return Err(BatchFault::Part);
                }
            }
            (At::Replay(after), At::Replay(last)) if self.objects.is_empty() => {
                if self.check_changes(*after)? != *last {
                    return Err(BatchFault::Mixed);
                }
            }
            _ => return Err(BatchFault::Mixed),
        }
        self.check_part()
    }

    fn check_objects(&self, after: Option<&Key>) -> Result<(), BatchFault> {
        let mut last = after.map(|key| (key.kind, key.key.as_slice()));
        for object in &self.objects {
            check_kind(object.kind)?;
            check_number(object.lsn)?;
            let here = Some((object.kind, object.key.as_slice()));
            if here <= last {
                return Err(BatchFault::Order(object.kind, object.key.clone()));
            }
            last = here;
        }
        Ok(())
    }

    fn check_changes(&self, after: Lsn) -> Result<Lsn, BatchFault> {
        let mut last = after;
        for change in &self.changes {
            check_number(change.lsn)?;
            if change.lsn != last.next() {
                return Err(BatchFault::Gap { last, came: change.lsn });
            }
            for op in &change.ops {
                check_kind(op.key().0)?;
            }
            last = change.lsn;
        }
        Ok(last)
    }

    /// A part grows by the blobs of this batch, from zero where it begins anew.
    fn check_part(&self) -> Result<(), BatchFault> {
        let Some(part) = &self.to.part else { return Ok(()) };
        let whole = self.objects.is_empty() && self.changes.is_empty();
        let before = match &self.from.part {
            Some(earlier) if whole && earlier.list == part.list => earlier.count,
            _ => 0,
        };
        let added = u32::try_from(self.blobs.len()).map_err(|_| BatchFault::Part)?;
        let fits = whole
            && added > 0
            && before.checked_add(added) == Some(part.count)
            && part.count as usize <= STAGED_MAX;
        if fits { Ok(()) } else { Err(BatchFault::Part) }
    }
}

fn check_kind(kind: ObjectKind) -> Result<(), BatchFault> {
    if kind == ObjectKind::ACCOUNT { Err(BatchFault::Kind(kind)) } else { Ok(()) }
}

fn check_number(lsn: Lsn) -> Result<(), BatchFault> {
    if (1..=LSN_MAX).contains(&lsn.0) { Ok(()) } else { Err(BatchFault::Number(lsn)) }
}

/// What an object counts in a batch beside its blobs.
pub fn weight(object: &Object) -> u64 {
    let fixed = 64 + object.key.len() + object.value.len() + object.blobs.len() * BlobId::LEN;
    fixed as u64
}

/// The sum of what objects are charged.
pub fn charge(objects: &[Object]) -> ByteSize {
    ByteSize(objects.iter().fold(0, |sum, object| sum.saturating_add(object.charge.0)))
}

/// RFC 7162 section 3.1.1: a MODSEQ is a positive 63-bit number; and the counter must be able to go on.
const LSN_MAX: u64 = (1 << 62) - 1;
const LIST: &str = "essaim 2026 list of an object's blobs";
