//! Where a node can be reached. The two transports that exist here, and nothing else of multiaddr's language.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use essaim_identity::node::NodeAddress;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::key::PeerKey;

/// A host, a port and a transport, written as a multiaddr: `/ip4/192.0.2.7/udp/4001/quic-v1`, `/dns/hoster.example/tcp/4001`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    host: Host,
    port: u16,
    transport: Transport,
}

/// How bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// QUIC over UDP, TLS 1.3.
    Quic,
    /// TCP with Noise and yamux, for networks that stop UDP.
    Tcp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Host {
    Ip(IpAddr),
    Name(String),
}

/// An address and the node that must be found there: `/dns/hoster.example/udp/4001/quic-v1/p2p/12D3KooW..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerAddress {
    /// Who.
    pub peer: PeerKey,
    /// Where.
    pub address: Address,
}

/// Text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not of the form that is understood here.
    #[error("{0:?} is not an address of a node; write for example \"/dns/hoster.example/udp/4001/quic-v1\"")]
    Form(String),
    /// It does not say which node is there.
    #[error("{0:?} does not say which node it is; it must end in \"/p2p/12D3KooW..\"")]
    WithoutPeer(String),
}

impl Address {
    /// QUIC at this socket.
    pub fn quic(socket: SocketAddr) -> Self {
        Self { host: Host::Ip(socket.ip()), port: socket.port(), transport: Transport::Quic }
    }

    /// TCP at this socket.
    pub fn tcp(socket: SocketAddr) -> Self {
        Self { host: Host::Ip(socket.ip()), port: socket.port(), transport: Transport::Tcp }
    }

    /// The transport.
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The host as an IP address; `None` for a name.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self.host {
            Host::Ip(ip) => Some(ip),
            Host::Name(_) => None,
        }
    }

    /// The host as a name; `None` for an IP address.
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Ip(_) => None,
            Host::Name(name) => Some(name),
        }
    }

    /// The same port and transport at an IP address.
    #[must_use]
    pub const fn at(&self, ip: IpAddr) -> Self {
        Self { host: Host::Ip(ip), port: self.port, transport: self.transport }
    }

    /// As identity records carry it; `None` for a name that is too long for them.
    pub fn to_node_address(&self) -> Option<NodeAddress> {
        NodeAddress::new(&self.to_string().parse::<Multiaddr>().ok()?.to_vec())
    }

    /// From an identity record. `None` for what cannot be dialled from here.
    pub fn from_node_address(address: &NodeAddress) -> Option<Self> {
        let address = Multiaddr::try_from(address.as_bytes().to_vec()).ok()?;
        parse(&address).filter(|(_, peer)| peer.is_none()).map(|(address, _)| address)
    }

    /// The address in numbers, at most `limit` of them. Names are asked of the system's resolver.
    pub(crate) async fn resolve(&self, limit: usize) -> Vec<Multiaddr> {
        let at = |ip| multiaddr(SocketAddr::new(ip, self.port), self.transport);
        match &self.host {
            Host::Ip(ip) => vec![at(*ip)],
            Host::Name(name) => match tokio::net::lookup_host((name.as_str(), self.port)).await {
                Ok(found) => found.take(limit).map(|socket| at(socket.ip())).collect(),
                Err(_) => Vec::new(),
            },
        }
    }

    /// `None` for anything but these two transports over IP.
    pub(crate) fn from_multiaddr(address: &Multiaddr) -> Option<Self> {
        Some(parse(address)?.0)
    }
}

/// All of them in numbers, at most `limit`. One name that does not answer does not hold the others up for long.
pub(crate) async fn resolve_all(addresses: &[Address], limit: usize) -> Vec<Multiaddr> {
    let each = addresses.iter().take(limit).map(|address| async move {
        tokio::time::timeout(RESOLVE_WAIT, address.resolve(limit)).await.unwrap_or_default()
    });
    let mut found: Vec<_> = futures::future::join_all(each).await.into_iter().flatten().collect();
    found.truncate(limit);
    found
}

/// What libp2p listens on and dials.
pub(crate) fn multiaddr(socket: SocketAddr, transport: Transport) -> Multiaddr {
    let ip = Multiaddr::from(socket.ip());
    match transport {
        Transport::Quic => ip.with(Protocol::Udp(socket.port())).with(Protocol::QuicV1),
        Transport::Tcp => ip.with(Protocol::Tcp(socket.port())),
    }
}

/// The IP address that this begins with.
pub(crate) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

