//! `essaim operator add`.

use clap::{Args, ValueEnum};
use essaim_identity::PublicKey;
use essaim_identity::keyring::{Role, Roles};
use serde::{Deserialize, Serialize};

use super::remove::parse_key;
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::Done;
use crate::failure::{Exit, Failure};
use crate::federation::OwnCopy;
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// On the hoster's node: let the key of another operator edit. The root key must be on this machine for it.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What essaim operator join has shown on the machine of the operator. Let them read it to you: whoever has this key speaks for the hoster.
    #[arg(value_parser = parse_key)]
    key: PublicKey,

    /// What the key may do. May be repeated.
    #[arg(long = "role", value_enum, default_values_t = [Duty::Edit])]
    roles: Vec<Duty>,

    /// Do not wait until peers have told what this node has published before: you know that this data directory is the latest.
    #[arg(long)]
    without_peers: bool,
}

/// What an operator's machine can be let do. Being a node of the hoster is another thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Duty {
    /// Edit the listing.
    Edit,
    /// Vouch for other hosters, and warn of them.
    Endorse,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddOperator {
    key: String,
    roles: Vec<Duty>,
    without_peers: bool,
}

impl Add {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let Self { key, roles, without_peers } = self;
        let add = AddOperator { key: key.to_string(), roles, without_peers };
        audience.show(&ask(place, add)?, |done| done.done.clone());
        Ok(Exit::Done)
    }
}

impl Operation for AddOperator {
    type Answer = Done;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Done, Failure> {
        let key = parse_key(&self.key).map_err(|why| Failure::new(why).usage())?;
        let roles: Vec<Role> = self.roles.iter().map(|duty| duty.role()).collect();
        let roles = Roles::of(&roles)
            .ok_or_else(|| Failure::new("an operator without a role").hint("add --role edit").usage())?;
        let copy = own_copy(self.without_peers);
        node.federation.appoint(key, roles, copy, caller.journal(node)).await?;
        Ok(Done { done: format!("{key} edits for this hoster now; peers are told.") })
    }
}

impl Duty {
    fn role(self) -> Role {
        match self {
            Self::Edit => Role::Edit,
            Self::Endorse => Role::Endorse,
        }
    }
}

pub(super) fn own_copy(without_peers: bool) -> OwnCopy {
    if without_peers { OwnCopy::Trusted } else { OwnCopy::ConfirmedByPeers }
}
