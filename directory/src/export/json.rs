//! Listings as JSON: the schema of `essaim directory list --json` and of `/directory.json`. Keys may be added, none goes away.

use essaim_types::ListingId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::page::Page;
use crate::import::Draft;
use crate::listing::Listing;
use crate::query::Hit;
use crate::times::rfc3339;

/// A listing. Owned, because it also travels from a running node to its command line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListingJson {
    /// Its id.
    pub listing: ListingId,
    /// "unproven", "proven", "reached" or "endorsed".
    pub tier: String,
    /// "fresh", "seen", "quiet", "stale" or "lost".
    pub freshness: String,
    /// When it last said anything, RFC 3339.
    pub last_seen: String,
    /// It is of the hoster whose node answers.
    pub own: bool,
    /// Hidden on that node.
    pub hidden: bool,
    /// Its root keys contradict each other.
    pub disputed: bool,
    /// From the place that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub distance_km: Option<f64>,
    /// What it says of itself: domain, name, place, services, ...; `null` is what it does not say.
    #[serde(flatten)]
    pub said: Map<String, Value>,
}

/// A hoster that runs something else, as somebody mentions it. Nobody has signed this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftJson {
    /// Its domain: the name under which it is kept here.
    pub draft: String,
    /// Who mentions it.
    pub mentioned_by: String,
    /// When it was taken in here, RFC 3339.
    pub imported: String,
    /// When its source says that it was written, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub updated: Option<String>,
    /// What is said of it, with the keys of a listing.
    #[serde(flatten)]
    pub said: Map<String, Value>,
}

/// One answer of `/directory.json`: everything, or what changed; at most so many listings at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangesJson {
    /// Always [`FORMAT`].
    pub format: String,
    /// What the reader knows when it has read this: its next `since`.
    pub state: String,
    /// Whatever the reader had before is void, for this begins anew.
    pub complete: bool,
    /// There is more, to be had with `since` = `state`.
    pub more: bool,
    /// New and changed listings that match, in the order of their changes.
    pub listings: Vec<ListingJson>,
    /// Listings that are gone, or match no more.
    pub gone: Vec<GoneJson>,
    /// Hosters that are only mentioned: all of them, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mentioned: Option<Vec<DraftJson>>,
}

/// What is left of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneJson {
    /// Its id.
    pub listing: ListingId,
    /// Since when it is not listed here, RFC 3339; absent if it is, and only matches the filter no more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<String>,
}

impl ListingJson {
    /// As this node sees it; `own` is the listing of its own hoster.
    pub fn of(hit: &Hit<'_>, own: Option<ListingId>) -> Self {
        Self {
            listing: hit.id,
            tier: word(&hit.tier),
            freshness: word(&hit.freshness),
            last_seen: rfc3339(hit.last_seen),
            own: own == Some(hit.id),
            hidden: hit.hidden,
            disputed: hit.disputed,
            distance_km: hit.distance_km.map(|km| (km * 10.0).round() / 10.0),
            said: said(hit.listing),
        }
    }
}

impl DraftJson {
    /// As it is kept here.
    pub fn of(draft: &Draft) -> Self {
        Self {
            draft: draft.domain.clone(),
            mentioned_by: draft.mentioned_by.clone(),
            imported: rfc3339(draft.imported),
            updated: draft.updated.map(rfc3339),
            said: said(&draft.listing()),
        }
    }
}

impl ChangesJson {
    /// A page as this node tells it; `own` is the listing of its own hoster.
    pub fn of(page: &Page<'_>, own: Option<ListingId>) -> Self {
        let gone = page
            .gone
            .iter()
            .map(|(listing, since)| GoneJson { listing: *listing, since: since.map(rfc3339) });
        Self {
            format: FORMAT.to_owned(),
            state: page.state.to_string(),
            complete: page.complete,
            more: page.more,
            listings: page.hits.iter().map(|hit| ListingJson::of(hit, own)).collect(),
            gone: gone.collect(),
            mentioned: None,
        }
    }

    /// This answer and the one that was got with its `state`, as one.
    #[must_use]
    pub fn followed_by(mut self, mut next: Self) -> Self {
        if next.complete {
            return next;
        }
        self.listings.append(&mut next.listings);
        self.gone.append(&mut next.gone);
        Self { state: next.state, more: next.more, ..self }
    }
}

/// A word of the directory's as it stands in JSON.
pub fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn said(listing: &Listing) -> Map<String, Value> {
    match serde_json::to_value(listing) {
        Ok(Value::Object(said)) => said,
        _ => Map::new(),
    }
}

/// What `format` says.
pub const FORMAT: &str = "essaim-directory/1";
