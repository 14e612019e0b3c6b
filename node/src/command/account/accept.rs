//! `essaim account accept`: a code for a member of another hoster who wants to bring an account here.

use std::time::Duration;

use clap::Args;
use essaim_types::Address;
use serde::{Deserialize, Serialize};

use super::{find, refused};
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{Space, readable_time, time};
use crate::failure::{Exit, Failure};
use crate::moving;
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;
use crate::vitals::now;

/// Make a code by which one account of another hoster moves here. Give it to the member.
#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// How much space it may have here, such as "5 GiB" or "none". Default: accounts.quota of the configuration.
    #[arg(long)]
    quota: Option<Space>,

    /// Its address here. Default: the name that it has there, at the domain of this hoster.
    #[arg(long)]
    address: Option<Address>,

    /// For how many days the code is good.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..=13))]
    days: u64,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AcceptAccount {
    quota: Option<Space>,
    address: Option<Address>,
    days: u64,
}

/// The answer of `account accept --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Accepted {
    code: String,
    expires: String,
}

impl Accept {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let Self { quota, address, days } = self;
        audience.show(&ask(place, AcceptAccount { quota, address, days })?, Accepted::text);
        Ok(Exit::Done)
    }
}

impl Operation for AcceptAccount {
    type Answer = Accepted;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Accepted, Failure> {
        if let Some(address) = &self.address {
            node.accounts.check_address(address).map_err(refused)?;
            if find(node, address).is_ok() {
                return Err(Failure::new(format!("{address} is taken")).hint("give another with --address"));
            }
        }
        let quota = match self.quota {
            None => Some(node.config.accounts.quota.0).filter(|quota| *quota > 0),
            Some(Space::Unlimited) => None,
            Some(Space::Bytes(bytes)) => Some(bytes),
        };
        let expires = now().after(Duration::from_hours(24 * self.days));
        let expires = essaim_types::Timestamp::from_seconds(expires.seconds());
        let code = moving::accept(node, quota, self.address, expires).await?;
        Ok(Accepted { code, expires: time(expires) })
    }
}

impl Accepted {
    fn text(&self) -> String {
        format!(
            "{}\n\nGood for one account, until {}. At the other hoster the move is started with\n\n  \
             essaim account move ADDRESS --accept CODE\n",
            self.code,
            readable_time(&self.expires)
        )
    }
}
