//! Which addresses a stranger may send us to: those of the whole internet, and nothing inside of anybody's network.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

/// An address that was checked. Only it is connected to, so that no name is looked up between check and connection (DNS rebinding).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reachable(IpAddr);

impl Reachable {
    /// An address of the whole internet; `None` for all others. An IPv6 address that stands for an IPv4 address is that one.
    pub(crate) fn public(ip: IpAddr) -> Option<Self> {
        is_public(ip).then(|| Self(ip.to_canonical()))
    }

    /// An address of this machine, for nodes that are all on it; `None` for all others.
    pub(crate) fn loopback(ip: IpAddr) -> Option<Self> {
        ip.to_canonical().is_loopback().then(|| Self(ip.to_canonical()))
    }

    /// The address.
    pub(crate) fn ip(self) -> IpAddr {
        self.0
    }

    /// One of its ports.
    pub(crate) fn port(self, port: u16) -> SocketAddr {
        SocketAddr::new(self.0, port)
    }

    /// Connects to exactly this address.
    pub(crate) async fn connect(self, port: u16, within: Duration) -> io::Result<TcpStream> {
        match timeout(within, TcpStream::connect(self.port(port))).await {
            Ok(outcome) => outcome,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// An address of the whole internet, by the IANA registries of special-purpose addresses (RFC 6890 and its updates). What is special is
/// refused as a whole, also the few addresses in it that are global.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !SPECIAL_V4.iter().any(|(net, bits)| in_v4(ip, *net, *bits)),
        // Only 2000::/3 is assigned. NAT64 (64:ff9b::/96, 64:ff9b:1::/48), unique local and link-local addresses are outside of it.
        IpAddr::V6(ip) => {
            in_v6(ip, Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)
                && !SPECIAL_V6.iter().any(|(net, bits)| in_v6(ip, *net, *bits))
        }
    }
}

fn in_v4(ip: Ipv4Addr, net: Ipv4Addr, bits: u32) -> bool {
    (ip.to_bits() ^ net.to_bits()).leading_zeros() >= bits
}

fn in_v6(ip: Ipv6Addr, net: Ipv6Addr, bits: u32) -> bool {
    (ip.to_bits() ^ net.to_bits()).leading_zeros() >= bits
}

const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared by customers of one provider
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local; clouds tell secrets there
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // relays of 6to4
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, broadcast
];
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo and the IPv4 addresses in it
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4 and the IPv4 addresses in it
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn r22_only_addresses_of_the_whole_internet_are_public() {
        for inside in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::10.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "5f00::1",
        ] {
            assert_eq!(Reachable::public(ip(inside)), None, "{inside}");
        }
        for outside in [
            "1.1.1.1",
            "9.255.255.255",
            "100.63.0.1",
            "100.128.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:200::1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert_eq!(Reachable::public(ip(outside)).map(Reachable::ip), Some(ip(outside)), "{outside}");
        }
    }

    #[test]
    fn r22_an_ipv4_address_in_an_ipv6_address_is_no_way_in() {
        for mapped in ["::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"] {
            assert_eq!(Reachable::public(ip(mapped)), None, "{mapped}");
        }
        // NAT64, its local prefix, 6to4, Teredo: somebody's translator might send it inside.
        for embedded in
            ["64:ff9b::10.0.0.1", "64:ff9b::1.1.1.1", "64:ff9b:1::a00:1", "2002:a00:1::1", "2001:0:1::1"]
        {
            assert_eq!(Reachable::public(ip(embedded)), None, "{embedded}");
        }
        assert_eq!(Reachable::public(ip("::ffff:1.1.1.1")).map(Reachable::ip), Some(ip("1.1.1.1")));
    }

    #[test]
    fn loopback_is_its_own_permission() {
        assert!(Reachable::loopback(ip("127.0.0.1")).is_some() && Reachable::loopback(ip("::1")).is_some());
        assert!(
            Reachable::loopback(ip("10.0.0.1")).is_none() && Reachable::loopback(ip("1.1.1.1")).is_none()
        );
    }
}
