//! `essaim queue`: mail on its way out.

pub(crate) mod drop;
pub(crate) mod list;
pub(crate) mod retry;

use clap::{Args, Subcommand};
use essaim_mail::queue::{QueueError, QueueId};
use essaim_types::{Address, Domain};
use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::failure::{Exit, Failure, causes};
use crate::terminal::Audience;

/// Look at mail on its way out, try it again, take it out.
#[derive(Debug, Subcommand)]
pub(super) enum Queue {
    List(list::List),
    Retry(retry::Retry),
    Drop(drop::Drop),
}

/// Which entries are meant: those to which everything given applies.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub(crate) struct Selection {
    /// Entries by their ids.
    pub(crate) ids: Vec<String>,

    /// Of the message that was accepted under this id.
    #[arg(long, value_name = "ID")]
    pub(crate) message: Option<String>,

    /// To this domain.
    #[arg(long)]
    pub(crate) domain: Option<Domain>,

    /// From this address.
    #[arg(long)]
    pub(crate) sender: Option<Address>,

    /// To this address.
    #[arg(long)]
    pub(crate) recipient: Option<Address>,
}

impl Queue {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        match self {
            Self::List(command) => command.run(place, audience),
            Self::Retry(command) => command.run(place, audience),
            Self::Drop(command) => command.run(place, audience),
        }
    }
}

impl Selection {
    /// Nothing is given: it means everything.
    pub(super) fn is_everything(&self) -> bool {
        let Self { ids, message, domain, sender, recipient } = self;
        ids.is_empty() && message.is_none() && domain.is_none() && sender.is_none() && recipient.is_none()
    }

    pub(super) fn parse(self) -> Result<essaim_mail::queue::Selection, Failure> {
        let id = |text: &String| {
            text.parse::<QueueId>().map_err(|error| {
                Failure::new(format!("{text}: {error}")).hint("essaim queue list shows the ids").usage()
            })
        };
        Ok(essaim_mail::queue::Selection {
            ids: self.ids.iter().map(id).collect::<Result<_, _>>()?,
            message: self.message,
            domain: self.domain,
            sender: self.sender,
            recipient: self.recipient,
        })
    }
}

pub(super) fn failed(error: QueueError) -> Failure {
    Failure::new(causes(&error)).hint("essaim doctor tells what is wrong with the node")
}
