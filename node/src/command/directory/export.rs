//! `essaim directory export`: the directory, or one listing, in the formats of others.

use std::time::Duration;

use clap::{Args, ValueEnum};
use essaim_directory::View;
use essaim_directory::export::atom::{self, Feed};
use essaim_directory::export::json::{ChangesJson, DraftJson};
use essaim_directory::export::{Request, Software, chatons, csv, jsonld, librehost, page};
use essaim_directory::journal::{Journal, Mark};
use essaim_directory::query::Filter;
use essaim_types::Timestamp;
use serde::{Deserialize, Serialize};

use super::named;
use crate::command::ask;
use crate::command::place::Place;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Write the directory, or one listing, in an open format: the same as /directory.json and its neighbours give.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// A domain or the id of a listing, for jsonld, librehost and chatons. Default: the own.
    listing: Option<String>,

    #[arg(long, value_enum)]
    format: Format,

    /// Only what changed after this "state" of an earlier export. For json.
    #[arg(long, value_name = "STATE")]
    since: Option<String>,

    /// Also hosters that are only mentioned. For json.
    #[arg(long)]
    mentioned: bool,

    /// The file of this service instead of that of the organization. For chatons.
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
}

/// An open format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// All listings, with all that they say.
    Json,
    /// All listings, a line each, for spreadsheets.
    Csv,
    /// Who joined, changed, left.
    Atom,
    /// One listing as an organization of schema.org.
    Jsonld,
    /// One listing for LibreHosters.
    Librehost,
    /// One listing for CHATONS: .properties.
    Chatons,
}

/// Asks for a part of the directory.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExportPage {
    format: Format,
    since: Option<String>,
    mentioned: bool,
}

/// Asks for one document.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExportOne {
    format: Format,
    listing: Option<String>,
    service: Option<String>,
}

/// A part of the directory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Exported {
    Changes(ChangesJson),
    Lines { state: String, more: bool, lines: String },
}

/// A document that is no JSON itself, in the answer of `--json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Document {
    format: Format,
    document: String,
}

impl Export {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        self.check()?;
        match self.format {
            // It is JSON for people as well.
            Format::Json => audience.show(&self.changes(place)?, pretty),
            Format::Csv => Document { format: Format::Csv, document: self.lines(place)? }.show(audience),
            format => {
                let one = ExportOne { format, listing: self.listing, service: self.service };
                ask(place, one)?.show(audience);
            }
        }
        Ok(Exit::Done)
    }

    /// What is given must be of use, so that nobody believes that it was heeded.
    fn check(&self) -> Result<(), Failure> {
        let whole = matches!(self.format, Format::Json | Format::Csv | Format::Atom);
        let unfit = [
            (self.listing.is_some() && whole, "a listing", "jsonld, librehost and chatons"),
            (self.since.is_some() && self.format != Format::Json, "--since", "json"),
            (self.mentioned && self.format != Format::Json, "--mentioned", "json"),
            (self.service.is_some() && self.format != Format::Chatons, "--service", "chatons"),
        ];
        match unfit.into_iter().find(|(is_unfit, ..)| *is_unfit) {
            Some((_, what, formats)) => Err(Failure::new(format!("{what} is only for --format {formats}"))
                .hint("leave it away, or choose another format")
                .usage()),
            None => Ok(()),
        }
    }

    /// All pages as one.
    fn changes(&self, place: &Place) -> Result<ChangesJson, Failure> {
        let mut since = self.since.clone();
        let mut whole: Option<ChangesJson> = None;
        loop {
            let mentioned = self.mentioned && whole.is_none();
            let Exported::Changes(page) = ask(place, ExportPage { format: Format::Json, since, mentioned })?
            else {
                return Err(unexpected());
            };
            let page = match whole {
                Some(before) => before.followed_by(page),
                None => page,
            };
            if !page.more {
                return Ok(page);
            }
            since = Some(page.state.clone());
            whole = Some(page);
        }
    }

    fn lines(&self, place: &Place) -> Result<String, Failure> {
        let mut text = csv::header();
        let mut since = None;
        loop {
            let page = ExportPage { format: Format::Csv, since, mentioned: false };
            let Exported::Lines { state, more, lines } = ask(place, page)? else { return Err(unexpected()) };
            text.push_str(&lines);
            if !more {
                return Ok(text);
            }
            since = Some(state);
        }
    }
}

