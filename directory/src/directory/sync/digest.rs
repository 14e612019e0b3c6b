//! What two directories compare: digests of buckets of listings, and one of them all.

use essaim_types::{ListingId, Timestamp};

use super::wanted::Short;
use crate::directory::Directory;
use crate::hoster::Hoster;
use crate::message::{BUCKETS, Summary};

/// The digests of all buckets.
pub(super) type Buckets = [[u8; 32]; BUCKETS];

impl Directory {
    /// Ids are in order, so each bucket is one run of them; an empty one is zeros.
    pub(super) fn buckets(&self, now: Timestamp) -> Buckets {
        let mut buckets = [[0; 32]; BUCKETS];
        let mut told = self.hosters().filter(|hoster| self.is_told(hoster, now)).peekable();
        let mut hasher = blake3::Hasher::new();
        while let Some(first) = told.peek().map(|hoster| bucket_of(hoster.id())) {
            hasher.reset();
            while let Some(hoster) = told.next_if(|hoster| bucket_of(hoster.id()) == first) {
                hasher.update(hoster.id().as_bytes()).update(hoster.digest());
            }
            if let Some(bucket) = buckets.get_mut(first) {
                *bucket = *hasher.finalize().as_bytes();
            }
        }
        buckets
    }
}

pub(super) fn root(buckets: &Buckets) -> [u8; 32] {
    *blake3::hash(buckets.as_flattened()).as_bytes()
}

/// As they are told.
pub(super) fn shortened(buckets: &Buckets) -> Vec<u8> {
    buckets.iter().flat_map(|bucket| bucket.iter().take(BUCKET_BYTES)).copied().collect()
}

/// A bit for each bucket in which ours is not what was told.
pub(super) fn differing(ours: &Buckets, theirs: &[u8]) -> [u8; 32] {
    let mut differing = [0u8; 32];
    let theirs = theirs.chunks_exact(BUCKET_BYTES).chain(std::iter::repeat([0; BUCKET_BYTES].as_slice()));
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        if let Some(byte) = differing.get_mut(index / 8).filter(|_| !ours.starts_with(theirs)) {
            *byte |= 0x80 >> (index % 8);
        }
    }
    differing
}

pub(super) fn summary(hoster: &Hoster) -> Summary {
    Summary { listing: hoster.id(), digest: short(hoster) }
}

pub(super) fn short(hoster: &Hoster) -> Short {
    hoster.digest().first_chunk().copied().unwrap_or_default()
}

/// Whether the bucket of a listing is among these.
pub(super) fn has(buckets: &[u8; 32], listing: ListingId) -> bool {
    let bucket = bucket_of(listing);
    buckets.get(bucket / 8).is_some_and(|byte| byte & (0x80 >> (bucket % 8)) != 0)
}

fn bucket_of(listing: ListingId) -> usize {
    let [first, ..] = listing.as_bytes();
    usize::from(*first)
}

/// Of a bucket's digest, how much is told.
const BUCKET_BYTES: usize = 8;
