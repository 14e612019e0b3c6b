//! The bulk connections there are, by peer, and the peers that may have none.

use std::collections::{HashMap, VecDeque};

use quinn::Connection;

use super::{CODE_UNWANTED, tls};
use crate::key::PeerKey;
use crate::limits::Limits;

/// At most `Limits::bulk_connections`; at most `Limits::blocked_peers` blocked.
#[derive(Debug)]
pub(super) struct Registry {
    total: usize,
    per_peer: usize,
    blocked_max: usize,
    connections: HashMap<usize, (PeerKey, Connection)>,
    blocked: VecDeque<PeerKey>,
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
            connections: HashMap::new(),
            blocked: VecDeque::new(),
        }
    }

    /// Takes a connection in, under the key that the other side proved.
    pub(super) fn admit(&mut self, connection: &Connection) -> Result<PeerKey, NotAdmitted> {
        let peer = tls::peer_of(connection).ok_or(NotAdmitted::Unknown)?;
        self.may_have_another(peer)?;
        self.connections.insert(connection.stable_id(), (peer, connection.clone()));
        Ok(peer)
    }

    /// Before the handshake, where the peer is known already.
    pub(super) fn may_have_another(&self, peer: PeerKey) -> Result<(), NotAdmitted> {
        if self.is_blocked(peer) {
            return Err(NotAdmitted::Blocked);
        }
        let theirs = self.connections.values().filter(|(known, _)| *known == peer).count();
        if self.connections.len() >= self.total || theirs >= self.per_peer {
            return Err(NotAdmitted::Full);
        }
        Ok(())
    }

    pub(super) fn forget(&mut self, connection: &Connection) {
        self.connections.remove(&connection.stable_id());
    }

    /// One that is open.
    pub(super) fn of(&self, peer: PeerKey) -> Option<Connection> {
        let theirs = self.connections.values().filter(|(known, _)| *known == peer);
        theirs.map(|(_, connection)| connection).find(|known| known.close_reason().is_none()).cloned()
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
        self.connections.retain(|_, (known, connection)| {
            if *known == peer {
                connection.close(CODE_UNWANTED, b"disconnected");
            }
            *known != peer
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::secret;

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
