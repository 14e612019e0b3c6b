//! `essaim directory list` and `essaim directory search`.

use clap::Args;
use essaim_directory::beat::Freshness;
use essaim_directory::query::{Filter, Hit, Near, PAGE_MAX, PageRequest};
use essaim_directory::trust::Tier;
use essaim_types::{ListingId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::time;
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
}

/// A listing in `directory list --json`. Keys may be added.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ListingView {
    pub(crate) listing: ListingId,
    /// "unproven", "proven", "reached" or "endorsed".
    pub(crate) tier: String,
    /// "fresh", "seen", "quiet" or "stale".
    pub(crate) freshness: String,
    pub(crate) last_seen: String,
    /// It is this hoster's own.
    pub(crate) own: bool,
    pub(crate) hidden: bool,
    /// Its root keys contradict each other.
    pub(crate) disputed: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) distance_km: Option<f64>,
    /// What it says of itself: domain, name, place, services, ...; `null` is what it does not say.
    #[serde(flatten)]
    pub(crate) said: Map<String, Value>,
}

impl List {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let query = QueryDirectory { all: self.all, ..QueryDirectory::default() };
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
        };
        audience.show(&ask(place, query)?, |listings| text(listings));
        Ok(Exit::Done)
    }
}

impl Operation for QueryDirectory {
    type Answer = Vec<ListingView>;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Vec<ListingView>, Failure> {
        node.federation.look(move |directory, now| self.run(directory, now)).await?
    }
}

impl QueryDirectory {
    fn run(
        self,
        directory: &essaim_directory::Directory,
        now: Timestamp,
    ) -> Result<Vec<ListingView>, Failure> {
        let filter = self.filter(directory, now)?;
        let mut views = Vec::new();
        loop {
            let page = directory.query(now, &filter, PageRequest { offset: views.len(), limit: PAGE_MAX });
            views.extend(page.hits.iter().map(|hit| ListingView::of(hit, directory.own_listing())));
            if page.hits.is_empty() || views.len() >= page.total {
                return Ok(views);
            }
        }
    }

    fn filter(self, directory: &essaim_directory::Directory, now: Timestamp) -> Result<Filter, Failure> {
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
    directory: &essaim_directory::Directory,
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

impl ListingView {
    pub(super) fn of(hit: &Hit<'_>, own: Option<ListingId>) -> Self {
        let said = match serde_json::to_value(hit.listing) {
            Ok(Value::Object(said)) => said,
            _ => Map::new(),
        };
        Self {
            listing: hit.id,
            tier: word(&hit.tier),
            freshness: word(&hit.freshness),
            last_seen: time(hit.last_seen),
            own: own == Some(hit.id),
            hidden: hit.hidden,
            disputed: hit.disputed,
            distance_km: hit.distance_km.map(|km| (km * 10.0).round() / 10.0),
            said,
        }
    }

    /// One of the texts that it says.
    pub(super) fn text_of(&self, key: &str) -> &str {
        self.said.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// One of the lists that it says.
    pub(super) fn list_of(&self, key: &str) -> String {
        let items = self.said.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).collect::<Vec<_>>().join(",")
    }

    /// What is worth a remark in a table.
    fn remarks(&self) -> String {
        let remarks = [(self.own, "own"), (self.hidden, "hidden"), (self.disputed, "DISPUTED")];
        remarks.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(",")
    }
}

/// A word of the directory's as it stands in JSON.
pub(super) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn text(listings: &[ListingView]) -> String {
    if listings.is_empty() {
        return "No hoster matches. essaim directory list --all shows every listing that is known here.\n"
            .to_owned();
    }
    let row = |view: &ListingView| {
        let place = view.said.get("place").and_then(|place| place.get("name")).and_then(Value::as_str);
        let far = view.distance_km.map(|km| format!(" ({km} km)")).unwrap_or_default();
        vec![
            view.text_of("domain").to_owned(),
            view.text_of("name").to_owned(),
            format!("{}{far}", place.unwrap_or_default()),
            view.list_of("services"),
            view.list_of("languages"),
            view.tier.clone(),
            view.freshness.clone(),
            view.remarks(),
        ]
    };
    let head = ["DOMAIN", "NAME", "PLACE", "SERVICES", "LANGUAGES", "TRUST", "HEARD OF", ""];
    table(&head, &listings.iter().map(row).collect::<Vec<_>>())
}
