//! Which addresses of nodes are told to others, and which are dialled.

use std::net::SocketAddr;

use essaim_identity::node::NodeAddress;
use essaim_network::Address;

use super::peers::PeerRecord;
use crate::config::Config;
use crate::outside::{Names, is_public};

/// What this node tells others of itself: what the configuration announces; else where it listens; else, if that is every
/// address of the machine, its name. Addresses inside of a hoster's own network are nobody's business.
pub(super) fn told(config: &Config, listening: SocketAddr) -> Vec<Address> {
    if !config.network.announce.is_empty() {
        return config.network.announce.iter().take(super::founding::ADDRESSES_MAX).cloned().collect();
    }
    if !listening.ip().is_unspecified() {
        return vec![Address::quic(listening), Address::tcp(listening)];
    }
    let (name, port) = (config.hoster.hostname(), listening.port());
    let texts = [format!("/dns/{name}/udp/{port}/quic-v1"), format!("/dns/{name}/tcp/{port}")];
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// The same in identity records.
pub(super) fn in_records(addresses: &[Address]) -> Vec<NodeAddress> {
    addresses.iter().filter_map(Address::to_node_address).take(super::founding::ADDRESSES_MAX).collect()
}

/// Of addresses that a stranger tells: those in public, or all of this machine if everybody we know is on it. A listing must not
/// make us knock inside of our own network.
pub(super) fn dialled(addresses: impl IntoIterator<Item = Address>, neighbours: Neighbours) -> Vec<Address> {
    let may = |address: &Address| match address.ip() {
        Some(ip) if ip.is_loopback() => neighbours == Neighbours::OnThisMachine,
        Some(ip) => is_public(ip),
        None => true,
    };
    addresses.into_iter().filter(may).collect()
}

/// The same in numbers. Names are looked up here and once, so that what is called is what was checked: a listing's name may lead inside
/// too. At most [`DIALLED_MAX`].
pub(super) async fn in_numbers(addresses: &[Address], names: &dyn Names) -> Vec<Address> {
    let mut numbers = Vec::new();
    for address in addresses {
        match address.name() {
            Some(name) => {
                let found = names.reachable(name).await.unwrap_or_default();
                numbers.extend(found.into_iter().map(|at| address.at(at.ip())));
            }
            None => numbers.push(address.clone()),
        }
    }
    numbers.truncate(DIALLED_MAX);
    numbers
}

/// Where those are whom this node talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Neighbours {
    /// It listens on loopback, has peers, and all it is connected with are on loopback: a demo, a test, a school.
    OnThisMachine,
    /// The usual thing.
    Anywhere,
}

impl Neighbours {
    /// Of a node that listens on loopback: whom it has chosen, and where those are that are connected. Who is somewhere unknown is not here.
    pub(super) fn of<'a>(
        peers: impl ExactSizeIterator<Item = &'a PeerRecord>,
        mut connected: impl Iterator<Item = Option<&'a Address>>,
    ) -> Self {
        let mut peers = peers;
        let here = peers.len() > 0
            && peers.all(PeerRecord::is_local)
            && connected.all(|address| address.is_some_and(is_loopback));
        if here { Self::OnThisMachine } else { Self::Anywhere }
    }
}

pub(super) fn is_loopback(address: &Address) -> bool {
    address.ip().is_some_and(|ip| ip.is_loopback())
}

/// Addresses of one stranger's node that are called.
const DIALLED_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(ips: &[&str]) -> Vec<Address> {
        ips.iter().map(|ip| Address::quic(SocketAddr::new(ip.parse().unwrap(), 4001))).collect()
    }

    #[test]
    fn r22_strangers_do_not_make_us_knock_inside() {
        let all = addresses(&[
            "127.0.0.1",
            "::1",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "fe80::1",
            "fc00::1",
            "::ffff:10.0.0.1",
            "2001:db8::1",
            "1.1.1.1",
            "2606:4700::1111",
        ]);
        assert_eq!(dialled(all.clone(), Neighbours::Anywhere), addresses(&["1.1.1.1", "2606:4700::1111"]));
        let here = dialled(all, Neighbours::OnThisMachine);
        assert_eq!(here, addresses(&["127.0.0.1", "::1", "1.1.1.1", "2606:4700::1111"]));
    }

    #[tokio::test]
    async fn r22_a_name_in_a_listing_does_not_lead_inside() {
        let table = crate::outside::Table::default();
        table.address("node.coop.example", &["10.0.0.1", "1.1.1.1", "127.0.0.1"]);
        let told =
            ["/dns/node.coop.example/udp/4001/quic-v1", "/dns/absent.example/tcp/4001", "/ip4/1.0.0.1/tcp/9"];
        let told = told.map(|text| text.parse().unwrap());
        let called = in_numbers(&dialled(told, Neighbours::OnThisMachine), &table).await;
        let called: Vec<String> = called.iter().map(ToString::to_string).collect();
        assert_eq!(called, ["/ip4/1.1.1.1/udp/4001/quic-v1", "/ip4/1.0.0.1/tcp/9"]);
    }

    fn peer(at: &str) -> PeerRecord {
        PeerRecord {
            listing: essaim_types::ListingId::from_bytes([7; 32]),
            addresses: addresses(&[at]).iter().map(ToString::to_string).collect(),
            since: essaim_types::Timestamp(0),
            by: crate::federation::Introduction::WeJoined,
        }
    }

    #[test]
    fn local_names_count_only_where_everybody_is_on_this_machine() {
        let (here, there) = (addresses(&["127.0.0.1", "::1"]), addresses(&["192.168.1.7"]));
        let among = |peers: &[PeerRecord], connected: &[Option<&Address>]| {
            Neighbours::of(peers.iter(), connected.iter().copied())
        };
        let (near, far) = (peer("127.0.0.1"), peer("192.168.1.7"));
        let both: Vec<_> = here.iter().map(Some).collect();
        assert_eq!(among(std::slice::from_ref(&near), &both), Neighbours::OnThisMachine);
        assert_eq!(among(std::slice::from_ref(&near), &[]), Neighbours::OnThisMachine);
        assert_eq!(among(&[], &both), Neighbours::Anywhere, "nobody was invited");
        assert_eq!(among(&[near.clone(), far], &both), Neighbours::Anywhere, "a peer is elsewhere");
        assert_eq!(
            among(std::slice::from_ref(&near), &[here.first(), there.first()]),
            Neighbours::Anywhere,
            "somebody called"
        );
        assert_eq!(among(&[near], &[None]), Neighbours::Anywhere, "from who knows where");
    }

    #[test]
    fn a_node_that_listens_everywhere_tells_its_name() {
        let mut config = Config::default();
        config.hoster.hostname = Some("node.coop.example".parse().unwrap());
        let told = |at: &str, config: &Config| {
            told(config, at.parse().unwrap()).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told("[::]:4001", &config)[0], "/dns/node.coop.example/udp/4001/quic-v1");
        assert_eq!(told("127.0.0.1:4009", &config)[1], "/ip4/127.0.0.1/tcp/4009");
        config.network.announce = vec!["/ip4/192.0.2.7/udp/1/quic-v1".parse().unwrap()];
        assert_eq!(told("[::]:4001", &config), ["/ip4/192.0.2.7/udp/1/quic-v1"]);
    }
}
