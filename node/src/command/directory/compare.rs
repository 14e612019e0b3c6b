//! `essaim directory compare`: whether this node's peers keep hosters from it (R13), by what the web servers of others tell.

mod fetch;

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use essaim_directory::bundle::{Difference, Findings, Outcome, Told, WITNESSES_MIN, compare};
use essaim_types::Domain;
use serde::{Deserialize, Serialize};

use self::fetch::Fetcher;
use crate::command::place::Place;
use crate::command::{ask, block_on};
use crate::failure::{Exit, Failure, causes};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Compare the directory with what the web servers of two other hosters tell, whom you know from elsewhere: your peers may keep hosters from you.
/// Exit code 3 if somebody is missing here.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// A domain, whose bundle is fetched over HTTPS; or DOMAIN=FILE, a page of its bundle (https://DOMAIN/directory/bundle) that you have fetched.
    #[arg(value_name = "DOMAIN[=FILE]", required = true)]
    sources: Vec<Source>,
}

/// Where one of them tells.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    domain: Domain,
    /// What it told, on this disk; absent: it is asked.
    file: Option<PathBuf>,
}

/// Asks for digests of all that the node holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReadHeld;

/// The answer of `directory compare --json`.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Compared {
    outcome: Outcome,
    /// Those of whom no bundle was had, and why.
    failed: Vec<Unheard>,
    #[serde(flatten)]
    findings: Findings,
}

/// A domain that has told nothing.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Unheard {
    domain: String,
    why: String,
}

impl Compare {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let held = ask(place, ReadHeld)?;
        let (told, failed) = block_on(async { Ok(tell(self.sources).await) })?;
        let findings = compare(&held, &told);
        let compared = Compared { outcome: findings.outcome(), failed, findings };
        audience.show(&compared, Compared::text);
        Ok(match compared.outcome {
            Outcome::Same | Outcome::News => Exit::Done,
            Outcome::Kept => Exit::ChecksFailed,
            Outcome::TooFew => Exit::Failed,
        })
    }
}

impl Operation for ReadHeld {
    type Answer = Told;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Told, Failure> {
        node.federation.look(|directory, now| directory.told_here(now)).await
    }
}

/// What they tell, one after another; what was not had.
async fn tell(sources: Vec<Source>) -> (Vec<(Domain, Told)>, Vec<Unheard>) {
    let fetcher = Fetcher::open();
    let (mut told, mut failed) = (Vec::new(), Vec::new());
    for Source { domain, file } in sources {
        let outcome = match file {
            Some(file) => fetch::read(&file),
            None => fetcher.fetch(&domain).await,
        };
        match outcome {
            Ok(bundle) => told.push((domain, bundle)),
            Err(why) => failed.push(Unheard { domain: domain.to_string(), why: causes(&why) }),
        }
    }
    (told, failed)
}

impl Compared {
    fn text(&self) -> String {
        let Findings { witnesses, missing, differing, unheard } = &self.findings;
        let failed = self.failed.iter().map(|unheard| format!("{}: {}\n", unheard.domain, unheard.why));
        let mut text: String = failed.collect();
        text.push_str(&match self.outcome {
            Outcome::TooFew => format!(
                "Nothing is known: it takes {WITNESSES_MIN} domains of different owners that tell, and {} did.\n\
                 Name hosters that you know from elsewhere than from your peers.\n",
                witnesses.len()
            ),
            Outcome::Same => format!("All that {} tell is here.\n", witnesses.join(" and ")),
            Outcome::News => format!(
                "Small differences from {}, as there are while news is on its way.\n",
                witnesses.join(" and ")
            ),
            Outcome::Kept => format!(
                "Warning: others tell of {} that this node has not heard of. It has just arrived, or its peers keep them from it.\n\
                 If they are still missing in an hour, take an invitation of one of those who told: essaim peer join LINK\n",
                hosters(missing.len())
            ),
        });
        text.extend(missing.iter().map(|difference| line("missing here", difference)));
        text.extend(differing.iter().map(|difference| line("other records", difference)));
        // Without a comparison everything would be unheard of.
        let unheard = unheard.iter().filter(|_| self.outcome != Outcome::TooFew);
        text.extend(unheard.map(|listing| format!("  only here      {listing}\n")));
        text
    }
}

fn line(what: &str, difference: &Difference) -> String {
    format!("  {what:<14} {}, told by {}\n", difference.listing, difference.told_by.join(", "))
}

fn hosters(count: usize) -> String {
    if count == 1 { "a hoster".to_owned() } else { format!("{count} hosters") }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (domain, file) = match text.split_once('=') {
            Some((domain, file)) => (domain, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let domain = domain.parse().map_err(|error| format!("{domain} is no domain: {error}"))?;
        Ok(Self { domain, file })
    }
}

#[cfg(test)]
mod tests {
    use essaim_types::ListingId;

    use super::*;

    fn listing(number: u8) -> ListingId {
        ListingId::from_bytes([number; 32])
    }

    fn compared(witnesses: &[&str], missing: &[u8], unheard: &[u8]) -> Compared {
        let told_by = vec!["a.example".to_owned()];
        let findings = Findings {
            witnesses: witnesses.iter().map(|witness| (*witness).to_owned()).collect(),
            missing: missing
                .iter()
                .map(|id| Difference { listing: listing(*id), told_by: told_by.clone() })
                .collect(),
            differing: Vec::new(),
            unheard: unheard.iter().map(|id| listing(*id)).collect(),
        };
        Compared { outcome: findings.outcome(), failed: Vec::new(), findings }
    }

    #[test]
    fn a_source_is_a_domain_or_a_file_of_it() {
        let source: Source = "a.example".parse().unwrap();
        assert_eq!((source.domain.as_str(), source.file), ("a.example", None));
        let source: Source = "a.example=/tmp/x=y".parse().unwrap();
        assert_eq!(source.file, Some(PathBuf::from("/tmp/x=y")));
        assert!("/tmp/x".parse::<Source>().unwrap_err().starts_with("/tmp/x is no domain"));
    }

    #[test]
    fn what_is_missing_is_a_warning_and_says_what_to_do() {
        let two = ["a.example", "b.test"];
        let text = compared(&two, &[1], &[2]).text();
        assert!(text.starts_with("Warning: others tell of a hoster"), "{text}");
        assert!(text.contains(&format!("  missing here   {}, told by a.example\n", listing(1))), "{text}");
        assert!(text.contains(&format!("  only here      {}\n", listing(2))), "{text}");
        assert_eq!(compared(&two, &[], &[]).text(), "All that a.example and b.test tell is here.\n");
        let few = compared(&["a.example"], &[1], &[2]).text();
        assert!(few.contains("it takes 2 domains of different owners that tell, and 1 did"), "{few}");
        assert!(!few.contains("only here"), "{few}");
    }
}
