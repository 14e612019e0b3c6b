//! Connections: made, gone, failed, and those that must be made again.

use std::time::Instant;

use libp2p::core::ConnectedPoint;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError as SwarmDialError};
use libp2p::{Multiaddr, PeerId, allow_block_list, connection_limits};

use super::Actor;
use super::links::Link;
use crate::command::Answer;
use crate::error::DialError;
use crate::event::{Direction, Event};
use crate::key::PeerKey;
use crate::rate::Allowance;

impl Actor {
    pub(super) fn connection_made(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let Some(key) = PeerKey::from_peer_id(&peer) else {
            // Cannot be: no other kind of key is compiled in. If it is, we do not know how to name it.
            let _ = self.swarm.disconnect_peer_id(peer);
            return;
        };
        let now = Instant::now();
        let direction = if endpoint.is_dialer() { Direction::Outgoing } else { Direction::Incoming };
        let limits = &self.limits;
        let link = self.links.entry(peer).or_insert_with(|| {
            let messages = limits.gossip_messages_per_second;
            let bytes = limits.gossip_bytes_per_second;
            Link::new(key, direction, Allowance::new(messages, bytes, limits.gossip_burst_seconds, now), now)
        });
        link.connections.push((id, endpoint.get_remote_address().clone()));
        if link.connections.len() == 1 {
            let address = link.address();
            tracing::debug!(peer = %key, ?direction, "connected");
            self.outlet.tell(Event::Connected { peer: key, address, direction });
        }
        self.kept.connected(&peer);
        self.answer_dials(peer, &Ok(()));
    }

    pub(super) fn connection_gone(&mut self, peer: PeerId, id: ConnectionId) {
        let Some(link) = self.links.get_mut(&peer) else { return };
        link.connections.retain(|(known, _)| *known != id);
        if !link.connections.is_empty() {
            return;
        }
        let key = link.key;
        self.links.remove(&peer);
        self.kept.disconnected(&peer, Instant::now());
        self.bulk.retire(key);
        tracing::debug!(peer = %key, "disconnected");
        self.outlet.tell(Event::Disconnected { peer: key });
    }

    pub(super) fn dial(
        &mut self,
        key: PeerKey,
        addresses: Vec<Multiaddr>,
        answer: Answer<Result<(), DialError>>,
    ) {
        let peer = key.peer_id();
        if self.links.contains_key(&peer) {
            let _ = answer.send(Ok(()));
            return;
        }
        if peer == *self.swarm.local_peer_id() {
            let _ = answer.send(Err(DialError::Myself { peer: key }));
            return;
        }
        self.drop_lost_dials();
        if self.dials.values().map(Vec::len).sum::<usize>() >= self.limits.dials {
            let limit = "too many calls wait".to_owned();
            let _ = answer.send(Err(DialError::Limit { peer: key, limit }));
            return;
        }
        match self.call(peer, addresses) {
            // Under way already: its end is ours too.
            Ok(()) | Err(SwarmDialError::DialPeerConditionFalse(_)) => {
                self.dials.entry(peer).or_default().push(answer);
            }
            Err(error) => {
                let _ = answer.send(Err(explain(key, &error)));
            }
        }
    }

    pub(super) fn dial_kept(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        if let Err(error) = self.call(peer, addresses) {
            tracing::debug!(%peer, %error, "a kept peer could not be called");
        }
    }

    pub(super) fn dial_failed(&mut self, peer: PeerId, error: &SwarmDialError) {
        tracing::debug!(%peer, %error, "a peer could not be reached");
        // One address failed while another works, or the peer called us meanwhile.
        if self.links.contains_key(&peer) {
            return;
        }
        if let Some(key) = PeerKey::from_peer_id(&peer) {
            self.answer_dials(peer, &Err(explain(key, error)));
        }
    }

    /// A double dial can lose the message that tells the topics (gossipsub sends it on the first connection only, and
    /// that one may be the one that is closed). Such a peer is connected and deaf: disconnect, and call again.
    pub(super) fn bounce_mute_peers(&mut self, now: Instant) {
        // Who has no topics hears none, and learns nothing from it.
        if self.topics.is_empty() {
            return;
        }
        let grace = self.limits.subscription_grace;
        let mute = self.links.iter().filter(|(_, link)| link.is_mute(grace, now));
        let mute: Vec<(PeerId, Vec<Multiaddr>)> = mute.map(|(peer, link)| (*peer, callable(link))).collect();
        for (peer, addresses) in mute {
            if !self.bounced.bounce(peer, self.limits.subscription_cooldown, now) {
                continue;
            }
            tracing::info!(%peer, "connected but without topics: reconnecting");
            self.counters.subscription_bounces.add();
            let _ = self.swarm.disconnect_peer_id(peer);
            if !addresses.is_empty() {
                let pause = self.limits.redial_first;
                self.resolving.push(Box::pin(async move {
                    tokio::time::sleep(pause).await;
                    (peer, addresses)
                }));
            }
        }
    }

    fn call(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) -> Result<(), SwarmDialError> {
        let condition = PeerCondition::DisconnectedAndNotDialing;
        self.swarm.dial(DialOpts::peer_id(peer).condition(condition).addresses(addresses).build())
    }

    fn answer_dials(&mut self, peer: PeerId, outcome: &Result<(), DialError>) {
        for answer in self.dials.remove(&peer).into_iter().flatten() {
            let _ = answer.send(outcome.clone());
        }
    }

    /// Those whose callers no longer wait.
    fn drop_lost_dials(&mut self) {
        self.dials.retain(|_, answers| {
            answers.retain(|answer| !answer.is_closed());
            !answers.is_empty()
        });
    }
}

/// Addresses that we called; one that called us did so from a port where nobody listens.
fn callable(link: &Link) -> Vec<Multiaddr> {
    match link.direction {
        Direction::Outgoing => link.connections.iter().map(|(_, address)| address.clone()).collect(),
        Direction::Incoming => Vec::new(),
    }
}

fn explain(peer: PeerKey, error: &SwarmDialError) -> DialError {
    match error {
        SwarmDialError::LocalPeerId { .. } => DialError::Myself { peer },
        SwarmDialError::NoAddresses => DialError::NoAddress { peer },
        SwarmDialError::WrongPeerId { .. } => DialError::WrongPeer { peer },
        SwarmDialError::Denied { cause } if cause.downcast_ref::<allow_block_list::Blocked>().is_some() => {
            DialError::Blocked { peer }
        }
        SwarmDialError::Denied { cause } => match cause.downcast_ref::<connection_limits::Exceeded>() {
            Some(limit) => DialError::Limit { peer, limit: limit.to_string() },
            None => DialError::Limit { peer, limit: root(cause) },
        },
        SwarmDialError::DialPeerConditionFalse(_) | SwarmDialError::Aborted => {
            DialError::Unreachable { peer, detail: "the call was broken off".to_owned() }
        }
        SwarmDialError::Transport(failures) => {
            let each = failures.iter().map(|(address, failure)| format!("{address}: {}", root(failure)));
            DialError::Unreachable { peer, detail: each.take(DETAIL_MAX).collect::<Vec<_>>().join("; ") }
        }
    }
}

/// The innermost reason; libp2p's outer ones are names of layers.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Addresses that an error tells about.
const DETAIL_MAX: usize = 3;
