//! What a hoster says of itself, as rows of a table, each with where it comes from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use essaim_directory::explain::{Provenance, Source};
use essaim_directory::listing::Texts;

use super::link::Link;
use super::shown::{Said, Shown, said};
use crate::frame::Frame;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fact {
    pub(crate) label: Cow<'static, str>,
    pub(crate) parts: Vec<Part>,
    /// Where it comes from; `None` on pages that do not tell.
    pub(crate) source: Option<String>,
}

/// One thing in a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    /// Our words, or theirs in no language.
    Text(String),
    /// Theirs, in a language.
    Said(Said),
    /// A link, and what it is.
    Link(Link, Option<String>),
}

/// Where fields come from, by key.
pub(crate) type Sources = BTreeMap<Box<str>, Provenance>;

/// All facts that there are, in the order in which people ask for them.
pub(crate) fn facts(shown: &Shown, frame: &Frame, order: &[String], sources: Option<&Sources>) -> Vec<Fact> {
    let listing = &shown.listing;
    let text = |text: Option<String>| text.map(Part::Text);
    let word = |family: &str, word: &Option<Box<str>>| {
        word.as_deref().map(|word| Part::Text(frame.word(family, word).into_owned()))
    };
    let note = |texts: &Texts| said(texts, order).map(Part::Said);
    let rows: [(&str, &str, Vec<Part>); 11] = [
        ("fact-services", "service.", services(shown, frame, sources)),
        (
            "fact-price",
            "price.",
            text(shown.price(frame)).into_iter().chain(note(&listing.price.notes)).collect(),
        ),
        ("fact-languages", "language.", shown.languages(frame).into_iter().map(Part::Text).collect()),
        ("fact-place", "place.", text(shown.place(frame)).into_iter().collect()),
        (
            "fact-form",
            "legal.",
            word("legal-form", &listing.legal_form).into_iter().chain(since(shown, frame)).collect(),
        ),
        ("fact-members", "members", word("members", &listing.members).into_iter().collect()),
        ("fact-provider", "provider", provider(shown, frame)),
        ("fact-energy", "energy", word("energy", &listing.energy).into_iter().collect()),
        (
            "fact-charters",
            "charter.",
            links(&listing.charters, |charter| frame.word("charter", charter).into_owned()),
        ),
        ("fact-terms", "terms.", links(&listing.terms, |kind| frame.word("terms", kind).into_owned())),
        ("fact-website", "website", shown.website().map(|link| Part::Link(link, None)).into_iter().collect()),
    ];
    let said = rows.into_iter().filter(|(.., parts)| !parts.is_empty());
    said.map(|(label, prefix, parts)| Fact {
        label: frame.say(label),
        parts,
        source: sources.map(|sources| source(prefix, sources, shown, frame)),
    })
    .collect()
}

/// Ways to reach its people.
pub(crate) fn contacts(shown: &Shown, frame: &Frame) -> Vec<Fact> {
    let contacts = shown.listing.contacts.iter();
    contacts
        .map(|(kind, value)| Fact {
            label: Cow::Owned(frame.word("contact", kind).into_owned()),
            parts: vec![match Link::contact(kind, value) {
                Some(link) => Part::Link(link, None),
                None => Part::Text(value.to_owned()),
            }],
            source: None,
        })
        .collect()
}

fn since(shown: &Shown, frame: &Frame) -> Option<Part> {
    shown.listing.since.map(|year| Part::Text(frame.name("since-year", &year.to_string()).into_owned()))
}

fn provider(shown: &Shown, frame: &Frame) -> Vec<Part> {
    let listing = &shown.listing;
    let kind = listing.provider.as_deref().map(|kind| frame.word("provider", kind).into_owned());
    let name = listing.provider_name.as_deref().map(str::to_owned);
    kind.into_iter().chain(name).map(Part::Text).collect()
}

fn links(texts: &Texts, label: impl Fn(&str) -> String) -> Vec<Part> {
    texts.iter().filter_map(|(word, url)| Some(Part::Link(Link::to(url)?, Some(label(word))))).collect()
}

/// What it offers; what this node has found to be so is marked.
fn services(shown: &Shown, frame: &Frame, sources: Option<&Sources>) -> Vec<Part> {
    let one = |service: &str| {
        let label = frame.word("service", service);
        let from = sources.and_then(|sources| sources.get(format!("service.{service}").as_str()));
        match from.filter(|from| from.source == Source::Probed) {
            Some(from) => {
                let checked = frame.name(source_key(from.source), &frame.ago(shown.now, from.since));
                Part::Text(format!("{label} ({checked})"))
            }
            None => Part::Text(label.into_owned()),
        }
    };
    shown.listing.services.iter().map(one).collect()
}

/// The youngest source of the fields below a prefix. A row is no more certain than its least certain field.
fn source(prefix: &str, sources: &Sources, shown: &Shown, frame: &Frame) -> String {
    let below = sources.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(_, from)| from);
    let Some(from) = below.max_by_key(|from| (from.source != Source::Probed, from.since)) else {
        return frame.say("source-unknown").into_owned();
    };
    frame.name(source_key(from.source), &frame.ago(shown.now, from.since)).into_owned()
}

/// How something is known, in `texts/*.ftl`.
pub(crate) fn source_key(source: Source) -> &'static str {
    match source {
        Source::Declared => "source-declared",
        Source::Stale => "source-stale",
        Source::Probed => "source-probed",
    }
}
