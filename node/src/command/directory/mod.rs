//! `essaim directory`: the hosters of the federation, as this node knows them.

pub(crate) mod edit;
pub(crate) mod hide;
pub(crate) mod list;
pub(crate) mod show;
pub(crate) mod vouch;

use clap::Subcommand;
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
        }
    }
}

/// The listing that an operator means: by its id, or by its domain. Of several with one domain the proven one.
fn named(
    directory: &essaim_directory::Directory,
    now: essaim_types::Timestamp,
    name: &str,
) -> Result<ListingId, Failure> {
    if let Some(id) = name.parse::<ListingId>().ok().filter(|id| directory.hoster(*id).is_some()) {
        return Ok(id);
    }
    let domain = essaim_directory::listing::to_ascii(name);
    let wanted = domain.as_ref().map_or(name, |domain| domain.as_str());
    let mut found: Vec<_> =
        directory.hosters().filter(|hoster| hoster.listing().domain.as_deref() == Some(wanted)).collect();
    found.sort_by_key(|hoster| !hoster.is_proven(now));
    match found.as_slice() {
        [] => Err(Failure::new(format!("{name} is not in the directory"))
            .hint("essaim directory list --all shows every listing that is known here")),
        [one] => Ok(one.id()),
        [one, other, ..] if one.is_proven(now) && !other.is_proven(now) => Ok(one.id()),
        [..] => Err(Failure::new(format!("there are several listings with the domain {name}"))
            .hint("name the one that is meant by its id: essaim directory list --all --json shows them")),
    }
}
