//! What a hoster says of others: vouches and warnings, each under a key of its own in the statements document.
//!
//! A withdrawn statement is a removed key. What it weighs, [`crate::trust`] says.

use std::collections::BTreeSet;
use std::time::Duration;

use essaim_identity::cbor::{self, Bounded};
use essaim_types::{ListingId, Timestamp};
use minicbor::{Decode, Encode};
use serde::Serialize;

use crate::document::{Edit, Fields, Value};
use crate::listing::{Content, check_content};

/// One hoster has checked points of another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Vouch {
    /// What was checked: words of a charter such as `backups` or `exports`; at least one.
    #[n(0)]
    pub points: BTreeSet<String>,
    /// How.
    #[n(1)]
    pub method: Method,
    /// Where one can read about it.
    #[n(2)]
    pub evidence: Option<String>,
    /// When it was said.
    #[cbor(n(3), with = "essaim_identity::cbor::with::timestamp")]
    pub made: Timestamp,
    /// When it stops to count, at most [`VOUCH_MAX`] later.
    #[cbor(n(4), with = "essaim_identity::cbor::with::timestamp")]
    pub expires: Timestamp,
}

/// How a point was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// We know the people.
    #[n(0)]
    Met,
    /// We have seen the machines.
    #[n(1)]
    Visited,
    /// We have read the documents.
    #[n(2)]
    Docs,
    /// Our node has tried it.
    #[n(3)]
    Probe,
    /// It is a member of us, a collective.
    #[n(4)]
    MemberOf,
}

/// One hoster warns of another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Warning {
    /// A word: `spam`, `closed`, `data-lost`, `impostor`.
    #[n(0)]
    pub code: String,
    /// Where one can read about it.
    #[n(1)]
    pub evidence: Option<String>,
    /// When it was said.
    #[cbor(n(2), with = "essaim_identity::cbor::with::timestamp")]
    pub made: Timestamp,
    /// When it stops to count, at most [`WARNING_MAX`] later.
    #[cbor(n(3), with = "essaim_identity::cbor::with::timestamp")]
    pub expires: Timestamp,
}

/// Something that a hoster says of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statement {
    /// For it.
    Vouch(Vouch),
    /// Against it.
    Warning(Warning),
}

/// Why a document is not one of statements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key:?} is no statement")]
pub struct StatementFault {
    /// The key, cut at 64 bytes.
    pub key: String,
}

impl Statement {
    /// The edit that says this of `target`.
    pub fn edit(&self, target: ListingId) -> Edit {
        let (key, bytes) = match self {
            Self::Vouch(vouch) => (vouch_key(target), cbor::encode(vouch)),
            Self::Warning(warning) => (warning_key(target), cbor::encode(warning)),
        };
        Edit { key: key.into(), value: Some(Value::Bytes(bytes.into())) }
    }

    /// Whether it counts at this time.
    pub fn counts(&self, now: Timestamp) -> bool {
        let (made, expires) = match self {
            Self::Vouch(vouch) => (vouch.made, vouch.expires),
            Self::Warning(warning) => (warning.made, warning.expires),
        };
        // A clock may be ten minutes wrong.
        made <= now.after(Duration::from_secs(600)) && now < expires
    }

    fn is_right(&self) -> bool {
        let (made, expires, max, evidence) = match self {
            Self::Vouch(vouch) => (vouch.made, vouch.expires, VOUCH_MAX, &vouch.evidence),
            Self::Warning(warning) => (warning.made, warning.expires, WARNING_MAX, &warning.evidence),
        };
        let words = match self {
            Self::Vouch(vouch) => {
                (1..=POINTS_MAX).contains(&vouch.points.len())
                    && vouch.points.iter().all(|point| is_word(point))
            }
            Self::Warning(warning) => is_word(&warning.code),
        };
        let link = evidence.as_ref().is_none_or(|url| check_content(Content::Url, url).is_ok());
        words && link && made <= expires && expires <= made.after(max)
    }
}

