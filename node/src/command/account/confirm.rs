//! `essaim account confirm`: what a recovery has put aside, back into use or away.

use clap::Args;
use essaim_accounts::AppPasswordId;
use essaim_types::Address;
use serde::{Deserialize, Serialize};

use super::recover::AsideView;
use super::{find, refused, unreadable};
use crate::command::ask;
use crate::command::place::Place;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Show what a recovery has put aside, because the old hoster may have planted it; put back what the member knows.
#[derive(Debug, Args)]
pub(crate) struct Confirm {
    /// An address of the account.
    address: Address,

    /// Put this one back into use, by its number in the list. Several times for several.
    #[arg(long, value_name = "ID")]
    keep: Vec<u64>,

    /// Delete everything that is still aside.
    #[arg(long)]
    drop_rest: bool,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ConfirmAside {
    address: Address,
    keep: Vec<u64>,
    drop_rest: bool,
}

impl Confirm {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let Self { address, keep, drop_rest } = self;
        audience.show(&ask(place, ConfirmAside { address, keep, drop_rest })?, |aside| text(aside));
        Ok(Exit::Done)
    }
}

impl Operation for ConfirmAside {
    /// What is aside now: the answer of `account confirm --json`.
    type Answer = Vec<AsideView>;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Vec<AsideView>, Failure> {
        let account = find(node, &self.address)?;
        let aside = if self.keep.is_empty() && !self.drop_rest {
            node.accounts.aside(account).map_err(|error| unreadable(&error))?
        } else {
            let keep = self.keep.into_iter().map(AppPasswordId).collect();
            node.accounts
                .confirm(account, keep, self.drop_rest, caller.actor.clone())
                .await
                .map_err(refused)?
        };
        Ok(aside.into_iter().map(AsideView::from).collect())
    }
}

fn text(aside: &[AsideView]) -> String {
    if aside.is_empty() {
        return "Nothing is put aside.".to_owned();
    }
    let lines: Vec<String> = aside.iter().map(AsideView::line).collect();
    format!(
        "Put aside since the recovery; nothing of it is in use:\n{}\nPut one back with --keep ID, delete the others with --drop-rest.",
        lines.join("\n")
    )
}
