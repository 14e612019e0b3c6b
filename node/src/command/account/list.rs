//! `essaim account list`.

use clap::Args;
use essaim_types::Address;
use serde::{Deserialize, Serialize};

use super::unreadable;
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{AccountView, readable_time};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::{Audience, table};

/// List the accounts in the order of their addresses.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Begin after this address.
    #[arg(long, value_name = "ADDRESS")]
    after: Option<Address>,

    /// List at most this many.
    #[arg(long, default_value_t = LIMIT)]
    limit: usize,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListAccounts {
    after: Option<Address>,
    limit: usize,
}

impl List {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let accounts = ask(place, ListAccounts { after: self.after, limit: self.limit })?;
        audience.show(&accounts, |accounts| text(accounts));
        Ok(Exit::Done)
    }
}

impl Operation for ListAccounts {
    type Answer = Vec<AccountView>;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Vec<AccountView>, Failure> {
        let accounts = node
            .accounts
            .list(self.after.as_ref(), self.limit.min(LIMIT))
            .map_err(|error| unreadable(&error))?;
        Ok(accounts.into_iter().map(AccountView::from).collect())
    }
}

fn text(accounts: &[AccountView]) -> String {
    if accounts.is_empty() {
        return "There are no accounts. Make one: essaim account add ADDRESS".to_owned();
    }
    let row = |account: &AccountView| {
        let created = readable_time(&account.created);
        vec![account.address.clone(), account.state.clone(), account.usage(), created, account.name.clone()]
    };
    table(&["ADDRESS", "STATE", "USED", "CREATED", "NAME"], &accounts.iter().map(row).collect::<Vec<_>>())
}

/// More than a hoster of this size has; an answer has a bound all the same.
const LIMIT: usize = 10_000;
