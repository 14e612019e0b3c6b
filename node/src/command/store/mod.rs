//! `essaim store`: the data on the disk.

pub(crate) mod rebuild_index;
pub(crate) mod stats;
pub(crate) mod verify;

use clap::Subcommand;

use super::place::Place;
use crate::failure::{Exit, Failure};
use crate::progress::{Step, Unit};
use crate::terminal::Audience;

/// Check and repair the data on the disk.
#[derive(Debug, Subcommand)]
pub(super) enum Store {
    Verify(verify::Verify),
    RebuildIndex(rebuild_index::RebuildIndex),
    Stats(stats::Stats),
}

impl Store {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        match self {
            Self::Verify(command) => command.run(place, audience),
            Self::RebuildIndex(command) => command.run(place, audience),
            Self::Stats(command) => command.run(place, audience),
        }
    }
}

/// What the store tells, as everybody shows it.
fn step(progress: essaim_store::Progress) -> Step {
    let (phase, unit) = match progress.step {
        essaim_store::Step::Segments => ("reading segments", Unit::Bytes),
        essaim_store::Step::Index => ("comparing the index", Unit::Objects),
    };
    Step { phase: phase.to_owned(), done: progress.done, total: Some(progress.total), unit }
}
