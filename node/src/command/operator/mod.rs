//! `essaim operator`: people who edit the hoster's listing from machines of their own.

pub(crate) mod add;
pub(crate) mod invite;
mod join;
pub(crate) mod list;
pub(crate) mod remove;

use clap::Subcommand;

use super::place::Place;
use crate::failure::{Exit, Failure};
use crate::terminal::Audience;

/// Let others edit the listing of this hoster from machines of their own, and take that back.
#[derive(Debug, Subcommand)]
pub(super) enum Operator {
    Invite(invite::Invite),
    Join(join::Join),
    Add(add::Add),
    List(list::List),
    Remove(remove::Remove),
}

impl Operator {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        match self {
            Self::Invite(command) => command.run(place, audience),
            Self::Join(command) => command.run(place, audience),
            Self::Add(command) => command.run(place, audience),
            Self::List(command) => command.run(place, audience),
            Self::Remove(command) => command.run(place, audience),
        }
    }
}
