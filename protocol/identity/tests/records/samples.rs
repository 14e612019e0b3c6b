//! One hoster, its node, and what they sign.

use essaim_identity::domain::Card;
use essaim_identity::invitation::{Invitation, InvitationLink};
use essaim_identity::keyring::{ActorId, Draft, Role, Roles};
use essaim_identity::node::{NodeAddress, NodeClaim};
use essaim_identity::{Keyring, SigningKey};
use essaim_types::{Domain, Timestamp};

/// 2026-03-01T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp(1_772_366_400_000);

pub(crate) fn root() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

pub(crate) fn node() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

pub(crate) fn domain() -> Domain {
    "coop.example".parse().unwrap()
}

/// One root key, one node.
pub(crate) fn keyring() -> Keyring {
    let roles = Roles::of(&[Role::Beat, Role::Node]).unwrap();
    let mut genesis = Draft::genesis([root().public()].into(), 1)
        .domain(Some(domain()))
        .operator(node().public(), roles, ActorId([7; 16]))
        .propose_genesis()
        .unwrap();
    genesis.sign(&root()).unwrap();
    Keyring::found(genesis.verify().unwrap()).unwrap()
}

pub(crate) fn claim() -> NodeClaim {
    let keyring = keyring();
    // /ip4/203.0.113.5/udp/4001/quic-v1 and /dns4/coop.example/tcp/4001
    let quic = [4, 203, 0, 113, 5, 0x91, 0x02, 0x0f, 0xa1, 0xcd, 0x03];
    let tcp = [&[54, 12], b"coop.example".as_slice(), &[6, 0x0f, 0xa1]].concat();
    NodeClaim {
        listing: keyring.listing(),
        head: keyring.head_hash(),
        key: node().public(),
        addresses: vec![NodeAddress::new(&quic).unwrap(), NodeAddress::new(&tcp).unwrap()],
    }
}

pub(crate) fn invitation() -> Invitation {
    Invitation {
        node: claim(),
        seeds: vec!["voisins.example".parse().unwrap()],
        nonce: [9; 16],
        expires: Timestamp(NOW.0 + 24 * 3_600_000),
    }
}

pub(crate) fn link() -> InvitationLink {
    InvitationLink::sign(domain(), None, &invitation(), &node()).unwrap()
}

pub(crate) fn card() -> Card {
    Card { domain: domain(), node: claim(), issued: NOW }
}
