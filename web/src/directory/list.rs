//! The list of hosters: a form, what was found, and a map of it.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use essaim_directory::View;
use essaim_directory::query::{Choices, Criterion, Found, most_used};
use essaim_types::Timestamp;

use super::form::{DISTANCES, Fault, Form, Key, trust_word};
use super::map::{Map, Spot};
use super::shown::{Room, Shown};
use crate::assets;
use crate::frame::Frame;
use crate::pages::{Problem, Visit};

/// What was seen in the directory.
#[derive(Debug, Default)]
struct Seen {
    total: usize,
    hosters: Vec<Shown>,
    map: Map,
    /// How many more there would be without one thing.
    nearly: Vec<(Key, usize)>,
    options: Options,
    fault: Option<Fault>,
}

/// What the form offers.
#[derive(Debug, Default)]
struct Options {
    services: Vec<String>,
    languages: Vec<String>,
    countries: Vec<String>,
    legal_forms: Vec<String>,
    charters: Vec<String>,
    places: Vec<String>,
}

#[derive(Template)]
#[template(path = "directory/list.html")]
struct ListPage {
    frame: Frame,
    form: Form,
    faults: Vec<Fault>,
    order: Vec<String>,
    seen: Seen,
}

pub(crate) async fn show(visit: Visit) -> Response {
    if visit.query.len() > QUERY_MAX {
        return visit.problem(&Problem::TooLong);
    }
    let (form, mut faults) = Form::read(&visit.query);
    let address = form.query();
    if faults.is_empty() && address.trim_start_matches('?') != visit.query {
        // What a browser sends of an empty field is no part of the question.
        let to = format!("/{}/directory{address}", visit.language.code());
        return (StatusCode::FOUND, [(header::LOCATION, to)]).into_response();
    }
    let asked = if faults.is_empty() { form.clone() } else { Form::default() };
    let Ok(seen) = visit.look(move |directory, now| Seen::of(directory, now, &asked)).await else {
        return visit.problem(&Problem::Away);
    };
    faults.extend(seen.fault);
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let order = visit.order.clone();
    visit.page(status, &ListPage { frame: visit.frame(), form, faults, order, seen })
}

impl Seen {
    fn of(directory: &View, now: Timestamp, form: &Form) -> Self {
        let (filter, fault) = match form.filter(directory, now) {
            Ok(filter) => (filter, None),
            Err(fault) => (Form::default().filter(directory, now).unwrap_or_default(), Some(fault)),
        };
        let found = directory.find(now, &filter);
        let Found { hits, nearly, choices } = &found;
        let pages = hits.len().div_ceil(PAGE).max(1);
        let from = (form.page.min(pages) - 1) * PAGE;
        let shown = |hit| Shown::of(hit, directory, now);
        Self {
            total: hits.len(),
            hosters: hits.iter().skip(from).take(PAGE).map(shown).collect(),
            map: Map::of(hits, directory, now),
            nearly: nearly.iter().filter_map(|(criterion, more)| nearly_of(*criterion, *more)).collect(),
            options: Options::of(choices, form),
            fault,
        }
    }
}

fn nearly_of(criterion: Criterion, more: usize) -> Option<(Key, usize)> {
    Some((Key::of(criterion)?, more))
}

impl Options {
    /// The words that are used most, and those that are chosen.
    fn of(choices: &Choices<'_>, form: &Form) -> Self {
        let offer = |words, chosen: &[String]| {
            let mut offered: Vec<String> =
                most_used(words, OPTIONS_MAX).into_iter().map(|(word, _)| word.to_owned()).collect();
            offered.extend(chosen.iter().filter(|word| !word.is_empty()).cloned());
            offered.sort_unstable();
            offered.dedup();
            offered
        };
        let one = std::slice::from_ref;
        Self {
            services: offer(&choices.services, &form.services),
            languages: offer(&choices.languages, &form.languages),
            countries: offer(&choices.countries, one(&form.country)),
            legal_forms: offer(&choices.legal_forms, one(&form.legal_form)),
            charters: offer(&choices.charters, one(&form.charter)),
            places: most_used(&choices.places, PLACES_MAX)
                .into_iter()
                .map(|(name, _)| name.to_owned())
                .collect(),
        }
    }
}

impl ListPage {
    fn pages(&self) -> usize {
        self.seen.total.div_ceil(PAGE).max(1)
    }

    /// The page that is shown: the last one, if fewer were found than somebody hoped.
    fn page(&self) -> usize {
        self.form.page.min(self.pages())
    }

    /// A page of the same question.
    fn at(&self, page: usize) -> String {
        self.to(&Form { page, ..self.form.clone() })
    }

    /// The page of another question.
    fn to(&self, form: &Form) -> String {
        self.frame.to(&format!("/directory{}", form.query()))
    }

    /// The same question, asked by a program.
    fn document(&self, kind: &str) -> String {
        format!("/directory.{kind}{}", Form { page: 1, ..self.form.clone() }.query())
    }

    fn without(&self, key: &Key) -> String {
        self.to(&self.form.without(*key))
    }

