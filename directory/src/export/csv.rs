//! Listings as CSV (RFC 4180), UTF-8, one line each: for spreadsheets.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and what a stranger writes must not run. Such cells,
//! and those that begin with an apostrophe, get an apostrophe in front; whoever reads them by program takes it off again.
//! Numbers that are computed here stay numbers.

use std::borrow::Cow;

use crate::export::json::word;
use crate::listing::Listing;
use crate::query::Hit;
use crate::times::rfc3339;
use essaim_types::Timestamp;

/// One line with the names of the columns.
pub fn header() -> String {
    line(COLUMNS.iter().map(|name| Cow::Borrowed(*name)))
}

/// One line. Of the descriptions the one in the first of these languages that there is one in.
pub fn row(hit: &Hit<'_>, languages: &[&str]) -> String {
    let listing = hit.listing;
    let (language, description) = listing.description(languages).unwrap_or_default();
    let cell = listing.cell().map(crate::listing::Cell::corner);
    let maintenance = listing.maintenance.as_ref();
    let seconds = |at: i64| rfc3339(Timestamp::from_seconds(at));
    line([
        hit.id.to_string().into(),
        text(listing.domain.as_deref()),
        text(listing.name.as_deref()),
        safe(language),
        safe(description),
        text(listing.website.as_deref()),
        text(listing.place.country.as_deref()),
        text(listing.place.region.as_deref()),
        text(listing.place.name.as_deref()),
        cell.map(|(latitude, _)| format!("{latitude:.1}")).unwrap_or_default().into(),
        cell.map(|(_, longitude)| format!("{longitude:.1}")).unwrap_or_default().into(),
        words(listing.services.iter()),
        words(listing.languages.iter()),
        price(listing),
        text(listing.price.currency.as_deref()),
        flag(listing.join.open),
        text(listing.join.who.as_deref()),
        text(listing.join.url.as_deref()),
        text(listing.legal_form.as_deref()),
        number(listing.since),
        text(listing.provider.as_deref()),
        text(listing.provider_name.as_deref()),
        text(listing.members.as_deref()),
        text(listing.energy.as_deref()),
        text(listing.contacts.get("email")),
        text(listing.contacts.get("url")),
        text(listing.contacts.get("phone")),
        text(listing.terms.get("url")),
        text(listing.terms.get("privacy")),
        words(listing.charters.iter().map(|(charter, _)| charter)),
        maintenance.map(|maintenance| seconds(maintenance.from)).unwrap_or_default().into(),
        maintenance.map(|maintenance| seconds(maintenance.until)).unwrap_or_default().into(),
        word(&hit.tier).into(),
        word(&hit.freshness).into(),
        rfc3339(hit.last_seen).into(),
        flag(Some(hit.disputed)),
    ])
}

fn line<'a>(cells: impl IntoIterator<Item = Cow<'a, str>>) -> String {
    let cells = cells.into_iter().map(quoted);
    let mut line = cells.collect::<Vec<_>>().join(",");
    // RFC 4180 section 2.1.
    line.push_str("\r\n");
    line
}

/// RFC 4180 section 2.6 and 2.7.
fn quoted(cell: Cow<'_, str>) -> Cow<'_, str> {
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\"")).into()
    } else {
        cell
    }
}

/// What somebody has written.
fn safe(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA) { format!("'{text}").into() } else { text.into() }
}

fn text(text: Option<&str>) -> Cow<'_, str> {
    safe(text.unwrap_or_default())
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> Cow<'a, str> {
    safe(&words.collect::<Vec<_>>().join(" ")).into_owned().into()
}

fn number(number: Option<i64>) -> Cow<'static, str> {
    number.map(|number| number.to_string()).unwrap_or_default().into()
}

fn flag(flag: Option<bool>) -> Cow<'static, str> {
    match flag {
        Some(true) => "yes".into(),
        Some(false) => "no".into(),
        None => "".into(),
    }
}

/// Hundredths as a decimal number.
fn price(listing: &Listing) -> Cow<'static, str> {
    let amount = listing.price.monthly.map(|cents| format!("{}.{:02}", cents / 100, cents % 100));
    amount.unwrap_or_default().into()
}

/// With these a cell is a formula somewhere, or the mark against that. The wide ones are what some input methods write.
const FORMULA: [char; 12] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\'', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

const COLUMNS: [&str; 36] = [
    "listing",
    "domain",
    "name",
    "description_language",
    "description",
    "website",
    "country",
    "region",
    "municipality",
    "cell_south",
    "cell_west",
    "services",
    "languages",
    "price_monthly",
    "currency",
    "open",
    "who_may_join",
    "join_url",
    "legal_form",
    "since_year",
    "provider",
    "provider_name",
    "members",
    "energy",
    "email",
    "contact_url",
    "phone",
    "terms_url",
    "privacy_url",
    "charters",
    "maintenance_from",
    "maintenance_until",
    "tier",
    "freshness",
    "last_seen",
    "disputed",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=HYPERLINK(\"x\")", "+32 470", "-1", "@SUM(A1)", "\tx", "\rx", "'=x", "\u{ff1d}x"] {
            assert_eq!(safe(text), format!("'{text}"));
        }
        assert_eq!(safe("Les Abeilles = miel"), "Les Abeilles = miel");
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(
            line(["a".into(), "b,c".into(), "say \"hi\"".into(), "two\nlines".into()]),
            "a,\"b,c\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n"
        );
    }

    proptest! {
        #[test]
        fn the_mark_can_be_taken_off_again(text in "[-=+@'\t]{0,3}.*") {
            let cell = safe(&text);
            let read = cell.strip_prefix('\'').unwrap_or(&cell);
            prop_assert_eq!(read, text.as_str());
        }
    }
}
