//! `essaim account app-password`: passwords of single devices.

use clap::Subcommand;
use essaim_accounts::AppPasswordId;
use essaim_types::Address;
use serde::{Deserialize, Serialize};

use super::show::used;
use super::{find, refused, unreadable};
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{AppPasswordView, Done, readable_time};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::{Audience, table};

/// Make, list and revoke passwords of single devices.
#[derive(Debug, Subcommand)]
pub(crate) enum AppPasswordCommand {
    /// Make one, and print it once.
    Add {
        /// An address of the account.
        address: Address,
        /// Which device or program gets it.
        name: String,
    },
    /// List them.
    List {
        /// An address of the account.
        address: Address,
    },
    /// Revoke one: from now on it opens nothing.
    Revoke {
        /// An address of the account.
        address: Address,
        /// Its number in the list.
        id: u64,
    },
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddAppPassword {
    address: Address,
    name: String,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListAppPasswords {
    address: Address,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RevokeAppPassword {
    address: Address,
    id: u64,
}

/// The answer of `account app-password add --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AppPasswordAdded {
    id: u64,
    name: String,
    /// It is shown once.
    password: String,
}

impl AppPasswordCommand {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        match self {
            Self::Add { address, name } => {
                let added = ask(place, AddAppPassword { address, name })?;
                audience.show(&added, |added| {
                    format!("The password for {}, shown this once: {}", added.name, added.password)
                });
            }
            Self::List { address } => {
                audience.show(&ask(place, ListAppPasswords { address })?, |list| text(list));
            }
            Self::Revoke { address, id } => {
                audience.show(&ask(place, RevokeAppPassword { address, id })?, |done| done.done.clone());
            }
        }
        Ok(Exit::Done)
    }
}

impl Operation for AddAppPassword {
    type Answer = AppPasswordAdded;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<AppPasswordAdded, Failure> {
        let account = find(node, &self.address)?;
        let added = node.accounts.add_app_password(account, self.name.clone(), caller.actor.clone()).await;
        let added = added.map_err(refused)?;
        Ok(AppPasswordAdded { id: added.id.0, name: self.name, password: added.password.expose().to_owned() })
    }
}

impl Operation for ListAppPasswords {
    type Answer = Vec<AppPasswordView>;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Vec<AppPasswordView>, Failure> {
        let account = find(node, &self.address)?;
        let details = node.accounts.show(account).map_err(|error| unreadable(&error))?;
        let list = details.map(|details| details.app_passwords).unwrap_or_default();
        Ok(list.into_iter().map(AppPasswordView::from).collect())
    }
}

impl Operation for RevokeAppPassword {
    type Answer = Done;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Done, Failure> {
        let account = find(node, &self.address)?;
        let id = AppPasswordId(self.id);
        node.accounts.revoke_app_password(account, id, caller.actor.clone()).await.map_err(refused)?;
        Ok(Done::new(format!("App password {id} of {} is revoked.", self.address)))
    }
}

fn text(list: &[AppPasswordView]) -> String {
    if list.is_empty() {
        return "The account has no app passwords.".to_owned();
    }
    let row = |app: &AppPasswordView| {
        vec![
            app.id.to_string(),
            app.name.clone(),
            readable_time(&app.created),
            used(app.last_used.as_deref()),
        ]
    };
    table(&["ID", "NAME", "CREATED", "USE"], &list.iter().map(row).collect::<Vec<_>>())
}
