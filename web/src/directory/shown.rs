//! A hoster as pages show it: what it says, in the words and the language of the reader.

use std::borrow::Cow;

use essaim_directory::View;
use essaim_directory::beat::Freshness;
use essaim_directory::listing::{Listing, Texts};
use essaim_directory::query::Hit;
use essaim_directory::trust::Tier;
use essaim_types::{ListingId, Timestamp};

use super::link::Link;
use crate::frame::Frame;

/// A hoster, taken out of the directory.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) id: ListingId,
    pub(crate) tier: Tier,
    pub(crate) freshness: Freshness,
    pub(crate) last_seen: Timestamp,
    pub(crate) distance_km: Option<f64>,
    pub(crate) disputed: bool,
    pub(crate) own: bool,
    /// This node has chosen to trust it: its own hoster, and those that it invited or joined.
    chosen: bool,
    pub(crate) listing: Listing,
    /// When it was looked at.
    pub(crate) now: Timestamp,
}

/// A text of a hoster's, and its language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) lang: String,
    pub(crate) text: String,
}

/// Whether there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Open,
    Full,
    Unsaid,
}

impl Shown {
    pub(crate) fn of(hit: &Hit<'_>, directory: &View, now: Timestamp) -> Self {
        Self {
            id: hit.id,
            tier: hit.tier,
            freshness: hit.freshness,
            last_seen: hit.last_seen,
            distance_km: hit.distance_km,
            disputed: hit.disputed,
            own: directory.own_listing() == Some(hit.id),
            chosen: directory.seeds().any(|seed| seed == hit.id),
            listing: hit.listing.clone(),
            now,
        }
    }

    /// How it is called: its domain if it has no name.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        match (&self.listing.name, &self.listing.domain) {
            (Some(name), _) | (None, Some(name)) => Cow::Borrowed(&**name),
            (None, None) => Cow::Owned(self.id.to_string()),
        }
    }

    /// Its domain in ASCII, so that letters which only look alike are told apart.
    pub(crate) fn domain(&self) -> &str {
        self.listing.domain.as_deref().unwrap_or_default()
    }

    /// Where its page is, behind the language. By its domain if that is proven: then it is the only one.
    pub(crate) fn path(&self) -> String {
        match self.tier {
            Tier::Unproven => format!("/directory/{}", self.id),
            _ => format!("/directory/{}", self.domain()),
        }
    }

    /// Its municipality and country, as far as it tells.
    pub(crate) fn place(&self, frame: &Frame) -> Option<String> {
        let place = &self.listing.place;
        let country = place.country.as_deref().map(|code| frame.word("country", code));
        let near = place.name.as_deref().or(place.region.as_deref()).map(Cow::Borrowed);
        let parts: Vec<Cow<'_, str>> = near.into_iter().chain(country).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// How far it is from the place that was asked for.
    pub(crate) fn distance(&self, frame: &Frame) -> Option<String> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a distance on Earth")]
        self.distance_km.map(|km| frame.count("distance", km.round() as usize).into_owned())
    }

    /// What a month costs at least.
    pub(crate) fn price(&self, frame: &Frame) -> Option<String> {
        let price = &self.listing.price;
        price.monthly.map(|monthly| frame.price(monthly, price.currency.as_deref()))
    }

    /// Whether there is room.
    pub(crate) fn room(&self) -> Room {
        match self.listing.join.open {
            Some(true) => Room::Open,
            Some(false) => Room::Full,
            None => Room::Unsaid,
        }
    }

    /// Who may join.
    pub(crate) fn who(&self, frame: &Frame) -> Option<String> {
        self.listing.join.who.as_deref().map(|who| frame.word("who", who).into_owned())
    }

    /// What it offers.
    pub(crate) fn services(&self, frame: &Frame) -> Vec<String> {
        self.listing.services.iter().map(|service| frame.word("service", service).into_owned()).collect()
    }

    /// The languages in which one can talk to it.
    pub(crate) fn languages(&self, frame: &Frame) -> Vec<String> {
        self.listing.languages.iter().map(|language| frame.word("language", language).into_owned()).collect()
    }

    /// When it was heard of last.
    pub(crate) fn seen(&self, frame: &Frame) -> String {
        frame.name("seen", &frame.ago(self.now, self.last_seen)).into_owned()
    }

    /// Nobody has heard of it for three days or more.
    pub(crate) fn is_quiet(&self) -> bool {
        self.freshness >= Freshness::Quiet
    }

    /// How far it is believed, in words: never a tick.
    pub(crate) fn trust(&self, frame: &Frame) -> Cow<'static, str> {
        frame.say(&format!("tier-{}", self.tier_word()))
    }

    /// What that means.
    pub(crate) fn trust_why(&self, frame: &Frame) -> Cow<'static, str> {
        frame.say(&format!("tier-{}-why", self.tier_word()))
    }

    fn tier_word(&self) -> &'static str {
        match self.tier {
            Tier::Reached if self.own => "own",
            Tier::Reached if self.chosen => "chosen",
            tier => tier_word(tier),
        }
    }

    /// What it says of itself, in the first language of `order` that there is.
    pub(crate) fn about(&self, order: &[String]) -> Option<Said> {
        said(&self.listing.descriptions, order)
    }

    /// The beginning of that.
    pub(crate) fn about_shortly(&self, order: &[String]) -> Option<Said> {
        self.about(order).map(|said| Said { text: shortened(&said.text), ..said })
    }

    /// Where its site is.
    pub(crate) fn website(&self) -> Option<Link> {
        self.listing.website.as_deref().and_then(Link::to)
    }

    /// Maintenance that is not over, and what it says of it.
    pub(crate) fn maintenance(&self, frame: &Frame, order: &[String]) -> Option<(String, Option<Said>)> {
        let maintenance = self.listing.maintenance.as_ref().filter(|at| at.until >= self.now.seconds())?;
        let (from, until) =
            (Timestamp::from_seconds(maintenance.from), Timestamp::from_seconds(maintenance.until));
        let when = match frame.date(from) == frame.date(until) {
            true => frame.same_day(from, until),
            false => frame.span(from, until),
        };
        Some((when, said(&maintenance.notes, order)))
    }
}

