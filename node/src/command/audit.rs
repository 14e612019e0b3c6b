//! `essaim audit`: the journal of administrative acts.

use clap::Args;
use essaim_accounts::AuditEntry;
use essaim_types::AccountId;
use serde::{Deserialize, Serialize};

use super::account::unreadable;
use super::ask;
use super::place::Place;
use super::view::{readable_time, time};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::{Audience, table};

/// Show who did what to the accounts, newest first.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Show at most this many.
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListActs {
    limit: usize,
}

/// One act in `audit --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ActView {
    time: String,
    actor: String,
    act: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    account: Option<AccountId>,
    detail: String,
}

impl Audit {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        audience.show(&ask(place, ListActs { limit: self.limit })?, |acts| text(acts));
        Ok(Exit::Done)
    }
}

impl Operation for ListActs {
    type Answer = Vec<ActView>;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Vec<ActView>, Failure> {
        let acts = node.accounts.acts(self.limit.min(LIMIT)).map_err(|error| unreadable(&error))?;
        Ok(acts.into_iter().map(ActView::from).collect())
    }
}

impl From<AuditEntry> for ActView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            time: time(entry.time),
            actor: entry.actor.to_string(),
            act: entry.act.to_string(),
            account: entry.account,
            detail: entry.detail,
        }
    }
}

fn text(acts: &[ActView]) -> String {
    if acts.is_empty() {
        return "Nothing was done yet.".to_owned();
    }
    let row = |act: &ActView| {
        vec![readable_time(&act.time), act.actor.clone(), act.act.clone(), act.detail.clone()]
    };
    table(&["TIME", "WHO", "WHAT", "DETAIL"], &acts.iter().map(row).collect::<Vec<_>>())
}

const LIMIT: usize = 100_000;
