//! `essaim doctor --from-peers`: how the node looks from outside, as other hosters' nodes see it.

use serde::{Deserialize, Serialize};

use super::Verdict;
use super::agree::{CheckView, agree};
use super::judge::judge;
use crate::command::ask;
use crate::command::place::Place;
use crate::failure::{Exit, Failure};
use crate::federation::{Asked, is_local};
use crate::operation::{Caller, Operation};
use crate::outside::Place as Where;
use crate::progress::{Step, Unit};
use crate::services::Services;
use crate::terminal::Audience;
use crate::vitals::now;

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AskPeers {
    most: u8,
}

/// The answer of `doctor --from-peers --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OutsideView {
    /// Nothing is wrong, and somebody has looked.
    ok: bool,
    /// Who was asked.
    hosters: Vec<HosterView>,
    checks: Vec<CheckView>,
    /// What each saw, as it was signed.
    observations: Vec<serde_json::Value>,
}

/// One hoster that was asked.
#[derive(Debug, Serialize, Deserialize)]
struct HosterView {
    domain: String,
    /// It has looked.
    looked: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    why: Option<String>,
}

impl AskPeers {
    pub(super) fn new(most: u8) -> Self {
        Self { most }
    }
}

/// The command.
pub(super) fn run(place: &Place, audience: Audience, asked: AskPeers) -> Result<Exit, Failure> {
    let view = ask(place, asked)?;
    audience.show(&view, OutsideView::text);
    Ok(if view.ok { Exit::Done } else { Exit::ChecksFailed })
}

impl Operation for AskPeers {
    type Answer = OutsideView;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<OutsideView, Failure> {
        let told = |done: usize, all: usize| {
            let phase = "other hosters are looking at this node".to_owned();
            let (done, total) = (done as u64, Some(all as u64));
            caller.progress.report(Step { phase, done, total, unit: Unit::Answers });
        };
        let asked = node.federation.seen_from_outside(self.most.into(), told).await?;
        if asked.is_empty() {
            return Err(Failure::new("no other hoster's node is connected that could look at this one").hint(
                "ask a hoster of the federation for an invitation and take it with essaim peer join LINK; essaim peer list shows who is connected",
            ));
        }
        let place = if is_local(&node.config.hoster.domain) { Where::ThisMachine } else { Where::Internet };
        Ok(OutsideView::of(&asked, place))
    }
}

impl OutsideView {
    fn of(asked: &[Asked], place: Where) -> Self {
        let now = now();
        let seen =
            asked.iter().filter_map(|asked| Some((asked.domain.to_string(), asked.outcome.as_ref().ok()?)));
        let checks = agree(seen.clone().map(|(by, seen)| (by, judge(seen, place, now))).collect());
        let observations = seen.filter_map(|(_, seen)| serde_json::to_value(seen).ok()).collect::<Vec<_>>();
        let hoster = |asked: &Asked| HosterView {
            domain: asked.domain.to_string(),
            looked: asked.outcome.is_ok(),
            why: asked.outcome.as_ref().err().cloned(),
        };
        let ok = !observations.is_empty() && checks.iter().all(|check| check.verdict != Verdict::Wrong);
        Self { ok, hosters: asked.iter().map(hoster).collect(), checks, observations }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for hoster in &self.hosters {
            match &hoster.why {
                None => text.push_str(&format!("{} has looked.\n", hoster.domain)),
                Some(why) => text.push_str(&format!("{} has not looked: {why}\n", hoster.domain)),
            }
        }
        text.push('\n');
        self.checks.iter().for_each(|check| text.push_str(&check.text()));
        text.push_str(match (self.observations.is_empty(), self.ok) {
            (true, _) => "Nobody has looked: try again later.\n",
            (_, true) => "Nothing is wrong from outside.\n",
            (_, false) => "Something is wrong from outside: see above.\n",
        });
        text
    }
}

impl CheckView {
    fn text(&self) -> String {
        let about = if self.about.is_empty() { String::new() } else { format!(" [{}]", self.about) };
        let mut text = format!("{} {}{about}: {}\n", self.verdict.mark(), self.id, self.message);
        if !self.differs.is_empty() {
            text.push_str(&format!("         so says {}", self.seen_by.join(", ")));
            let others = self.differs.iter().map(|other| format!("; {} says: {}", other.by, other.message));
            text.extend(others);
            text.push('\n');
        }
        if !self.todo.is_empty() {
            text.push_str(&format!("         what to do: {}\n", self.todo));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use essaim_directory::observation::Reach;

    use super::super::judge::tests::healthy;
    use super::*;

    fn asked(domain: &str, outcome: Result<essaim_directory::observation::Observation, String>) -> Asked {
        Asked { domain: domain.parse().unwrap(), outcome }
    }

    #[test]
    fn the_answer_says_who_looked_what_differs_and_what_to_do() {
        let mut closed = healthy();
        closed.sights[1].reach = Reach::Closed;
        let late = Err("it has looked often enough for now".to_owned());
        let all = [asked("a.test", Ok(healthy())), asked("b.test", Ok(closed)), asked("c.test", late)];
        let view = OutsideView::of(&all, Where::Internet);
        assert!(!view.ok && view.observations.len() == 2);
        let text = view.text();
        for expected in [
            "a.test has looked.",
            "c.test has not looked: it has looked often enough for now",
            "WRONG    port.imaps [IPv4 1.1.1.1]: port 993 is closed",
            "so says b.test; a.test says: port 993 answers",
            "what to do: is the listener started",
            "Something is wrong from outside",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }

    #[test]
    fn nobody_who_looks_is_not_well() {
        let view = OutsideView::of(&[asked("a.test", Err("no".to_owned()))], Where::Internet);
        assert!(!view.ok && view.text().contains("Nobody has looked"));
    }
}
