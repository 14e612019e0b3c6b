//! `essaim directory hide` and `unhide`: what this node shows, whatever others do.

use clap::Args;
use essaim_directory::Hidden;
use serde::{Deserialize, Serialize};

use super::named;
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::Done;
use crate::failure::{Exit, Failure};
use crate::federation::note::{DIRECTORY_HIDE, DIRECTORY_UNHIDE, Note};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Show a listing no more on this node. Nobody else is told, and no update brings it back.
#[derive(Debug, Args)]
pub(crate) struct Hide {
    /// A domain or the id of a listing.
    listing: String,
}

/// Show a hidden listing again.
#[derive(Debug, Args)]
pub(crate) struct Unhide {
    /// A domain or the id of a listing.
    listing: String,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HideListing {
    listing: String,
    hidden: bool,
}

impl Hide {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        show(place, audience, HideListing { listing: self.listing, hidden: true })
    }
}

impl Unhide {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        show(place, audience, HideListing { listing: self.listing, hidden: false })
    }
}

fn show(place: &Place, audience: Audience, operation: HideListing) -> Result<Exit, Failure> {
    audience.show(&ask(place, operation)?, |done| done.done.clone());
    Ok(Exit::Done)
}

impl Operation for HideListing {
    type Answer = Done;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Done, Failure> {
        let Self { listing, hidden } = self;
        let name = listing.clone();
        let target = node.federation.look(move |directory, now| named(directory, now, &name)).await??;
        let (wanted, word) = if hidden { (Hidden::Yes, "hidden") } else { (Hidden::No, "shown again") };
        let act = if hidden { DIRECTORY_HIDE } else { DIRECTORY_UNHIDE };
        let note = Note::new(caller.journal(node), act, listing.as_str());
        node.federation.change_here(note, move |directory, _| directory.hide(target, wanted)).await?;
        Ok(Done { done: format!("{listing} is {word} on this node.") })
    }
}
