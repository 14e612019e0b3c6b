//! `essaim account`: members' accounts.

pub(crate) mod accept;
pub(crate) mod add;
pub(crate) mod address;
pub(crate) mod app_password;
pub(crate) mod close;
pub(crate) mod confirm;
pub(crate) mod consent;
pub(crate) mod export;
mod handover;
pub(crate) mod import;
pub(crate) mod kit;
pub(crate) mod list;
pub(crate) mod moving;
pub(crate) mod password;
pub(crate) mod quota;
pub(crate) mod recover;
pub(crate) mod show;
pub(crate) mod state;
pub(crate) mod verify;

use clap::Subcommand;
use essaim_accounts::StorageError;
use essaim_types::{AccountId, Address};

use super::place::Place;
use crate::failure::{Exit, Failure, causes};
use crate::services::Services;
use crate::terminal::Audience;

/// Make, show and change members' accounts.
#[derive(Debug, Subcommand)]
pub(super) enum Account {
    Add(add::Add),
    List(list::List),
    Show(show::Show),
    Password(password::Password),
    Quota(quota::Quota),
    Disable(state::Disable),
    Enable(state::Enable),
    Close(close::Close),
    Export(export::Export),
    Verify(verify::Verify),
    Import(import::Import),
    Kit(kit::KitCommand),
    Consent(consent::Consent),
    Accept(accept::Accept),
    Move(moving::Move),
    Recover(recover::Recover),
    Confirm(confirm::Confirm),
    #[command(subcommand)]
    Address(address::AddressCommand),
    #[command(subcommand)]
    AppPassword(app_password::AppPasswordCommand),
}

impl Account {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        match self {
            Self::Add(command) => command.run(place, audience),
            Self::List(command) => command.run(place, audience),
            Self::Show(command) => command.run(place, audience),
            Self::Password(command) => command.run(place, audience),
            Self::Quota(command) => command.run(place, audience),
            Self::Disable(command) => command.run(place, audience),
            Self::Enable(command) => command.run(place, audience),
            Self::Close(command) => command.run(place, audience),
            Self::Export(command) => command.run(place, audience),
            Self::Verify(command) => command.run(audience),
            Self::Import(command) => command.run(place, audience),
            Self::Kit(command) => command.run(place, audience),
            Self::Consent(command) => command.run(audience),
            Self::Accept(command) => command.run(place, audience),
            Self::Move(command) => command.run(place, audience),
            Self::Recover(command) => command.run(place, audience),
            Self::Confirm(command) => command.run(place, audience),
            Self::Address(command) => command.run(place, audience),
            Self::AppPassword(command) => command.run(place, audience),
        }
    }
}

/// The account with this address.
pub(crate) fn find(node: &Services, address: &Address) -> Result<AccountId, Failure> {
    let found = node.accounts.find(address).map_err(|error| unreadable(&error))?;
    found.ok_or_else(|| {
        Failure::new(format!("there is no account with the address {address}"))
            .hint("essaim account list shows all")
    })
}

pub(super) fn unreadable(error: &StorageError) -> Failure {
    Failure::new(causes(error)).hint("essaim doctor tells what is wrong with the node")
}

/// What the accounts refuse says itself what to do.
pub(super) fn refused(error: impl std::error::Error) -> Failure {
    Failure::new(causes(&error))
}
