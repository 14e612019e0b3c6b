//! `essaim account address`: personal addresses, shared ones, and catch-alls.

use clap::Subcommand;
use essaim_types::{AccountId, Address, Domain};
use serde::{Deserialize, Serialize};

use super::{find, refused, unreadable};
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{Done, SharedView};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::{Audience, table};

/// Add, remove and share addresses.
#[derive(Debug, Subcommand)]
pub(crate) enum AddressCommand {
    /// Give an account another address.
    Add {
        /// An address that the account has.
        account: Address,
        /// The new one.
        address: Address,
    },
    /// Take an address away from an account.
    Remove {
        /// An address that the account keeps.
        account: Address,
        /// The one that goes.
        address: Address,
    },
    /// Make one of its addresses the first one of an account.
    Primary {
        /// The address that becomes the first one.
        address: Address,
    },
    /// Deliver mail to an address to these accounts. Without --to the address goes.
    Share {
        /// Such as info@coop.example.
        address: Address,
        /// An account that gets its mail; give it several times.
        #[arg(long, value_name = "ADDRESS")]
        to: Vec<Address>,
    },
    /// Deliver mail to unknown names of a domain to these accounts. Without --to such mail is refused again.
    CatchAll {
        domain: Domain,
        /// An account that gets it; give it several times.
        #[arg(long, value_name = "ADDRESS")]
        to: Vec<Address>,
    },
    /// List shared addresses and catch-alls.
    Shared,
}

/// A change that is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChangeAddress {
    Add { account: Address, address: Address },
    Remove { account: Address, address: Address },
    Primary { address: Address },
    Share { address: Address, to: Vec<Address> },
    CatchAll { domain: Domain, to: Vec<Address> },
}

/// Which addresses are shared.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListShared {}

impl AddressCommand {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let change = match self {
            Self::Add { account, address } => ChangeAddress::Add { account, address },
            Self::Remove { account, address } => ChangeAddress::Remove { account, address },
            Self::Primary { address } => ChangeAddress::Primary { address },
            Self::Share { address, to } => ChangeAddress::Share { address, to },
            Self::CatchAll { domain, to } => ChangeAddress::CatchAll { domain, to },
            Self::Shared => {
                audience.show(&ask(place, ListShared {})?, |shared| text(shared));
                return Ok(Exit::Done);
            }
        };
        audience.show(&ask(place, change)?, |done| done.done.clone());
        Ok(Exit::Done)
    }
}

impl Operation for ChangeAddress {
    type Answer = Done;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Done, Failure> {
        let (accounts, actor) = (&node.accounts, caller.actor.clone());
        let done = match self {
            Self::Add { account, address } => {
                accounts.add_address(find(node, &account)?, address.clone(), actor).await.map_err(refused)?;
                format!("{account} has {address} as well.")
            }
            Self::Remove { account, address } => {
                accounts
                    .remove_address(find(node, &account)?, address.clone(), actor)
                    .await
                    .map_err(refused)?;
                format!("{address} is gone.")
            }
            Self::Primary { address } => {
                let account = find(node, &address)?;
                accounts.set_primary_address(account, address.clone(), actor).await.map_err(refused)?;
                format!("{address} is the first address of its account.")
            }
            Self::Share { address, to } => {
                accounts
                    .share_address(address.clone(), find_all(node, &to)?, actor)
                    .await
                    .map_err(refused)?;
                shared(&address.to_string(), &to)
            }
            Self::CatchAll { domain, to } => {
                accounts.set_catch_all(domain.clone(), find_all(node, &to)?, actor).await.map_err(refused)?;
                shared(&format!("unknown names of {domain}"), &to)
            }
        };
        Ok(Done::new(done))
    }
}

impl Operation for ListShared {
    type Answer = Vec<SharedView>;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Vec<SharedView>, Failure> {
        let shared = node.accounts.shared_addresses().map_err(|error| unreadable(&error))?;
        Ok(shared.into_iter().map(SharedView::from).collect())
    }
}

fn find_all(node: &Services, addresses: &[Address]) -> Result<Vec<AccountId>, Failure> {
    addresses.iter().map(|address| find(node, address)).collect()
}

fn shared(what: &str, to: &[Address]) -> String {
    let names: Vec<String> = to.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => format!("Mail to {what} is refused from now on."),
        names => format!("Mail to {what} comes to {}.", names.join(", ")),
    }
}

fn text(shared: &[SharedView]) -> String {
    if shared.is_empty() {
        return "There are no shared addresses.".to_owned();
    }
    let ids =
        |shared: &SharedView| shared.accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let rows: Vec<_> = shared.iter().map(|shared| vec![shared.address.clone(), ids(shared)]).collect();
    table(&["ADDRESS", "ACCOUNTS"], &rows)
}
