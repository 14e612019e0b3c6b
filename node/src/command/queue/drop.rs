//! `essaim queue drop`.

use clap::Args;
use essaim_mail::queue::{Farewell, Rehearsal};
use serde::{Deserialize, Serialize};

use super::{Selection, failed};
use crate::command::ask;
use crate::command::place::Place;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Take mail out of the queue. Its sender gets it back with the reason, unless --silent.
#[derive(Debug, Args)]
pub(crate) struct Drop {
    #[command(flatten)]
    selection: Selection,

    /// Every entry of the queue: needed if nothing is selected.
    #[arg(long)]
    all: bool,

    /// Why, for the sender and for the journal.
    #[arg(long, default_value = "the operator took it out of the queue")]
    reason: String,

    /// Do not tell the sender: for spam that a stolen account has sent.
    #[arg(long)]
    silent: bool,

    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DropQueue {
    selection: Selection,
    reason: String,
    silent: bool,
    dry_run: bool,
}

/// The answer of `queue drop --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DroppedView {
    entries: u64,
    /// Who had not got the message.
    recipients: u64,
    dry_run: bool,
}

impl Drop {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        if self.selection.is_everything() && !self.all {
            return Err(Failure::new("nothing is selected")
                .hint("name ids, --domain, --sender or --recipient; or --all")
                .usage());
        }
        let operation = DropQueue {
            selection: self.selection,
            reason: self.reason,
            silent: self.silent,
            dry_run: self.dry_run,
        };
        audience.show(&ask(place, operation)?, DroppedView::text);
        Ok(Exit::Done)
    }
}

impl Operation for DropQueue {
    type Answer = DroppedView;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<DroppedView, Failure> {
        let farewell = if self.silent { Farewell::Silence } else { Farewell::Bounce };
        let rehearsal = if self.dry_run { Rehearsal::DryRun } else { Rehearsal::Perform };
        let selection = self.selection.parse()?;
        let dropped =
            node.queue.drop_entries(&selection, &self.reason, farewell, rehearsal, &caller.actor).await;
        let dropped = dropped.map_err(failed)?;
        Ok(DroppedView { entries: dropped.entries, recipients: dropped.recipients, dry_run: self.dry_run })
    }
}

impl DroppedView {
    fn text(&self) -> String {
        let verb = if self.dry_run { "would be" } else { "are" };
        format!("{} entries for {} recipients {verb} taken out of the queue.", self.entries, self.recipients)
    }
}
