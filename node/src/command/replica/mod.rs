//! `essaim replica`: copies of accounts at other hosters, and of theirs here, for the day on which a hoster is gone.

pub(crate) mod drop;
pub(crate) mod list;
pub(crate) mod send;

use clap::Subcommand;

use super::place::Place;
use crate::failure::{Exit, Failure};
use crate::terminal::Audience;

/// Keep copies of accounts at other hosters, and see what is kept here of theirs.
#[derive(Debug, Subcommand)]
pub(super) enum Replica {
    Send(send::Send),
    List(list::List),
    Drop(drop::Drop),
}

impl Replica {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        match self {
            Self::Send(command) => command.run(place, audience),
            Self::List(command) => command.run(place, audience),
            Self::Drop(command) => command.run(place, audience),
        }
    }
}
