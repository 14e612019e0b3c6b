//! One hoster: what it says of itself, where each fact comes from, who vouches for it, how to join.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::response::Response;
use essaim_directory::View;
use essaim_directory::explain::{Event, Explanation};
use essaim_directory::observation::Observation;
use essaim_directory::query::NameFault;
use essaim_directory::statement::{Method, Statement};
use essaim_directory::trust::Tier;
use essaim_types::{ListingId, Timestamp};

use super::facts::{Fact, Part, contacts, facts};
use super::link::Link;
use super::shown::{Room, Said, Shown, said};
use crate::frame::{Frame, machine_date};
use crate::pages::{Problem, Visit};

/// What was seen in the directory.
#[derive(Debug)]
struct Seen {
    shown: Shown,
    /// Who runs this node: what it has seen itself counts as checked.
    own: Option<ListingId>,
    explanation: Explanation,
    /// Everybody who is named.
    parties: BTreeMap<ListingId, Party>,
}

/// A hoster that is named on another's page.
#[derive(Debug, Clone)]
struct Party {
    name: String,
    shown: Option<Shown>,
    /// Where its page is, if it has one.
    path: Option<String>,
}

#[derive(Template)]
#[template(path = "directory/hoster.html")]
struct HosterPage {
    frame: Frame,
    order: Vec<String>,
    shown: Shown,
    facts: Vec<Fact>,
    /// Where all facts come from, if that is the same for all: then it is said once.
    source: Option<String>,
    contacts: Vec<Fact>,
    seen: Seen,
}

pub(crate) async fn show(visit: Visit, name: Result<Path<String>, PathRejection>) -> Response {
    // What is not UTF-8 names nobody.
    let Ok(Path(name)) = name else { return visit.problem(&Problem::NoHoster) };
    match visit.look(move |directory, now| Seen::of(directory, now, &name)).await {
        Ok(Ok(mut seen)) => {
            seen.note(&visit.observations(seen.shown.id));
            visit.page(StatusCode::OK, &HosterPage::of(&visit, seen))
        }
        Ok(Err(NameFault::Unknown)) => visit.problem(&Problem::NoHoster),
        Ok(Err(NameFault::Several)) => visit.problem(&Problem::SeveralHosters),
        Err(_) => visit.problem(&Problem::Away),
    }
}

impl Seen {
    fn of(directory: &View, now: Timestamp, name: &str) -> Result<Self, NameFault> {
        let listing = directory.named(now, name)?;
        let own = directory.own_listing();
        let hit = directory.show(now, listing).ok_or(NameFault::Unknown)?;
        // What nobody has proven is kept apart, and what the operator hides is hidden: but a hoster always sees itself.
        if own != Some(listing) && (hit.hidden || hit.tier == Tier::Unproven) {
            return Err(NameFault::Unknown);
        }
        let explanation = directory.explain(now, listing).ok_or(NameFault::Unknown)?;
        let steps = explanation.path.iter().flat_map(|step| [step.by, step.for_whom]);
        let named = steps.chain(explanation.said.iter().map(|saying| saying.by)).chain(own).chain([listing]);
        let parties = named.map(|id| (id, Party::of(directory, now, id))).collect();
        Ok(Self { shown: Shown::of(&hit, directory, now), own, explanation, parties })
    }
}

impl Seen {
    /// What this node has found to be so itself.
    fn note(&mut self, observations: &[Observation]) {
        let ours = observations.iter().filter(|seen| Some(seen.observer) == self.own);
        ours.for_each(|seen| self.explanation.note(seen, self.shown.now));
    }
}

impl Party {
    fn of(directory: &View, now: Timestamp, id: ListingId) -> Self {
        match directory.show(now, id) {
            Some(hit) => {
                let shown = Shown::of(&hit, directory, now);
                let visible = !hit.hidden && hit.tier > Tier::Unproven;
                let path = visible.then(|| shown.path());
                Self { name: shown.name().into_owned(), path, shown: Some(shown) }
            }
            None => Self { name: id.to_string(), path: None, shown: None },
        }
    }
}

