//! `essaim directory list` and `essaim directory search`.

use clap::Args;
use essaim_directory::beat::Freshness;
use essaim_directory::export::json::{DraftJson, ListingJson};
use essaim_directory::import::Draft;
use essaim_directory::query::{Filter, Near, PAGE_MAX, PageRequest};
use essaim_directory::trust::Tier;
use essaim_types::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::command::ask;
use crate::command::place::Place;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::{Audience, table};

/// List the hosters of the federation.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Also listings whose domain is not proven, that were not heard of for long, or that are hidden here.
    #[arg(long)]
    all: bool,

    /// Also hosters that have no listing and are only mentioned by somebody (essaim directory import).
    #[arg(long)]
    mentioned: bool,
}

/// Find hosters. All that is given must hold.
#[derive(Debug, Args, Default)]
pub(crate) struct Search {
    /// Words in name, domain, place or description.
    words: Vec<String>,

    /// Near this place: "50.46,4.87" (north, east), or a municipality that some listing names.
    #[arg(long, value_name = "PLACE")]
    near: Option<String>,

    /// How near, in kilometres.
    #[arg(long, value_name = "KM", default_value_t = 50.0, requires = "near")]
    within: f64,

    /// Offers this: mail, files, calendar, ... May be repeated.
    #[arg(long)]
    service: Vec<String>,

    /// Speaks one of these languages: fr, nl, ... May be repeated.
    #[arg(long)]
    language: Vec<String>,

    /// ISO 3166-1: BE, FR, ...
    #[arg(long)]
    country: Option<String>,

    /// Has room for newcomers.
    #[arg(long)]
    open: bool,

    /// Costs at most this a month, in hundredths: 500 is 5 euros.
    #[arg(long, value_name = "AMOUNT")]
    price_max: Option<i64>,

    /// cooperative, association, ...
    #[arg(long, value_name = "FORM")]
    legal_form: Option<String>,

    /// Says that it keeps this charter.
    #[arg(long)]
    charter: Option<String>,

    /// Only hosters that somebody vouches for whom this one believes.
    #[arg(long)]
    trusted: bool,

    /// Also hosters that have no listing and are only mentioned by somebody (essaim directory import).
    #[arg(long, conflicts_with = "trusted")]
    mentioned: bool,
}

/// What is asked of the node.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct QueryDirectory {
    all: bool,
    text: Option<String>,
    near: Option<String>,
    within_km: f64,
    services: Vec<String>,
    languages: Vec<String>,
    country: Option<String>,
    open: bool,
    price_max: Option<i64>,
    legal_form: Option<String>,
    charter: Option<String>,
    trusted: bool,
    mentioned: bool,
}

/// What is answered: listings, then hosters that are only mentioned, if they were asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Shown {
    Listing(ListingJson),
    Draft(DraftJson),
}

impl List {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let query = QueryDirectory { all: self.all, mentioned: self.mentioned, ..QueryDirectory::default() };
        audience.show(&ask(place, query)?, |listings| text(listings));
        Ok(Exit::Done)
    }
}

impl Search {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let query = QueryDirectory {
            all: false,
            text: Some(self.words.join(" ")).filter(|text| !text.is_empty()),
            near: self.near,
            within_km: self.within,
            services: self.service,
            languages: self.language,
            country: self.country,
            open: self.open,
            price_max: self.price_max,
            legal_form: self.legal_form,
            charter: self.charter,
            trusted: self.trusted,
            mentioned: self.mentioned,
        };
        audience.show(&ask(place, query)?, |listings| text(listings));
        Ok(Exit::Done)
    }
}

impl Operation for QueryDirectory {
    type Answer = Vec<Shown>;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Vec<Shown>, Failure> {
        let drafts = if self.mentioned { node.federation.drafts().await? } else { Vec::new() };
        node.federation.look(move |directory, now| self.run(directory, now, &drafts)).await?
    }
}

