//! `essaim account disable` and `essaim account enable`.

use clap::Args;
use essaim_types::Address;
use serde::{Deserialize, Serialize};

use super::{find, refused};
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::Done;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Take login and mail away from an account for now. Nothing is lost: senders are told to try again later.
#[derive(Debug, Args)]
pub(crate) struct Disable {
    /// An address of the account.
    address: Address,
}

/// Give login and mail back to an account that was disabled or closed.
#[derive(Debug, Args)]
pub(crate) struct Enable {
    /// An address of the account.
    address: Address,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetState {
    address: Address,
    state: State,
}

/// What the account may do afterwards.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Disabled,
    Active,
}

impl Disable {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        set(place, audience, SetState { address: self.address, state: State::Disabled })
    }
}

impl Enable {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        set(place, audience, SetState { address: self.address, state: State::Active })
    }
}

impl Operation for SetState {
    type Answer = Done;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Done, Failure> {
        let (account, actor) = (find(node, &self.address)?, caller.actor.clone());
        let done = match self.state {
            State::Disabled => {
                node.accounts.disable(account, actor).await.map_err(refused)?;
                format!("{} is disabled. essaim account enable {} undoes it.", self.address, self.address)
            }
            State::Active => {
                node.accounts.enable(account, actor).await.map_err(refused)?;
                format!("{} is active.", self.address)
            }
        };
        Ok(Done::new(done))
    }
}

fn set(place: &Place, audience: Audience, operation: SetState) -> Result<Exit, Failure> {
    audience.show(&ask(place, operation)?, |done| done.done.clone());
    Ok(Exit::Done)
}
