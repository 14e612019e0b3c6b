//! How a source fills batches: small objects together, the blobs of a large one over several.

use essaim_types::{BlobId, Lsn};

use super::batch::{At, Batch, Change, Key, Op, Part, Place, weight};
use super::limits::{BATCH_BYTES, BATCH_OBJECTS_MAX};
use crate::object::Object;

/// A batch that is being filled.
#[derive(Debug)]
pub struct Packer {
    batch: Batch,
    count: usize,
}

/// Whether the packer took a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packed {
    /// It is in; there is room for more.
    In,
    /// It is not in, or not the whole of it: send the batch, and begin the next one with it.
    Full,
}

impl Packer {
    /// For what comes after a place.
    pub fn new(from: Place) -> Self {
        Self { batch: Batch::empty(from), count: 0 }
    }

    /// The next object of the copy. `size_of` tells the length of a blob.
    ///
    /// # Errors
    /// Those of `size_of`.
    pub fn object<E>(
        &mut self,
        object: Object,
        size_of: impl FnMut(&BlobId) -> Result<u64, E>,
    ) -> Result<Packed, E> {
        let whole = self.take(&object.blobs, weight(&object), size_of)?;
        if whole {
            self.batch.to = Place { at: At::Copy(Some(Key::of(&object))), part: None };
            self.batch.objects.push(object);
            self.count += 1;
        }
        Ok(if whole { Packed::In } else { Packed::Full })
    }

    /// The next change of the log.
    ///
    /// # Errors
    /// Those of `size_of`.
    pub fn change<E>(
        &mut self,
        change: Change,
        size_of: impl FnMut(&BlobId) -> Result<u64, E>,
    ) -> Result<Packed, E> {
        let blobs: Vec<BlobId> = change.ops.iter().flat_map(upserted).flat_map(|o| o.blobs.clone()).collect();
        let own = change
            .ops
            .iter()
            .map(|op| upserted(op).map_or_else(|| 64 + op.key().1.len() as u64, weight))
            .sum();
        let whole = self.take(&blobs, own, size_of)?;
        if whole {
            self.batch.to = Place::replayed(change.lsn);
            self.count += change.ops.len();
            self.batch.changes.push(change);
        }
        Ok(if whole { Packed::In } else { Packed::Full })
    }

    /// All objects are in: what comes next is the log from `base` on.
    pub fn copied(&mut self, base: Lsn) {
        self.batch.to = Place::replayed(base);
    }

    /// The batch as it is.
    pub fn finish(self) -> Batch {
        self.batch
    }

    /// Takes the blobs of one thing, as far as there is room; says whether the thing itself comes with them.
    fn take<E>(
        &mut self,
        blobs: &[BlobId],
        own: u64,
        mut size_of: impl FnMut(&BlobId) -> Result<u64, E>,
    ) -> Result<bool, E> {
        let first = self.batch.is_empty();
        if !first && (self.batch.bytes + own > BATCH_BYTES || self.count >= BATCH_OBJECTS_MAX) {
            return Ok(false);
        }
        let skip = match &self.batch.from.part {
            Some(part) if first && *part == Part::of(blobs, part.count) => part.count as usize,
            _ => 0,
        };
        let mut taken = Vec::new();
        let mut bytes = self.batch.bytes + own;
        for id in blobs.iter().skip(skip) {
            let size = size_of(id)?;
            if bytes + size > BATCH_BYTES && !(first && taken.is_empty()) {
                return Ok(first && self.part(blobs, skip, taken, bytes - own));
            }
            bytes += size;
            taken.push(*id);
        }
        self.batch.bytes = bytes;
        self.batch.blobs.append(&mut taken);
        Ok(true)
    }

    /// The batch becomes one of blobs only. Always false: the thing itself is not in.
    fn part(&mut self, blobs: &[BlobId], skip: usize, taken: Vec<BlobId>, bytes: u64) -> bool {
        let count = u32::try_from(skip + taken.len()).unwrap_or(u32::MAX);
        self.batch.to = Place { at: self.batch.from.at.clone(), part: Some(Part::of(blobs, count)) };
        self.batch.blobs = taken;
        self.batch.bytes = bytes;
        false
    }
}

