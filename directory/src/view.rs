//! What there is to read of a directory, apart from what takes records in: a copy of it costs a pointer for each listing, so whoever
//! asks much gets a copy and holds up nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use essaim_types::{ListingId, Timestamp};

use crate::directory::Policy;
use crate::hoster::Hoster;

/// The directory as it is at one moment.
#[derive(Debug, Clone)]
pub struct View {
    pub(crate) policy: Policy,
    pub(crate) hosters: BTreeMap<ListingId, Arc<Hoster>>,
    pub(crate) gone: BTreeMap<ListingId, Gone>,
    pub(crate) hidden: BTreeSet<ListingId>,
    pub(crate) own: Option<ListingId>,
}

/// What is left of a hoster that has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) since: Timestamp,
    pub(crate) wire: Arc<[u8]>,
}

impl View {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, hosters: BTreeMap::new(), gone: BTreeMap::new(), hidden: BTreeSet::new(), own: None }
    }

    /// A hoster, hidden or not.
    pub fn hoster(&self, listing: ListingId) -> Option<&Hoster> {
        self.hosters.get(&listing).map(|hoster| &**hoster)
    }

    /// Every hoster, hidden and unproven ones too, by id.
    pub fn hosters(&self) -> impl Iterator<Item = &Hoster> {
        self.hosters.values().map(|hoster| &**hoster)
    }

    /// Those whose ids are not below this one.
    pub(crate) fn hosters_from(&self, from: ListingId) -> impl Iterator<Item = &Hoster> {
        self.hosters.range(from..).map(|(_, hoster)| &**hoster)
    }

    /// Whether this node hides a listing.
    pub fn is_hidden(&self, listing: ListingId) -> bool {
        self.hidden.contains(&listing)
    }

    /// What this node decides for itself.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whom this node believes to begin with: itself and its seeds.
    pub fn seeds(&self) -> impl Iterator<Item = ListingId> {
        self.own_listing().into_iter().chain(self.policy.seeds.iter().copied())
    }

    /// Our own listing.
    pub fn own_listing(&self) -> Option<ListingId> {
        self.own
    }

    /// Only what is proven is compared and told of: nobody passes on what nobody has checked.
    pub(crate) fn is_told(&self, hoster: &Hoster, now: Timestamp) -> bool {
        hoster.is_proven(now) || self.own_listing() == Some(hoster.id())
    }

    /// To be changed. Who still reads a copy keeps what it has: then this costs a copy of the one hoster.
    pub(crate) fn hoster_mut(&mut self, listing: &ListingId) -> Option<&mut Hoster> {
        self.hosters.get_mut(listing).map(Arc::make_mut)
    }
}
