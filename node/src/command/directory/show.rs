//! `essaim directory show`.

use std::collections::BTreeMap;

use clap::Args;
use essaim_directory::View;
use essaim_directory::explain::{Explanation, Saying};
use essaim_directory::export::json::{DraftJson, ListingJson, word};
use essaim_directory::listing::to_ascii;
use essaim_directory::observation::Observation;
use essaim_directory::statement::{Statement, Vouch};
use essaim_types::{ListingId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::list::text_of;
use super::named;
use super::seen::SeenView;
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{readable_time, time};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Show a listing: what it says, where each fact comes from, and who vouches for it.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A domain or the id of a listing.
    listing: String,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShowListing {
    listing: String,
}

/// The answer of `directory show --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShownView {
    #[serde(flatten)]
    listing: ListingJson,
    /// The vouches that lead from this hoster, or one that it believes, to the listing.
    trust_path: Vec<SayingView>,
    /// Everything that others say of it and that counts now.
    said_by_others: Vec<SayingView>,
    /// What nodes have seen of it from outside, the latest first.
    #[serde(default)]
    seen_from_outside: Vec<SeenView>,
    fields: Vec<FieldView>,
    history: Vec<EventView>,
    /// What operators wrote at the same time as what is shown of a field, by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    also_written: BTreeMap<String, Vec<String>>,
    /// When its domain said last that the listing is its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    domain_proven: Option<String>,
    /// Since when it does not say so any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    domain_failing: Option<String>,
    /// An operator key has contradicted itself.
    forked: bool,
}

/// A listing with all that stands behind it, or a hoster that has none and is only mentioned.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Listing(Box<ShownView>),
    Draft(DraftJson),
}

/// What one hoster says of another.
#[derive(Debug, Serialize, Deserialize)]
struct SayingView {
    /// The domain of the hoster that says it, or its id.
    by: String,
    of: String,
    /// How far it is believed here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    tier: Option<String>,
    /// "vouch" or "warning".
    kind: String,
    /// What it has checked, or what it warns of.
    points: Vec<String>,
    /// How it has checked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    evidence: Option<String>,
    made: String,
    expires: String,
}

/// Where a field comes from.
#[derive(Debug, Serialize, Deserialize)]
struct FieldView {
    field: String,
    /// "declared", "stale" or "probed".
    source: String,
    since: String,
}

/// One change of the listing.
#[derive(Debug, Serialize, Deserialize)]
struct EventView {
    time: String,
    key: String,
    fields: Vec<String>,
}

impl Show {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        audience.show(&ask(place, ShowListing { listing: self.listing })?, |answer| match answer {
            Answer::Listing(shown) => shown.text(),
            Answer::Draft(draft) => draft_text(draft),
        });
        Ok(Exit::Done)
    }
}

impl Operation for ShowListing {
    type Answer = Answer;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Answer, Failure> {
        let domain = to_ascii(&self.listing).map(|domain| domain.as_str().to_owned());
        let mut drafts = node.federation.drafts().await?.into_iter();
        if let Some(draft) = drafts.find(|draft| Some(&draft.domain) == domain.as_ref()) {
            return Ok(Answer::Draft(DraftJson::of(&draft)));
        }
        let name = self.listing.clone();
        let listing = node.federation.look(move |directory, now| named(directory, now, &name)).await??;
        let seen = node.federation.observations(listing).await?;
        let shown = node.federation.look(move |directory, now| shown(directory, now, &self.listing, &seen));
        shown.await?.map(|shown| Answer::Listing(Box::new(shown)))
    }
}

fn shown(directory: &View, now: Timestamp, name: &str, seen: &[Observation]) -> Result<ShownView, Failure> {
    let listing = named(directory, now, name)?;
    let gone = || Failure::new(format!("{name} is not in the directory any more"));
    let hit = directory.show(now, listing).ok_or_else(gone)?;
    let mut explained = directory.explain(now, listing).ok_or_else(gone)?;
    let ours = seen.iter().filter(|seen| Some(seen.observer) == directory.own_listing());
    ours.for_each(|seen| explained.note(seen, now));
    let tiers = directory.tiers(now);
    let Explanation { path, said, fields, rivals, domain, forked, history, .. } = explained;
    let who = |id: ListingId| {
        let domain = directory.hoster(id).and_then(|hoster| hoster.listing().domain.clone());
        domain.map_or_else(|| id.to_string(), String::from)
    };
    let steps = path.iter().map(|step| SayingView::vouch(who(step.by), who(step.for_whom), &step.vouch));
    let sayings = said.iter().map(|saying| SayingView::of(who(saying.by), who(listing), saying));
    Ok(ShownView {
        listing: ListingJson::of(&hit, directory.own_listing()),
        trust_path: steps.collect(),
        said_by_others: sayings.collect(),
        seen_from_outside: seen
            .iter()
            .map(|seen| SeenView::of(who(seen.observer), &word(&tiers.of(seen.observer)), seen))
            .collect(),
        fields: fields
            .into_iter()
            .map(|(field, from)| FieldView {
                field: field.into(),
                source: word(&from.source),
                since: time(from.since),
            })
            .collect(),
        history: history
            .into_iter()
            .map(|event| EventView {
                time: time(event.time),
                key: event.key.to_string(),
                fields: event.fields.into_iter().map(String::from).collect(),
            })
            .collect(),
        also_written: rivals
            .into_iter()
            .map(|(key, values)| (key.into(), values.iter().map(ToString::to_string).collect()))
            .collect(),
        domain_proven: domain.proven.map(|at| time(Timestamp(at))),
        domain_failing: domain.failing.map(|at| time(Timestamp(at))),
        forked,
    })
}

