//! How many connections come from where.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The connections that are open from each network, over all listeners. As large as the number of connections, which is bounded.
#[derive(Debug)]
pub(crate) struct Crowd {
    per_network: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Seat {
    crowd: Arc<Crowd>,
    network: IpAddr,
}

impl Crowd {
    pub(crate) fn new(per_network: usize) -> Arc<Self> {
        Arc::new(Self { per_network, open: Mutex::default() })
    }

    /// A place for a connection from this address; `None` if its network has enough.
    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        let network = network(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(network).or_default();
        if *count >= self.per_network {
            return None;
        }
        *count += 1;
        Some(Seat { crowd: Arc::clone(self), network })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.crowd.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.network);
            }
        }
    }
}

/// An IPv4 address, or the /64 that one subscriber has.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(peer) => {
            let [a, b, c, d, ..] = peer.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        peer => peer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_gets_so_many_places_and_no_more() {
        let crowd = Crowd::new(2);
        let first = crowd.enter(ip("2001:db8::1")).unwrap();
        let _second = crowd.enter(ip("2001:db8::2")).unwrap();
        assert!(crowd.enter(ip("2001:db8::3")).is_none());
        assert!(crowd.enter(ip("2001:db8:0:1::1")).is_some());
        drop(first);
        assert!(crowd.enter(ip("2001:db8::3")).is_some());
    }

    #[test]
    fn an_address_is_the_same_in_both_spellings() {
        let crowd = Crowd::new(1);
        let _seat = crowd.enter(ip("192.0.2.1")).unwrap();
        assert!(crowd.enter(ip("::ffff:192.0.2.1")).is_none());
    }

    #[test]
    fn nothing_is_kept_of_those_who_left() {
        let crowd = Crowd::new(1);
        drop(crowd.enter(ip("192.0.2.1")));
        assert!(crowd.open.lock().unwrap().is_empty());
    }
}
