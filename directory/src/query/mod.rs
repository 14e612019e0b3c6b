//! Finding hosters: filters, a stable order, pages. From memory, without asking anybody.

mod choices;
mod criterion;
mod finder;
mod name;
mod place;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use essaim_types::{ListingId, Timestamp};
use serde::Serialize;

use self::criterion::{Misses, misses};
use crate::beat::Freshness;
use crate::hoster::Hoster;
use crate::listing::Listing;
use crate::trust::{Tier, Tiers};
use crate::view::View;

pub use choices::{Choices, most_used};
pub use criterion::Criterion;
pub use finder::Finder;
pub use name::NameFault;

/// What is looked for. All that is set must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Every word of it occurs in name, domain, place or descriptions, whatever the case.
    pub text: Option<String>,
    /// Within a distance of a place; hosters that tell no cell are not found.
    pub near: Option<Near>,
    /// All of these services.
    pub services: Vec<String>,
    /// One of these languages.
    pub languages: Vec<String>,
    /// ISO 3166-1.
    pub country: Option<String>,
    /// ISO 3166-2.
    pub region: Option<String>,
    /// Room for newcomers or not.
    pub open: Option<bool>,
    /// At most this much a month, in hundredths of whatever currency.
    pub price_max: Option<i64>,
    /// `cooperative`, ...
    pub legal_form: Option<String>,
    /// `home`, ...
    pub provider: Option<String>,
    /// Says that it keeps this charter.
    pub charter: Option<String>,
    /// At least this tier.
    pub trust: Tier,
    /// At most this old.
    pub freshness: Freshness,
    /// Also what was hidden on this node.
    pub hidden: bool,
}

/// A place and how far around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Kilometres.
    pub within_km: f64,
}

/// Which part of what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// How many to leave out.
    pub offset: usize,
    /// How many to give, at most [`PAGE_MAX`].
    pub limit: usize,
}

/// All that was found, and what else could be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found<'a> {
    /// What matches, nearest first if a place is asked for; else most trusted, then freshest, then by name. Equals by id, so that
    /// pages fit together.
    pub hits: Vec<Hit<'a>>,
    /// How many more there would be without one criterion.
    pub nearly: BTreeMap<Criterion, usize>,
    /// What can be asked for.
    pub choices: Choices<'a>,
}

/// A part of what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page<'a> {
    /// How many there are in all.
    pub total: usize,
    /// These.
    pub hits: Vec<Hit<'a>>,
}

/// A hoster as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit<'a> {
    /// Its id.
    pub id: ListingId,
    /// How far it is believed here.
    pub tier: Tier,
    /// How long ago it was heard of.
    pub freshness: Freshness,
    /// When, in milliseconds since 1970.
    pub last_seen: Timestamp,
    /// From the middle of its cell to the place asked for.
    pub distance_km: Option<f64>,
    /// Its root keys contradict each other: nothing it says is sure.
    pub disputed: bool,
    /// Hidden on this node.
    pub hidden: bool,
    /// What it says of itself.
    #[serde(flatten)]
    pub listing: &'a Listing,
}

impl Default for Filter {
    /// Everything that is proven, and was heard of within 14 days.
    fn default() -> Self {
        Self {
            text: None,
            near: None,
            services: Vec::new(),
            languages: Vec::new(),
            country: None,
            region: None,
            open: None,
            price_max: None,
            legal_form: None,
            provider: None,
            charter: None,
            trust: Tier::Proven,
            freshness: Freshness::Quiet,
            hidden: false,
        }
    }
}

impl Filter {
    /// Whether something that is no listing of the directory, so that nobody trusts it and it has no age, says what is asked for.
    pub fn accepts(&self, listing: &Listing) -> bool {
        let hit = Hit {
            id: ListingId::from_bytes([0; 32]),
            tier: Tier::Endorsed,
            freshness: Freshness::Fresh,
            last_seen: Timestamp(0),
            distance_km: self.distance_km(listing),
            disputed: false,
            hidden: false,
            listing,
        };
        misses(&hit, self, &self.words()) == Misses::None
    }

    fn distance_km(&self, listing: &Listing) -> Option<f64> {
        let near = self.near?;
        Some(listing.cell()?.distance_km(near.latitude, near.longitude))
    }

    /// Those of its text, in lower case.
    fn words(&self) -> Vec<String> {
        self.text.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect()
    }
}

impl View {
    /// A part of what [`View::find`] finds.
    pub fn query(&self, now: Timestamp, filter: &Filter, page: PageRequest) -> Page<'_> {
        let Found { hits, .. } = self.find(now, filter);
        let total = hits.len();
        let hits = hits.into_iter().skip(page.offset).take(page.limit.min(PAGE_MAX)).collect();
        Page { total, hits }
    }

    /// All that matches, in order, and what would match if less were asked for. One walk over all listings.
    pub fn find(&self, now: Timestamp, filter: &Filter) -> Found<'_> {
        let tiers = self.tiers(now);
        let words = filter.words();
        let shown = Filter::default();
        let mut found = Found::default();
        for hoster in self.hosters() {
            let hit = self.hit(hoster, now, filter.near, &tiers);
            if misses(&hit, &shown, &[]) == Misses::None {
                found.choices.note(hit.listing);
            }
            match misses(&hit, filter, &words) {
                Misses::None => found.hits.push(hit),
                Misses::Only(criterion) => *found.nearly.entry(criterion).or_default() += 1,
                Misses::Several => {}
            }
        }
        found.hits.sort_by_cached_key(place_in_order);
        found
    }

    /// One hoster as it is shown, hidden or not.
    pub fn show(&self, now: Timestamp, listing: ListingId) -> Option<Hit<'_>> {
        Some(self.hit(self.hoster(listing)?, now, None, &self.tiers(now)))
    }

    fn hit<'a>(&'a self, hoster: &'a Hoster, now: Timestamp, near: Option<Near>, tiers: &Tiers) -> Hit<'a> {
        let listing = hoster.listing();
        let distance_km =
            near.and_then(|near| Some(listing.cell()?.distance_km(near.latitude, near.longitude)));
        Hit {
            id: hoster.id(),
            tier: tiers.of(hoster.id()),
            freshness: hoster.freshness(now),
            last_seen: hoster.last_seen(),
            distance_km,
            disputed: !hoster.keyring().is_settled(),
            hidden: self.hidden.contains(&hoster.id()),
            listing,
        }
    }
}

fn place_in_order(hit: &Hit<'_>) -> impl Ord + use<> {
    // To the hectometre; without a place asked for, all are as far.
    #[expect(clippy::cast_possible_truncation, reason = "on Earth, or the largest there is")]
    let distance = hit.distance_km.map_or(i64::MAX, |km| (km * 10.0).round() as i64);
    let name = hit.listing.name.as_deref().map(str::to_lowercase);
    (distance, Reverse(hit.tier), hit.freshness, name, hit.id)
}

/// Most hits of one page.
pub const PAGE_MAX: usize = 200;
