//! From a first listing to a query at another node, and through restarts.

use std::time::Duration;

use essaim_directory::envelope::DocumentKind;
use essaim_directory::query::{Filter, Near, PageRequest};
use essaim_directory::{CommandError, Directory, Input, Origin, Policy};

use crate::net::{Net, key, sets};

const FIRST: PageRequest = PageRequest { offset: 0, limit: 50 };

#[test]
fn a_listing_made_at_one_node_is_found_at_another() {
    let mut net = Net::started(&["abeilles", "bourdons"]);
    net.edit(
        0,
        &[("description.fr", "Un hébergeur coopératif"), ("language.fr", "yes"), ("join.open", "yes")],
    );
    let filter = Filter {
        near: Some(Near { latitude: 50.46, longitude: 4.87, within_km: 20.0 }),
        services: vec!["mail".into()],
        languages: vec!["fr".into()],
        open: Some(true),
        text: Some("coopératif".into()),
        ..Filter::default()
    };
    let page = net.nodes[1].core.query(net.now, &filter, FIRST);
    assert_eq!(page.total, 1);
    assert_eq!(page.hits[0].listing.name.as_deref(), Some("abeilles"));
    assert_eq!(page.hits[0].listing.domain.as_deref(), Some("abeilles.test"));
    assert_eq!(net.digests(net.nodes[0].keys.id()).len(), 1);
}

#[test]
fn missed_gossip_is_found_by_comparison() {
    let mut net = Net::started(&["a", "b", "c"]);
    net.gossip_lost = true;
    net.edit(0, &[("name", "renamed")]);
    assert!(!net.shown(1).contains(&"renamed".to_owned()));
    net.pass(Duration::from_secs(700));
    for at in 0..3 {
        assert!(net.shown(at).contains(&"renamed".to_owned()), "node {at}");
    }
}

#[test]
fn a_directory_survives_a_restart() {
    let mut net = Net::started(&["a", "b"]);
    net.edit(0, &[("name", "first")]);
    net.edit(0, &[("name", "second")]);
    let before = *net.nodes[1].core.hoster(net.nodes[0].keys.id()).unwrap().digest();
    let loaded = Directory::load(Policy::default(), [1; 32], net.nodes[1].disk(), net.now);
    assert_eq!(*loaded.hoster(net.nodes[0].keys.id()).unwrap().digest(), before);
    let page = loaded.query(net.now, &Filter::default(), FIRST);
    assert_eq!(page.total, 2);
    let later = net.now.after(Duration::from_secs(20 * 86_400));
    let loaded = Directory::load(Policy::default(), [1; 32], net.nodes[1].disk(), later);
    assert_eq!(
        loaded.query(later, &Filter::default(), FIRST).total,
        0,
        "a restart is no sign of life of others"
    );
}

#[test]
fn r6_a_node_with_old_data_asks_before_it_publishes() {
    let mut net = Net::started(&["a", "b", "c", "d"]);
    let old = net.nodes[0].disk();
    net.edit(0, &[("name", "said after the backup")]);
    (1..4).for_each(|peer| net.unlink(0, peer));
    let id = net.nodes[0].keys.id();
    net.nodes[0].core = Directory::load(Policy::default(), [2; 32], old, net.now);
    net.nodes[0].core.adopt(net.now, id, key("a"), Origin::Existing);
    let refused = net.nodes[0].core.edit(net.now, &sets(&[("join.open", "yes")]));
    assert_eq!(refused.unwrap_err(), CommandError::Restoring);
    net.link(0, 1);
    net.link(0, 2);
    assert!(net.nodes[0].core.is_restoring());
    net.link(0, 3);
    assert!(!net.nodes[0].core.is_restoring());
    net.edit(0, &[("join.open", "yes")]);
    assert!(
        net.nodes
            .iter()
            .all(|node| { !node.core.hoster(id).unwrap().log(DocumentKind::Profile).is_forked() })
    );
    assert!(net.shown(3).contains(&"said after the backup".to_owned()));
    assert_eq!(net.digests(id).len(), 1);
}

