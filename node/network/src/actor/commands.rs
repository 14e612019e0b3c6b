//! What the handle asks.

use std::time::Instant;

use libp2p::PeerId;

use super::Actor;
use crate::address::Address;
use crate::command::{Answer, Command, PeerInfo};
use crate::key::PeerKey;

impl Actor {
    /// A caller that no longer waits for its answer is no failure, so what `send` returns is not looked at.
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Publish { topic, bytes, answer } => {
                let _ = answer.send(self.publish(topic, &bytes));
            }
            Command::Judge { ticket, verdict, answer } => {
                let _ = answer.send(self.judge(&ticket, verdict));
            }
            Command::Request { peer, service, body, answer } => self.request(peer, service, body, answer),
            Command::Dial { peer, addresses, answer } => self.dial(peer, addresses, answer),
            Command::Keep { peer, mut addresses, answer } => {
                addresses.truncate(self.limits.addresses_per_peer);
                let _ = answer.send(self.kept.keep(peer.peer_id(), addresses, Instant::now()));
                self.tick(Instant::now());
            }
            Command::Release { peer, answer } => {
                self.kept.release(&peer.peer_id());
                let _ = answer.send(());
            }
            Command::Disconnect { peer, answer } => self.disconnect(peer, answer),
            Command::Block { peer, answer } => self.block(peer, answer),
            Command::Unblock { peer, answer } => self.unblock(peer, answer),
            Command::Esteem { peer, points, answer } => {
                // `false` is: not connected.
                self.swarm.behaviour_mut().gossip.set_application_score(&peer.peer_id(), points);
                let _ = answer.send(());
            }
            Command::Peers { answer } => {
                let _ = answer.send(self.peers(Instant::now()));
            }
            Command::HostsOf { peer, answer } => {
                let hosts = self.links.get(&peer.peer_id()).map(|link| link.hosts());
                let _ = answer.send(hosts.unwrap_or_default());
            }
            Command::Listening { answer } => {
                let _ = answer.send(self.listening());
            }
            Command::Shutdown { answer } => drop(answer),
        }
    }

    fn disconnect(&mut self, peer: PeerKey, answer: Answer<()>) {
        // `Err` is: not connected.
        let _ = self.swarm.disconnect_peer_id(peer.peer_id());
        let _ = answer.send(());
    }

    fn block(&mut self, peer: PeerKey, answer: Answer<()>) {
        let peer = peer.peer_id();
        if self.swarm.behaviour_mut().blocked.block_peer(peer) {
            self.blocked.push_back(peer);
        }
        if self.blocked.len() > self.limits.blocked_peers
            && let Some(oldest) = self.blocked.pop_front()
        {
            self.swarm.behaviour_mut().blocked.unblock_peer(oldest);
        }
        let _ = answer.send(());
    }

    fn unblock(&mut self, peer: PeerKey, answer: Answer<()>) {
        let peer = peer.peer_id();
        self.swarm.behaviour_mut().blocked.unblock_peer(peer);
        self.blocked.retain(|blocked| *blocked != peer);
        let _ = answer.send(());
    }

    fn peers(&self, now: Instant) -> Vec<PeerInfo> {
        self.links.keys().filter_map(|peer| self.peer(peer, now)).collect()
    }

    fn peer(&self, peer: &PeerId, now: Instant) -> Option<PeerInfo> {
        let link = self.links.get(peer)?;
        Some(PeerInfo {
            peer: link.key,
            address: link.address(),
            direction: link.direction,
            connections: link.connections.len(),
            connected_for: now.saturating_duration_since(link.since),
            topics: link.topics.iter().cloned().collect(),
            score: self.swarm.behaviour().gossip.peer_score(peer).unwrap_or_default(),
            round_trip: link.round_trip,
            agent: link.agent.clone(),
        })
    }

    fn listening(&self) -> Vec<Address> {
        if !self.announce.is_empty() {
            return self.announce.clone();
        }
        self.swarm.listeners().filter_map(Address::from_multiaddr).collect()
    }
}
