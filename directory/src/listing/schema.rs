//! Which keys a listing has, and what each may hold. One table; pages, editors and checks read the same.

use essaim_types::ListingId;

use super::text::{self, Lines, TextFault};
use crate::document::{Fields, Value};

/// A field or family of fields. `*` in a key stands for one more part: a language, a service, a number.
#[derive(Debug, Clone, Copy)]
pub struct FieldRule {
    /// Such as `description.*`.
    pub key: &'static str,
    /// What stands for `*`.
    pub part: Part,
    /// What the value is.
    pub content: Content,
    /// How many fields of the family a listing may have.
    pub count_max: usize,
}

/// What stands for `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The key has no `*`.
    None,
    /// A language: two or three lower-case letters (ISO 639).
    Language,
    /// A word: lower-case ASCII letters, digits and hyphens, at most 32.
    Word,
}

/// What a field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// One line of at most so many bytes.
    Line(usize),
    /// Text of at most so many bytes, line ends allowed.
    Text(usize),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Yes or no.
    Flag,
    /// Always yes: the key itself is the statement.
    Mark,
    /// A number in this range.
    Number(i64, i64),
    /// `https://...`
    Url,
    /// A mail address.
    Email,
    /// A domain in ASCII.
    Domain,
    /// ISO 3166-1, two capital letters.
    Country,
    /// ISO 3166-2, such as `BE-WNA`.
    Region,
    /// South-west corner of a cell of 0.1 degree: `50.4,4.8`.
    Cell,
    /// A multiaddr.
    Address,
    /// The id of a listing.
    Listing,
    /// Anything, of at most so many bytes: for programs that know more than this one.
    Extension(usize),
}

/// Why a document is not a listing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SchemaFault {
    /// No listing has this key.
    #[error("there is no field {key:?}")]
    UnknownKey {
        /// The key, cut at 64 bytes.
        key: String,
    },
    /// The value is of another type, or not one of the possible ones.
    #[error("{key} cannot have this value")]
    WrongValue {
        /// The field.
        key: String,
    },
    /// Text that is not shown.
    #[error("{key} {fault}")]
    Text {
        /// The field.
        key: String,
        /// What is wrong with it.
        fault: TextFault,
    },
    /// Too many fields of a family.
    #[error("there are more than {max} fields {family}")]
    TooMany {
        /// The family.
        family: &'static str,
        /// Its limit.
        max: usize,
    },
    /// The place of a person or of a server at somebody's home is told no closer than its region.
    #[error("{key} tells too closely where somebody lives; give country and region only")]
    TooClose {
        /// The field.
        key: &'static str,
    },
}

/// Whether the fields are those of a listing.
pub fn check(fields: &Fields) -> Result<(), SchemaFault> {
    for (key, value) in fields.iter() {
        check_field(key, value)?;
    }
    for rule in FIELDS.iter().filter(|rule| rule.part != Part::None) {
        let prefix = rule.key.trim_end_matches('*');
        if fields.under(prefix).count() > rule.count_max {
            return Err(SchemaFault::TooMany { family: rule.key, max: rule.count_max });
        }
    }
    match CLOSE.iter().find(|key| lives_there(fields) && fields.get(key).is_some()) {
        Some(key) => Err(SchemaFault::TooClose { key }),
        None => Ok(()),
    }
}

/// The same fields without those that break a rule: what is read from two edits that are right each but not together.
pub fn settle(fields: &Fields) -> Fields {
    let home = lives_there(fields);
    let shown = |key: &str, value: &Value| check_field(key, value).is_ok() && !(home && CLOSE.contains(&key));
    let mut kept: Vec<(Box<str>, Value)> = Vec::new();
    for rule in FIELDS {
        let prefix = rule.key.trim_end_matches('*');
        let family = fields.iter().filter(|(key, value)| matches(rule, prefix, key) && shown(key, value));
        kept.extend(family.take(rule.count_max).map(|(key, value)| (key.into(), value.clone())));
    }
    kept.into_iter().collect()
}

/// Whether one field is possible by itself.
pub fn check_field(key: &str, value: &Value) -> Result<(), SchemaFault> {
    let rule = FIELDS.iter().find(|rule| matches(rule, rule.key.trim_end_matches('*'), key));
    let rule = rule.ok_or_else(|| SchemaFault::UnknownKey { key: key.chars().take(64).collect() })?;
    rule.content.check(key, value)
}

/// Whether a text is what `content` asks for.
pub fn check_content(content: Content, text: &str) -> Result<(), SchemaFault> {
    content.check("", &Value::Text(text.into()))
}

/// The server stands at home, or the hoster is one person.
fn lives_there(fields: &Fields) -> bool {
    let is = |key: &str, word: &str| matches!(fields.get(key), Some(Value::Text(text)) if &**text == word);
    is("legal.form", "individual") || is("provider", "home")
}

fn matches(rule: &FieldRule, prefix: &str, key: &str) -> bool {
    match (rule.part, key.strip_prefix(prefix)) {
        (Part::None, Some(rest)) => rest.is_empty(),
        (Part::Language, Some(part)) => is_language(part),
        (Part::Word, Some(part)) => is_word(part),
        (_, None) => false,
    }
}

