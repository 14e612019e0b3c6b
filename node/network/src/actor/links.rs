//! The connected peers, and what the actor remembers of each.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};

use crate::address::{Address, ip_of};
use crate::event::Direction;
use crate::key::PeerKey;
use crate::label::Topic;
use crate::rate::Allowance;

/// Bounded by the limits of connections.
pub(super) type Links = HashMap<PeerId, Link>;

/// One connected peer.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) key: PeerKey,
    pub(super) direction: Direction,
    pub(super) since: Instant,
    /// In the order in which they were made; at most `Limits::connections_per_peer`.
    pub(super) connections: Vec<(ConnectionId, Multiaddr)>,
    pub(super) topics: BTreeSet<Topic>,
    pub(super) allowance: Allowance,
    pub(super) round_trip: Option<Duration>,
    pub(super) agent: String,
    /// `false`: it does not speak gossip at all, so nobody expects topics of it.
    pub(super) gossips: bool,
}

impl Link {
    pub(super) fn new(key: PeerKey, direction: Direction, allowance: Allowance, now: Instant) -> Self {
        Self {
            key,
            direction,
            since: now,
            connections: Vec::new(),
            topics: BTreeSet::new(),
            allowance,
            round_trip: None,
            agent: String::new(),
            gossips: true,
        }
    }

    pub(super) fn address(&self) -> Option<Address> {
        self.connections.first().and_then(|(_, address)| Address::from_multiaddr(address))
    }

    pub(super) fn hosts(&self) -> Vec<IpAddr> {
        let mut hosts: Vec<_> = self.connections.iter().filter_map(|(_, address)| ip_of(address)).collect();
        hosts.dedup();
        hosts
    }

    /// Connected for long enough that it should have told its topics, and it has not.
    pub(super) fn is_mute(&self, grace: Duration, now: Instant) -> bool {
        self.gossips && self.topics.is_empty() && now.saturating_duration_since(self.since) >= grace
    }

    /// Keeps what can be printed.
    pub(super) fn name(&mut self, agent: &str) {
        let printable = |c: &char| c.is_ascii_graphic() || *c == ' ';
        self.agent = agent.chars().filter(printable).take(AGENT_MAX).collect();
    }
}

/// Characters of what a peer calls itself.
const AGENT_MAX: usize = 64;