impl HosterPage {
    fn of(visit: &Visit, seen: Seen) -> Self {
        let (frame, order) = (visit.frame(), visit.order.clone());
        let shown = seen.shown.clone();
        let mut facts = facts(&shown, &frame, &order, Some(&seen.explanation.fields));
        let first = facts.first().and_then(|fact| fact.source.clone());
        let source = first.filter(|first| facts.iter().all(|fact| fact.source.as_ref() == Some(first)));
        if source.is_some() {
            facts.iter_mut().for_each(|fact| fact.source = None);
        }
        let contacts = contacts(&shown, &frame);
        Self { frame, order, shown, facts, source, contacts, seen }
    }

    fn party(&self, id: &ListingId) -> Party {
        let unknown = || Party { name: id.to_string(), path: None, shown: None };
        self.seen.parties.get(id).cloned().unwrap_or_else(unknown)
    }

    /// What is vouched for or warned of.
    fn points(&self, statement: &Statement) -> String {
        match statement {
            Statement::Vouch(vouch) => {
                let points = vouch.points.iter().map(|point| self.frame.word("point", point));
                points.collect::<Vec<_>>().join(", ")
            }
            Statement::Warning(warning) => self.frame.word("warning", &warning.code).into_owned(),
        }
    }

    /// How that was checked.
    fn method(&self, statement: &Statement) -> Option<String> {
        let Statement::Vouch(vouch) = statement else { return None };
        Some(self.frame.say(method_key(vouch.method)).into_owned())
    }

    fn evidence(&self, statement: &Statement) -> Option<Link> {
        let url = match statement {
            Statement::Vouch(vouch) => &vouch.evidence,
            Statement::Warning(warning) => &warning.evidence,
        };
        url.as_deref().and_then(Link::to)
    }

    fn until(&self, statement: &Statement) -> String {
        let expires = match statement {
            Statement::Vouch(vouch) => vouch.expires,
            Statement::Warning(warning) => warning.expires,
        };
        self.frame.name("until", &self.frame.date(expires)).into_owned()
    }

    /// How far whoever says something is trusted itself.
    fn trust_in(&self, id: &ListingId) -> String {
        let trust = self.party(id).shown.map(|shown| shown.trust(&self.frame));
        trust.map(|trust| self.frame.name("sayer-tier", &trust).into_owned()).unwrap_or_default()
    }

    fn vouches(&self) -> Vec<&essaim_directory::explain::Saying> {
        let said = self.seen.explanation.said.iter();
        said.filter(|saying| matches!(saying.statement, Statement::Vouch(_))).take(SAYINGS_MAX).collect()
    }

    fn warnings(&self) -> Vec<&essaim_directory::explain::Saying> {
        let said = self.seen.explanation.said.iter();
        said.filter(|saying| matches!(saying.statement, Statement::Warning(_))).take(SAYINGS_MAX).collect()
    }

    /// What the domain said, and when.
    fn domain_state(&self) -> String {
        let (frame, now) = (&self.frame, self.shown.now);
        let ago = |at: i64| frame.ago(now, Timestamp(at));
        match (self.seen.explanation.domain.proven, self.seen.explanation.domain.failing) {
            (Some(at), None) => frame.name("domain-proven", &ago(at)).into_owned(),
            (_, Some(since)) => frame.name("domain-failing", &ago(since)).into_owned(),
            (None, None) => frame.say("domain-unasked").into_owned(),
        }
    }

    /// The latest changes first.
    fn history(&self) -> Vec<&Event> {
        self.seen.explanation.history.iter().rev().take(EVENTS_MAX).collect()
    }

    fn changed(&self, event: &Event) -> String {
        event.fields.iter().take(FIELDS_MAX).map(|field| &**field).collect::<Vec<_>>().join(", ")
    }

    fn join_note(&self) -> Option<Said> {
        said(&self.shown.listing.join.notes, &self.order)
    }

    fn join_link(&self) -> Option<Link> {
        self.shown.listing.join.url.as_deref().and_then(Link::to)
    }

    fn date(&self, at: &Timestamp) -> String {
        self.frame.date(*at)
    }

    fn machine(&self, at: &Timestamp) -> String {
        machine_date(*at)
    }
}

fn method_key(method: Method) -> &'static str {
    match method {
        Method::Met => "method-met",
        Method::Visited => "method-visited",
        Method::Docs => "method-docs",
        Method::Probe => "method-probe",
        Method::MemberOf => "method-member-of",
    }
}

/// Statements of one kind on a page: the rest is on the command line.
const SAYINGS_MAX: usize = 50;
/// Changes on a page.
const EVENTS_MAX: usize = 32;
/// Fields that are named of one change.
const FIELDS_MAX: usize = 12;