/// Whether the fields are statements.
pub fn check(fields: &Fields) -> Result<(), StatementFault> {
    let fault = |key: &str| StatementFault { key: key.chars().take(64).collect() };
    for (index, (key, value)) in fields.iter().enumerate() {
        if index >= STATEMENTS_MAX || read_one(key, value).is_none() {
            return Err(fault(key));
        }
    }
    Ok(())
}

/// Everything that the fields say, of whom.
pub fn read(fields: &Fields) -> impl Iterator<Item = (ListingId, Statement)> {
    fields.iter().take(STATEMENTS_MAX).filter_map(|(key, value)| read_one(key, value))
}

/// The edit that withdraws a vouch.
pub fn withdraw(target: ListingId) -> Edit {
    Edit::remove(&vouch_key(target))
}

/// The edit that withdraws a warning.
pub fn withdraw_warning(target: ListingId) -> Edit {
    Edit::remove(&warning_key(target))
}

fn read_one(key: &str, value: &Value) -> Option<(ListingId, Statement)> {
    let Value::Bytes(bytes) = value else { return None };
    let (kind, target) = key.split_once('.')?;
    let statement = match kind {
        "vouch" => Statement::Vouch(cbor::decode(bytes).ok()?),
        "warn" => Statement::Warning(cbor::decode(bytes).ok()?),
        _ => return None,
    };
    let id: ListingId = target.parse().ok()?;
    (id.to_string() == target && statement.is_right()).then_some((id, statement))
}

fn vouch_key(target: ListingId) -> String {
    format!("vouch.{target}")
}

fn warning_key(target: ListingId) -> String {
    format!("warn.{target}")
}

fn is_word(text: &str) -> bool {
    let letters = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    (1..=32).contains(&text.len()) && letters
}

impl Bounded for Vouch {
    const BYTES_MAX: usize = 1024;
    const DEPTH_MAX: usize = 2;
}

impl Bounded for Warning {
    const BYTES_MAX: usize = 512;
    const DEPTH_MAX: usize = 1;
}

/// A vouch is renewed at least every 400 days.
pub const VOUCH_MAX: Duration = Duration::from_secs(400 * 86_400);
/// A warning is renewed at least every 180 days.
pub const WARNING_MAX: Duration = Duration::from_secs(180 * 86_400);
/// Most points of one vouch.
pub const POINTS_MAX: usize = 16;
/// Most statements of one hoster.
pub const STATEMENTS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn vouch(days: u64) -> Statement {
        let points = ["backups".to_owned()].into();
        let (made, evidence) = (Timestamp(0), Some("https://abeilles.example/visit".to_owned()));
        let expires = made.after(Duration::from_secs(days * 86_400));
        Statement::Vouch(Vouch { points, method: Method::Visited, evidence, made, expires })
    }

    fn said(edit: Edit) -> Fields {
        let mut fields = Fields::default();
        fields.edit(edit);
        fields
    }

    #[test]
    fn a_vouch_is_read_as_it_was_written_and_expires() {
        let target = ListingId::from_bytes([7; 32]);
        let fields = said(vouch(400).edit(target));
        assert_eq!(check(&fields), Ok(()));
        assert_eq!(read(&fields).collect::<Vec<_>>(), [(target, vouch(400))]);
        assert!(vouch(400).counts(Timestamp(0)));
        assert!(!vouch(400).counts(Timestamp(0).after(VOUCH_MAX)));
        assert!(!vouch(400).counts(Timestamp(-700_000)));
    }

    #[test]
    fn what_is_no_statement_is_refused() {
        let target = ListingId::from_bytes([7; 32]);
        assert!(check(&said(vouch(401).edit(target))).is_err());
        assert!(check(&said(Edit::text(&vouch_key(target), "good"))).is_err());
        assert!(check(&said(Edit { key: "praise.x".into(), ..vouch(1).edit(target) })).is_err());
        let Statement::Vouch(mut evil) = vouch(1) else { panic!("made above") };
        evil.evidence = Some("javascript:alert(1)".to_owned());
        assert!(check(&said(Statement::Vouch(evil).edit(target))).is_err());
    }
}
