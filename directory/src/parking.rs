//! What came before its past: kept for ten minutes, then left to the next comparison with a peer.
//!
//! Of most of what waits nobody can say whether its hoster has written it: the key that would tell is what is missing. So places are shared
//! out among those who bring it, and who brings much makes room first.

use std::collections::BTreeMap;
use std::time::Duration;

use essaim_identity::PublicKey;
use essaim_types::{ListingId, Timestamp};

use crate::refusal::Refusal;

/// Records that wait, by listing.
#[derive(Debug, Default)]
pub(crate) struct Parking {
    waiting: BTreeMap<ListingId, Vec<Waiting>>,
    bytes: usize,
    /// Bytes by whose they are.
    brought: BTreeMap<Source, usize>,
}

/// Who answers for a record that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// Its hoster: the signature was right.
    Hoster(ListingId),
    /// Whoever gossiped it.
    Peer(PublicKey),
    /// Somebody who was asked.
    Answer,
}

#[derive(Debug)]
struct Waiting {
    until: Timestamp,
    source: Source,
    bytes: Box<[u8]>,
}

impl Parking {
    /// Keeps a record until its past comes.
    pub(crate) fn park(
        &mut self,
        listing: ListingId,
        bytes: &[u8],
        source: Source,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.line(listing).iter().any(|waiting| *waiting.bytes == *bytes) {
            return Err(Refusal::Known);
        }
        if self.line(listing).len() >= PARKED_PER_LISTING_MAX {
            self.make_room_in(listing, source)?;
        }
        while self.bytes.saturating_add(bytes.len()) > PARKED_BYTES_MAX {
            self.make_room(bytes.len(), source)?;
        }
        self.bytes += bytes.len();
        *self.brought.entry(source).or_default() += bytes.len();
        let line = self.waiting.entry(listing).or_default();
        line.push(Waiting { until: now.after(PARKED_FOR), source, bytes: bytes.into() });
        Ok(())
    }

    /// Everything that waits for something of this listing; it goes on waiting.
    pub(crate) fn waiting(&self, listing: ListingId) -> Vec<Box<[u8]>> {
        self.line(listing).iter().map(|waiting| waiting.bytes.clone()).collect()
    }

    /// A record waits no more.
    pub(crate) fn leave(&mut self, listing: ListingId, bytes: &[u8]) {
        let at = self.line(listing).iter().position(|waiting| *waiting.bytes == *bytes);
        at.into_iter().for_each(|at| self.remove(listing, at));
    }

    /// Nothing waits for this listing any more.
    pub(crate) fn forget(&mut self, listing: ListingId) {
        while !self.line(listing).is_empty() {
            self.remove(listing, 0);
        }
    }

    /// Forgets what has waited too long; the listings that are behind.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Vec<ListingId> {
        let over = |waiting: &Waiting| now >= waiting.until;
        let behind = self.waiting.iter().filter(|(_, line)| line.iter().any(over));
        let behind: Vec<ListingId> = behind.map(|(listing, _)| *listing).collect();
        for listing in &behind {
            while let Some(at) = self.line(*listing).iter().position(over) {
                self.remove(*listing, at);
            }
        }
        behind
    }

    /// How many records wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.values().map(Vec::len).sum()
    }

    fn line(&self, listing: ListingId) -> &[Waiting] {
        self.waiting.get(&listing).map(Vec::as_slice).unwrap_or_default()
    }

    /// The oldest of whoever has the most places in a line goes, if that is more than the newcomer would have.
    fn make_room_in(&mut self, listing: ListingId, newcomer: Source) -> Result<(), Refusal> {
        let mut places: BTreeMap<Source, usize> = BTreeMap::new();
        for waiting in self.line(listing) {
            *places.entry(waiting.source).or_default() += 1;
        }
        let source = crowding(&places, newcomer, 1).ok_or(Refusal::ParkFull)?;
        let at = self.line(listing).iter().position(|waiting| waiting.source == source);
        self.remove(listing, at.ok_or(Refusal::ParkFull)?);
        Ok(())
    }

    /// The same of all lines, by bytes.
    fn make_room(&mut self, more: usize, newcomer: Source) -> Result<(), Refusal> {
        let source = crowding(&self.brought, newcomer, more).ok_or(Refusal::ParkFull)?;
        let mut places = self.waiting.iter().filter_map(|(listing, line)| {
            let at = line.iter().position(|waiting| waiting.source == source)?;
            Some((*listing, at))
        });
        let (listing, at) = places.next().ok_or(Refusal::ParkFull)?;
        self.remove(listing, at);
        Ok(())
    }

    fn remove(&mut self, listing: ListingId, at: usize) {
        let Some(line) = self.waiting.get_mut(&listing).filter(|line| at < line.len()) else { return };
        let gone = line.remove(at);
        if line.is_empty() {
            self.waiting.remove(&listing);
        }
        self.bytes -= gone.bytes.len();
        if let Some(left) = self.brought.get_mut(&gone.source) {
            *left -= gone.bytes.len();
            if *left == 0 {
                self.brought.remove(&gone.source);
            }
        }
    }
}

