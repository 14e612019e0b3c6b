//! What a visitor looks for, as it stands in the address: one form, one address for one question.

mod read;

use std::fmt::Write;

use essaim_directory::View;
use essaim_directory::query::{Criterion, Filter, Near};
use essaim_directory::trust::Tier;
use essaim_types::Timestamp;

/// A filled-in form. What is empty is not looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    /// Words in name, domain, place or description.
    pub(crate) words: String,
    /// A place by name or in degrees.
    pub(crate) near: String,
    /// Kilometres around it.
    pub(crate) within: u32,
    /// All of these.
    pub(crate) services: Vec<String>,
    /// One of these.
    pub(crate) languages: Vec<String>,
    /// ISO 3166-1.
    pub(crate) country: String,
    /// Only with room for newcomers.
    pub(crate) open: bool,
    /// Hundredths of a month's price.
    pub(crate) price: Option<i64>,
    /// `cooperative`, ...
    pub(crate) legal_form: String,
    /// `chatons`, ...
    pub(crate) charter: String,
    /// How far a hoster must be believed.
    pub(crate) trust: Tier,
    /// Which page, from 1.
    pub(crate) page: usize,
}

/// A field of the form, by its name in the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Words,
    Near,
    Within,
    Service,
    Language,
    Country,
    Open,
    Price,
    LegalForm,
    Charter,
    Trust,
    Page,
}

/// A field that cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Which.
    pub(crate) key: Key,
    /// Why: a key in `texts/*.ftl`.
    pub(crate) why: &'static str,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            words: String::new(),
            near: String::new(),
            within: WITHIN,
            services: Vec::new(),
            languages: Vec::new(),
            country: String::new(),
            open: false,
            price: None,
            legal_form: String::new(),
            charter: String::new(),
            trust: Tier::Proven,
            page: 1,
        }
    }
}

impl Form {
    /// What is asked of the directory. `Err` if nobody knows where the place is.
    pub(crate) fn filter(&self, directory: &View, now: Timestamp) -> Result<Filter, Fault> {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let near = match self.near.as_str() {
            "" => None,
            place => Some(directory.locate(now, place).ok_or(Fault { key: Key::Near, why: "fault-place" })?),
        };
        let within_km = f64::from(self.within);
        Ok(Filter {
            text: some(&self.words),
            near: near.map(|(latitude, longitude)| Near { latitude, longitude, within_km }),
            services: self.services.clone(),
            languages: self.languages.clone(),
            country: some(&self.country),
            open: self.open.then_some(true),
            price_max: self.price,
            legal_form: some(&self.legal_form),
            charter: some(&self.charter),
            trust: self.trust,
            ..Filter::default()
        })
    }

    /// What is looked for, in the order of the form.
    pub(crate) fn set(&self) -> Vec<Key> {
        let first = Self { page: 1, ..self.clone() };
        let is_set = |key: &Key| *key != Key::Within && first != first.without(*key);
        Key::ALL.into_iter().filter(is_set).collect()
    }

    /// The same question without one thing, from the first page.
    pub(crate) fn without(&self, key: Key) -> Self {
        let mut form = Self { page: 1, ..self.clone() };
        let empty = Self::default();
        match key {
            Key::Words => form.words = empty.words,
            Key::Near | Key::Within => (form.near, form.within) = (empty.near, empty.within),
            Key::Service => form.services = empty.services,
            Key::Language => form.languages = empty.languages,
            Key::Country => form.country = empty.country,
            Key::Open => form.open = empty.open,
            Key::Price => form.price = empty.price,
            Key::LegalForm => form.legal_form = empty.legal_form,
            Key::Charter => form.charter = empty.charter,
            Key::Trust => form.trust = empty.trust,
            Key::Page => {}
        }
        form
    }

    /// `?near=Namur&open=yes`: only what is set, always in the same order. Empty if nothing is.
    pub(crate) fn query(&self) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let mut add = |key: Key, value: &str| {
            if !value.is_empty() {
                pairs.append_pair(key.name(), value);
            }
        };
        add(Key::Words, &self.words);
        add(Key::Near, &self.near);
        if !self.near.is_empty() && self.within != WITHIN {
            add(Key::Within, &self.within.to_string());
        }
        self.services.iter().for_each(|service| add(Key::Service, service));
        self.languages.iter().for_each(|language| add(Key::Language, language));
        add(Key::Country, &self.country);
        add(Key::Open, if self.open { YES } else { "" });
        add(Key::Price, &self.price_text());
        add(Key::LegalForm, &self.legal_form);
        add(Key::Charter, &self.charter);
        add(Key::Trust, trust_word(self.trust));
        if self.page > 1 {
            add(Key::Page, &self.page.to_string());
        }
        match pairs.finish() {
            empty if empty.is_empty() => empty,
            query => format!("?{query}"),
        }
    }

    /// The price as it is typed: `5` or `3.50`.
    pub(crate) fn price_text(&self) -> String {
        let mut text = String::new();
        if let Some(price) = self.price {
            let (whole, cents) = (price / 100, price % 100);
            // Writing to a String cannot fail.
            let _ = match cents {
                0 => write!(text, "{whole}"),
                cents => write!(text, "{whole}.{cents:02}"),
            };
        }
        text
    }
}

impl Key {
    const ALL: [Self; 12] = [
        Self::Words,
        Self::Near,
        Self::Within,
        Self::Service,
        Self::Language,
        Self::Country,
        Self::Open,
        Self::Price,
        Self::LegalForm,
        Self::Charter,
        Self::Trust,
        Self::Page,
    ];

    /// Its name in the address: a contract, because people keep addresses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Words => "q",
            Self::Near => "near",
            Self::Within => "within",
            Self::Service => "service",
            Self::Language => "language",
            Self::Country => "country",
            Self::Open => "open",
            Self::Price => "price",
            Self::LegalForm => "form",
            Self::Charter => "charter",
            Self::Trust => "trust",
            Self::Page => "page",
        }
    }

    /// The field that a criterion of the directory's stands in, if the form has it.
    pub(crate) fn of(criterion: Criterion) -> Option<Self> {
        Some(match criterion {
            Criterion::Text => Self::Words,
            Criterion::Near => Self::Near,
            Criterion::Services => Self::Service,
            Criterion::Languages => Self::Language,
            Criterion::Country => Self::Country,
            Criterion::Open => Self::Open,
            Criterion::Price => Self::Price,
            Criterion::LegalForm => Self::LegalForm,
            Criterion::Charter => Self::Charter,
            Criterion::Trust => Self::Trust,
            Criterion::Region | Criterion::Provider | Criterion::Freshness | Criterion::Hidden => {
                return None;
            }
        })
    }
}

/// A tier in the address; empty for what is shown anyway.
pub(crate) fn trust_word(tier: Tier) -> &'static str {
    match tier {
        Tier::Unproven | Tier::Proven => "",
        Tier::Reached => "reached",
        Tier::Endorsed => "endorsed",
    }
}

/// Kilometres around a place, unless others are asked for.
pub(crate) const WITHIN: u32 = 50;
/// Kilometres that are offered.
pub(crate) const DISTANCES: [u32; 5] = [10, 25, 50, 100, 250];
const YES: &str = "yes";