    /// What is looked for, in words.
    fn asked(&self, key: &Key) -> String {
        let (form, frame) = (&self.form, &self.frame);
        let words = |family: &str, words: &[String]| {
            words.iter().map(|word| frame.word(family, word)).collect::<Vec<_>>().join(", ")
        };
        let value = match key {
            Key::Words => form.words.clone(),
            Key::Near | Key::Within => {
                return frame.near(&form.near, form.within).into_owned();
            }
            Key::Service => words("service", &form.services),
            Key::Language => words("language", &form.languages),
            Key::Country => frame.word("country", &form.country).into_owned(),
            Key::Open => return frame.say("asked-open").into_owned(),
            Key::Price => frame.price(form.price.unwrap_or_default(), None),
            Key::LegalForm => frame.word("legal-form", &form.legal_form).into_owned(),
            Key::Charter => frame.word("charter", &form.charter).into_owned(),
            Key::Trust => {
                return frame.say(&format!("tier-{}", super::shown::tier_word(form.trust))).into_owned();
            }
            Key::Page => String::new(),
        };
        frame.name(&format!("asked-{}", key.name()), &value).into_owned()
    }

    fn fault(&self, key: &str) -> Option<&'static str> {
        self.faults.iter().find(|fault| fault.key.name() == key).map(|fault| fault.why)
    }

    /// More than the first fields are in use, so that they are to be seen.
    fn is_more_open(&self) -> bool {
        let first = [Key::Near, Key::Within, Key::Service, Key::Open];
        let used = self.form.set().into_iter().chain(self.faults.iter().map(|fault| fault.key));
        used.into_iter().any(|key| !first.contains(&key))
    }

    /// Hardly anything was found: what else could be.
    fn is_little(&self) -> bool {
        self.seen.total < LITTLE && self.faults.is_empty() && !self.form.set().is_empty()
    }

    /// The number of the first hoster on this page.
    fn first(&self) -> usize {
        (self.page() - 1) * PAGE + 1
    }

    /// How far a hoster may be asked to be believed.
    fn trusts(&self) -> [(&'static str, String); 3] {
        [("", "trust-any"), ("reached", "trust-reached"), ("endorsed", "trust-endorsed")]
            .map(|(word, key)| (word, self.frame.say(key).into_owned()))
    }

    fn is_trust(&self, word: &str) -> bool {
        trust_word(self.form.trust) == word
    }

    fn distances(&self) -> Vec<u32> {
        let mut distances: Vec<u32> = DISTANCES.into();
        distances.push(self.form.within);
        distances.sort_unstable();
        distances.dedup();
        distances
    }

    fn map_asset(&self) -> &'static str {
        &assets::MAP.path
    }

    fn spot_title(&self, spot: &Spot) -> String {
        let name = match &spot.first.place {
            Some(place) => format!("{} ({place})", spot.first.name),
            None => spot.first.name.clone(),
        };
        match spot.count {
            1 => name,
            count => self.frame.others("map-others", &name, count - 1).into_owned(),
        }
    }

    /// One hoster's page, or the list of those that are there.
    fn spot_link(&self, spot: &Spot) -> String {
        if spot.count == 1 {
            return self.frame.to(&spot.first.path);
        }
        let near = format!("{:.2},{:.2}", spot.middle.0, spot.middle.1);
        self.to(&Form { near, within: spot.within_km, page: 1, ..self.form.clone() })
    }

    /// A spot's radius: more hosters, larger, but never into its neighbour.
    fn spot_radius(&self, spot: &Spot) -> String {
        let share = match spot.count {
            1 => 0.24,
            2..=9 => 0.36,
            10..=99 => 0.42,
            _ => 0.48,
        };
        format!("{:.1}", self.seen.map.view.finger() * share)
    }

    fn spot_font(&self, spot: &Spot) -> String {
        let share = if spot.count < 1_000 { 0.4 } else { 0.3 };
        format!("{:.1}", self.seen.map.view.finger() * share)
    }

    /// The part of the map that is shown.
    fn view(&self) -> String {
        let view = self.seen.map.view;
        format!("{:.1} {:.1} {:.1} {:.1}", view.x, view.y, view.width, view.height)
    }

    fn unit(&self, at: &f64) -> String {
        format!("{at:.1}")
    }

    /// Countries that are not on the map, those with most hosters first.
    fn elsewhere(&self) -> Vec<(String, usize)> {
        let elsewhere = self.seen.map.elsewhere.iter();
        let mut countries: Vec<_> = elsewhere.map(|(country, count)| (country.clone(), *count)).collect();
        countries.sort_by_key(|(country, count)| (std::cmp::Reverse(*count), country.clone()));
        countries.truncate(OPTIONS_MAX);
        countries
    }

    fn country_link(&self, country: &str) -> String {
        self.to(&Form { country: country.to_owned(), page: 1, ..self.form.without(Key::Near) })
    }
}

/// Hosters on one page.
const PAGE: usize = 20;
/// Bytes of a query.
const QUERY_MAX: usize = 2_000;
/// Words of one kind that the form offers.
const OPTIONS_MAX: usize = 24;
/// Municipalities that the form offers.
const PLACES_MAX: usize = 60;
/// With fewer hits than this the page says what else could be found.
const LITTLE: usize = 5;
