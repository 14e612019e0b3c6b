//! `essaim account add`.

use clap::Args;
use essaim_accounts::{DisplayName, Language, NewAccount, Quota};
use essaim_types::{AccountId, Address};
use serde::{Deserialize, Serialize};

use super::password::{Chosen, PasswordSource};
use super::refused;
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::Space;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Make an account.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its address, which is also the login.
    address: Address,

    #[command(flatten)]
    password: PasswordSource,

    /// What the member is called.
    #[arg(long, default_value_t)]
    name: DisplayName,

    /// The language in which the node writes to the member.
    #[arg(long, default_value_t)]
    language: Language,

    /// Space for it, such as "5 GiB" or "none". Default: accounts.quota of the configuration.
    #[arg(long)]
    quota: Option<Space>,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddAccount {
    pub(crate) address: Address,
    pub(crate) password: Chosen,
    pub(crate) name: DisplayName,
    pub(crate) language: Language,
    /// `None`: the default.
    pub(crate) quota: Option<Space>,
}

/// The answer of `account add --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Added {
    pub(crate) account: AccountId,
    pub(crate) address: String,
    /// The password, if the node made it up. It is shown once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) password: Option<String>,
}

impl Add {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let operation = AddAccount {
            password: self.password.read(&self.address)?,
            address: self.address,
            name: self.name,
            language: self.language,
            quota: self.quota,
        };
        audience.show(&ask(place, operation)?, Added::text);
        Ok(Exit::Done)
    }
}

impl Operation for AddAccount {
    type Answer = Added;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Added, Failure> {
        let address = self.address.to_string();
        let new = NewAccount {
            address: self.address,
            display_name: self.name,
            language: self.language,
            quota: self.quota.map_or(Quota::Default, Quota::from),
            password: self.password.into(),
        };
        let created = node.accounts.create(new, caller.actor.clone()).await.map_err(refused)?;
        let password = created.generated.map(|password| password.expose().to_owned());
        Ok(Added { account: created.account, address, password })
    }
}

impl Added {
    fn text(&self) -> String {
        match &self.password {
            Some(password) => format!("{} is ready. Its password, shown this once: {password}", self.address),
            None => format!("{} is ready.", self.address),
        }
    }
}
