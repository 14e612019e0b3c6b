//! What happened in the directory, as an Atom feed (RFC 4287): who joined, whose listing changed, who left, which maintenance is announced.
//!
//! It tells what this node has seen, at the time at which it saw it: clocks of others have no say. Of who left nothing is told but the id.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt::Write;

use essaim_types::{ListingId, Timestamp};

use crate::journal::{Entry, Journal};
use crate::listing::Listing;
use crate::query::Filter;
use crate::times::rfc3339;
use crate::view::View;

/// Where the feed stands, and for whom.
#[derive(Debug, Clone)]
pub struct Feed<'a> {
    /// `https://` and the host, without a slash at the end. The ids of entries begin with it, so it must stay the same.
    pub base: &'a str,
    /// Of the titles.
    pub language: Language,
    /// Which listings; what is gone is always told.
    pub filter: Filter,
}

/// A language in which titles are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// `en`
    #[default]
    English,
    /// `fr`
    French,
    /// `nl`
    Dutch,
}

/// What happened to a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Joined,
    Changed,
    Announced,
    Left,
}

/// The feed with the latest events, newest first.
pub fn feed(directory: &View, journal: &Journal, now: Timestamp, feed: &Feed<'_>) -> String {
    let mut events: Vec<(Timestamp, ListingId, Event)> =
        journal.after(None).flat_map(|(id, entry)| events(id, entry)).collect();
    events.sort_unstable_by_key(|event| Reverse(*event));
    let finder = directory.finder(now, &feed.filter);
    let shown = events.into_iter().filter_map(|(time, id, event)| {
        let listing = finder.find(id).map(|hit| hit.listing);
        (event == Event::Left || listing.is_some()).then_some((time, id, event, listing))
    });
    let shown: Vec<_> = shown.take(ENTRIES_MAX).collect();
    let updated = shown.first().map_or(Timestamp(0), |(time, ..)| *time);
    let mut xml = head(feed, updated);
    for (time, id, event, listing) in shown {
        entry(&mut xml, feed, time, id, event, listing);
    }
    xml.push_str("</feed>\n");
    xml
}

fn events(id: ListingId, entry: &Entry) -> impl Iterator<Item = (Timestamp, ListingId, Event)> {
    let here = entry.gone.is_none();
    let joined = here.then_some((entry.joined, Event::Joined));
    let at = |time: Option<i64>, event| time.map(|time| (Timestamp(time), event));
    let others = [
        at(entry.changed, Event::Changed),
        at(entry.announced, Event::Announced),
        at(entry.gone, Event::Left),
    ];
    joined.into_iter().chain(others.into_iter().flatten()).map(move |(time, event)| (time, id, event))
}

fn head(feed: &Feed<'_>, updated: Timestamp) -> String {
    let (base, language) = (escape(feed.base), feed.language.code());
    let host = escape(feed.base.split_once("://").map_or(feed.base, |(_, host)| host));
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{language}\">\n\
         <id>{base}/directory.atom</id>\n\
         <title>{}</title>\n\
         <updated>{}</updated>\n\
         <author><name>{host}</name></author>\n\
         <link rel=\"self\" type=\"application/atom+xml\" href=\"{base}/directory.atom\"/>\n\
         <link rel=\"alternate\" type=\"text/html\" href=\"{base}/{language}/directory\"/>\n",
        feed.language.heading(),
        rfc3339(updated),
    )
}

