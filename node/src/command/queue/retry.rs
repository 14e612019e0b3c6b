//! `essaim queue retry`.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{Selection, failed};
use crate::command::ask;
use crate::command::place::Place;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Try mail again now instead of at its next time. Nothing selected: all of it.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    selection: Selection,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RetryQueue {
    selection: Selection,
}

/// The answer of `queue retry --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Retried {
    /// Entries that waited for a later time.
    entries: u64,
}

impl Retry {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let retried = ask(place, RetryQueue { selection: self.selection })?;
        audience.show(&retried, |retried| format!("{} entries are tried now.", retried.entries));
        Ok(Exit::Done)
    }
}

impl Operation for RetryQueue {
    type Answer = Retried;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Retried, Failure> {
        let entries = node.queue.retry(&self.selection.parse()?, &caller.actor).await.map_err(failed)?;
        Ok(Retried { entries })
    }
}
