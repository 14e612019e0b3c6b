//! Merkle roots of an account: how two hosters find out, with a few hundred bytes, that they have the same objects, and if not,
//! which few differ.
//!
//! A leaf is the hash of one object with everything that travels. The leaves of a kind are cut into pages where the hash of a
//! *key* says so: whoever has the same keys cuts at the same places, whatever stands around them, so one missing object changes one
//! page. The root of a kind is the hash over its pages, the root of the account that over its kinds.

use essaim_types::{BlobId, Lsn, ObjectKind};
use minicbor::{Decode, Encode};

use super::batch::Key;
use super::limits::PAGES_MAX;
use super::wire;
use crate::object::Object;

/// The roots of an account at one LSN.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Summary {
    /// Of this change.
    #[n(0)]
    #[cbor(with = "wire::lsn")]
    pub at: Lsn,
    /// Of each kind of which there is an object, ascending.
    #[n(1)]
    pub kinds: Vec<KindRoot>,
}

/// The root of the objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct KindRoot {
    /// Of which kind.
    #[n(0)]
    #[cbor(with = "wire::kind")]
    pub kind: ObjectKind,
    /// How many they are.
    #[n(1)]
    pub objects: u64,
    /// The hash over the pages.
    #[n(2)]
    #[cbor(with = "wire::bytes32")]
    pub root: [u8; 32],
}

/// Neighbouring objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Page {
    /// The key of its first object.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub first: Vec<u8>,
    /// The hash over its leaves.
    #[n(1)]
    #[cbor(with = "wire::bytes32")]
    pub hash: [u8; 32],
}

/// Keys of one kind from `from` up to, not including, `to`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct KeyRange {
    /// The kind.
    #[n(0)]
    #[cbor(with = "wire::kind")]
    pub kind: ObjectKind,
    /// The first key in it.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub from: Vec<u8>,
    /// The first key behind it; `None`, it goes to the end of the kind.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub to: Option<Vec<u8>>,
}

impl KeyRange {
    /// Whether an object is in it.
    pub fn contains(&self, key: &Key) -> bool {
        key.kind == self.kind
            && key.key >= self.from
            && self.to.as_ref().is_none_or(|to| key.key.as_slice() < to.as_slice())
    }
}

impl Summary {
    /// One hash for everything: what a receipt says.
    pub fn root(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(ACCOUNT);
        for kind in &self.kinds {
            hasher.update(&[kind.kind.0]).update(&kind.objects.to_le_bytes()).update(&kind.root);
        }
        *hasher.finalize().as_bytes()
    }

    /// The kinds of which both do not have the same.
    pub fn differing(&self, other: &Self) -> Vec<ObjectKind> {
        let mut kinds: Vec<ObjectKind> =
            self.kinds.iter().chain(&other.kinds).map(|root| root.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let of = |summary: &Self, kind| summary.kinds.iter().find(|root| root.kind == kind).cloned();
        kinds.retain(|kind| of(self, *kind) != of(other, *kind));
        kinds
    }
}

/// Takes an account's objects in the order of the store, and makes its summary.
#[derive(Debug, Default)]
pub struct Summarizer {
    kinds: Vec<KindRoot>,
    kind: Option<Kind>,
}

/// The kind that is being read.
#[derive(Debug)]
struct Kind {
    kind: ObjectKind,
    objects: u64,
    root: blake3::Hasher,
    pager: Pager,
}

impl Summarizer {
    /// The next object. The account's own is left out: quota and state are the hoster's.
    pub fn push(&mut self, object: &Object) {
        if object.kind == ObjectKind::ACCOUNT {
            return;
        }
        if self.kind.as_ref().is_none_or(|current| current.kind != object.kind) {
            self.end_kind();
        }
        let kind = self.kind.get_or_insert_with(|| Kind::new(object.kind));
        kind.objects += 1;
        if let Some(page) = kind.pager.push(object) {
            kind.root.update(&page.hash);
        }
    }

    /// The roots of what was shown, which is the account at this LSN.
    pub fn finish(mut self, at: Lsn) -> Summary {
        self.end_kind();
        Summary { at, kinds: self.kinds }
    }

    fn end_kind(&mut self) {
        let Some(Kind { kind, objects, mut root, pager }) = self.kind.take() else { return };
        if let Some(page) = pager.finish() {
            root.update(&page.hash);
        }
        self.kinds.push(KindRoot { kind, objects, root: *root.finalize().as_bytes() });
    }
}

impl Kind {
    fn new(kind: ObjectKind) -> Self {
        Self { kind, objects: 0, root: blake3::Hasher::new_derive_key(KIND), pager: Pager::new(0) }
    }
}

/// Cuts the objects of one kind into pages.
#[derive(Debug)]
pub struct Pager {
    coarse: u8,
    page: Option<(Vec<u8>, blake3::Hasher)>,
}

impl Pager {
    /// Pages of 64 objects times 2^`coarse` on average.
    pub fn new(coarse: u8) -> Self {
        Self { coarse: coarse.min(COARSE_MAX), page: None }
    }

