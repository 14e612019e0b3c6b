//! R5 to R9: contradictions, stolen keys, disputed keyrings, farewells, replays.

use std::collections::BTreeSet;

use essaim_directory::envelope::DocumentKind::Profile;
use essaim_directory::refusal::Verdict;
use essaim_directory::{Alert, Directory, Origin, Output, Policy};
use essaim_identity::keyring::Cut;
use essaim_identity::{Cosigning, SigningKey};
use essaim_types::ListingId;

use crate::feed::{feed, records_in, settled};
use crate::net::{Keys, Net, key, sets};

/// A node's data directory copied to a second machine: the same key writes twice.
pub(crate) fn twin(net: &Net, at: usize, name: &str) -> Directory {
    let mut twin = Directory::load(Policy::default(), [9; 32], net.nodes[at].disk(), net.now);
    twin.adopt(net.now, net.nodes[at].keys.id(), key(name), Origin::Existing);
    twin.trust_own_copy();
    twin
}

#[test]
fn r5_a_fork_ends_the_same_in_every_order_of_arrival() {
    let mut net = Net::started(&["a"]);
    let id = net.nodes[0].keys.id();
    let mut twin = twin(&net, 0, "a");
    let mut records = net.nodes[0].core.hoster(id).unwrap().records();
    for (name, other) in [("one", "other"), ("one more", "another")] {
        records.extend(records_in(&net.nodes[0].core.edit(net.now, &sets(&[("name", name)])).unwrap()));
        records.extend(records_in(&twin.edit(net.now, &sets(&[("name", other)])).unwrap()));
    }
    assert_eq!(records.len(), 6);
    let mut ends = BTreeSet::new();
    for order in permutations(records.len()) {
        let records: Vec<Vec<u8>> = order.iter().map(|at| records[*at].clone()).collect();
        let core = feed(net.now, id, &records);
        let hoster = core.hoster(id).unwrap();
        assert!(hoster.log(Profile).is_forked(), "{order:?}");
        ends.insert((*hoster.digest(), hoster.listing().name.clone()));
    }
    assert_eq!(ends.len(), 1);
    assert_eq!(ends.first().unwrap().1.as_deref(), Some("a"));
}

#[test]
fn r5_a_fork_is_proven_to_everybody_and_healed_by_the_next_epoch() {
    let mut net = Net::started(&["a", "b", "c"]);
    let id = net.nodes[0].keys.id();
    let mut twin = twin(&net, 0, "a");
    let other = records_in(&twin.edit(net.now, &sets(&[("name", "other")])).unwrap());
    net.edit(0, &[("name", "one")]);
    assert_eq!(net.gossip(0, 1, &other[0]), Verdict::Accept);
    for node in &net.nodes {
        assert!(matches!(node.alerts.last(), Some(Alert::Fork(place)) if place.listing == id));
        assert_eq!(node.core.hoster(id).unwrap().listing().name.as_deref(), Some("a"));
    }
    assert_eq!(net.digests(id).len(), 1);
    net.edit(0, &[("name", "healed")]);
    assert_eq!(net.digests(id).len(), 1);
    assert!(net.nodes.iter().all(|node| !node.core.hoster(id).unwrap().log(Profile).is_forked()));
    assert!(net.shown(2).contains(&"healed".to_owned()));
}

#[test]
fn two_operators_edit_at_the_same_time_and_nothing_is_lost() {
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    let mut second = twin(&net, 0, "a second");
    let mut records =
        records_in(&net.nodes[0].core.edit(net.now, &sets(&[("description.fr", "Bonjour")])).unwrap());
    records.extend(records_in(&second.edit(net.now, &sets(&[("description.nl", "Hallo")])).unwrap()));
    for record in &records {
        net.gossip(0, 1, record);
    }
    let listing = net.nodes[1].core.hoster(id).unwrap().listing();
    assert_eq!(listing.descriptions.len(), 2);
    assert!(!net.nodes[1].core.hoster(id).unwrap().log(Profile).is_forked());
}

