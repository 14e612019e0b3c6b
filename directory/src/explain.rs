//! Where what is shown comes from: who said it, when, who believes it, what was there before.

use std::collections::BTreeMap;

use essaim_identity::PublicKey;
use essaim_types::{ListingId, Timestamp};
use serde::Serialize;

use crate::beat::Freshness;
use crate::document::{Document, Value};
use crate::envelope::DocumentKind;
use crate::hoster::{DomainState, Hoster};
use crate::observation::{FRESH_FOR, Observation, Reach, Service};
use crate::statement::Statement;
use crate::trust::{Step, Tier};
use crate::view::View;

/// Everything that stands behind a listing.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// How far it is believed here.
    pub tier: Tier,
    /// The vouches that lead from a seed to it; empty if none do.
    pub path: Vec<Step>,
    /// All that others say of it and that counts now: who, how far that one is believed here, and what.
    pub said: Vec<Saying>,
    /// Where each field comes from, by key.
    pub fields: BTreeMap<Box<str>, Provenance>,
    /// What operators wrote at the same time as what is shown of a field, by key.
    pub rivals: BTreeMap<Box<str>, Vec<Value>>,
    /// What its domain said.
    pub domain: DomainState,
    /// How long ago it was heard of.
    pub freshness: Freshness,
    /// Operator keys have contradicted themselves in the present epoch.
    pub forked: bool,
    /// Root keys contradict each other.
    pub disputed: bool,
    /// The changes of the present epoch, oldest first.
    pub history: Vec<Event>,
}

/// What somebody says of a hoster.
#[derive(Debug, Clone, Serialize)]
pub struct Saying {
    /// Who.
    pub by: ListingId,
    /// How far that one is believed here.
    pub tier: Tier,
    /// What.
    pub statement: Statement,
}

/// Where a field comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// How it is known.
    pub source: Source,
    /// When it was written, by the writer's clock; for the domain, when it was asked.
    pub since: Timestamp,
}

/// How something is known. What nobody has checked is never more than declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The hoster says so.
    Declared,
    /// The hoster said so, and has not been heard of for 14 days.
    Stale,
    /// This node has asked.
    Probed,
}

/// One change of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, by the writer's clock.
    pub time: Timestamp,
    /// Which operator key.
    #[serde(serialize_with = "as_text")]
    pub key: PublicKey,
    /// Which fields it changed.
    pub fields: Vec<Box<str>>,
}

impl View {
    /// Everything that stands behind a listing. Replays its changes: some milliseconds.
    pub fn explain(&self, now: Timestamp, listing: ListingId) -> Option<Explanation> {
        let hoster = self.hoster(listing)?;
        let tiers = self.tiers(now);
        let said = self.hosters().flat_map(|by| {
            let about = by.statements(now).filter(|(to, _)| *to == listing);
            about.map(|(_, statement)| (by.id(), statement.clone())).collect::<Vec<_>>()
        });
        let said = said.map(|(by, statement)| Saying { by, tier: tiers.of(by), statement }).collect();
        let history = history(hoster);
        Some(Explanation {
            tier: tiers.of(listing),
            path: self.trust_path(now, listing),
            said,
            fields: fields(hoster, &history, now),
            rivals: hoster.log(DocumentKind::Profile).document().rivals(),
            domain: hoster.domain,
            freshness: hoster.freshness(now),
            forked: hoster.log(DocumentKind::Profile).is_forked(),
            disputed: !hoster.keyring().is_settled(),
            history,
        })
    }
}

impl Explanation {
    /// Takes in what this node has seen of the hoster itself: fields that it found to be so are probed. What others have seen makes nothing
    /// probed here.
    pub fn note(&mut self, seen: &Observation, now: Timestamp) {
        if now.since(seen.time) > FRESH_FOR {
            return;
        }
        let answers = |service: Service| {
            let mut sights = seen.of(service).peekable();
            sights.peek().is_some() && sights.all(|sight| sight.reach == Reach::Answers)
        };
        let mail = answers(Service::Smtp);
        let node = [Service::PeerTcp, Service::PeerQuic].into_iter();
        let mut node = node.filter(|service| seen.of(*service).next().is_some()).peekable();
        let node = node.peek().is_some() && node.all(answers);
        for (key, from) in &mut self.fields {
            let is_so = (mail && &**key == "service.mail") || (node && key.starts_with("address."));
            // Who says something newer than what was seen has only declared it.
            if is_so && from.since <= seen.time {
                *from = Provenance { source: Source::Probed, since: seen.time };
            }
        }
    }
}

fn history(hoster: &Hoster) -> Vec<Event> {
    let mut document = Document::empty();
    let mut events = Vec::new();
    for held in hoster.log(DocumentKind::Profile).counting() {
        let before = document.fields();
        let Some(Ok((next, after))) = held.change_of().map(|change| document.apply(&change)) else {
            continue;
        };
        let fields = before.edits_to(&after).into_iter().map(|edit| edit.key).collect();
        events.push(Event { time: held.time, key: held.key, fields });
        document = next;
    }
    events
}

fn fields(hoster: &Hoster, history: &[Event], now: Timestamp) -> BTreeMap<Box<str>, Provenance> {
    let stale = hoster.freshness(now) >= Freshness::Stale;
    let source = if stale { Source::Stale } else { Source::Declared };
    let mut fields = BTreeMap::new();
    for event in history {
        for key in &event.fields {
            fields.insert(key.clone(), Provenance { source, since: event.time });
        }
    }
    let said = hoster.log(DocumentKind::Profile).fields();
    fields.retain(|key, _| said.get(key).is_some());
    if let Some(since) = hoster.domain.proven.filter(|_| hoster.is_proven(now)) {
        fields.insert("domain".into(), Provenance { source: Source::Probed, since: Timestamp(since) });
    }
    fields
}

fn as_text<S: serde::Serializer>(key: &PublicKey, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(key)
}