impl QueryDirectory {
    fn run(
        self,
        directory: &essaim_directory::View,
        now: Timestamp,
        drafts: &[Draft],
    ) -> Result<Vec<Shown>, Failure> {
        let filter = self.filter(directory, now)?;
        let mut shown = Vec::new();
        loop {
            let page = directory.query(now, &filter, PageRequest { offset: shown.len(), limit: PAGE_MAX });
            let own = directory.own_listing();
            shown.extend(page.hits.iter().map(|hit| Shown::Listing(ListingJson::of(hit, own))));
            if page.hits.is_empty() || shown.len() >= page.total {
                break;
            }
        }
        let drafts = drafts.iter().filter(|draft| filter.accepts(&draft.listing()));
        shown.extend(drafts.map(|draft| Shown::Draft(DraftJson::of(draft))));
        Ok(shown)
    }

    fn filter(self, directory: &essaim_directory::View, now: Timestamp) -> Result<Filter, Failure> {
        let near =
            self.near.as_deref().map(|place| near(directory, now, place, self.within_km)).transpose()?;
        let defaults = Filter::default();
        Ok(Filter {
            text: self.text,
            near,
            services: self.services,
            languages: self.languages,
            country: self.country,
            open: self.open.then_some(true),
            price_max: self.price_max,
            legal_form: self.legal_form,
            charter: self.charter,
            trust: match (self.all, self.trusted) {
                (true, _) => Tier::Unproven,
                (false, true) => Tier::Reached,
                (false, false) => defaults.trust,
            },
            freshness: if self.all { Freshness::Lost } else { defaults.freshness },
            hidden: self.all,
            ..defaults
        })
    }
}

fn near(
    directory: &essaim_directory::View,
    now: Timestamp,
    place: &str,
    within_km: f64,
) -> Result<Near, Failure> {
    let (latitude, longitude) = directory.locate(now, place).ok_or_else(|| {
        Failure::new(format!("no hoster says that it is in {place:?}, so it is not known where that is"))
            .hint("give degrees north and east instead, for example --near 50.46,4.87")
            .usage()
    })?;
    Ok(Near { latitude, longitude, within_km })
}

/// One of the texts that a hoster says of itself.
pub(super) fn text_of<'a>(said: &'a Map<String, Value>, key: &str) -> &'a str {
    said.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// One of the lists that it says.
fn list_of(said: &Map<String, Value>, key: &str) -> String {
    let items = said.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

/// What is worth a remark in a table.
fn remarks(listing: &ListingJson) -> String {
    let remarks = [(listing.own, "own"), (listing.hidden, "hidden"), (listing.disputed, "DISPUTED")];
    remarks.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(",")
}

fn text(shown: &[Shown]) -> String {
    if shown.is_empty() {
        return "No hoster matches. essaim directory list --all shows every listing that is known here.\n"
            .to_owned();
    }
    let row = |shown: &Shown| {
        let (said, far, [tier, freshness, remark]) = match shown {
            Shown::Listing(listing) => {
                let far = listing.distance_km.map(|km| format!(" ({km} km)")).unwrap_or_default();
                (&listing.said, far, [listing.tier.clone(), listing.freshness.clone(), remarks(listing)])
            }
            Shown::Draft(draft) => {
                let remark = format!("mentioned by {}", draft.mentioned_by);
                (&draft.said, String::new(), [String::new(), String::new(), remark])
            }
        };
        let place = said.get("place").and_then(|place| place.get("name")).and_then(Value::as_str);
        vec![
            text_of(said, "domain").to_owned(),
            text_of(said, "name").to_owned(),
            format!("{}{far}", place.unwrap_or_default()),
            list_of(said, "services"),
            list_of(said, "languages"),
            tier,
            freshness,
            remark,
        ]
    };
    let head = ["DOMAIN", "NAME", "PLACE", "SERVICES", "LANGUAGES", "TRUST", "HEARD OF", ""];
    table(&head, &shown.iter().map(row).collect::<Vec<_>>())
}
