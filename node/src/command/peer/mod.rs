//! `essaim peer`: the hosters that this one has chosen.

pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod list;
pub(crate) mod remove;

use clap::Subcommand;

use super::place::Place;
use crate::failure::{Exit, Failure};
use crate::terminal::Audience;

/// Invite other hosters, take their invitations, see who is connected.
#[derive(Debug, Subcommand)]
pub(super) enum Peer {
    Invite(invite::Invite),
    Join(join::Join),
    List(list::List),
    Show(list::Show),
    Remove(remove::Remove),
}

impl Peer {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        match self {
            Self::Invite(command) => command.run(place, audience),
            Self::Join(command) => command.run(place, audience),
            Self::List(command) => command.run(place, audience),
            Self::Show(command) => command.run(place, audience),
            Self::Remove(command) => command.run(place, audience),
        }
    }
}