fn parse(address: &Multiaddr) -> Option<(Address, Option<PeerKey>)> {
    let mut parts = address.iter();
    let host = match parts.next()? {
        Protocol::Ip4(ip) => Host::Ip(ip.into()),
        Protocol::Ip6(ip) => Host::Ip(ip.into()),
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) if is_name(&name) => {
            Host::Name(name.into_owned())
        }
        _ => return None,
    };
    let (port, transport) = match parts.next()? {
        Protocol::Tcp(port) => (port, Transport::Tcp),
        Protocol::Udp(port) if parts.next()? == Protocol::QuicV1 => (port, Transport::Quic),
        _ => return None,
    };
    let peer = match parts.next() {
        None => None,
        Some(Protocol::P2p(id)) if parts.next().is_none() => Some(PeerKey::from_peer_id(&id)?),
        Some(_) => return None,
    };
    Some((Address { host, port, transport }, peer))
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

fn read(text: &str) -> Result<(Address, Option<PeerKey>), AddressError> {
    let wrong = || AddressError::Form(text.chars().take(TEXT_MAX).collect());
    if text.len() > TEXT_MAX {
        return Err(wrong());
    }
    text.parse().ok().as_ref().and_then(parse).ok_or_else(wrong)
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match read(text)? {
            (address, None) => Ok(address),
            (_, Some(_)) => Err(AddressError::Form(text.to_owned())),
        }
    }
}

impl FromStr for PeerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match read(text)? {
            (address, Some(peer)) => Ok(Self { peer, address }),
            (_, None) => Err(AddressError::WithoutPeer(text.to_owned())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V4(ip)) => write!(f, "/ip4/{ip}")?,
            Host::Ip(IpAddr::V6(ip)) => write!(f, "/ip6/{ip}")?,
            Host::Name(name) => write!(f, "/dns/{name}")?,
        }
        match self.transport {
            Transport::Quic => write!(f, "/udp/{}/quic-v1", self.port),
            Transport::Tcp => write!(f, "/tcp/{}", self.port),
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/p2p/{}", self.address, self.peer)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for PeerAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PeerAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How long a name may take to be found.
const RESOLVE_WAIT: std::time::Duration = std::time::Duration::from_secs(5);
/// Bytes of a domain name, RFC 1035 section 2.3.4.
const NAME_MAX: usize = 253;
/// Characters of an address with its node.
const TEXT_MAX: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::secret;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        let known = [
            "/ip4/192.0.2.7/udp/4001/quic-v1",
            "/ip6/2001:db8::7/tcp/4001",
            "/dns/hoster.example/udp/4001/quic-v1",
        ];
        for text in known {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(text.to_owned()));
        }
        let peer = secret(1).public();
        let text = format!("{}/p2p/{peer}", known[2]);
        assert_eq!(text.parse::<PeerAddress>().map(|address| address.to_string()), Ok(text));
    }

    #[tokio::test]
    async fn addresses_per_peer_bounds_what_is_resolved() {
        let address: Address = "/ip4/192.0.2.7/tcp/1".parse().unwrap();
        let many = vec![address; 100];
        assert_eq!(resolve_all(&many, 8).await.len(), 8);
        let name: Address = "/dns/localhost/tcp/1".parse().unwrap();
        let found = resolve_all(&[name], 8).await;
        assert!(found.iter().all(|address| ip_of(address).unwrap().is_loopback()), "{found:?}");
    }

    #[test]
    fn addresses_pass_through_identity_records() {
        let address: Address = "/dns/hoster.example/udp/4001/quic-v1".parse().unwrap();
        let record = address.to_node_address().unwrap();
        assert_eq!(Address::from_node_address(&record), Some(address));
        let nonsense = NodeAddress::new(&[0xff; 128]).unwrap();
        assert_eq!(Address::from_node_address(&nonsense), None);
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        let peer = secret(1).public();
        for text in [
            "",
            "/ip4/192.0.2.7/udp/4001",
            "/ip4/192.0.2.7/udp/4001/quic",
            "/ip4/192.0.2.7/tcp/4001/ws",
            "/ip4/192.0.2.7/tcp/4001/tcp/4001",
            "/dns/host er/tcp/4001",
            "/memory/7",
            "192.0.2.7:4001",
            &format!("/ip4/192.0.2.7/tcp/4001/p2p/{peer}/p2p-circuit"),
            &"/ip4/192.0.2.7".repeat(10_000),
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
            assert!(text.parse::<PeerAddress>().is_err(), "{text}");
        }
        assert!(matches!(
            "/ip4/192.0.2.7/tcp/4001".parse::<PeerAddress>(),
            Err(AddressError::WithoutPeer(_))
        ));
    }
}