fn entry(
    xml: &mut String,
    feed: &Feed<'_>,
    time: Timestamp,
    id: ListingId,
    event: Event,
    listing: Option<&Listing>,
) {
    let (base, when) = (escape(feed.base), rfc3339(time));
    let name = listing.and_then(|listing| listing.name.as_deref().or(listing.domain.as_deref()));
    let title = feed.language.title(event, name.unwrap_or("?"));
    let _ = write!(
        xml,
        "<entry>\n<id>{base}/directory/{id}#{}-{}</id>\n<title>{}</title>\n<updated>{when}</updated>\n<category term=\"{}\"/>\n",
        event.word(),
        time.0,
        escape(&title),
        event.word(),
    );
    if listing.is_some() {
        let _ = writeln!(
            xml,
            "<link rel=\"alternate\" type=\"text/html\" href=\"{base}/{}/directory/{id}\"/>",
            feed.language.code()
        );
    }
    match listing.and_then(|listing| said(listing, event, feed.language)) {
        Some((language, text)) => {
            let _ = writeln!(
                xml,
                "<content type=\"text\" xml:lang=\"{}\">{}</content>",
                escape(&language),
                escape(&text)
            );
        }
        // RFC 4287 section 4.1.2: an entry without content has an alternate link, and one without both a content.
        None => {
            let _ = writeln!(xml, "<content type=\"text\">{}</content>", escape(&title));
        }
    }
    xml.push_str("</entry>\n");
}

/// What the entry tells: from when to when and why, or what the hoster is.
fn said(listing: &Listing, event: Event, language: Language) -> Option<(String, String)> {
    let wanted = [language.code()];
    let Some(maintenance) = listing.maintenance.as_ref().filter(|_| event == Event::Announced) else {
        return listing.description(&wanted).map(|(language, text)| (language.to_owned(), text.to_owned()));
    };
    let seconds = |at| rfc3339(Timestamp::from_seconds(at));
    let times = format!("{} – {}", seconds(maintenance.from), seconds(maintenance.until));
    let notes = &maintenance.notes;
    let note = notes.get(language.code()).map(|note| (language.code(), note)).or_else(|| notes.iter().next());
    Some(match note {
        Some((language, note)) => (language.to_owned(), format!("{times}\n{note}")),
        None => (language.code().to_owned(), times),
    })
}

impl Event {
    /// In ids and categories.
    fn word(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Changed => "changed",
            Self::Announced => "maintenance",
            Self::Left => "left",
        }
    }
}

impl Language {
    /// The language with this code (RFC 5646), if titles are written in it.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::English, Self::French, Self::Dutch].into_iter().find(|language| language.code() == code)
    }

    /// RFC 5646.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Dutch => "nl",
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Self::English => "Directory of hosters",
            Self::French => "Annuaire des hébergeurs",
            Self::Dutch => "Gids van hosters",
        }
    }

    fn title(self, event: Event, name: &str) -> Cow<'static, str> {
        match (self, event) {
            (Self::English, Event::Joined) => format!("{name} has joined").into(),
            (Self::English, Event::Changed) => format!("{name} has changed its listing").into(),
            (Self::English, Event::Announced) => format!("{name} announces maintenance").into(),
            (Self::English, Event::Left) => "A hoster is not listed any more".into(),
            (Self::French, Event::Joined) => format!("{name} nous a rejoints").into(),
            (Self::French, Event::Changed) => format!("{name} a modifié sa fiche").into(),
            (Self::French, Event::Announced) => format!("{name} annonce une maintenance").into(),
            (Self::French, Event::Left) => "Un hébergeur n'est plus dans l'annuaire".into(),
            (Self::Dutch, Event::Joined) => format!("{name} is erbij gekomen").into(),
            (Self::Dutch, Event::Changed) => format!("{name} heeft zijn gegevens gewijzigd").into(),
            (Self::Dutch, Event::Announced) => format!("{name} kondigt onderhoud aan").into(),
            (Self::Dutch, Event::Left) => "Een hoster staat niet meer in de gids".into(),
        }
    }
}

/// XML 1.0 section 2.4. Texts of listings have no character that XML forbids.
fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&apos;").into()
}

/// Events that are told.
pub const ENTRIES_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_markup_is_text() {
        assert_eq!(escape("<b onclick='x'>&\""), "&lt;b onclick=&apos;x&apos;&gt;&amp;&quot;");
    }

    #[test]
    fn languages_are_known_by_their_codes() {
        assert_eq!(Language::from_code("fr"), Some(Language::French));
        assert_eq!(Language::from_code("eo"), None);
    }
}
