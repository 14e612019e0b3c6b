//! Which nodes of the directory are called, and where. Rules only.

use std::collections::BTreeMap;

use essaim_identity::PublicKey;
use essaim_network::Address;
use essaim_types::{ListingId, Timestamp};

/// A hoster says that a node is its own, and is here.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) key: PublicKey,
    pub(super) by: ListingId,
    /// Those of its addresses that may be called.
    pub(super) addresses: Vec<Address>,
}

/// Each node once, where anybody says that it is: who names another's node at a place where it is not does not hide it. Each node has an order of
/// its own, so that not all knock at the same door, and another one every hour, so that nobody stays behind others for ever.
pub(super) fn callable(
    claims: impl Iterator<Item = Claim>,
    me: &PublicKey,
    now: Timestamp,
) -> Vec<(PublicKey, Vec<Address>)> {
    let hour = now.seconds().div_euclid(3600).to_be_bytes();
    let rank = |what: &[u8]| *blake3::hash(&[me.as_bytes().as_slice(), &hour, what].concat()).as_bytes();
    let mut nodes: BTreeMap<PublicKey, BTreeMap<[u8; 32], Vec<Address>>> = BTreeMap::new();
    for Claim { key, by, addresses } in claims.filter(|claim| !claim.addresses.is_empty()) {
        nodes.entry(key).or_default().insert(rank(by.as_bytes()), addresses);
    }
    let mut found: Vec<_> = nodes.into_iter().map(|(key, claims)| (key, in_turn(claims))).collect();
    found.sort_by_key(|(key, _)| rank(key.as_bytes()));
    found
}

/// The first address that each tells, then the second, ...
fn in_turn(claims: BTreeMap<[u8; 32], Vec<Address>>) -> Vec<Address> {
    let longest = claims.values().map(Vec::len).max().unwrap_or_default();
    let mut addresses: Vec<Address> = Vec::new();
    for address in (0..longest).flat_map(|at| claims.values().filter_map(move |told| told.get(at))) {
        if addresses.len() < ADDRESSES_MAX && !addresses.contains(address) {
            addresses.push(address.clone());
        }
    }
    addresses
}

/// Addresses of one node that are tried in one call, as many as the network tries.
const ADDRESSES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use essaim_identity::SigningKey;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn key(number: u8) -> PublicKey {
        SigningKey::from_seed(&[number; 32]).public()
    }

    fn address(last: u8, port: u16) -> Address {
        Address::quic(SocketAddr::from(([192, 0, 2, last], port)))
    }

    fn claim(node: u8, by: u8) -> Claim {
        let addresses = vec![address(by, 4001), address(by, 4002), address(by, 4003)];
        Claim { key: key(node), by: ListingId::from_bytes([by; 32]), addresses }
    }

    /// Three strangers that named a node took all calls of a round, and it was put off for ten minutes.
    #[test]
    fn who_names_the_node_of_another_does_not_hide_it() {
        let claims = (1..=6).map(|by| claim(9, by)).chain([claim(8, 7)]);
        let found = callable(claims, &key(1), NOW);
        assert_eq!(found.len(), 2, "each node once");
        let (_, addresses) = found.iter().find(|(node, _)| *node == key(9)).unwrap();
        assert_eq!(addresses.len(), ADDRESSES_MAX);
        for by in 1..=6 {
            assert!(addresses.contains(&address(by, 4001)), "where {by} says");
        }
    }

    #[test]
    fn of_many_each_gets_its_turn() {
        let honest = address(50, 4001);
        let calls = |hour: i64| {
            let claims = (1..=50).map(|by| claim(9, by));
            let found = callable(claims, &key(1), Timestamp(NOW.0 + hour * 3_600_000));
            found[0].1.contains(&honest)
        };
        let often = (0..100).filter(|hour| calls(*hour)).count();
        assert!((5..40).contains(&often), "{often} of 100 hours");
    }

    #[test]
    fn nowhere_is_not_called() {
        let nowhere = Claim { addresses: Vec::new(), ..claim(9, 1) };
        assert!(callable([nowhere].into_iter(), &key(1), NOW).is_empty());
    }
}
