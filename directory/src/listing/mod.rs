//! What a hoster says of itself: a schema of flat fields, checked, and read into a plain struct.

mod place;
mod punycode;
mod schema;
mod text;
mod texts;

use serde::Serialize;

use crate::document::{Edit, Fields, Value};

pub use place::Cell;
pub use punycode::to_ascii;
pub use schema::{Content, FIELDS, FieldRule, Part, SchemaFault, check, check_content, check_field, settle};
pub use text::TextFault;
pub(crate) use text::is_shown;
pub use texts::{Texts, Words};

/// What a hoster says of itself, ready to be shown: every text has been checked. Absent is what it did not say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Listing {
    /// Its name.
    pub name: Option<Box<str>>,
    /// Its domain in ASCII. Whether the domain agrees is another question: see [`crate::trust`].
    pub domain: Option<Box<str>>,
    /// Its page.
    pub website: Option<Box<str>>,
    /// What it is, by language.
    pub descriptions: Texts,
    /// Where it is.
    pub place: Place,
    /// What it offers: `mail`, `files`, `calendar`, ...
    pub services: Words,
    /// In which languages one can talk to it.
    pub languages: Words,
    /// What it costs.
    pub price: Price,
    /// Who may join, and how.
    pub join: Join,
    /// `cooperative`, `association`, ...
    pub legal_form: Option<Box<str>>,
    /// The year in which it began.
    pub since: Option<i64>,
    /// Whose machine it is: `home`, `hosted-bay`, `hosted-server`, `outsourced`.
    pub provider: Option<Box<str>>,
    /// The name of that provider.
    pub provider_name: Option<Box<str>>,
    /// How many members, in steps.
    pub members: Option<Box<str>>,
    /// What powers it.
    pub energy: Option<Box<str>>,
    /// How to reach it: `email`, `url`, `phone`, `xmpp`, `matrix`.
    pub contacts: Texts,
    /// Addresses of its terms and of its privacy policy.
    pub terms: Texts,
    /// Charters that it says it keeps, and where that can be read.
    pub charters: Texts,
    /// Announced maintenance.
    pub maintenance: Option<Maintenance>,
    /// Addresses of its node.
    pub addresses: Words,
    /// The listing that this one says it replaces.
    pub supersedes: Option<Box<str>>,
}

/// Where a hoster is, never closer than a municipality.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Place {
    /// ISO 3166-1.
    pub country: Option<Box<str>>,
    /// ISO 3166-2.
    pub region: Option<Box<str>>,
    /// The municipality.
    pub name: Option<Box<str>>,
    /// The south-west corner of its cell of 0.1 degree.
    pub cell: Option<Box<str>>,
}

/// What membership costs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Price {
    /// The cheapest way in, in hundredths of the currency for a month.
    pub monthly: Option<i64>,
    /// ISO 4217.
    pub currency: Option<Box<str>>,
    /// More about it, by language.
    pub notes: Texts,
}

/// Who may join.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Join {
    /// Whether there is room now.
    pub open: Option<bool>,
    /// `anyone`, `members`, `region`, `invited`, `organisations`, `nobody`.
    pub who: Option<Box<str>>,
    /// Where to ask.
    pub url: Option<Box<str>>,
    /// How, by language.
    pub notes: Texts,
}

/// A time in which services may be away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Maintenance {
    /// Its beginning, in seconds since 1970.
    pub from: i64,
    /// Its end.
    pub until: i64,
    /// Why, by language.
    pub notes: Texts,
}

impl Listing {
    /// Reads the fields of a profile. What breaks a rule is left out: see [`settle`].
    pub fn read(fields: &Fields) -> Self {
        let settled = settle(fields);
        let from = Reader(&settled);
        Self {
            name: from.text("name"),
            domain: from.text("domain"),
            website: from.text("website"),
            descriptions: from.texts("description."),
            place: Place {
                country: from.text("place.country"),
                region: from.text("place.region"),
                name: from.text("place.name"),
                cell: from.text("place.cell"),
            },
            services: from.marks("service."),
            languages: from.marks("language."),
            price: Price {
                monthly: from.number("price.monthly"),
                currency: from.text("price.currency"),
                notes: from.texts("price.note."),
            },
            join: Join {
                open: from.flag("join.open"),
                who: from.text("join.who"),
                url: from.text("join.url"),
                notes: from.texts("join.note."),
            },
            legal_form: from.text("legal.form"),
            since: from.number("legal.since"),
            provider: from.text("provider"),
            provider_name: from.text("provider.name"),
            members: from.text("members"),
            energy: from.text("energy"),
            contacts: from.texts("contact."),
            terms: from.texts("terms."),
            charters: from.texts("charter."),
            maintenance: from.maintenance(),
            addresses: from.words("address."),
            supersedes: from.text("supersedes"),
        }
    }

    /// The description in the first of these languages that there is one in, else in any, with its language.
    pub fn description<'a>(&'a self, languages: &[&'a str]) -> Option<(&'a str, &'a str)> {
        let wanted =
            languages.iter().find_map(|language| Some((*language, self.descriptions.get(language)?)));
        wanted.or_else(|| self.descriptions.iter().next())
    }

    /// The cell it is in.
    pub fn cell(&self) -> Option<Cell> {
        self.place.cell.as_deref().and_then(Cell::parse)
    }
}

