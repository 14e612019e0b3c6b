//! R13: a newcomer all of whose peers are one stranger's hears from two domains what they keep from it.

use essaim_directory::bundle::{Outcome, Page, PageError, Told, VERSION, compare};
use essaim_directory::{Directory, Input, Output, Policy};
use essaim_types::{Domain, ListingId};

use crate::net::{Keys, Net, key};

const FIRST: [u8; 32] = [0; 32];

/// All pages, read and written as on their way.
fn bundle_of(core: &Directory, net: &Net) -> (Told, Vec<Page>) {
    let (mut told, mut pages, mut from) = (Told::default(), Vec::new(), ListingId::from_bytes(FIRST));
    loop {
        let page = Page::parse(&core.bundle(net.now, from).to_bytes(), from).unwrap();
        told.add(&page).unwrap();
        let next = page.next;
        pages.push(page);
        match next {
            Some(next) => from = next.0,
            None => return (told, pages),
        }
    }
}

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

fn prove(core: &mut Directory, net: &Net, outputs: Vec<Output>) {
    for output in outputs {
        if let Output::CheckDomain { listing, domain } = output {
            let outcome = essaim_directory::DomainOutcome::Proven;
            core.handle(net.now, Input::DomainChecked { listing, domain, outcome });
        }
    }
}

#[test]
fn r13_two_domains_tell_a_newcomer_what_its_peers_keep_from_it() {
    let net = Net::started(&["abeilles", "bourdons", "osmies", "frelons"]);
    // All that the newcomer's peers tell is true. It is not all.
    let mut newcomer = Directory::new(Policy::default(), [9; 32]);
    let stranger = key("stranger").public();
    for keys in [&net.nodes[3].keys, &net.nodes[2].keys] {
        for record in net.nodes[3].core.hoster(keys.id()).unwrap().records() {
            let out = newcomer.handle(net.now, Input::Gossip { from: stranger, ticket: 0, bytes: record });
            prove(&mut newcomer, &net, out);
        }
    }
    let (one, pages) = bundle_of(&net.nodes[0].core, &net);
    let (other, _) = bundle_of(&net.nodes[1].core, &net);
    let told = [(domain("abeilles.test"), one.clone()), (domain("bourdons.test"), other)];
    let found = compare(&newcomer.told_here(net.now), &told);
    assert_eq!(found.outcome(), Outcome::Kept);
    let mut kept = [Keys::new("abeilles").id(), Keys::new("bourdons").id()];
    kept.sort_unstable();
    assert_eq!(found.missing.iter().map(|missing| missing.listing).collect::<Vec<_>>(), kept);
    assert_eq!(found.missing[0].told_by, ["abeilles.test", "bourdons.test"]);
    // What the domains told is signed, so it is taken in like everything else, and then nothing is missing.
    for page in &pages {
        let out = newcomer.take_bundle(net.now, page);
        prove(&mut newcomer, &net, out);
    }
    let found = compare(&newcomer.told_here(net.now), &told);
    assert_eq!((found.outcome(), newcomer.numbers(net.now).listings), (Outcome::Same, 4));
}

#[test]
fn r13_one_owner_is_one_witness_and_one_witness_is_none() {
    let net = Net::started(&["a", "b"]);
    let (told, _) = bundle_of(&net.nodes[0].core, &net);
    let empty = Told::default();
    let outcome = |domains: &[&str]| {
        let told: Vec<(Domain, Told)> = domains.iter().map(|name| (domain(name), told.clone())).collect();
        compare(&empty, &told).outcome()
    };
    assert_eq!(outcome(&[]), Outcome::TooFew);
    assert_eq!(outcome(&["a.example", "www.a.example"]), Outcome::TooFew);
    assert_eq!(outcome(&["a.example", "a.test"]), Outcome::Kept);
}

#[test]
fn r13_what_no_domain_has_heard_of_is_told() {
    let net = Net::started(&["a", "b"]);
    let empty = [(domain("a.example"), Told::default()), (domain("b.example"), Told::default())];
    let found = compare(&net.nodes[0].core.told_here(net.now), &empty);
    assert_eq!((found.outcome(), found.unheard.len()), (Outcome::News, 2));
}

#[test]
fn what_is_hidden_here_is_told_to_peers_but_not_to_everybody() {
    let mut net = Net::started(&["a", "b"]);
    let hidden = net.nodes[1].keys.id();
    net.nodes[0].core.hide(hidden, essaim_directory::Hidden::Yes);
    let (told, _) = bundle_of(&net.nodes[0].core, &net);
    assert_eq!((told.listings(), net.nodes[0].core.told_here(net.now).listings()), (1, 2));
}

#[test]
fn a_bundle_ends_and_is_bounded() {
    let net = Net::started(&["a", "b"]);
    let from = ListingId::from_bytes([7; 32]);
    let page = |next| Page { version: VERSION, records: Vec::new(), next }.to_bytes();
    let name = |byte| Some(essaim_directory::message::Name(ListingId::from_bytes([byte; 32])));
    assert_eq!(Page::parse(&page(name(7)), from).unwrap_err(), PageError::Backward);
    assert!(Page::parse(&page(name(8)), from).is_ok());
    assert_eq!(Page::parse(b"<html>", from).unwrap_err(), PageError::Unreadable);
    let other = Page { version: 2, records: Vec::new(), next: None };
    assert_eq!(Page::parse(&other.to_bytes(), from).unwrap_err(), PageError::Version);
    // What is no record, and what others made up, tells nothing.
    let mut told = Told::default();
    told.add(&Page { version: VERSION, records: vec![vec![9; 40].into()], next: None }).unwrap();
    assert_eq!(told.listings(), 0);
    let mut core = Directory::new(Policy::default(), [1; 32]);
    let mut bent = net.nodes[0].core.bundle(net.now, ListingId::from_bytes(FIRST));
    for record in &mut bent.records {
        *record.last_mut().unwrap() ^= 1;
    }
    assert_eq!(core.take_bundle(net.now, &bent), []);
    assert_eq!(core.numbers(net.now).listings, 0);
}
