//! `essaim operator invite`.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::command::ask;
use crate::command::place::Place;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// On the hoster's node: make a link for the machine of another operator. It is no secret: essaim operator add lets that machine in.
#[derive(Debug, Args)]
pub(crate) struct Invite {}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InviteOperator {}

/// The answer of `operator invite --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LinkView {
    link: String,
}

impl Invite {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        audience.show(&ask(place, InviteOperator {})?, LinkView::text);
        Ok(Exit::Done)
    }
}

impl Operation for InviteOperator {
    type Answer = LinkView;

    async fn perform(self, node: &Services, _: &Caller) -> Result<LinkView, Failure> {
        Ok(LinkView { link: node.federation.operator_link().await? })
    }
}

impl LinkView {
    fn text(&self) -> String {
        format!(
            "{}\n\nGood for a week. On the machine of the operator:\n\n  essaim operator join '{}'\n\nIt prints a key, which you let in here: essaim operator add KEY\n",
            self.link, self.link
        )
    }
}