fn is_language(part: &str) -> bool {
    (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_word(part: &str) -> bool {
    let letters = part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    (1..=32).contains(&part.len()) && letters
}

impl Content {
    fn check(self, key: &str, value: &Value) -> Result<(), SchemaFault> {
        let wrong = || SchemaFault::WrongValue { key: key.to_owned() };
        let fault = |fault| SchemaFault::Text { key: key.to_owned(), fault };
        match (self, value) {
            (Self::Line(max), Value::Text(text)) => text::check_text(text, max, Lines::One).map_err(fault),
            (Self::Text(max), Value::Text(text)) => text::check_text(text, max, Lines::Many).map_err(fault),
            (Self::Url, Value::Text(text)) => text::check_url(text).map_err(fault),
            (Self::Email, Value::Text(text)) => text::check_email(text).map_err(fault),
            (Self::Domain, Value::Text(text)) => text::check_domain(text).map_err(fault),
            (Self::OneOf(words), Value::Text(text)) if words.contains(&&**text) => Ok(()),
            (Self::Flag, Value::Flag(_)) | (Self::Mark, Value::Flag(true)) => Ok(()),
            (Self::Number(low, high), Value::Number(number)) if (low..=high).contains(number) => Ok(()),
            (Self::Country, Value::Text(text)) if is_country(text) => Ok(()),
            (Self::Region, Value::Text(text)) if is_region(text) => Ok(()),
            (Self::Cell, Value::Text(text)) if super::place::Cell::parse(text).is_some() => Ok(()),
            (Self::Address, Value::Text(text)) if is_address(text) => Ok(()),
            (Self::Listing, Value::Text(text)) if text.parse::<ListingId>().is_ok() => Ok(()),
            (Self::Extension(max), value) if value.weight() <= max => Ok(()),
            _ => Err(wrong()),
        }
    }
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_region(text: &str) -> bool {
    let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    text.split_once('-').is_some_and(|(country, part)| {
        is_country(country) && (1..=3).contains(&part.len()) && part.bytes().all(upper)
    })
}

fn is_address(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/.:-_".contains(&byte);
    text.starts_with('/') && text.len() <= 200 && text.bytes().all(plain)
}

/// Told only of hosters that nobody lives at.
const CLOSE: &[&str] = &["place.name", "place.cell"];

const LEGAL_FORMS: &[&str] = &[
    "association",
    "informal",
    "cooperative",
    "microcompany",
    "company",
    "individual",
    "collective",
    "other",
];
const PROVIDERS: &[&str] = &["home", "hosted-bay", "hosted-server", "outsourced"];
const WHO: &[&str] = &["anyone", "members", "region", "invited", "organisations", "nobody"];
const MEMBERS: &[&str] = &["under-50", "50-199", "200-999", "1000-or-more"];
/// The end of the year 9999, in seconds.
const LATEST: i64 = 253_402_300_799;

/// Every field of a listing.
pub const FIELDS: &[FieldRule] = &[
    one("name", Content::Line(80)),
    many("description.*", Part::Language, Content::Text(600), 12),
    one("domain", Content::Domain),
    one("website", Content::Url),
    one("place.country", Content::Country),
    one("place.region", Content::Region),
    one("place.name", Content::Line(80)),
    one("place.cell", Content::Cell),
    many("service.*", Part::Word, Content::Mark, 24),
    many("language.*", Part::Language, Content::Mark, 12),
    one("price.monthly", Content::Number(0, 1_000_000)),
    one(
        "price.currency",
        Content::OneOf(&["EUR", "CHF", "GBP", "USD", "CAD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON"]),
    ),
    many("price.note.*", Part::Language, Content::Text(300), 12),
    one("join.open", Content::Flag),
    one("join.who", Content::OneOf(WHO)),
    one("join.url", Content::Url),
    many("join.note.*", Part::Language, Content::Text(300), 12),
    one("legal.form", Content::OneOf(LEGAL_FORMS)),
    one("legal.since", Content::Number(1800, 9999)),
    one("provider", Content::OneOf(PROVIDERS)),
    one("provider.name", Content::Line(80)),
    one("members", Content::OneOf(MEMBERS)),
    one("energy", Content::OneOf(&["renewable", "mixed", "grid", "unknown"])),
    one("contact.email", Content::Email),
    one("contact.url", Content::Url),
    one("contact.phone", Content::Line(40)),
    one("contact.xmpp", Content::Email),
    one("contact.matrix", Content::Line(120)),
    one("terms.url", Content::Url),
    one("terms.privacy", Content::Url),
    many("charter.*", Part::Word, Content::Url, 8),
    one("maintenance.from", Content::Number(0, LATEST)),
    one("maintenance.until", Content::Number(0, LATEST)),
    many("maintenance.note.*", Part::Language, Content::Text(300), 12),
    many("address.*", Part::Word, Content::Address, 8),
    one("supersedes", Content::Listing),
    many("ext.*", Part::Word, Content::Extension(256), 4),
];

const fn one(key: &'static str, content: Content) -> FieldRule {
    FieldRule { key, part: Part::None, content, count_max: 1 }
}

const fn many(key: &'static str, part: Part, content: Content, count_max: usize) -> FieldRule {
    FieldRule { key, part, content, count_max }
}