/// Who has the most of what nobody could check, if it is more than the newcomer has with `more`. Before a hoster's own word everybody else makes
/// room, whatever they have; then the hoster that has most.
fn crowding(taken: &BTreeMap<Source, usize>, newcomer: Source, more: usize) -> Option<Source> {
    let is_hoster = |source: &Source| matches!(source, Source::Hoster(_));
    let most = |hosters: bool| {
        let some = taken.iter().filter(move |(source, _)| is_hoster(source) == hosters);
        some.max_by_key(|(_, taken)| **taken).map(|(source, taken)| (*source, *taken))
    };
    let own = taken.get(&newcomer).copied().unwrap_or_default();
    let larger = |(source, taken): (Source, usize)| (taken > own + more).then_some(source);
    match (is_hoster(&newcomer), most(false)) {
        (true, Some((source, _))) => Some(source),
        (true, None) => most(true).and_then(larger),
        (false, others) => others.and_then(larger),
    }
}

/// Most records that wait for one listing.
pub(crate) const PARKED_PER_LISTING_MAX: usize = 32;
/// Most bytes that wait in all.
pub(crate) const PARKED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a record waits.
pub(crate) const PARKED_FOR: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use essaim_identity::SigningKey;

    use super::*;

    const NOW: Timestamp = Timestamp(0);

    fn peer(number: u8) -> Source {
        Source::Peer(SigningKey::from_seed(&[number; 32]).public())
    }

    fn listing(number: u8) -> ListingId {
        ListingId::from_bytes([number; 32])
    }

    fn park(parking: &mut Parking, listing: ListingId, number: usize, source: Source) -> Result<(), Refusal> {
        parking.park(listing, &number.to_be_bytes(), source, NOW)
    }

    /// Whoever came first with made-up records had all 32 places of a listing for ten minutes.
    #[test]
    fn r15_one_that_takes_all_places_makes_room_for_others() {
        let mut parking = Parking::default();
        for number in 0..PARKED_PER_LISTING_MAX {
            assert_eq!(park(&mut parking, listing(1), number, peer(1)), Ok(()));
        }
        assert_eq!(park(&mut parking, listing(1), 99, peer(1)), Err(Refusal::ParkFull));
        for number in 100..100 + PARKED_PER_LISTING_MAX / 2 {
            assert_eq!(park(&mut parking, listing(1), number, peer(2)), Ok(()), "{number}");
        }
        assert_eq!(park(&mut parking, listing(1), 200, peer(2)), Err(Refusal::ParkFull), "both have half");
        assert_eq!(park(&mut parking, listing(1), 201, peer(3)), Ok(()));
        for number in 300..300 + PARKED_PER_LISTING_MAX {
            assert_eq!(
                park(&mut parking, listing(1), number, Source::Hoster(listing(1))),
                Ok(()),
                "before others"
            );
        }
        assert_eq!(
            park(&mut parking, listing(1), 400, peer(4)),
            Err(Refusal::ParkFull),
            "and is not put out"
        );
        assert_eq!(parking.len(), PARKED_PER_LISTING_MAX);
    }

    #[test]
    fn r15_one_that_takes_all_bytes_makes_room_for_others() {
        let mut parking = Parking::default();
        let record = |number: u8| vec![number; 16 << 10];
        for number in 0..=u8::MAX {
            assert_eq!(parking.park(listing(number), &record(number), peer(1), NOW), Ok(()));
        }
        assert_eq!(parking.bytes, PARKED_BYTES_MAX);
        assert_eq!(parking.park(listing(1), &record(0), peer(1), NOW), Err(Refusal::ParkFull));
        for number in 0..100 {
            assert_eq!(
                parking.park(listing(7), &[record(9), vec![number]].concat(), peer(2), NOW).is_ok(),
                number < 32
            );
        }
        assert!(parking.bytes <= PARKED_BYTES_MAX);
        for number in 0..=u8::MAX {
            let _ = parking.park(
                listing(number),
                &[record(9), vec![number]].concat(),
                Source::Hoster(listing(8)),
                NOW,
            );
            let _ = parking.park(
                listing(8),
                &[record(8), vec![number]].concat(),
                Source::Hoster(listing(8)),
                NOW,
            );
        }
        let own = parking.park(listing(3), b"mine", Source::Hoster(listing(3)), NOW);
        assert_eq!(own, Ok(()), "one hoster does not take all from the others either");
        parking.expire(NOW.after(PARKED_FOR));
        assert_eq!((parking.len(), parking.bytes, parking.brought.len()), (0, 0, 0));
    }
}
