//! `essaim account quota`.

use clap::Args;
use essaim_types::Address;
use serde::{Deserialize, Serialize};

use super::{find, refused};
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{self, Done, Space};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Change how much an account may hold. One that holds more keeps it, and gets nothing more.
#[derive(Debug, Args)]
pub(crate) struct Quota {
    /// An address of the account.
    address: Address,

    /// The space, such as "5 GiB", or "none".
    quota: Space,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetQuota {
    address: Address,
    quota: Space,
}

impl Quota {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let operation = SetQuota { address: self.address, quota: self.quota };
        audience.show(&ask(place, operation)?, |done| done.done.clone());
        Ok(Exit::Done)
    }
}

impl Operation for SetQuota {
    type Answer = Done;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Done, Failure> {
        let account = find(node, &self.address)?;
        node.accounts.set_quota(account, self.quota.into(), caller.actor.clone()).await.map_err(refused)?;
        Ok(Done::new(match self.quota {
            Space::Bytes(bytes) => format!("{} may hold {}.", self.address, view::size(bytes)),
            Space::Unlimited => format!("{} may hold as much as the disk does.", self.address),
        }))
    }
}
