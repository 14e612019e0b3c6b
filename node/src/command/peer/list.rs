//! `essaim peer list` and `essaim peer show`.

use std::collections::BTreeMap;

use clap::Args;
use essaim_network::{Direction, PeerInfo};
use essaim_types::ListingId;
use serde::{Deserialize, Serialize};

use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{readable_time, time};
use crate::failure::{Exit, Failure};
use crate::federation::Peer;
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::{Audience, table};

/// List the peers, and the other nodes that are connected.
#[derive(Debug, Args)]
pub(crate) struct List {}

/// Show everything about one peer.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its domain, the id of its listing, or the id of its node.
    peer: String,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListPeers {}

/// One node in `peer list --json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PeerView {
    /// The id of the node.
    pub(crate) peer: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) listing: Option<ListingId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) domain: Option<String>,
    /// "invited" or "joined"; absent for nodes that are connected and were not chosen.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) introduction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) since: Option<String>,
    /// Where it is dialled.
    pub(crate) addresses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) connection: Option<ConnectionView>,
}

/// A connection as it is now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConnectionView {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    address: Option<String>,
    /// "out" if this node has called, else "in".
    direction: String,
    seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    round_trip_ms: Option<u64>,
    agent: String,
    score: f64,
}

impl List {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        audience.show(&ask(place, ListPeers {})?, |peers| text(peers));
        Ok(Exit::Done)
    }
}

impl Show {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let peers = ask(place, ListPeers {})?;
        audience.show(find(&peers, &self.peer)?, PeerView::text);
        Ok(Exit::Done)
    }
}

impl Operation for ListPeers {
    type Answer = Vec<PeerView>;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Vec<PeerView>, Failure> {
        let mut connected: BTreeMap<String, PeerInfo> =
            node.federation.connected().await.into_iter().map(|info| (info.peer.to_string(), info)).collect();
        let domains = node.federation.look(|directory, _| {
            let domain =
                |hoster: &essaim_directory::Hoster| Some((hoster.id(), hoster.listing().domain.clone()?));
            directory.hosters().filter_map(domain).collect::<BTreeMap<ListingId, Box<str>>>()
        });
        let domains = domains.await?;
        let mut views = Vec::new();
        for Peer { key, said } in node.federation.peers()? {
            let id = key.to_peer_id();
            views.push(PeerView {
                connection: connected.remove(&id).map(ConnectionView::from),
                domain: domains.get(&said.listing).map(ToString::to_string),
                listing: Some(said.listing),
                introduction: Some(said.by.word().to_owned()),
                since: Some(time(said.since)),
                addresses: said.addresses,
                peer: id,
            });
        }
        views.extend(connected.into_iter().map(|(peer, info)| PeerView {
            peer,
            listing: None,
            domain: None,
            introduction: None,
            since: None,
            addresses: Vec::new(),
            connection: Some(info.into()),
        }));
        Ok(views)
    }
}

/// The one that is meant.
pub(super) fn find<'a>(peers: &'a [PeerView], name: &str) -> Result<&'a PeerView, Failure> {
    let is = |peer: &&PeerView| {
        peer.peer == name
            || peer.domain.as_deref() == Some(name)
            || peer.listing.is_some_and(|listing| listing.to_string() == name)
    };
    let unknown = || Failure::new(format!("there is no peer {name}")).hint("essaim peer list shows them");
    peers.iter().find(is).ok_or_else(unknown)
}

impl From<PeerInfo> for ConnectionView {
    fn from(info: PeerInfo) -> Self {
        let direction = match info.direction {
            Direction::Outgoing => "out",
            Direction::Incoming => "in",
        };
        Self {
            address: info.address.map(|address| address.to_string()),
            direction: direction.to_owned(),
            seconds: info.connected_for.as_secs(),
            round_trip_ms: info.round_trip.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            agent: info.agent,
            score: info.score,
        }
    }
}

fn text(peers: &[PeerView]) -> String {
    if peers.is_empty() {
        return "There are no peers yet. Invite a hoster: essaim peer invite. Or take an invitation: essaim peer join LINK\n".to_owned();
    }
    let row = |peer: &PeerView| {
        let connection = peer.connection.as_ref().map_or("away", |connection| &connection.direction);
        let introduction = peer.introduction.clone().unwrap_or_else(|| "-".to_owned());
        let since = peer.since.as_deref().map(readable_time).unwrap_or_default();
        vec![peer.name(), introduction, since, connection.to_owned(), peer.peer.clone()]
    };
    table(&["HOSTER", "BY", "SINCE", "CONNECTED", "NODE"], &peers.iter().map(row).collect::<Vec<_>>())
}

impl PeerView {
    pub(super) fn name(&self) -> String {
        let listing = self.listing.map(|listing| listing.to_string());
        self.domain.clone().or(listing).unwrap_or_else(|| "-".to_owned())
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n  node       {}\n", self.name(), self.peer);
        if let Some(listing) = self.listing {
            text.push_str(&format!("  listing    {listing}\n"));
        }
        if let (Some(by), Some(since)) = (&self.introduction, &self.since) {
            text.push_str(&format!("  {by:<10} {}\n", readable_time(since)));
        }
        for address in &self.addresses {
            text.push_str(&format!("  dialled at {address}\n"));
        }
        match &self.connection {
            None => text.push_str("  not connected\n"),
            Some(connection) => text.push_str(&format!(
                "  connected  for {} s, {}, {}\n",
                connection.seconds,
                connection.address.as_deref().unwrap_or("somewhere"),
                connection.agent
            )),
        }
        text
    }
}