impl Operation for ExportPage {
    type Answer = Exported;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Exported, Failure> {
        let since = self.since.as_deref().map(mark).transpose()?;
        let drafts = match self.mentioned {
            true => Some(node.federation.drafts().await?.iter().map(DraftJson::of).collect()),
            false => None,
        };
        let (format, languages) = (self.format, languages(&node.config));
        let look = move |directory: &View, journal: &Journal, now| {
            let request = Request { filter: Filter::default(), since, limit: PAGE };
            let page = page(directory, journal, now, &request);
            match format {
                Format::Csv => Exported::Lines {
                    state: page.state.to_string(),
                    more: page.more,
                    lines: page.hits.iter().map(|hit| csv::row(hit, &languages)).collect(),
                },
                _ => {
                    let changes = ChangesJson::of(&page, directory.own_listing());
                    Exported::Changes(ChangesJson { mentioned: drafts, ..changes })
                }
            }
        };
        node.federation.look_since(Duration::ZERO, look).await
    }
}

impl Operation for ExportOne {
    type Answer = Document;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Document, Failure> {
        let config = node.config.clone();
        let look =
            move |directory: &View, journal: &Journal, now| self.write(directory, journal, now, &config);
        node.federation.look_since(Duration::ZERO, look).await?
    }
}

impl ExportOne {
    fn write(
        self,
        directory: &View,
        journal: &Journal,
        now: Timestamp,
        config: &Config,
    ) -> Result<Document, Failure> {
        let (format, base) = (self.format, base(config));
        if format == Format::Atom {
            let language = atom::Language::from_code(config.hoster.language.code()).unwrap_or_default();
            let feed = Feed { base: &base, language, filter: Filter::default() };
            return Ok(Document { format, document: atom::feed(directory, journal, now, &feed) });
        }
        let listing = match &self.listing {
            Some(name) => named(directory, now, name)?,
            None => directory.own_listing().ok_or_else(unexpected)?,
        };
        let hit = directory.show(now, listing).ok_or_else(unexpected)?;
        let languages = languages(config);
        let document = match format {
            Format::Jsonld => pretty(&jsonld::organization(&hit)),
            Format::Librehost => pretty(&librehost::librehost(hit.listing, &languages)),
            _ => {
                let is_own = directory.own_listing() == Some(listing);
                let mail_software = is_own.then_some(SOFTWARE);
                let listing = hit.listing;
                let files = chatons::Files {
                    listing,
                    base: &base,
                    generator: SOFTWARE,
                    mail_software,
                    languages: &languages,
                    now,
                };
                self.properties(&files)?
            }
        };
        Ok(Document { format, document })
    }

    fn properties(&self, files: &chatons::Files<'_>) -> Result<String, Failure> {
        match &self.service {
            None => Ok(files.organization()),
            Some(service) => files.service(service).ok_or_else(|| {
                Failure::new(format!("the listing has no service {service}"))
                    .hint("essaim directory show tells its services")
                    .usage()
            }),
        }
    }
}

impl Document {
    fn show(&self, audience: Audience) {
        audience.show(self, |document| document.document.clone());
    }
}

/// A "state" of an earlier export.
fn mark(text: &str) -> Result<Mark, Failure> {
    text.parse().map_err(|error| {
        Failure::caused(format!("--since {text}"), &error)
            .hint("give the \"state\" of an earlier answer, or leave --since away to get everything")
            .usage()
    })
}

/// The languages of texts that are wanted first, where a format has room for one.
fn languages(config: &Config) -> [&'static str; 2] {
    [config.hoster.language.code(), "en"]
}

/// Where the node's pages stand.
fn base(config: &Config) -> String {
    format!("https://{}", config.hoster.hostname())
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn unexpected() -> Failure {
    Failure::new("the node answered something else than was asked")
        .hint("restart it if it was upgraded: systemctl restart essaim")
}

/// This program.
const SOFTWARE: Software<'_> =
    Software { name: "Essaim", version: env!("CARGO_PKG_VERSION"), licence: env!("CARGO_PKG_LICENSE") };
/// Listings of one request.
const PAGE: usize = 1_000;