impl SayingView {
    fn of(by: String, of: String, saying: &Saying) -> Self {
        let view = match &saying.statement {
            Statement::Vouch(vouch) => Self::vouch(by, of, vouch),
            Statement::Warning(warning) => Self {
                by,
                of,
                tier: None,
                kind: "warning".to_owned(),
                points: vec![warning.code.clone()],
                method: None,
                evidence: warning.evidence.clone(),
                made: time(warning.made),
                expires: time(warning.expires),
            },
        };
        Self { tier: Some(word(&saying.tier)), ..view }
    }

    fn vouch(by: String, of: String, vouch: &Vouch) -> Self {
        Self {
            by,
            of,
            tier: None,
            kind: "vouch".to_owned(),
            points: vouch.points.iter().cloned().collect(),
            method: Some(word(&vouch.method)),
            evidence: vouch.evidence.clone(),
            made: time(vouch.made),
            expires: time(vouch.expires),
        }
    }

    fn text(&self) -> String {
        let verb = if self.kind == "vouch" { "vouches for" } else { "WARNS of" };
        let how = self.method.as_deref().map(|method| format!(" ({method})")).unwrap_or_default();
        let evidence = self.evidence.as_deref().map(|url| format!(", see {url}")).unwrap_or_default();
        format!(
            "{} {verb} {}: {}{how}, until {}{evidence}",
            self.by,
            self.of,
            self.points.join(", "),
            readable_time(&self.expires)
        )
    }
}

impl ShownView {
    fn text(&self) -> String {
        let listing = &self.listing;
        let mut text = format!("{}  {}\n", text_of(&listing.said, "domain"), text_of(&listing.said, "name"));
        text.push_str(&format!("  listing   {}\n", listing.listing));
        text.push_str(&format!(
            "  heard of  {} ({})\n  trust     {}\n",
            readable_time(&listing.last_seen),
            listing.freshness,
            listing.tier
        ));
        text.push_str(&match (&self.domain_proven, &self.domain_failing) {
            (Some(at), None) => {
                format!("  domain    says that the listing is its own, asked {}\n", readable_time(at))
            }
            (_, Some(since)) => {
                format!(
                    "  domain    does NOT say that the listing is its own, since {}\n",
                    readable_time(since)
                )
            }
            (None, None) => "  domain    was not asked yet\n".to_owned(),
        });
        if self.forked || listing.disputed {
            text.push_str("  keys      CONTRADICT each other: be careful with what this listing says\n");
        }
        push_said(&mut text, &listing.said);
        push_block(&mut text, "Why it is believed:", self.trust_path.iter().map(SayingView::text));
        push_block(&mut text, "What others say:", self.said_by_others.iter().map(SayingView::text));
        let fields = self.fields.iter();
        let fields =
            fields.map(|from| format!("{:<24} {} {}", from.field, from.source, readable_time(&from.since)));
        let also = self.also_written.iter();
        let also = also.map(|(key, values)| format!("{key:<24} {}", values.join(" / ")));
        push_block(
            &mut text,
            "Written by another operator at the same time (edit the field to decide):",
            also,
        );
        push_block(&mut text, "Seen from outside:", self.seen_from_outside.iter().map(SeenView::text));
        push_block(&mut text, "Where it comes from:", fields);
        text
    }
}

fn draft_text(draft: &DraftJson) -> String {
    let mut text = format!("{}  {}\n", draft.draft, text_of(&draft.said, "name"));
    text.push_str(&format!(
        "  mentioned by {}, taken in {}\n",
        draft.mentioned_by,
        readable_time(&draft.imported)
    ));
    if let Some(updated) = &draft.updated {
        text.push_str(&format!("  written   {}\n", readable_time(updated)));
    }
    text.push_str("  It has no listing: nobody has signed any of this, and its domain was not asked.\n");
    push_said(&mut text, &draft.said);
    text
}

fn push_said(text: &mut String, said: &Map<String, Value>) {
    for (key, value) in said.iter().filter(|(_, value)| !is_empty(value)) {
        text.push_str(&format!("  {key:<9} {}\n", plain(value)));
    }
}

fn push_block(text: &mut String, head: &str, lines: impl Iterator<Item = String>) {
    for (at, line) in lines.enumerate() {
        if at == 0 {
            text.push_str(&format!("\n{head}\n"));
        }
        text.push_str(&format!("  {line}\n"));
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(items) => items.values().all(is_empty),
        _ => false,
    }
}

/// For people: lists with commas, no quotes, nothing that is absent.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('\n', " "),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(items) => {
            let said = items.iter().filter(|(_, value)| !is_empty(value));
            said.map(|(key, value)| format!("{key} {}", plain(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_shown_what_is_said_and_nothing_else() {
        let value = serde_json::json!({ "country": "BE", "name": null, "tags": ["a", "b"], "none": [] });
        assert_eq!(plain(&value), "country BE, tags a, b");
        assert!(is_empty(&serde_json::json!({ "a": null, "b": {} })));
    }
}