fn upserted(op: &Op) -> Option<&Object> {
    if let Op::Upsert(object) = op { Some(object) } else { None }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use essaim_types::{ByteSize, ObjectKind};

    use super::*;

    fn object(key: u8, blobs: u8) -> Object {
        Object {
            kind: ObjectKind::MESSAGE,
            key: vec![key],
            lsn: Lsn(1),
            charge: ByteSize(0),
            blobs: (0..blobs).map(|n| BlobId::of(&[key, n])).collect(),
            value: vec![0; 10],
        }
    }

    fn sized(bytes: u64) -> impl FnMut(&BlobId) -> Result<u64, Infallible> + Copy {
        move |_| Ok(bytes)
    }

    /// Packs until all is sent; every batch is one that a target accepts, and begins where the last ended.
    fn batches(objects: &[Object], size: u64) -> Vec<Batch> {
        let (mut place, mut sent) = (Place::START, Vec::new());
        while place.lsn().is_none() {
            let mut packer = Packer::new(place.clone());
            let after = match &place.at {
                At::Copy(after) => after.clone(),
                At::Replay(_) => unreachable!("the loop ends there"),
            };
            let left = objects.iter().filter(|o| after.as_ref().is_none_or(|after| Key::of(o) > *after));
            let full =
                left.cloned().any(|o| packer.object(o, sized(size)) == Ok::<_, Infallible>(Packed::Full));
            if !full {
                packer.copied(Lsn(9));
            }
            let batch = packer.finish();
            batch.check(Lsn(9)).unwrap();
            assert_eq!(batch.from, place);
            assert!(!batch.is_empty(), "no batch stands still");
            place = batch.to.clone();
            sent.push(batch);
        }
        sent
    }

    #[test]
    fn small_objects_share_a_batch() {
        let objects: Vec<Object> = (0..100).map(|key| object(key, 1)).collect();
        let sent = batches(&objects, 1000);
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].objects.len(), sent[0].blobs.len()), (100, 100));
        assert!(sent[0].bytes > 100_000);
    }

    #[test]
    fn batches_stay_near_their_size() {
        let objects: Vec<Object> = (0..100).map(|key| object(key, 1)).collect();
        let sent = batches(&objects, 100_000);
        assert_eq!(sent.len(), 10);
        assert!(sent.iter().all(|batch| batch.bytes <= BATCH_BYTES));
    }

    #[test]
    fn the_blobs_of_a_large_object_go_before_it() {
        let objects = [object(1, 1), object(2, 9), object(3, 1)];
        let sent = batches(&objects, 400_000);
        let counts: Vec<(usize, usize)> = sent.iter().map(|b| (b.blobs.len(), b.objects.len())).collect();
        assert_eq!(counts, [(1, 1), (2, 0), (2, 0), (2, 0), (2, 0), (2, 2)]);
        let all: Vec<BlobId> = sent.iter().flat_map(|batch| batch.blobs.clone()).collect();
        let named: Vec<BlobId> = objects.iter().flat_map(|object| object.blobs.clone()).collect();
        assert_eq!(all, named, "each once, in order");
    }

    #[test]
    fn a_blob_above_the_size_of_a_batch_goes_alone() {
        let sent = batches(&[object(1, 2)], 4 << 20);
        let counts: Vec<(usize, usize)> = sent.iter().map(|b| (b.blobs.len(), b.objects.len())).collect();
        assert_eq!(counts, [(1, 0), (1, 1)]);
    }

    #[test]
    fn an_object_that_changed_between_its_parts_begins_again() {
        let first = object(1, 9);
        let mut packer = Packer::new(Place::START);
        assert_eq!(packer.object(first, sized(400_000)), Ok::<_, Infallible>(Packed::Full));
        let part = packer.finish();
        let mut changed = object(1, 9);
        changed.blobs.reverse();
        let mut packer = Packer::new(part.to);
        assert_eq!(packer.object(changed.clone(), sized(400_000)), Ok::<_, Infallible>(Packed::Full));
        let again = packer.finish();
        assert_eq!(again.blobs, changed.blobs[..2]);
        assert_eq!(again.to.part, Some(Part::of(&changed.blobs, 2)));
        assert_eq!(again.check(Lsn(9)), Ok(()));
    }

    #[test]
    fn changes_are_packed_like_objects() {
        let change = |lsn: u64, blobs| Change { lsn: Lsn(lsn), ops: vec![Op::Upsert(object(1, blobs))] };
        let mut packer = Packer::new(Place::replayed(Lsn(3)));
        assert_eq!(packer.change(change(4, 1), sized(10)), Ok::<_, Infallible>(Packed::In));
        let gone = Op::Superseded(Key { kind: ObjectKind::MESSAGE, key: vec![7] });
        let empty = Change { lsn: Lsn(5), ops: vec![gone] };
        assert_eq!(packer.change(empty, sized(10)), Ok::<_, Infallible>(Packed::In));
        assert_eq!(packer.change(change(6, 9), sized(400_000)), Ok::<_, Infallible>(Packed::Full));
        let batch = packer.finish();
        assert_eq!((batch.to.lsn(), batch.changes.len()), (Some(Lsn(5)), 2));
        assert_eq!(batch.check(Lsn(0)), Ok(()));
    }
}
