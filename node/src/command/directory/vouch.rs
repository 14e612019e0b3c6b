//! `essaim directory vouch`, `withdraw` and `warn`: what this hoster says of others.

use std::time::Duration;

use clap::{Args, ValueEnum};
use essaim_directory::document::Edit;
use essaim_directory::statement::{
    self, Method, Statement, VOUCH_MAX, WARNING_MAX, withdraw, withdraw_warning,
};
use essaim_types::{ListingId, Timestamp};
use serde::{Deserialize, Serialize};

use super::named;
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::Done;
use crate::failure::{Exit, Failure};
use crate::federation::note::{DIRECTORY_VOUCH, DIRECTORY_WARN, DIRECTORY_WITHDRAW, Note};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Say in public that another hoster keeps what it promises, because you have seen it. Good for 400 days.
#[derive(Debug, Args)]
pub(crate) struct Vouch {
    /// A domain or the id of a listing.
    listing: String,

    /// What was checked: backups, exports, ... May be repeated.
    #[arg(long = "point", value_name = "POINT", required = true)]
    points: Vec<String>,

    /// How it was checked.
    #[arg(long)]
    method: How,

    /// A page about it: https://...
    #[arg(long, value_name = "URL")]
    evidence: Option<String>,
}

/// Take back what you said of a hoster, for or against it.
#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// A domain or the id of a listing.
    listing: String,
}

/// Warn others of a hoster, in public. Good for 180 days.
#[derive(Debug, Args)]
pub(crate) struct Warn {
    /// A domain or the id of a listing.
    listing: String,

    /// A word: spam, closed, data-lost, impostor, ...
    #[arg(long)]
    code: String,

    /// A page about it: https://...
    #[arg(long, value_name = "URL")]
    evidence: Option<String>,
}

/// How a point was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum How {
    /// You know the people.
    Met,
    /// You have seen the machines.
    Visited,
    /// You have read the documents.
    Docs,
    /// Your node has tried it.
    Probe,
    /// It is a member of yours, a collective.
    MemberOf,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SayOfListing {
    listing: String,
    saying: Saying,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Saying {
    Vouch { points: Vec<String>, method: How, evidence: Option<String> },
    Warn { code: String, evidence: Option<String> },
    Nothing,
}

impl Vouch {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let saying = Saying::Vouch { points: self.points, method: self.method, evidence: self.evidence };
        say(place, audience, self.listing, saying)
    }
}

impl Withdraw {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        say(place, audience, self.listing, Saying::Nothing)
    }
}

impl Warn {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        say(place, audience, self.listing, Saying::Warn { code: self.code, evidence: self.evidence })
    }
}

fn say(place: &Place, audience: Audience, listing: String, saying: Saying) -> Result<Exit, Failure> {
    audience.show(&ask(place, SayOfListing { listing, saying })?, |done| done.done.clone());
    Ok(Exit::Done)
}

impl Operation for SayOfListing {
    type Answer = Done;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Done, Failure> {
        let Self { listing, saying } = self;
        let name = listing.clone();
        let target = node.federation.look(move |directory, now| {
            let target = named(directory, now, &name)?;
            match directory.own_listing() == Some(target) {
                true => {
                    Err(Failure::new("that is this hoster's own listing").hint("others may vouch for it"))
                }
                false => Ok(target),
            }
        });
        let target = target.await??;
        let (act, done) = match &saying {
            Saying::Vouch { .. } => (DIRECTORY_VOUCH, format!("This hoster vouches for {listing} now.")),
            Saying::Warn { .. } => (DIRECTORY_WARN, format!("This hoster warns of {listing} now.")),
            Saying::Nothing => {
                (DIRECTORY_WITHDRAW, format!("This hoster says nothing of {listing} any more."))
            }
        };
        let note = Note::new(caller.journal(node), act, listing);
        let edits = saying.edits(target, crate::vitals::now())?;
        node.federation.change(note, move |directory, now| directory.state(now, &edits)).await?;
        Ok(Done { done })
    }
}

impl Saying {
    fn edits(self, target: ListingId, now: Timestamp) -> Result<Vec<Edit>, Failure> {
        let until = |longest: Duration| now.after(longest);
        let statement = match self {
            Self::Nothing => return Ok(vec![withdraw(target), withdraw_warning(target)]),
            Self::Vouch { points, method, evidence } => Statement::Vouch(statement::Vouch {
                points: points.into_iter().collect(),
                method: method.into(),
                evidence,
                made: now,
                expires: until(VOUCH_MAX),
            }),
            Self::Warn { code, evidence } => Statement::Warning(statement::Warning {
                code,
                evidence,
                made: now,
                expires: until(WARNING_MAX),
            }),
        };
        let edit = statement.edit(target);
        let alone = [(edit.key.clone(), edit.value.clone())];
        let fields = alone.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        statement::check(&fields).map_err(|_| {
            Failure::new("this cannot be said of a hoster")
                .hint("points and codes are words of a-z, 0-9 and -; the evidence is a link that begins with https://")
                .usage()
        })?;
        Ok(vec![edit])
    }
}

impl From<How> for Method {
    fn from(how: How) -> Self {
        match how {
            How::Met => Self::Met,
            How::Visited => Self::Visited,
            How::Docs => Self::Docs,
            How::Probe => Self::Probe,
            How::MemberOf => Self::MemberOf,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_said_is_refused_before_it_is_signed() {
        let target = ListingId::from_bytes([7; 32]);
        let vouch = |point: &str, evidence: Option<&str>| Saying::Vouch {
            points: vec![point.to_owned()],
            method: How::Visited,
            evidence: evidence.map(str::to_owned),
        };
        assert_eq!(
            vouch("backups", Some("https://a.example/b")).edits(target, Timestamp(5)).unwrap().len(),
            1
        );
        assert!(vouch("two words", None).edits(target, Timestamp(5)).is_err());
        assert!(vouch("backups", Some("javascript:x")).edits(target, Timestamp(5)).is_err());
        assert_eq!(Saying::Nothing.edits(target, Timestamp(5)).unwrap().len(), 2);
    }
}
