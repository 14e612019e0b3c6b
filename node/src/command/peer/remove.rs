//! `essaim peer remove`.

use clap::Args;
use essaim_identity::PublicKey;
use serde::{Deserialize, Serialize};

use super::list::{ListPeers, find};
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::Done;
use crate::failure::{Exit, Failure};
use crate::federation::note::{Note, PEER_REMOVE};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Stay connected to a peer no more. Its listing stays in the directory; essaim directory hide hides it.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Its domain, the id of its listing, or the id of its node.
    peer: String,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RemovePeer {
    peer: String,
}

impl Remove {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        audience.show(&ask(place, RemovePeer { peer: self.peer })?, |done| done.done.clone());
        Ok(Exit::Done)
    }
}

impl Operation for RemovePeer {
    type Answer = Done;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Done, Failure> {
        let peers = ListPeers {}.perform(node, caller).await?;
        let peer = find(&peers, &self.peer)?;
        let key = PublicKey::from_peer_id(&peer.peer)
            .map_err(|error| Failure::caused("the id of the node cannot be read", &error))?;
        let note = Note::new(caller.journal(node), PEER_REMOVE, peer.name());
        node.federation.part(key, note).await?;
        Ok(Done { done: format!("{} is no peer any more.", peer.name()) })
    }
}