    /// How coarse pages must be so that those of so many objects fit one message, but for very bad luck.
    pub fn coarse_for(objects: u64) -> u8 {
        let fits = |coarse: &u8| (objects >> coarse) / PAGE_OBJECTS <= PAGES_MAX as u64 / 2;
        (0..COARSE_MAX).find(fits).unwrap_or(COARSE_MAX)
    }

    /// The next object; the page before it, if this one begins another.
    pub fn push(&mut self, object: &Object) -> Option<Page> {
        let done = if self.begins_page(object) { self.take() } else { None };
        let (_, hasher) =
            self.page.get_or_insert_with(|| (object.key.clone(), blake3::Hasher::new_derive_key(PAGE)));
        hasher.update(&leaf(object));
        done
    }

    /// The last page.
    pub fn finish(mut self) -> Option<Page> {
        self.take()
    }

    fn take(&mut self) -> Option<Page> {
        self.page.take().map(|(first, hasher)| Page { first, hash: *hasher.finalize().as_bytes() })
    }

    fn begins_page(&self, object: &Object) -> bool {
        let hash = blake3::hash(&object.key);
        let number = hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        number % (PAGE_OBJECTS << self.coarse) == 0
    }
}

/// The ranges in which two lists of pages of one kind differ. Pages with the same first key and hash are the same; everything between
/// two such pages differs.
pub fn differing_ranges(kind: ObjectKind, ours: &[Page], theirs: &[Page]) -> Vec<KeyRange> {
    let mut starts: Vec<&[u8]> = ours.iter().chain(theirs).map(|page| page.first.as_slice()).collect();
    starts.sort_unstable();
    starts.dedup();
    let (mut ours, mut theirs) = (ours.iter().peekable(), theirs.iter().peekable());
    // The last page of each side that began at or before where we are: it covers that place.
    let (mut left, mut right): (Option<&Page>, Option<&Page>) = (None, None);
    let mut ranges = Vec::new();
    for (index, start) in starts.iter().enumerate() {
        left = ours.next_if(|page| page.first == *start).or(left);
        right = theirs.next_if(|page| page.first == *start).or(right);
        if left != right {
            let to = starts.get(index + 1).map(|next| next.to_vec());
            ranges.push(KeyRange { kind, from: start.to_vec(), to });
        }
    }
    ranges
}

/// The hash of an object with everything that travels. Lengths before bytes: no two objects have one spelling.
fn leaf(object: &Object) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(LEAF);
    hasher.update(&[object.kind.0]);
    hasher.update(&(object.key.len() as u64).to_le_bytes()).update(&object.key);
    hasher.update(&object.lsn.0.to_le_bytes()).update(&object.charge.0.to_le_bytes());
    hasher.update(&(object.blobs.len() as u64).to_le_bytes());
    for blob in &object.blobs {
        hasher.update(BlobId::as_bytes(blob));
    }
    hasher.update(&object.value);
    *hasher.finalize().as_bytes()
}

/// The finest pages have so many objects on average.
const PAGE_OBJECTS: u64 = 64;
/// The coarsest have 2^14 times as many.
const COARSE_MAX: u8 = 14;

const LEAF: &str = "essaim 2026 object of a move";
const PAGE: &str = "essaim 2026 page of objects of a move";
const KIND: &str = "essaim 2026 kind of objects of a move";
const ACCOUNT: &str = "essaim 2026 account of a move";

#[cfg(test)]
mod tests {
    use essaim_types::ByteSize;

    use super::*;

    fn object(kind: ObjectKind, key: u32, value: &[u8]) -> Object {
        Object {
            kind,
            key: key.to_be_bytes().to_vec(),
            lsn: Lsn(7),
            charge: ByteSize(3),
            blobs: vec![BlobId::of(value)],
            value: value.to_vec(),
        }
    }

    fn account(count: u32) -> Vec<Object> {
        let flags = (0..9).map(|key| object(ObjectKind::FLAGS, key, b"f"));
        (0..count).map(|key| object(ObjectKind::MESSAGE, key, b"m")).chain(flags).collect()
    }

