//! A small internet: hosts in network namespaces, and between them a router of this process that delays, loses and cuts.
//!
//! The kernel's own means for that (netem) are not on every machine, so packets go through a TUN device of each host into this
//! process. Addresses look like public ones and names are asked of a DNS server inside: the nodes are told nothing of a test.
//! It needs root; without it, tests say so and do nothing.

mod names;
mod namespace;
mod router;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use essaim_harness::Node;
use essaim_harness::tools::skipped;

pub use self::names::Names;
use self::namespace::Namespace;
use self::router::Router;
use crate::Hoster;

/// How packets fare between any two hosts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// One way.
    pub delay: Duration,
    /// Up to so much more, for each packet anew: packets overtake one another.
    pub jitter: Duration,
    /// Of a thousand packets so many are lost.
    pub lost_per_mille: u32,
}

impl Weather {
    /// As between two houses of one country.
    pub const GOOD: Self =
        Self { delay: Duration::from_millis(15), jitter: Duration::from_millis(2), lost_per_mille: 0 };
    /// A far and poor connection.
    pub const HARSH: Self =
        Self { delay: Duration::from_millis(80), jitter: Duration::from_millis(20), lost_per_mille: 20 };
}

/// Hosts and what is between them. All of it goes when it is dropped; drop hosters first.
#[derive(Debug)]
pub struct Internet {
    hosts: Vec<Namespace>,
    router: Arc<Router>,
    names: Names,
}

impl Internet {
    /// So many hosts, or nothing where namespaces cannot be made: it says why.
    ///
    /// # Panics
    /// If one can be made and the next cannot.
    pub fn with(hosts: u8, weather: Weather) -> Option<Self> {
        if let Err(why) = namespace::possible() {
            skipped(&format!("no network namespaces ({why}); they need root, iproute2 and /dev/net/tun"));
            return None;
        }
        let router = Router::start(weather);
        // The last one is that of the name server.
        let name_server = address(hosts);
        let hosts: Vec<Namespace> = (0..=hosts)
            .map(|number| {
                Namespace::make(number, address(number), name_server, &router).expect("one more host")
            })
            .collect();
        let names = Names::serve(hosts.last().expect("the name server's host"), name_server);
        Some(Self { hosts, router, names })
    }

    /// A hoster on a host of its own, whose domain names it in the DNS.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn hoster(&self, number: u8) -> Hoster {
        let host = &self.hosts[usize::from(number)];
        let domain = format!("h{number}.example");
        let peer = SocketAddr::from((address(number), 4001));
        let node =
            Node::builder().domain(&domain).listening_at("peer", peer).in_namespace(host.name()).prepare();
        let mut hoster = Hoster { domain, node };
        self.names.host(&hoster.domain, address(number));
        hoster.node.restart();
        // What its operator is told to publish names the keys that the first start has made.
        for record in hoster.ask(&["dns"]).as_array().expect("records") {
            if record["type"] == "TXT" {
                let text = record["value"].as_str().expect("a text").trim_matches('"');
                self.names.text(record["name"].as_str().expect("a name"), text);
            }
        }
        // It looks at its own domain when it starts.
        assert!(hoster.node.stop().success());
        hoster.node.restart();
        hoster
    }

    /// A machine on a host of its own that is nobody's node yet.
    pub fn machine(&self, number: u8, domain: &str) -> Node {
        let peer = SocketAddr::from((address(number), 4001));
        let host = self.hosts[usize::from(number)].name();
        Node::builder().domain(domain).listening_at("peer", peer).in_namespace(host).prepare()
    }

    /// Does this on a host: connections made there reach what listens on its loopback, and may be used anywhere afterwards.
    pub fn on<T: Send>(&self, number: u8, work: impl FnOnce() -> T + Send) -> T {
        self.hosts[usize::from(number)].run(|| Ok(work())).expect("a namespace can be entered")
    }

    /// The names that the hosts ask for.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Cuts all links between those below `number` and the others. The name server is on both sides.
    pub fn part(&self, number: u8) {
        let among = |range: std::ops::Range<u8>| range.map(address).collect::<Vec<_>>();
        let last = u8::try_from(self.hosts.len()).expect("few hosts") - 1;
        self.router.part(&among(0..number), &among(number..last));
    }

    /// Mends all links.
    pub fn heal(&self) {
        self.router.heal();
    }

    /// From now on.
    pub fn change(&self, weather: Weather) {
        self.router.change(weather);
    }

    /// Packets delivered, lost by the weather, and stopped by a cut.
    pub fn packets(&self) -> [u64; 3] {
        self.router.packets()
    }
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(100, 200, 0, number + 1)
}