/// The caller writes all rows of an input before anything of it leaves; if it cannot, it reads the directory from the disk again.
#[test]
fn r21_what_a_full_disk_did_not_keep_has_not_left_and_is_not_lost() {
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    // Our own edit: refused to the operator, and its number is free again.
    net.nodes[0].core.edit(net.now, &sets(&[("name", "never said")])).unwrap();
    reload(&mut net, 0, "a");
    net.edit(0, &[("name", "said")]);
    assert!(net.shown(1).contains(&"said".to_owned()));
    // What another told us: it comes again by comparison.
    let news = net.nodes[0].core.edit(net.now, &sets(&[("name", "news")])).unwrap();
    let from = net.nodes[0].keys.node.public();
    for bytes in crate::feed::records_in(&news) {
        net.nodes[1].core.handle(net.now, Input::Gossip { from, ticket: 0, bytes });
    }
    net.gossip_lost = true;
    net.work(0, news);
    net.run();
    reload(&mut net, 1, "b");
    assert!(net.shown(1).contains(&"news".to_owned()));
    assert_eq!(net.digests(id).len(), 1);
    let forked =
        |node: &crate::net::Node| node.core.hoster(id).unwrap().log(DocumentKind::Profile).is_forked();
    assert!(!net.nodes.iter().any(forked));
}

/// The directory as the disk has it, and its connections anew.
fn reload(net: &mut Net, at: usize, name: &str) {
    let (id, other) = (net.nodes[at].keys.id(), 1 - at);
    net.unlink(at, other);
    net.nodes[at].core = Directory::load(Policy::default(), [5; 32], net.nodes[at].disk(), net.now);
    net.nodes[at].core.adopt(net.now, id, key(name), Origin::Existing);
    net.link(at, other);
    assert!(!net.nodes[at].core.is_restoring());
}

#[test]
fn what_nobody_has_received_waits_in_the_outbox_across_a_restart() {
    let mut net = Net::new(&["a", "b"]);
    net.found(0);
    net.edit(0, &[("name", "alone")]);
    assert_eq!(net.nodes[0].core.numbers(net.now).outbox, 2);
    let id = net.nodes[0].keys.id();
    net.nodes[0].core = Directory::load(Policy::default(), [2; 32], net.nodes[0].disk(), net.now);
    net.nodes[0].core.adopt(net.now, id, key("a"), Origin::Existing);
    assert_eq!(net.nodes[0].core.numbers(net.now).outbox, 2);
    net.link(0, 1);
    net.pass(Duration::from_secs(70));
    assert_eq!(net.nodes[0].core.numbers(net.now).outbox, 0);
    assert_eq!(net.shown(1), ["alone"]);
}

#[test]
fn a_history_of_many_edits_stays_short() {
    let mut net = Net::started(&["a", "b"]);
    for round in 0..100 {
        net.edit(0, &[("name", &format!("name {round}"))]);
        net.pass(Duration::from_secs(700));
    }
    let id = net.nodes[0].keys.id();
    let log = net.nodes[1].core.hoster(id).unwrap().log(DocumentKind::Profile);
    assert!(
        log.weight().0 <= 33 && log.top().unwrap().epoch.number >= 3,
        "{:?} {:?}",
        log.weight(),
        log.top()
    );
    assert!(net.shown(1).contains(&"name 99".to_owned()));
    assert!(net.nodes[1].rows.len() < 60);
}

/// The proofs of domains are read after the keyrings: at first every listing seems unproven.
#[test]
fn more_listings_than_the_quarantine_holds_survive_a_restart() {
    let net = Net::started(&["a", "b", "c", "d"]);
    let policy = Policy { quarantine_max: 1, quarantine_bytes_max: 1, ..Policy::default() };
    let loaded = Directory::load(policy, [1; 32], net.nodes[1].disk(), net.now);
    let numbers = loaded.numbers(net.now);
    assert_eq!((numbers.listings, numbers.quarantined), (4, 0));
    assert_eq!(loaded.query(net.now, &Filter::default(), FIRST).total, 4);
}
