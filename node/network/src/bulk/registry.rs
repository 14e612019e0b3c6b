//! The bulk connections there are, by peer, and the peers that may have none.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use quinn::Connection;

use super::{CODE_UNWANTED, tls};
use crate::crowd::Hosts;
use crate::key::PeerKey;
use crate::limits::Limits;

/// At most `Limits::bulk_connections`; at most `Limits::blocked_peers` blocked.
#[derive(Debug)]
pub(super) struct Registry {
    total: usize,
    per_peer: usize,
    blocked_max: usize,
    /// Those that others made.
    hosts: Hosts,
    connections: HashMap<usize, Entry>,
    blocked: VecDeque<PeerKey>,
}

#[derive(Debug)]
struct Entry {
    peer: PeerKey,
    connection: Connection,
    /// New streams may be opened on it.
    fresh: bool,
}

/// Why a connection was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotAdmitted {
    /// It did not prove a key, or not one that we can name.
    Unknown,
    Blocked,
    Full,
}

impl Registry {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            total: limits.bulk_connections,
            per_peer: limits.bulk_connections_per_peer,
            blocked_max: limits.blocked_peers,
            hosts: Hosts::new(limits.bulk_connections_per_host),
            connections: HashMap::new(),
            blocked: VecDeque::new(),
        }
    }

    /// Before the handshake, where nothing is known but the address. To be given back with `leave`.
    pub(super) fn enter(&mut self, from: IpAddr) -> Result<(), NotAdmitted> {
        self.hosts.enter(from).map_err(|_| NotAdmitted::Full)
    }

    pub(super) fn leave(&mut self, from: IpAddr) {
        self.hosts.leave(from);
    }

    /// Takes a connection in, under the key that the other side proved.
    pub(super) fn admit(&mut self, connection: &Connection) -> Result<PeerKey, NotAdmitted> {
        let peer = tls::peer_of(connection).ok_or(NotAdmitted::Unknown)?;
        self.may_have_another(peer)?;
        let entry = Entry { peer, connection: connection.clone(), fresh: true };
        self.connections.insert(connection.stable_id(), entry);
        Ok(peer)
    }

    /// Before the handshake, where the peer is known already.
    pub(super) fn may_have_another(&self, peer: PeerKey) -> Result<(), NotAdmitted> {
        if self.is_blocked(peer) {
            return Err(NotAdmitted::Blocked);
        }
        let theirs = self.connections.values().filter(|entry| entry.peer == peer).count();
        if self.connections.len() >= self.total || theirs >= self.per_peer {
            return Err(NotAdmitted::Full);
        }
        Ok(())
    }

    pub(super) fn forget(&mut self, connection: &Connection) {
        self.connections.remove(&connection.stable_id());
    }

    /// One on which streams can be opened.
    pub(super) fn of(&self, peer: PeerKey) -> Option<Connection> {
        let usable =
            |entry: &&Entry| entry.peer == peer && entry.fresh && entry.connection.close_reason().is_none();
        self.connections.values().find(usable).map(|entry| entry.connection.clone())
    }

    /// The swarm has lost the peer. Streams may well go on, but new ones are opened on a new connection: if the peer
    /// has crashed, this one is dead and does not know it yet.
    pub(super) fn retire(&mut self, peer: PeerKey) {
        for entry in self.connections.values_mut().filter(|entry| entry.peer == peer) {
            entry.fresh = false;
        }
    }

    /// No new stream is opened on this connection.
    pub(super) fn retire_one(&mut self, connection: &Connection) {
        if let Some(entry) = self.connections.get_mut(&connection.stable_id()) {
            entry.fresh = false;
        }
    }

    pub(super) fn is_blocked(&self, peer: PeerKey) -> bool {
        self.blocked.contains(&peer)
    }

    pub(super) fn block(&mut self, peer: PeerKey) {
        if !self.is_blocked(peer) {
            self.blocked.push_back(peer);
        }
        if self.blocked.len() > self.blocked_max {
            self.blocked.pop_front();
        }
        self.disconnect(peer);
    }

    pub(super) fn unblock(&mut self, peer: PeerKey) {
        self.blocked.retain(|blocked| *blocked != peer);
    }

    pub(super) fn disconnect(&mut self, peer: PeerKey) {
        self.connections.retain(|_, entry| {
            if entry.peer == peer {
                entry.connection.close(CODE_UNWANTED, b"disconnected");
            }
            entry.peer != peer
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::secret;

    #[test]
    fn bulk_connections_per_host_bounds_one_host_and_leaves_the_others_alone() {
        let mut registry = Registry::new(&Limits { bulk_connections_per_host: 1, ..Limits::default() });
        let ip = |text: &str| text.parse().unwrap();
        assert_eq!(registry.enter(ip("192.0.2.1")), Ok(()));
        assert_eq!(
            registry.enter(ip("::ffff:192.0.2.1")),
            Err(NotAdmitted::Full),
            "the same, through a socket of both"
        );
        assert_eq!(registry.enter(ip("192.0.2.2")), Ok(()));
        registry.leave(ip("192.0.2.1"));
        assert_eq!(registry.enter(ip("192.0.2.1")), Ok(()));
    }

    #[test]
    fn blocked_peers_bounds_the_list_and_the_oldest_goes() {
        let mut registry = Registry::new(&Limits { blocked_peers: 2, ..Limits::default() });
        let peer = |byte| secret(byte).public();
        for byte in [1, 1, 2, 3] {
            registry.block(peer(byte));
        }
        assert!(!registry.is_blocked(peer(1)));
        assert_eq!(registry.may_have_another(peer(3)), Err(NotAdmitted::Blocked));
        registry.unblock(peer(3));
        assert_eq!(registry.may_have_another(peer(3)), Ok(()));
    }
}
