//! `essaim directory`: the hosters of the federation, as this node knows them.

pub(crate) mod compare;
pub(crate) mod edit;
pub(crate) mod export;
mod file;
mod fill;
pub(crate) mod hide;
pub(crate) mod import;
pub(crate) mod list;
mod seen;
pub(crate) mod show;
pub(crate) mod vouch;

use clap::Subcommand;
use essaim_directory::query::NameFault;
use essaim_types::ListingId;

use super::place::Place;
use crate::failure::{Exit, Failure};
use crate::terminal::Audience;

/// Find hosters, see why one is believed, edit the own listing, vouch for others.
#[derive(Debug, Subcommand)]
pub(super) enum Directory {
    List(list::List),
    Search(list::Search),
    Show(show::Show),
    Edit(edit::Edit),
    Vouch(vouch::Vouch),
    Withdraw(vouch::Withdraw),
    Warn(vouch::Warn),
    Hide(hide::Hide),
    Unhide(hide::Unhide),
    Compare(compare::Compare),
    Export(export::Export),
    Import(import::Import),
    Forget(import::Forget),
}

impl Directory {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        match self {
            Self::List(command) => command.run(place, audience),
            Self::Search(command) => command.run(place, audience),
            Self::Show(command) => command.run(place, audience),
            Self::Edit(command) => command.run(place, audience),
            Self::Vouch(command) => command.run(place, audience),
            Self::Withdraw(command) => command.run(place, audience),
            Self::Warn(command) => command.run(place, audience),
            Self::Hide(command) => command.run(place, audience),
            Self::Unhide(command) => command.run(place, audience),
            Self::Compare(command) => command.run(place, audience),
            Self::Export(command) => command.run(place, audience),
            Self::Import(command) => command.run(place, audience),
            Self::Forget(command) => command.run(place, audience),
        }
    }
}

/// The listing that an operator means: by its id, or by its domain. Of several with one domain the proven one.
fn named(
    directory: &essaim_directory::View,
    now: essaim_types::Timestamp,
    name: &str,
) -> Result<ListingId, Failure> {
    directory.named(now, name).map_err(|fault| match fault {
        NameFault::Unknown => Failure::new(format!("{name} is not in the directory"))
            .hint("essaim directory list --all shows every listing that is known here"),
        NameFault::Several => Failure::new(format!("there are several listings with the domain {name}"))
            .hint("name the one that is meant by its id: essaim directory list --all --json shows them"),
    })
}
