//! `essaim peer join`.

use clap::Args;
use essaim_types::ListingId;
use serde::{Deserialize, Serialize};

use crate::command::ask;
use crate::command::place::Place;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Take the invitation of another hoster: both nodes stay connected from now on.
#[derive(Debug, Args)]
pub(crate) struct Join {
    /// What essaim peer invite has shown there.
    link: String,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct JoinPeer {
    link: String,
}

/// The answer of `peer join --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct JoinedView {
    peer: String,
    listing: ListingId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    domain: Option<String>,
}

impl Join {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        audience.show(&ask(place, JoinPeer { link: self.link })?, JoinedView::text);
        Ok(Exit::Done)
    }
}

impl Operation for JoinPeer {
    type Answer = JoinedView;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<JoinedView, Failure> {
        let joined = node.federation.join(&self.link, caller.journal(node)).await?;
        Ok(JoinedView {
            peer: joined.peer.to_peer_id(),
            listing: joined.listing,
            domain: joined.domain.map(|domain| domain.to_string()),
        })
    }
}

impl JoinedView {
    fn text(&self) -> String {
        let name = self.domain.clone().unwrap_or_else(|| self.listing.to_string());
        format!(
            "{name} and this hoster are peers now. essaim directory list shows the federation in a moment.\n"
        )
    }
}