#[test]
fn edits_that_a_new_epoch_does_not_know_are_written_again() {
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    let mut second = twin(&net, 0, "a second");
    // The second operator writes until a new epoch begins, without having seen what the first writes meanwhile.
    let mut theirs = Vec::new();
    for round in 0..40 {
        let out = second.edit(net.now, &sets(&[("description.nl", &format!("Hallo {round}"))])).unwrap();
        theirs.extend(records_in(&out));
    }
    let ours = net.nodes[0].core.edit(net.now, &sets(&[("description.fr", "Bonjour")])).unwrap();
    net.work(0, ours);
    net.run();
    assert!(second.hoster(id).unwrap().log(Profile).top().unwrap().epoch.number >= 1);
    // By comparison, for gossip has a pace.
    let peer = key("peer").public();
    crate::feed::page(&mut net.nodes[0].core, net.now, peer, id, &theirs)
        .into_iter()
        .for_each(|out| net.work(0, vec![out]));
    net.run();
    let listing = net.nodes[0].core.hoster(id).unwrap().listing();
    assert_eq!(listing.descriptions.get("fr"), Some("Bonjour"));
    assert_eq!(listing.descriptions.get("nl"), Some("Hallo 39"));
}

#[test]
fn r7_what_a_stolen_key_wrote_after_its_cut_is_void_in_every_order() {
    let net = Net::started(&["a"]);
    let id = net.nodes[0].keys.id();
    let mut thief = twin(&net, 0, "a second");
    let before = net.nodes[0].core.hoster(id).unwrap().records();
    let honest = records_in(&thief.edit(net.now, &sets(&[("energy", "renewable")])).unwrap());
    let stolen = records_in(&thief.edit(net.now, &sets(&[("name", "hacked")])).unwrap());
    let later = records_in(&thief.edit(net.now, &sets(&[("name", "hacked more")])).unwrap());
    let cut = last_of(&honest[0]);
    let second = net.nodes[0].keys.second.public();
    let entry = net.nodes[0].keys.next(|draft| draft.revoke(second, cut));
    let revocation = essaim_directory::wire::keyring(id, &entry.to_wire());
    let news = [honest[0].clone(), stolen[0].clone(), later[0].clone(), revocation];
    let mut ends = BTreeSet::new();
    for order in permutations(news.len()) {
        let records: Vec<Vec<u8>> =
            before.iter().cloned().chain(order.iter().map(|at| news[*at].clone())).collect();
        let core = feed(net.now, id, &records);
        let hoster = core.hoster(id).unwrap();
        assert_eq!(hoster.listing().name.as_deref(), Some("a"), "{order:?}");
        assert_eq!(hoster.listing().energy.as_deref(), Some("renewable"), "{order:?}");
        ends.insert(*hoster.digest());
    }
    assert_eq!(ends.len(), 1);
}

#[test]
fn r7_an_epoch_of_any_number_by_a_stolen_key_ends_with_the_next_keyring() {
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    let mut thief = twin(&net, 0, "a second");
    for round in 0..80 {
        let out = thief.edit(net.now, &sets(&[("name", &format!("hacked {round}"))])).unwrap();
        let peer = key("peer").public();
        let out: Vec<Output> =
            crate::feed::page(&mut net.nodes[1].core, net.now, peer, id, &records_in(&out));
        net.work(1, out);
        net.run();
    }
    assert!(net.shown(1).contains(&"hacked 79".to_owned()));
    let second = net.nodes[0].keys.second.public();
    let entry = net.nodes[0].keys.next(|draft| draft.revoke(second, Cut::NOTHING));
    net.nodes[0].keys.keyring.accept(entry.clone()).unwrap();
    let out = net.nodes[0].core.publish_keyring(net.now, &entry).unwrap();
    net.work(0, out);
    net.run();
    net.edit(0, &[("name", "ours again"), ("service.mail", "yes")]);
    net.pass(std::time::Duration::from_secs(700));
    assert!(net.shown(1).contains(&"ours again".to_owned()), "{:?}", net.shown(1));
    assert_eq!(net.digests(id).len(), 1);
}

