//! Which of the things that are looked for a hoster does not have.

use serde::Serialize;

use super::{Filter, Hit};
use crate::listing::Listing;

/// One part of a [`Filter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// The words.
    Text,
    /// The place.
    Near,
    /// The services.
    Services,
    /// The languages.
    Languages,
    /// The country.
    Country,
    /// The region.
    Region,
    /// Room for newcomers.
    Open,
    /// The price.
    Price,
    /// The legal form.
    LegalForm,
    /// Whose machine it is.
    Provider,
    /// The charter.
    Charter,
    /// How far it is believed.
    Trust,
    /// How long ago it was heard of.
    Freshness,
    /// Hidden on this node.
    Hidden,
}

/// How much of a filter a hoster misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misses {
    None,
    Only(Criterion),
    Several,
}

/// What `hit` misses of `filter`; `words` are those of its text, in lower case. The words are looked for last: they cost most.
pub(super) fn misses(hit: &Hit<'_>, filter: &Filter, words: &[String]) -> Misses {
    let mut missed = None;
    for (criterion, met) in cheap(hit, filter) {
        match (met, missed) {
            (true, _) => {}
            (false, None) => missed = Some(criterion),
            (false, Some(_)) => return Misses::Several,
        }
    }
    let says_all = words.iter().all(|word| says(hit.listing, word));
    match (says_all, missed) {
        (true, None) => Misses::None,
        (true, Some(criterion)) => Misses::Only(criterion),
        (false, None) => Misses::Only(Criterion::Text),
        (false, Some(_)) => Misses::Several,
    }
}

fn cheap(hit: &Hit<'_>, filter: &Filter) -> [(Criterion, bool); 13] {
    let listing = hit.listing;
    let is = |wanted: &Option<String>, said: &Option<Box<str>>| {
        wanted.as_deref().is_none_or(|wanted| said.as_deref() == Some(wanted))
    };
    let near = filter.near.is_none_or(|near| hit.distance_km.is_some_and(|km| km <= near.within_km));
    let services = filter.services.iter().all(|service| listing.services.contains(service));
    let languages = filter.languages.is_empty()
        || filter.languages.iter().any(|language| listing.languages.contains(language));
    let price = filter.price_max.is_none_or(|max| listing.price.monthly.is_some_and(|price| price <= max));
    let charter = filter.charter.as_deref().is_none_or(|charter| listing.charters.get(charter).is_some());
    [
        (Criterion::Hidden, filter.hidden || !hit.hidden),
        (Criterion::Trust, hit.tier >= filter.trust),
        (Criterion::Freshness, hit.freshness <= filter.freshness),
        (Criterion::Near, near),
        (Criterion::Services, services),
        (Criterion::Languages, languages),
        (Criterion::Country, is(&filter.country, &listing.place.country)),
        (Criterion::Region, is(&filter.region, &listing.place.region)),
        (Criterion::Open, filter.open.is_none_or(|open| listing.join.open == Some(open))),
        (Criterion::Price, price),
        (Criterion::LegalForm, is(&filter.legal_form, &listing.legal_form)),
        (Criterion::Provider, is(&filter.provider, &listing.provider)),
        (Criterion::Charter, charter),
    ]
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
