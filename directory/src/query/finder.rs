//! One listing after the other, in whatever order the caller goes: does it match?

use essaim_types::{ListingId, Timestamp};

use super::criterion::{Misses, misses};
use super::{Filter, Hit};
use crate::trust::Tiers;
use crate::view::View;

/// A filter at work.
#[derive(Debug)]
pub struct Finder<'a, 'f> {
    directory: &'a View,
    now: Timestamp,
    filter: &'f Filter,
    tiers: Tiers,
    words: Vec<String>,
}

impl View {
    /// Asks of one listing after the other whether it matches. Tiers are computed once, here.
    pub fn finder<'a, 'f>(&'a self, now: Timestamp, filter: &'f Filter) -> Finder<'a, 'f> {
        Finder { directory: self, now, filter, tiers: self.tiers(now), words: filter.words() }
    }
}

impl<'a> Finder<'a, '_> {
    /// The listing, if it is here and matches.
    pub fn find(&self, listing: ListingId) -> Option<Hit<'a>> {
        let hoster = self.directory.hoster(listing)?;
        let hit = self.directory.hit(hoster, self.now, self.filter.near, &self.tiers);
        (misses(&hit, self.filter, &self.words) == Misses::None).then_some(hit)
    }
}
