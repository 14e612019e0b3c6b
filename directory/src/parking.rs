//! What came before its past: kept for ten minutes, then left to the next comparison with a peer.

use std::collections::BTreeMap;
use std::time::Duration;

use essaim_types::{ListingId, Timestamp};

use crate::refusal::Refusal;

/// Records that wait, by listing.
#[derive(Debug, Default)]
pub(crate) struct Parking {
    waiting: BTreeMap<ListingId, Vec<Waiting>>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    until: Timestamp,
    bytes: Box<[u8]>,
}

impl Parking {
    /// Keeps a record until its past comes.
    pub(crate) fn park(&mut self, listing: ListingId, bytes: &[u8], now: Timestamp) -> Result<(), Refusal> {
        let line = self.waiting.entry(listing).or_default();
        if line.iter().any(|waiting| *waiting.bytes == *bytes) {
            return Err(Refusal::Known);
        }
        if line.len() >= PARKED_PER_LISTING_MAX || self.bytes.saturating_add(bytes.len()) > PARKED_BYTES_MAX {
            return Err(Refusal::ParkFull);
        }
        line.push(Waiting { until: now.after(PARKED_FOR), bytes: bytes.into() });
        self.bytes += bytes.len();
        Ok(())
    }

    /// Everything that waits for something of this listing; it goes on waiting.
    pub(crate) fn waiting(&self, listing: ListingId) -> Vec<Box<[u8]>> {
        let line = self.waiting.get(&listing).map(Vec::as_slice).unwrap_or_default();
        line.iter().map(|waiting| waiting.bytes.clone()).collect()
    }

    /// A record waits no more.
    pub(crate) fn leave(&mut self, listing: ListingId, bytes: &[u8]) {
        let Some(line) = self.waiting.get_mut(&listing) else { return };
        if let Some(at) = line.iter().position(|waiting| *waiting.bytes == *bytes) {
            self.bytes -= line.swap_remove(at).bytes.len();
        }
        if line.is_empty() {
            self.waiting.remove(&listing);
        }
    }

    /// Nothing waits for this listing any more.
    pub(crate) fn forget(&mut self, listing: ListingId) {
        let line = self.waiting.remove(&listing).unwrap_or_default();
        self.bytes -= line.iter().map(|waiting| waiting.bytes.len()).sum::<usize>();
    }

    /// Forgets what has waited too long; the listings that are behind.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Vec<ListingId> {
        let mut behind = Vec::new();
        let bytes = &mut self.bytes;
        self.waiting.retain(|listing, line| {
            let before = line.len();
            line.retain(|waiting| {
                let stays = now < waiting.until;
                *bytes -= if stays { 0 } else { waiting.bytes.len() };
                stays
            });
            if line.len() < before {
                behind.push(*listing);
            }
            !line.is_empty()
        });
        behind
    }

    /// How many records wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.values().map(Vec::len).sum()
    }
}

/// Most records that wait for one listing.
pub(crate) const PARKED_PER_LISTING_MAX: usize = 32;
/// Most bytes that wait in all.
pub(crate) const PARKED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a record waits.
pub(crate) const PARKED_FOR: Duration = Duration::from_secs(600);
