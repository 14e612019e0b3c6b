//! Who names whose node.

use essaim_directory::{Directory, DomainOutcome, Input, Policy};
use essaim_identity::keyring::{ActorId, Draft, Roles};
use essaim_identity::{Keyring, SigningKey};

use super::*;
use crate::federation::peers::Introduction;
use crate::federation::records;
use crate::vitals::now;

/// A hoster that says that these are its nodes. Nobody asks them.
pub(in crate::federation) fn hoster(domain: &str, nodes: &[&SigningKey]) -> Keyring {
    let root = SigningKey::from_seed(blake3::hash(domain.as_bytes()).as_bytes());
    let mut draft = Draft::genesis([root.public()].into(), 1).domain(Some(domain.parse().unwrap()));
    for (number, node) in (0u8..).zip(nodes) {
        draft = draft.operator(node.public(), Roles::of(&Role::ALL).unwrap(), ActorId([number; 16]));
    }
    let mut genesis = draft.propose_genesis().unwrap();
    genesis.sign(&root).unwrap();
    Keyring::found(genesis.verify().unwrap()).unwrap()
}

/// These hosters, all proven.
pub(in crate::federation) fn directory(hosters: &[&Keyring], now: Timestamp) -> Directory {
    let mut directory = Directory::new(Policy::default(), [0; 32]);
    for (number, keyring) in (0..).zip(hosters) {
        let from = SigningKey::from_seed(&[200; 32]).public();
        for bytes in records(keyring) {
            directory.handle(now, Input::Gossip { from, ticket: number, bytes });
        }
        let domain = keyring.domain().unwrap().clone();
        let outcome = DomainOutcome::Proven;
        directory.handle(now, Input::DomainChecked { listing: keyring.listing(), domain, outcome });
    }
    directory
}

/// What is made of them; those in `peers` are peers by their first node.
fn table(hosters: &[&Keyring], peers: &[(&SigningKey, &Keyring)]) -> Correspondents {
    let now = now();
    let directory = directory(hosters, now);
    let record = |keyring: &Keyring| PeerRecord {
        listing: keyring.listing(),
        addresses: Vec::new(),
        since: now,
        by: Introduction::WeJoined,
    };
    let peers = peers.iter().map(|(key, keyring)| (key.public(), record(keyring))).collect();
    let known = Known { peers: &peers, local: &BTreeSet::new(), neighbours: Neighbours::Anywhere };
    Correspondents::of(&directory, known, now)
}

fn domains(of: Result<&[Arc<Correspondent>], Unfit>) -> Vec<&str> {
    of.unwrap().iter().map(|hoster| hoster.domain.as_str()).collect()
}

/// A trusted hoster named another's key as its node, and the other's mail was refused: the key led to whoever was looked at last.
#[test]
fn who_names_the_node_of_another_takes_nothing_from_it() {
    let (node, own) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
    let honest = hoster("honest.test", &[&node]);
    for thief in ["a.test", "b.test", "c.test", "d.test"] {
        let thief = hoster(thief, &[&own, &node]);
        let table = table(&[&honest, &thief], &[(&node, &honest), (&own, &thief)]);
        let named = table.of_node(&node.public()).unwrap();
        let sender = "alice@honest.test".parse().unwrap();
        let speaking: Vec<_> = named.iter().filter(|hoster| hoster.may_send_as(Some(&sender))).collect();
        assert_eq!(speaking.len(), 1, "it speaks for its own hoster");
        assert_eq!(speaking[0].listing, honest.listing());
        assert_eq!(named.len(), 2, "and for who says that it may");
        assert_eq!(domains(table.of_node(&own.public())), [thief.domain().unwrap().as_str()]);
    }
}

#[test]
fn who_is_not_exchanged_mail_with_takes_nothing_by_naming_a_node() {
    let (node, own) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
    let honest = hoster("honest.test", &[&node]);
    for stranger in ["a.test", "b.test", "c.test", "d.test"] {
        let stranger = hoster(stranger, &[&own, &node]);
        let table = table(&[&stranger, &honest], &[(&node, &honest)]);
        assert_eq!(domains(table.of_node(&node.public())), ["honest.test"]);
        assert_eq!(table.of_node(&own.public()), Err(Unfit::Untrusted));
    }
    // Two that claim one domain take nothing from a third.
    let (one, two) = (hoster("x.test", &[&own]), hoster("x.test", &[&own, &node]));
    assert_ne!(one.listing(), two.listing());
    let table = table(&[&one, &two, &honest], &[(&node, &honest), (&own, &one)]);
    assert_eq!(domains(table.of_node(&node.public())), ["honest.test"]);
}

#[test]
fn of_several_reasons_the_one_that_can_be_mended_is_told() {
    let mut table = Correspondents::default();
    let key = SigningKey::from_seed(&[1; 32]).public();
    assert_eq!(table.of_node(&key), Err(Unfit::Stranger));
    for (why, told) in [(Unfit::Unproven, Unfit::Unproven), (Unfit::Hidden, Unfit::Unproven)] {
        table.unfit(key, why);
        assert_eq!(table.of_node(&key), Err(told));
    }
    table.unfit(key, Unfit::Untrusted);
    assert_eq!(table.of_node(&key), Err(Unfit::Untrusted));
}