#[test]
fn r8_a_disputed_keyring_is_shown_as_disputed_until_it_is_settled() {
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    let second = net.nodes[0].keys.second.public();
    let one = net.nodes[0].keys.next(|draft| draft.domain(Some("one.test".parse().unwrap())));
    let other = net.nodes[0].keys.next(|draft| draft.revoke(second, Cut::NOTHING));
    for entry in [&one, &other] {
        net.gossip(0, 1, &essaim_directory::wire::keyring(id, &entry.to_wire()));
        net.nodes[0].keys.keyring.accept(entry.clone()).unwrap();
    }
    assert!(net.nodes[1].core.show(net.now, id).unwrap().disputed);
    assert!(net.nodes[1].alerts.contains(&Alert::KeyringFork(id)));
    let thaw = net.nodes[0].keys.next(|draft| draft);
    net.gossip(0, 1, &essaim_directory::wire::keyring(id, &thaw.to_wire()));
    assert!(!net.nodes[1].core.show(net.now, id).unwrap().disputed);
}

#[test]
fn r9_a_hoster_who_has_left_is_forgotten_and_does_not_come_back_by_replay() {
    let mut net = Net::started(&["a", "b", "c"]);
    let id = net.nodes[0].keys.id();
    let old = net.nodes[0].core.hoster(id).unwrap().records();
    net.unlink(0, 2);
    net.unlink(1, 2);
    let farewell = farewell(&net.nodes[0].keys.root, id, &net.nodes[0].keys, net.now);
    assert_eq!(net.gossip(0, 1, &farewell), Verdict::Accept);
    assert!(net.nodes[1].core.hoster(id).is_none());
    assert!(!net.nodes[1].rows.values().any(|row| old.contains(row)));
    for record in &old {
        assert_eq!(net.gossip(0, 1, record), Verdict::Ignore);
    }
    assert!(net.nodes[1].core.hoster(id).is_none());
    // Who was away learns of it from who was not.
    net.link(1, 2);
    assert!(net.nodes[2].core.hoster(id).is_none());
    // Nobody else can say it.
    let other = net.nodes[1].keys.id();
    let forged = self::farewell(&key("thief"), other, &net.nodes[1].keys, net.now);
    assert_eq!(net.gossip(0, 2, &forged), Verdict::Reject);
    assert!(net.nodes[2].core.hoster(other).is_some());
}

#[test]
fn r9_an_old_epoch_does_not_come_back() {
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    let old = net.nodes[0].core.hoster(id).unwrap().records();
    for round in 0..40 {
        net.edit(0, &[("name", &format!("name {round}"))]);
        net.pass(std::time::Duration::from_secs(700));
    }
    let before = *net.nodes[1].core.hoster(id).unwrap().digest();
    for record in &old {
        assert_eq!(net.gossip(0, 1, record), Verdict::Ignore);
    }
    assert_eq!(*net.nodes[1].core.hoster(id).unwrap().digest(), before);
    assert!(settled(&net.nodes[1].core));
}

pub(crate) fn farewell(
    root: &SigningKey,
    listing: ListingId,
    keys: &Keys,
    time: essaim_types::Timestamp,
) -> Vec<u8> {
    let keyring = keys.keyring.head().number;
    let mut tombstone =
        Cosigning::propose(&essaim_directory::beat::Tombstone { listing, keyring, time }).unwrap();
    tombstone.sign(root).unwrap();
    essaim_directory::wire::of_tombstone(&tombstone.to_wire())
}

/// The cut after the change in this record.
fn last_of(record: &[u8]) -> Cut {
    let essaim_directory::wire::Wire::Change(change) = essaim_directory::wire::Wire::parse(record).unwrap()
    else {
        panic!("not a change");
    };
    Cut { last_seq: change.claims().seq, last_hash: change.hash() }
}

fn permutations(of: usize) -> Vec<Vec<usize>> {
    if of == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(of - 1);
    let insert = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, of - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..of).map(|at| insert(order, at)).collect::<Vec<_>>()).collect()
}
