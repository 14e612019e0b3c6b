//! `essaim account close`: in two steps, because the second cannot be undone.

use clap::Args;
use essaim_types::Address;
use serde::{Deserialize, Serialize};

use super::{find, refused, unreadable};
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::progress::{Step, Unit};
use crate::services::Services;
use crate::terminal::Audience;

/// Close an account: no login, no mail; its addresses stay taken and its data stays until --delete.
#[derive(Debug, Args)]
pub(crate) struct Close {
    /// An address of the account.
    address: Address,

    /// Delete everything in it as well. This cannot be undone; export it first.
    #[arg(long)]
    delete: bool,

    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CloseAccount {
    address: Address,
    delete: bool,
    dry_run: bool,
}

/// The answer of `account close --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Closed {
    address: String,
    /// Its data is gone, or would be.
    deleted: bool,
    dry_run: bool,
    used_bytes: u64,
}

impl Close {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let operation = CloseAccount { address: self.address, delete: self.delete, dry_run: self.dry_run };
        audience.show(&ask(place, operation)?, Closed::text);
        Ok(Exit::Done)
    }
}

impl Operation for CloseAccount {
    type Answer = Closed;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Closed, Failure> {
        let account = find(node, &self.address)?;
        let details = node.accounts.show(account).map_err(|error| unreadable(&error))?;
        let used_bytes = details.map_or(0, |details| details.summary.used.0);
        if !self.dry_run {
            node.accounts.close(account, caller.actor.clone()).await.map_err(refused)?;
            if self.delete {
                let report = |done: essaim_accounts::DeleteProgress| {
                    caller.progress.report(Step {
                        phase: "deleting".to_owned(),
                        done: done.deleted,
                        total: Some(done.total),
                        unit: Unit::Objects,
                    });
                };
                node.accounts.delete(account, caller.actor.clone(), report).await.map_err(refused)?;
            }
        }
        Ok(Closed {
            address: self.address.to_string(),
            deleted: self.delete,
            dry_run: self.dry_run,
            used_bytes,
        })
    }
}

impl Closed {
    fn text(&self) -> String {
        let (address, size) = (&self.address, view::size(self.used_bytes));
        match (self.dry_run, self.deleted) {
            (true, true) => {
                format!("{address} would be closed and everything in it, {size}, deleted for ever.")
            }
            (true, false) => format!("{address} would be closed; its data, {size}, would stay."),
            (false, true) => format!("{address} is closed and everything in it, {size}, is deleted."),
            (false, false) => format!(
                "{address} is closed; its data, {size}, stays until --delete. essaim account enable {address} undoes it."
            ),
        }
    }
}
