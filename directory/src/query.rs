//! Finding hosters: filters, a stable order, pages. From memory, without asking anybody.

use std::cmp::Ordering;

use essaim_types::{ListingId, Timestamp};
use serde::Serialize;

use crate::beat::Freshness;
use crate::directory::Directory;
use crate::hoster::Hoster;
use crate::listing::Listing;
use crate::trust::{Tier, Tiers};

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

impl Directory {
    /// What matches, nearest first if a place is asked for; else most trusted, then freshest, then by name. Equals by id, so that
    /// pages fit together.
    pub fn query(&self, now: Timestamp, filter: &Filter, page: PageRequest) -> Page<'_> {
        let tiers = self.tiers(now);
        let words: Vec<String> =
            filter.text.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect();
        let mut hits: Vec<Hit<'_>> = self
            .hosters()
            .filter_map(|hoster| self.hit(hoster, now, filter.near, &tiers))
            .filter(|hit| matches(hit, filter) && words.iter().all(|word| says(hit.listing, word)))
            .collect();
        hits.sort_by(order);
        let total = hits.len();
        let hits = hits.into_iter().skip(page.offset).take(page.limit.min(PAGE_MAX)).collect();
        Page { total, hits }
    }

    /// One hoster as it is shown, hidden or not.
    pub fn show(&self, now: Timestamp, listing: ListingId) -> Option<Hit<'_>> {
        self.hit(self.hoster(listing)?, now, None, &self.tiers(now))
    }

    fn hit<'a>(
        &'a self,
        hoster: &'a Hoster,
        now: Timestamp,
        near: Option<Near>,
        tiers: &Tiers,
    ) -> Option<Hit<'a>> {
        let listing = hoster.listing();
        let distance_km = match near {
            None => None,
            Some(near) => Some(listing.cell()?.distance_km(near.latitude, near.longitude)),
        };
        Some(Hit {
            id: hoster.id(),
            tier: tiers.of(hoster.id()),
            freshness: hoster.freshness(now),
            last_seen: hoster.last_seen(),
            distance_km,
            disputed: !hoster.keyring().is_settled(),
            hidden: self.hidden.contains(&hoster.id()),
            listing,
        })
    }
}

fn matches(hit: &Hit<'_>, filter: &Filter) -> bool {
    let listing = hit.listing;
    let is = |wanted: &Option<String>, said: &Option<Box<str>>| {
        wanted.as_deref().is_none_or(|wanted| said.as_deref() == Some(wanted))
    };
    let near = filter.near.is_none_or(|near| hit.distance_km.is_some_and(|km| km <= near.within_km));
    let price = filter.price_max.is_none_or(|max| listing.price.monthly.is_some_and(|price| price <= max));
    let languages = &filter.languages;
    near && price
        && hit.tier >= filter.trust
        && hit.freshness <= filter.freshness
        && (filter.hidden || !hit.hidden)
        && filter.services.iter().all(|service| listing.services.contains(service.as_str()))
        && (languages.is_empty()
            || languages.iter().any(|language| listing.languages.contains(language.as_str())))
        && is(&filter.country, &listing.place.country)
        && is(&filter.region, &listing.place.region)
        && is(&filter.legal_form, &listing.legal_form)
        && is(&filter.provider, &listing.provider)
        && filter.open.is_none_or(|open| listing.join.open == Some(open))
        && filter.charter.as_deref().is_none_or(|charter| listing.charters.get(charter).is_some())
}

fn says(listing: &Listing, word: &str) -> bool {
    let short = [&listing.name, &listing.domain, &listing.place.name, &listing.place.region];
    let short = short.into_iter().flatten().map(|text| &**text);
    short.chain(listing.descriptions.iter().map(|(_, text)| text)).any(|text| contains(text, word))
}

/// `word` is in lower case already.
fn contains(text: &str, word: &str) -> bool {
    text.to_lowercase().contains(word)
}

fn order(a: &Hit<'_>, b: &Hit<'_>) -> Ordering {
    let distance = |hit: &Hit<'_>| hit.distance_km.unwrap_or(f64::INFINITY);
    let name = |hit: &Hit<'_>| hit.listing.name.as_deref().map(str::to_lowercase);
    distance(a)
        .total_cmp(&distance(b))
        .then_with(|| b.tier.cmp(&a.tier))
        .then_with(|| a.freshness.cmp(&b.freshness))
        .then_with(|| name(a).cmp(&name(b)))
        .then_with(|| a.id.cmp(&b.id))
}

/// Most hits of one page.
pub const PAGE_MAX: usize = 200;