/// The text in the first language of `order` that there is one in, else in any.
pub(crate) fn said(texts: &Texts, order: &[String]) -> Option<Said> {
    let wanted = order.iter().find_map(|lang| Some((lang.as_str(), texts.get(lang)?)));
    let (lang, text) = wanted.or_else(|| texts.iter().next())?;
    Some(Said { lang: lang.to_owned(), text: text.to_owned() })
}

/// A tier's name in `texts/*.ftl`.
pub(crate) fn tier_word(tier: Tier) -> &'static str {
    match tier {
        Tier::Unproven => "unproven",
        Tier::Proven => "proven",
        Tier::Reached => "reached",
        Tier::Endorsed => "endorsed",
    }
}

/// To the last space before [`SHORT`].
fn shortened(text: &str) -> String {
    let Some((cut, _)) = text.char_indices().nth(SHORT) else { return text.to_owned() };
    let head = text.get(..cut).unwrap_or(text);
    let head = head.rsplit_once(char::is_whitespace).map_or(head, |(head, _)| head);
    format!("{}…", head.trim_end_matches(|c: char| !c.is_alphanumeric()))
}

/// Letters of a description in a list.
const SHORT: usize = 180;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_description_ends_after_a_word() {
        let text = "Nous hébergeons, ensemble, ".repeat(20);
        let short = shortened(&text);
        assert!(
            short.ends_with("hébergeons…") || short.ends_with("Nous…") || short.ends_with("ensemble…"),
            "{short}"
        );
        assert!(short.chars().count() <= SHORT + 1);
        assert_eq!(shortened("Short."), "Short.");
        assert_eq!(shortened(&"x".repeat(400)).chars().count(), SHORT + 1);
    }
}
