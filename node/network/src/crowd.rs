//! Connections for each host: one machine of a stranger's cannot take the places of everybody else.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::task::{Context, Poll};

use libp2p::PeerId;
use libp2p::core::transport::PortUse;
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm, dummy,
};

use crate::address::ip_of;

/// Places taken by each host. This machine's own connections are not counted.
#[derive(Debug)]
pub(crate) struct Hosts {
    limit: u32,
    taken: HashMap<IpAddr, u32>,
}

/// Why a connection was denied.
#[derive(Debug)]
pub(crate) struct TooMany {
    limit: u32,
}

impl Hosts {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, taken: HashMap::new() }
    }

    /// To be given back with `leave`.
    pub(crate) fn enter(&mut self, from: IpAddr) -> Result<(), TooMany> {
        let host = network_of(from);
        if host.is_loopback() {
            return Ok(());
        }
        let taken = self.taken.get(&host).copied().unwrap_or_default();
        if taken >= self.limit {
            return Err(TooMany { limit: self.limit });
        }
        self.taken.insert(host, taken + 1);
        Ok(())
    }

    pub(crate) fn leave(&mut self, from: IpAddr) {
        let host = network_of(from);
        match self.taken.get_mut(&host) {
            Some(taken) if *taken > 1 => *taken -= 1,
            Some(_) => drop(self.taken.remove(&host)),
            None => {}
        }
    }
}

/// Counts what others open in the swarm, from the first packet until it is closed.
#[derive(Debug)]
pub(crate) struct Behaviour {
    hosts: Hosts,
    connections: HashMap<ConnectionId, IpAddr>,
}

impl Behaviour {
    pub(crate) fn new(limit: u32) -> Self {
        Self { hosts: Hosts::new(limit), connections: HashMap::new() }
    }

    fn admit(&mut self, id: ConnectionId, from: IpAddr) -> Result<(), TooMany> {
        self.hosts.enter(from)?;
        self.connections.insert(id, from);
        Ok(())
    }

    fn forget(&mut self, id: ConnectionId) {
        if let Some(host) = self.connections.remove(&id) {
            self.hosts.leave(host);
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        from: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        ip_of(from).map_or(Ok(()), |ip| self.admit(id, ip).map_err(ConnectionDenied::new))
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.forget(closed.connection_id),
            FromSwarm::ListenFailure(failure) => self.forget(failure.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

/// An IPv4 address, or the /64 that one IPv6 customer has.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) if !ip.is_loopback() => Ipv6Addr::from(u128::from(ip) & !u128::from(u64::MAX)).into(),
        ip => ip,
    }
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} connections from one host", self.limit)
    }
}

impl std::error::Error for TooMany {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(crowd: &mut Behaviour, id: usize, from: &str) -> bool {
        let from = from.parse().unwrap();
        let here = "/ip4/198.51.100.1/tcp/4001".parse().unwrap();
        let id = ConnectionId::new_unchecked(id);
        crowd.handle_pending_inbound_connection(id, &here, &from).is_ok()
    }

    #[test]
    fn connections_per_host_bounds_one_host_and_leaves_the_others_alone() {
        let mut crowd = Behaviour::new(2);
        assert!(pending(&mut crowd, 1, "/ip4/192.0.2.1/tcp/1"));
        assert!(pending(&mut crowd, 2, "/ip4/192.0.2.1/udp/2/quic-v1"));
        assert!(!pending(&mut crowd, 3, "/ip4/192.0.2.1/tcp/3"));
        assert!(pending(&mut crowd, 4, "/ip4/192.0.2.2/tcp/1"));
        crowd.forget(ConnectionId::new_unchecked(1));
        crowd.forget(ConnectionId::new_unchecked(1));
        assert!(pending(&mut crowd, 5, "/ip4/192.0.2.1/tcp/5"));
        assert!(!pending(&mut crowd, 6, "/ip4/192.0.2.1/tcp/6"));
    }

    #[test]
    fn an_ipv6_customer_is_one_host() {
        let mut crowd = Behaviour::new(1);
        assert!(pending(&mut crowd, 1, "/ip6/2001:db8::1/tcp/1"));
        assert!(!pending(&mut crowd, 2, "/ip6/2001:db8::ffff:0:1/tcp/1"));
        assert!(pending(&mut crowd, 3, "/ip6/2001:db8:0:1::1/tcp/1"));
    }

    #[test]
    fn this_machine_is_not_counted_and_nothing_stays_behind() {
        let mut crowd = Behaviour::new(1);
        for id in 0..10 {
            assert!(pending(&mut crowd, id, "/ip4/127.0.0.1/tcp/1"));
            assert!(pending(&mut crowd, 100 + id, "/ip6/::1/tcp/1"));
        }
        assert!(pending(&mut crowd, 200, "/ip4/192.0.2.1/tcp/1"));
        crowd.forget(ConnectionId::new_unchecked(200));
        for id in 0..10 {
            crowd.forget(ConnectionId::new_unchecked(id));
            crowd.forget(ConnectionId::new_unchecked(100 + id));
        }
        assert!(crowd.hosts.taken.is_empty() && crowd.connections.is_empty());
    }
}