/// One typed edit from text, as in `essaim directory edit --set key=value`. An empty text removes the field.
pub fn parse_edit(key: &str, text: &str) -> Result<Edit, SchemaFault> {
    let known =
        |value: Value| check_field(key, &value).map(|()| Edit { key: key.into(), value: Some(value) });
    if text.is_empty() {
        return Ok(Edit::remove(key));
    }
    let typed = match text {
        "true" | "yes" => Some(Value::Flag(true)),
        "false" | "no" => Some(Value::Flag(false)),
        _ => text.parse().ok().map(Value::Number),
    };
    // A telephone number is text although it looks like a number: the field decides.
    match typed.map(known) {
        Some(Ok(edit)) => Ok(edit),
        _ if matches!(key, "domain") => {
            known(Value::Text(to_ascii(text).map_or_else(|| text.into(), |d| d.as_str().into())))
        }
        _ => known(Value::Text(text.into())),
    }
}

struct Reader<'a>(&'a Fields);

impl Reader<'_> {
    fn text(&self, key: &str) -> Option<Box<str>> {
        match self.0.get(key) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Option<i64> {
        match self.0.get(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    fn flag(&self, key: &str) -> Option<bool> {
        match self.0.get(key) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    fn texts(&self, prefix: &str) -> Texts {
        let text = |(part, value): (&str, &Value)| match value {
            Value::Text(text) => Some((part.into(), text.clone())),
            _ => None,
        };
        self.0.under(prefix).filter_map(text).collect()
    }

    fn words(&self, prefix: &str) -> Words {
        let texts = self.texts(prefix);
        texts.iter().map(|(_, text)| text.into()).collect()
    }

    fn marks(&self, prefix: &str) -> Words {
        self.0.under(prefix).map(|(part, _)| part.into()).collect()
    }

    fn maintenance(&self) -> Option<Maintenance> {
        let (from, until) = (self.number("maintenance.from")?, self.number("maintenance.until")?);
        (from <= until).then(|| Maintenance { from, until, notes: self.texts("maintenance.note.") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::default();
        pairs.iter().for_each(|(key, text)| fields.edit(parse_edit(key, text).unwrap()));
        fields
    }

    #[test]
    fn a_listing_is_read_field_by_field() {
        let said = fields(&[
            ("name", "Les Abeilles"),
            ("domain", "bücher.example"),
            ("description.fr", "Un hébergeur\nà Namur"),
            ("place.cell", "50.4,4.8"),
            ("service.mail", "yes"),
            ("join.open", "true"),
            ("price.monthly", "350"),
            ("contact.phone", "0470123456"),
            ("address.1", "/ip4/192.0.2.1/udp/4001/quic-v1"),
        ]);
        assert_eq!(check(&said), Ok(()));
        let listing = Listing::read(&said);
        assert_eq!(listing.domain.as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(listing.description(&["nl", "fr"]), Some(("fr", "Un hébergeur\nà Namur")));
        assert_eq!((listing.join.open, listing.price.monthly), (Some(true), Some(350)));
        assert!(listing.services.contains("mail") && listing.cell().is_some());
        assert_eq!(listing.contacts.get("phone"), Some("0470123456"));
    }

    #[test]
    fn r16_unknown_keys_and_foreign_values_are_refused() {
        assert!(matches!(parse_edit("nom", "x"), Err(SchemaFault::UnknownKey { .. })));
        assert!(matches!(parse_edit("service.Mail", "yes"), Err(SchemaFault::UnknownKey { .. })));
        assert!(matches!(parse_edit("service.mail", "no"), Err(SchemaFault::WrongValue { .. })));
        assert!(matches!(parse_edit("legal.form", "cult"), Err(SchemaFault::WrongValue { .. })));
        assert!(matches!(parse_edit("website", "javascript:alert(1)"), Err(SchemaFault::Text { .. })));
        let many = (0..25).map(|n| (format!("service.s{n}").into(), Value::Flag(true))).collect();
        assert_eq!(check(&many), Err(SchemaFault::TooMany { family: "service.*", max: 24 }));
        let extension = |bytes| (Box::from("ext.x"), Value::Bytes(vec![0; bytes].into()));
        assert_eq!(check(&[extension(256)].into_iter().collect()), Ok(()));
        assert!(check(&[extension(257)].into_iter().collect()).is_err());
    }

    #[test]
    fn where_somebody_lives_is_told_by_region_only() {
        let home = fields(&[("provider", "home"), ("place.region", "BE-WNA"), ("place.cell", "50.4,4.8")]);
        assert_eq!(check(&home), Err(SchemaFault::TooClose { key: "place.cell" }));
        assert_eq!(Listing::read(&home).place.cell, None);
        assert_eq!(Listing::read(&home).place.region.as_deref(), Some("BE-WNA"));
        let person = fields(&[("legal.form", "individual"), ("place.name", "Namur")]);
        assert_eq!(check(&person), Err(SchemaFault::TooClose { key: "place.name" }));
    }

    #[test]
    fn a_key_that_is_also_a_prefix_is_no_part_of_the_family() {
        let said =
            fields(&[("provider", "hosted-bay"), ("provider.name", "Neutrinet"), ("members", "under-50")]);
        assert_eq!(check(&said), Ok(()));
        assert_eq!(Listing::read(&said).provider_name.as_deref(), Some("Neutrinet"));
    }
}
