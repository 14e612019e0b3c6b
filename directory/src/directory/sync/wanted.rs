//! What is wanted from whom: filled by what peers say that they hold, emptied into questions.

use std::collections::{BTreeMap, BTreeSet};

use essaim_identity::PublicKey;
use essaim_types::ListingId;

use crate::message::{Name, RECORDS_ASKED_MAX, SUMMARIES_MAX};

/// What is wanted from each peer.
#[derive(Debug, Default)]
pub(super) struct Wanted(BTreeMap<PublicKey, Wish>);

/// What is wanted from one peer.
#[derive(Debug, Default)]
struct Wish {
    /// With the digest that the peer told, of whom a comparison found out; without, whatever the peer has is wanted.
    listings: BTreeMap<ListingId, Option<Short>>,
    /// Where its list of listings goes on. It is asked for when what came before has been.
    rest: Option<Rest>,
}

/// The beginning of a hoster's digest, as it stands in a summary.
pub(super) type Short = [u8; 16];

/// The part of a peer's list that has not been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest {
    pub(super) buckets: [u8; 32],
    pub(super) from: ListingId,
}

/// What to ask a peer next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Records(Vec<Name>),
    Summaries(Rest),
}

impl Wanted {
    /// Wants a listing of a peer: the one with this digest, or whatever it has.
    pub(super) fn add(&mut self, peer: PublicKey, listing: ListingId, digest: Option<Short>) {
        let wish = self.0.entry(peer).or_default();
        if wish.listings.len() < WANTED_MAX || wish.listings.contains_key(&listing) {
            // What is wanted in any case stays so.
            let both = wish.listings.get(&listing).map_or(digest, |old| old.and(digest));
            wish.listings.insert(listing, both);
        }
    }

    /// Wants the rest of a peer's list.
    pub(super) fn read_on(&mut self, peer: PublicKey, rest: Rest) {
        self.0.entry(peer).or_default().rest = Some(rest);
    }

    /// Wants nothing of a peer any more.
    pub(super) fn forget(&mut self, peer: &PublicKey) {
        self.0.remove(peer);
    }

    /// Of whom something is wanted.
    pub(super) fn peers(&self) -> Vec<PublicKey> {
        self.0.keys().copied().collect()
    }

    /// A peer has told all it knows of these.
    pub(super) fn told(&mut self, peer: &PublicKey, names: &[Name]) {
        if let Some(wish) = self.0.get_mut(peer) {
            for name in names {
                wish.listings.remove(&name.0);
            }
        }
    }

    /// What to ask a peer next; listings stay wanted until it has told. What has come from elsewhere meanwhile is wanted no more;
    /// what somebody else is being asked for waits for that answer, so that a newcomer with many peers learns each listing once.
    pub(super) fn next(
        &mut self,
        peer: &PublicKey,
        asked: &BTreeSet<ListingId>,
        held: impl Fn(ListingId) -> Option<Short>,
    ) -> Option<Next> {
        let wish = self.0.get_mut(peer)?;
        wish.listings.retain(|listing, digest| digest.is_none() || *digest != held(*listing));
        let free = |(listing, digest): (&ListingId, &Option<Short>)| {
            (digest.is_none() || !asked.contains(listing)).then_some(Name(*listing))
        };
        let names: Vec<Name> = wish.listings.iter().filter_map(free).take(RECORDS_ASKED_MAX).collect();
        if !names.is_empty() {
            return Some(Next::Records(names));
        }
        let rest = if wish.listings.is_empty() { wish.rest.take() } else { None };
        if wish.listings.is_empty() && rest.is_none() {
            self.0.remove(peer);
        }
        rest.map(Next::Summaries)
    }
}

/// Listings wanted of one peer: a page of its list, and what was on its way from it.
const WANTED_MAX: usize = SUMMARIES_MAX + RECORDS_ASKED_MAX;

#[cfg(test)]
mod tests {
    use essaim_identity::SigningKey;

    use super::*;

    fn peer(seed: u8) -> PublicKey {
        SigningKey::from_seed(&[seed; 32]).public()
    }

    fn listing(number: u16) -> ListingId {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&number.to_be_bytes());
        ListingId::from_bytes(id)
    }

    fn names(numbers: impl IntoIterator<Item = u16>) -> Option<Next> {
        Some(Next::Records(numbers.into_iter().map(|number| Name(listing(number))).collect()))
    }

    #[test]
    fn what_another_is_asked_for_waits_and_what_has_come_is_wanted_no_more() {
        let mut wanted = Wanted::default();
        (0..4).for_each(|number| wanted.add(peer(1), listing(number), Some([1; 16])));
        let asked = BTreeSet::from([listing(0), listing(1)]);
        assert_eq!(wanted.next(&peer(1), &asked, |_| None), names([2, 3]));
        wanted.told(&peer(1), &[Name(listing(2)), Name(listing(3))]);
        assert_eq!(wanted.next(&peer(1), &asked, |_| None), None);
        let held = |id| (id == listing(0)).then_some([1; 16]);
        assert_eq!(wanted.next(&peer(1), &BTreeSet::new(), held), names([1]));
        wanted.told(&peer(1), &[Name(listing(1))]);
        assert_eq!(wanted.next(&peer(1), &BTreeSet::new(), held), None);
        assert_eq!(wanted.peers(), []);
    }

    #[test]
    fn what_is_wanted_of_everybody_is_asked_of_everybody() {
        let mut wanted = Wanted::default();
        wanted.add(peer(1), listing(0), None);
        wanted.add(peer(1), listing(0), Some([1; 16]));
        let asked = BTreeSet::from([listing(0)]);
        assert_eq!(wanted.next(&peer(1), &asked, |_| Some([1; 16])), names([0]));
    }

    #[test]
    fn a_long_list_is_read_page_by_page_and_never_held_whole() {
        let mut wanted = Wanted::default();
        (0..u16::MAX).for_each(|number| wanted.add(peer(1), listing(number), Some([1; 16])));
        let rest = Rest { buckets: [255; 32], from: listing(5) };
        wanted.read_on(peer(1), rest);
        let mut asked = 0;
        let last = loop {
            match wanted.next(&peer(1), &BTreeSet::new(), |_| None) {
                Some(Next::Records(names)) => {
                    asked += names.len();
                    wanted.told(&peer(1), &names);
                }
                other => break other,
            }
        };
        assert_eq!((asked, last), (WANTED_MAX, Some(Next::Summaries(rest))));
        assert_eq!(wanted.next(&peer(1), &BTreeSet::new(), |_| None), None);
    }
}