    fn pages(objects: &[Object]) -> (Summary, Vec<Page>) {
        let (mut summarizer, mut pager) = (Summarizer::default(), Pager::new(0));
        objects.iter().for_each(|object| summarizer.push(object));
        let messages = objects.iter().filter(|object| object.kind == ObjectKind::MESSAGE);
        let mut pages: Vec<Page> = messages.filter_map(|object| pager.push(object)).collect();
        pages.extend(pager.finish());
        (summarizer.finish(Lsn(7)), pages)
    }

    #[test]
    fn the_roots_of_the_same_objects_are_the_same() {
        let (one, two) = (pages(&account(1000)), pages(&account(1000)));
        assert_eq!(one, two);
        assert_eq!(one.0.kinds.iter().map(|kind| kind.objects).collect::<Vec<_>>(), [1000, 9]);
        assert!((8..32).contains(&one.1.len()), "{} pages of 64 on average", one.1.len());
    }

    #[test]
    fn the_own_object_of_the_account_does_not_count() {
        let mut objects = vec![object(ObjectKind::ACCOUNT, 0, b"quota")];
        objects.extend(account(9));
        assert_eq!(pages(&objects), pages(&account(9)));
    }

    #[test]
    fn every_part_of_an_object_counts() {
        let (before, root) = (account(100), pages(&account(100)).0.root());
        let changes: [fn(&mut Object); 6] = [
            |o| o.key.push(0),
            |o| o.lsn = Lsn(8),
            |o| o.charge = ByteSize(4),
            |o| o.blobs.clear(),
            |o| o.value.push(0),
            |o| o.blobs.reverse(),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut objects = before.clone();
            objects[50].blobs.push(BlobId::of(b"two"));
            let with_two = pages(&objects).0.root();
            change(&mut objects[50]);
            assert_ne!(pages(&objects).0.root(), with_two, "change {number}");
            assert_ne!(pages(&objects).0.root(), root, "change {number}");
        }
    }

    #[test]
    fn a_difference_is_found_in_few_pages() {
        let (mut changed, same) = (account(1000), account(1000));
        changed[500].value.push(1);
        let (ours, theirs) = (pages(&changed), pages(&same));
        assert_eq!(ours.0.differing(&theirs.0), [ObjectKind::MESSAGE]);
        let ranges = differing_ranges(ObjectKind::MESSAGE, &ours.1, &theirs.1);
        let [range] = ranges.as_slice() else { panic!("{ranges:?}") };
        assert!(range.contains(&Key::of(&changed[500])));
        let inside = same.iter().filter(|object| range.contains(&Key::of(object))).count();
        assert!(inside < 500, "{inside} of 1000 would be sent again");
    }

    /// Whatever two sides have: taking over what the other has in the ranges that differ makes them the same.
    #[test]
    fn taking_over_the_differing_ranges_makes_both_the_same() {
        let all = account(600);
        for seed in 0..200u64 {
            let has = |object: &Object, side: u64| {
                let number = u32::from_be_bytes(object.key.clone().try_into().unwrap());
                let draw = blake3::hash(
                    &[seed.to_le_bytes(), side.to_le_bytes(), u64::from(number).to_le_bytes()].concat(),
                );
                object.kind != ObjectKind::MESSAGE || draw.as_bytes()[0] >= (seed % 4) as u8
            };
            let source: Vec<Object> = all.iter().filter(|object| has(object, 1)).cloned().collect();
            let mut target: Vec<Object> = all.iter().filter(|object| has(object, 2)).cloned().collect();
            let ranges = differing_ranges(ObjectKind::MESSAGE, &pages(&target).1, &pages(&source).1);
            let in_any = |object: &Object| ranges.iter().any(|range| range.contains(&Key::of(object)));
            target.retain(|object| !in_any(object));
            target.extend(source.iter().filter(|object| in_any(object)).cloned());
            target.sort_by_key(Key::of);
            assert_eq!(target, source, "seed {seed}");
        }
    }

    #[test]
    fn the_pages_of_many_objects_are_coarser() {
        assert_eq!(
            (Pager::coarse_for(0), Pager::coarse_for(100_000), Pager::coarse_for(1_000_000)),
            (0, 0, 3)
        );
        assert_eq!(Pager::coarse_for(u64::MAX), COARSE_MAX);
    }

    #[test]
    fn nothing_against_something_is_everything() {
        let (_, some) = pages(&account(10));
        let all = differing_ranges(ObjectKind::MESSAGE, &[], &some);
        assert!(account(10).iter().take(10).all(|o| all.iter().any(|range| range.contains(&Key::of(o)))));
        assert_eq!(differing_ranges(ObjectKind::MESSAGE, &some, &[]), all);
        assert!(differing_ranges(ObjectKind::MESSAGE, &some, &some).is_empty());
    }
}
