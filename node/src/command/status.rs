//! `essaim status`: what the node is, whether it runs, and where it listens.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use clap::Args;
use essaim_mail::queue::Way;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::{block_on, view};
use crate::control::{self, Reached};
use crate::failure::{Exit, Failure};
use crate::federation::root_on_disk;
use crate::operation::{Caller, Operation, Request, operator};
use crate::ports;
use crate::services::Services;
use crate::terminal::Audience;

/// Show whether the node runs, where it listens, and how it is.
#[derive(Debug, Args)]
pub(crate) struct Status {}

/// What is asked of a running node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct NodeStatus {}

/// The answer of `status --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StatusView {
    pub(crate) running: bool,
    pub(crate) version: String,
    pub(crate) domain: String,
    pub(crate) hostname: String,
    pub(crate) data_dir: String,
    /// The names of `[listen]` and where they listen; empty when the node is down.
    pub(crate) ports: BTreeMap<String, SocketAddr>,
    /// What only a running node tells.
    #[serde(flatten, skip_serializing_if = "Option::is_none", default)]
    pub(crate) health: Option<HealthView>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HealthView {
    pub(crate) pid: u32,
    pub(crate) started: String,
    /// Entries of outgoing mail.
    pub(crate) queued: u64,
    /// Recipients that have got mail from here since the start, by the way it took: "peer", "route", "relay", "mx".
    #[serde(default)]
    pub(crate) sent: BTreeMap<String, u64>,
    /// Connections open on each listener.
    pub(crate) connections: BTreeMap<String, u64>,
    pub(crate) commits: u64,
    /// The store works.
    pub(crate) store_ok: bool,
    pub(crate) federation: FederationView,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct FederationView {
    /// Nodes of hosters that this one has chosen.
    pub(crate) peers: usize,
    /// Nodes that are connected, chosen or not.
    pub(crate) connected: usize,
    /// Listings in the directory, the own one too.
    pub(crate) listings: usize,
    /// Of them those whose domain is not proven.
    pub(crate) unproven: usize,
    /// Hosters with whom mail is exchanged over the federation's own channel.
    #[serde(default)]
    pub(crate) correspondents: usize,
    /// Messages that came over it since the start.
    #[serde(default)]
    pub(crate) received: u64,
    /// Messages and streams that were refused there since the start, by reason.
    #[serde(default)]
    pub(crate) refused: BTreeMap<String, u64>,
    /// Own records that no other node has yet.
    pub(crate) outbox: usize,
    /// Peers are being asked what this node has published before.
    pub(crate) restoring: bool,
    /// The root key lies on this machine.
    pub(crate) root_key_on_disk: bool,
}

impl Status {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let status = read(place)?;
        audience.show(&status, StatusView::text);
        let well = status.health.as_ref().is_some_and(|health| health.store_ok);
        Ok(if well { Exit::Done } else { Exit::ChecksFailed })
    }
}

/// The state of the node that is meant, whether it runs or not.
pub(super) fn read(place: &Place) -> Result<StatusView, Failure> {
    let config = place.node()?.config;
    block_on(async {
        if let Reached::Node(client) = control::connect(&config.data_dir).await? {
            return client.call(&operator(), Request::from(NodeStatus {})).await;
        }
        Ok(StatusView {
            running: false,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            domain: config.hoster.domain.to_string(),
            hostname: config.hoster.hostname().to_string(),
            data_dir: config.data_dir.display().to_string(),
            ports: BTreeMap::new(),
            health: None,
        })
    })
}

impl Operation for NodeStatus {
    type Answer = StatusView;

    async fn perform(self, node: &Services, _: &Caller) -> Result<StatusView, Failure> {
        let stats = node.store.stats();
        let vitals = &node.vitals;
        let config = &node.config;
        Ok(StatusView {
            running: true,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            domain: config.hoster.domain.to_string(),
            hostname: config.hoster.hostname().to_string(),
            data_dir: config.data_dir.display().to_string(),
            ports: ports::read(&config.data_dir),
            health: Some(HealthView {
                pid: std::process::id(),
                started: view::time(vitals.started()),
                queued: node.queue.waiting(),
                sent: Way::ALL.map(|way| (way.name().to_owned(), node.queue.sent(way).0)).into(),
                connections: vitals.connections(),
                commits: stats.commits,
                store_ok: !stats.poisoned,
                federation: FederationView::of(node)?,
            }),
        })
    }
}

impl FederationView {
    fn of(node: &Services) -> Result<Self, Failure> {
        let peers = node.federation.peers()?.len();
        let root_key_on_disk = root_on_disk(&node.config.data_dir).is_some();
        let channel = &node.vitals.channel;
        let view = Self {
            peers,
            correspondents: node.federation.correspondents().len(),
            received: channel.messages(),
            refused: channel.refusals().into_iter().map(|(why, count)| (why.to_owned(), count)).collect(),
            root_key_on_disk,
            ..Self::default()
        };
        let Some(numbers) = node.federation.numbers() else { return Ok(view) };
        Ok(Self {
            connected: numbers.connected,
            listings: numbers.directory.listings,
            unproven: numbers.directory.quarantined,
            outbox: numbers.directory.outbox,
            restoring: numbers.restoring,
            ..view
        })
    }

    fn text(&self) -> String {
        let mut text = format!(
            "  peers     {}, {} nodes connected\n  directory {} listings ({} unproven), {} records wait for a node\n",
            self.peers, self.connected, self.listings, self.unproven, self.outbox
        );
        text.push_str(&format!(
            "  mail      with {} hosters over the federation, {} messages received\n",
            self.correspondents, self.received
        ));
        if self.restoring {
            text.push_str("  Peers are asked what this node has published before; until then its listing cannot be edited.\n");
        }
        text
    }
}

impl StatusView {
    fn text(&self) -> String {
        let mut text = format!(
            "{} on {}, essaim {}\n  data      {}\n",
            self.domain, self.hostname, self.version, self.data_dir
        );
        let Some(health) = &self.health else {
            text.push_str("  The node is not running. Start it: essaim serve, or systemctl start essaim\n");
            return text;
        };
        text.push_str(&format!(
            "  running   since {} (pid {})\n",
            view::readable_time(&health.started),
            health.pid
        ));
        for (name, address) in &self.ports {
            let open = health.connections.get(name).copied().unwrap_or(0);
            text.push_str(&format!("  {name:<12} {address}, {open} connections\n"));
        }
        let sent = |way: Way| health.sent.get(way.name()).copied().unwrap_or(0);
        let others = sent(Way::Route) + sent(Way::Relay) + sent(Way::Mx);
        text.push_str(&format!(
            "  outgoing  {} entries; sent {} to hosters of the federation, {others} to others\n",
            health.queued,
            sent(Way::Peer)
        ));
        text.push_str(&health.federation.text());
        if !health.store_ok {
            text.push_str("  The store has failed: restart the node, then run essaim store verify\n");
        }
        text
    }
}
