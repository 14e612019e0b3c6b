//! Times, prices and distances in words. Times are UTC and say so: who reads may be anywhere.

use std::borrow::{Borrow, Cow};
use std::time::Duration;

use essaim_types::Timestamp;
use fluent_bundle::FluentValue;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Frame;

impl Frame {
    /// How long ago that was, roughly: `3 hours ago`.
    pub(crate) fn ago(&self, now: Timestamp, then: Timestamp) -> Cow<'static, str> {
        let hours = now.since(then).as_secs() / HOUR.as_secs();
        let (key, count) = match hours {
            0 => return self.say("ago-now"),
            1..48 => ("ago-hours", hours),
            48..1_440 => ("ago-days", hours / 24),
            1_440..17_520 => ("ago-months", hours / 730),
            _ => ("ago-years", hours / 8_760),
        };
        self.count(key, usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// `22 November 2026`.
    pub(crate) fn date(&self, at: Timestamp) -> String {
        match civil(at) {
            Some(at) => self.day(at),
            None => String::new(),
        }
    }

    /// `22 November 2026, 20:00 to 22:00 UTC`.
    pub(crate) fn same_day(&self, from: Timestamp, until: Timestamp) -> String {
        self.between("time-same-day", from, until)
    }

    /// `22 November 2026, 20:00 to 23 November 2026, 04:00 UTC`.
    pub(crate) fn span(&self, from: Timestamp, until: Timestamp) -> String {
        self.between("time-span", from, until)
    }

    /// What a month costs, in hundredths of a currency.
    pub(crate) fn price(&self, hundredths: i64, currency: Option<&str>) -> String {
        if hundredths == 0 {
            return self.say("price-free").into_owned();
        }
        let (whole, cents) = (hundredths / 100, hundredths % 100);
        let amount = match cents {
            0 => whole.to_string(),
            cents => format!("{whole}{}{cents:02}", self.say("decimal-mark")),
        };
        let values = [("amount", amount.into()), ("code", currency.unwrap_or_default().to_owned().into())];
        self.with(if currency.is_some() { "price" } else { "price-bare" }, &values).into_owned()
    }

    /// `near Namur (50 km)`.
    pub(crate) fn near(&self, place: &str, kilometres: u32) -> Cow<'static, str> {
        self.with("asked-near", &[("name", place.to_owned().into()), ("km", kilometres.into())])
    }

    /// `page 2 of 5`.
    pub(crate) fn pages(&self, page: usize, of: usize) -> Cow<'static, str> {
        self.with("pages-at", &[("page", FluentValue::from(page)), ("of", FluentValue::from(of))])
    }

    /// One by name, and so many others.
    pub(crate) fn others(
        &self,
        key: &str,
        name: impl AsRef<str>,
        count: impl Borrow<usize>,
    ) -> Cow<'static, str> {
        self.with(
            key,
            &[("name", name.as_ref().to_owned().into()), ("count", FluentValue::from(*count.borrow()))],
        )
    }

    fn between(&self, key: &str, from: Timestamp, until: Timestamp) -> String {
        let (Some(from), Some(until)) = (civil(from), civil(until)) else { return String::new() };
        let time = |at: DateTime| FluentValue::from(format!("{:02}:{:02}", at.hour(), at.minute()));
        let values = [
            ("day", self.day(from).into()),
            ("from", time(from)),
            ("last", self.day(until).into()),
            ("until", time(until)),
        ];
        self.with(key, &values).into_owned()
    }

    fn day(&self, at: DateTime) -> String {
        let month = self.say(&format!("month-{}", at.month()));
        let values = [
            ("day", FluentValue::from(at.day())),
            ("month", month.into_owned().into()),
            // As a text: years have no thousands.
            ("year", at.year().to_string().into()),
        ];
        self.with("date", &values).into_owned()
    }
}

/// The machine's form of a time, for `<time datetime>`.
pub(crate) fn machine_date(at: Timestamp) -> String {
    civil(at).map(|at| format!("{}Z", at.strftime("%Y-%m-%dT%H:%M"))).unwrap_or_default()
}

fn civil(at: Timestamp) -> Option<DateTime> {
    jiff::Timestamp::from_second(at.seconds()).ok().map(|at| at.to_zoned(TimeZone::UTC).datetime())
}

const HOUR: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use crate::node::Host;

    fn frame(language: Language) -> Frame {
        let (name, contact) = ("A".to_owned(), "human@a.test".to_owned());
        Frame::new(
            language,
            Host {
                name,
                domain: "a.test".parse().unwrap(),
                base: String::new(),
                version: "0",
                contact,
                language,
            },
            "/".to_owned(),
        )
    }

    #[test]
    fn dates_are_written_as_people_write_them() {
        let at = Timestamp::from_seconds(1_764_561_600); // 1 December 2025, 04:00 UTC
        assert_eq!(frame(Language::English).date(at), "1 December 2025");
        assert_eq!(frame(Language::French).date(at), "1er décembre 2025");
        assert_eq!(frame(Language::Dutch).date(at), "1 december 2025");
        let later = Timestamp::from_seconds(1_764_561_600 + 7_200);
        assert_eq!(frame(Language::Dutch).same_day(at, later), "1 december 2025, 04:00 tot 06:00 UTC");
        assert_eq!(machine_date(at), "2025-12-01T04:00Z");
        assert_eq!(frame(Language::French).date(Timestamp::from_seconds(i64::MAX / 1000)), "");
    }

    #[test]
    fn numbers_have_the_plural_of_their_language() {
        let (en, fr) = (frame(Language::English), frame(Language::French));
        assert_eq!(
            (en.count("list-found", 0).into_owned(), en.count("list-found", 1).into_owned()),
            ("0 hosters".into(), "1 hoster".into())
        );
        // In French nothing is singular.
        assert_eq!(
            (fr.count("list-found", 0).into_owned(), fr.count("list-found", 2).into_owned()),
            ("0 hébergeur".into(), "2 hébergeurs".into())
        );
        let now = Timestamp::from_seconds(100 * 86_400);
        let ago = |seconds: i64| en.ago(now, Timestamp::from_seconds(100 * 86_400 - seconds)).into_owned();
        assert_eq!(ago(60), "less than an hour ago");
        assert_eq!(ago(3_700), "1 hour ago");
        assert_eq!(ago(3 * 86_400), "3 days ago");
        assert_eq!(ago(70 * 86_400), "2 months ago");
        // A clock that is ahead of ours.
        assert_eq!(ago(-5_000), "less than an hour ago");
    }

    #[test]
    fn prices_have_the_mark_and_the_place_of_their_language() {
        assert_eq!(frame(Language::English).price(350, Some("EUR")), "€3.50 a month");
        assert_eq!(frame(Language::French).price(350, Some("EUR")), "3,50\u{a0}€ par mois");
        assert_eq!(frame(Language::Dutch).price(500, Some("CHF")), "CHF\u{a0}5 per maand");
        assert_eq!(frame(Language::French).price(0, Some("EUR")), "gratuit");
    }
}
