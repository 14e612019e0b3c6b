//! `essaim account move abort`.

use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::command::ask;
use crate::command::place::Place;
use crate::failure::{Exit, Failure};
use crate::moving;
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Give up a move that has not changed over yet. Everything is as it was before.
#[derive(Debug, Args)]
pub(crate) struct Abort {
    /// The move, as essaim account move status shows it.
    id: String,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AbortMove {
    id: String,
}

/// The answer of `account move abort --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Aborted {
    id: String,
    phase: String,
}

impl Abort {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let aborted = ask(place, AbortMove { id: self.id })?;
        audience.show(&aborted, |aborted| format!("The move {} is given up.", aborted.id));
        Ok(Exit::Done)
    }
}

impl Operation for AbortMove {
    type Answer = Aborted;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Aborted, Failure> {
        let unknown = || {
            Failure::new(format!("there is no move {}", self.id)).hint("essaim account move status lists all")
        };
        let known = moving::list(node).await?.into_iter().find(|known| known.id.to_string() == self.id);
        let id = known.ok_or_else(unknown)?.id;
        moving::abort(node, id).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let known = moving::list(node).await?.into_iter().find(|known| known.id == id);
            let phase = known.ok_or_else(unknown)?.seen.phase.name();
            if phase == "aborted" {
                return Ok(Aborted { id: self.id, phase: phase.to_owned() });
            }
            if Instant::now() >= deadline {
                return Err(Failure::new(format!("the move was not given up: it is in phase {phase}"))
                    .hint("from the moment both hosters have agreed it can only go on; the account can be moved again afterwards"));
            }
            sleep(LOOK_AGAIN).await;
        }
    }
}

/// A target that has promised asks the source first.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
