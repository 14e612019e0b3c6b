//! Vouches, tiers, paths; R10 Sybils, R17 lost domains, R20 hiding.

use std::time::Duration;

use essaim_directory::query::{Filter, PageRequest};
use essaim_directory::statement::{self, Method, Statement, Vouch, Warning};
use essaim_directory::trust::Tier;
use essaim_directory::{Alert, Directory, DomainOutcome, Hidden, Input, Output, Policy};
use essaim_types::{ListingId, Timestamp};

use crate::net::Net;

const ALL: PageRequest = PageRequest { offset: 0, limit: 200 };

fn vouch(net: &Net, days: u64) -> Statement {
    let expires = net.now.after(Duration::from_secs(days * 86_400));
    let points = ["backups".to_owned(), "exports".to_owned()].into();
    Statement::Vouch(Vouch { points, method: Method::Visited, evidence: None, made: net.now, expires })
}

fn tier(net: &Net, at: usize, of: ListingId) -> Tier {
    net.nodes[at].core.tiers(net.now).of(of)
}

/// Node `at` believes these to begin with.
fn with_seeds(net: &mut Net, at: usize, seeds: &[ListingId]) {
    let policy = Policy { seeds: seeds.iter().copied().collect(), ..Policy::default() };
    net.nodes[at].core = Directory::load(policy, [5; 32], net.nodes[at].disk(), net.now);
}

#[test]
fn trust_goes_three_hops_and_shows_its_path() {
    let mut net = Net::started(&["a", "b", "c", "d", "e"]);
    let ids: Vec<ListingId> = net.nodes.iter().map(|node| node.keys.id()).collect();
    for from in 0..4 {
        let edit = vouch(&net, 100).edit(ids[from + 1]);
        net.state(from, &[edit]);
    }
    with_seeds(&mut net, 4, &[ids[0]]);
    let seen: Vec<Tier> = ids.iter().map(|id| tier(&net, 4, *id)).collect();
    assert_eq!(seen, [Tier::Reached, Tier::Reached, Tier::Reached, Tier::Reached, Tier::Proven]);
    let path = net.nodes[4].core.trust_path(net.now, ids[3]);
    assert_eq!(
        path.iter().map(|step| (step.by, step.for_whom)).collect::<Vec<_>>(),
        [(ids[0], ids[1]), (ids[1], ids[2]), (ids[2], ids[3])]
    );
    assert_eq!(path[0].vouch.method, Method::Visited);
    // A second believed voucher of another domain makes the badge; a withdrawal takes it away.
    net.link_all();
    let edit = vouch(&net, 100).edit(ids[3]);
    net.state(0, &[edit]);
    assert_eq!(tier(&net, 4, ids[3]), Tier::Endorsed);
    net.state(0, &[statement::withdraw(ids[3])]);
    assert_eq!(tier(&net, 4, ids[3]), Tier::Reached);
}

#[test]
fn vouches_expire_and_warnings_are_kept_apart() {
    let mut net = Net::started(&["a", "b"]);
    let (a, b) = (net.nodes[0].keys.id(), net.nodes[1].keys.id());
    let edit = vouch(&net, 30).edit(b);
    let warning = Warning {
        code: "data-lost".to_owned(),
        evidence: Some("https://a.example/what-happened".to_owned()),
        made: net.now,
        expires: net.now.after(Duration::from_secs(86_400)),
    };
    net.state(0, &[edit, Statement::Warning(warning).edit(b)]);
    assert_eq!(tier(&net, 0, b), Tier::Reached);
    let said = net.nodes[1].core.hoster(a).unwrap();
    assert_eq!(said.statements(net.now).count(), 2);
    let later = net.now.after(Duration::from_secs(31 * 86_400));
    assert_eq!(said.statements(later).count(), 0);
    assert_eq!(net.nodes[0].core.tiers(later).of(b), Tier::Proven);
}

#[test]
fn r10_one_edge_to_a_thousand_sybils_brings_twelve_in() {
    // One honest hoster, "edge", was talked into vouching for one Sybil; that one vouches for all others.
    let mut net = Net::started(&["seed", "edge", "sybil"]);
    let ids: Vec<ListingId> = net.nodes.iter().map(|node| node.keys.id()).collect();
    let edit = vouch(&net, 100).edit(ids[1]);
    net.state(0, &[edit]);
    let edit = vouch(&net, 100).edit(ids[2]);
    net.state(1, &[edit]);
    let more: Vec<String> = (0..30).map(|n| format!("sybil{n}")).collect();
    let names: Vec<&str> = more.iter().map(String::as_str).collect();
    let sybils = Net::started(&names);
    for sybil in &sybils.nodes {
        let records = sybil.core.hoster(sybil.keys.id()).unwrap().records();
        let peer = crate::net::key("peer").public();
        let id = sybil.keys.id();
        for at in 0..3 {
            crate::feed::page(&mut net.nodes[at].core, net.now, peer, id, &records);
            let domain = sybil.keys.keyring.domain().unwrap().clone();
            net.input(at, Input::DomainChecked { listing: id, domain, outcome: DomainOutcome::Proven });
        }
    }
    let edits: Vec<_> = sybils.nodes.iter().map(|sybil| vouch(&net, 100).edit(sybil.keys.id())).collect();
    net.state(2, &edits);
    let core = &net.nodes[0].core;
    let shown = |trust| core.query(net.now, &Filter { trust, ..Filter::default() }, ALL).hits;
    assert_eq!(shown(Tier::Proven).len(), 33);
    let reached = shown(Tier::Reached);
    assert_eq!(reached.len(), 3 + 12, "seed, edge, sybil and twelve of its friends");
    assert!(shown(Tier::Endorsed).is_empty());
    for hit in reached.iter().filter(|hit| hit.id != ids[0]) {
        let path = core.trust_path(net.now, hit.id);
        assert_eq!(path.first().unwrap().by, ids[0], "whoever is shown is shown with a way from a seed");
    }
}

#[test]
fn r10_quarantine_has_its_caps() {
    let mut net = Net::new(&["a"]);
    let policy = Policy { quarantine_max: 5, ..Policy::default() };
    net.nodes[0].core = Directory::new(policy, [1; 32]);
    let peer = crate::net::key("peer").public();
    for n in 0..10 {
        let keys = crate::net::Keys::new(&format!("sybil{n}"));
        let record = essaim_directory::wire::keyring(keys.id(), &keys.genesis().to_wire());
        net.nodes[0].core.handle(net.now, Input::Gossip { from: peer, ticket: n, bytes: record });
    }
    let numbers = net.nodes[0].core.numbers(net.now);
    assert_eq!((numbers.listings, numbers.quarantined), (5, 5));
    assert_eq!(numbers.refusals.get("quarantine-full"), Some(&5));
    assert_eq!(net.nodes[0].core.query(net.now, &Filter::default(), ALL).total, 0);
}

#[test]
fn r17_a_lost_domain_is_unproven_after_three_days() {
    let mut net = Net::started(&["a", "b"]);
    let (a, now) = (net.nodes[0].keys.id(), net.now);
    let domain: essaim_types::Domain = "a.test".parse().unwrap();
    let checked = |net: &mut Net, outcome| {
        net.input(1, Input::DomainChecked { listing: a, domain: domain.clone(), outcome });
    };
    let failed = |net: &mut Net| checked(net, DomainOutcome::Failed);
    failed(&mut net);
    assert!(net.shown(1).contains(&"a".to_owned()));
    for _ in 0..3 {
        net.now = net.now.after(Duration::from_secs(86_400));
        failed(&mut net);
    }
    assert_eq!(net.nodes[1].core.tiers(net.now).of(a), Tier::Unproven);
    assert!(!net.shown(1).contains(&"a".to_owned()));
    assert_eq!(net.nodes[1].core.tiers(now).of(a), Tier::Proven);
    checked(&mut net, DomainOutcome::Proven);
    assert_eq!(net.nodes[1].core.tiers(net.now).of(a), Tier::Proven);
}

#[test]
fn r17_who_vouches_for_a_hoster_is_told_that_its_domain_is_lost() {
    let mut net = Net::started(&["a", "b", "c"]);
    let a = net.nodes[0].keys.id();
    let edit = vouch(&net, 100).edit(a);
    net.state(1, &[edit]);
    let domain: essaim_types::Domain = "a.test".parse().unwrap();
    let mut told = [0, 0];
    for _ in 0..5 {
        for (at, told) in [1, 2].into_iter().zip(&mut told) {
            let input =
                Input::DomainChecked { listing: a, domain: domain.clone(), outcome: DomainOutcome::Failed };
            let now = net.now;
            let outputs = net.nodes[at].core.handle(now, input);
            *told += outputs.iter().filter(|out| **out == Output::Alert(Alert::DomainLost(a))).count();
        }
        net.now = net.now.after(Duration::from_secs(86_400));
    }
    assert_eq!(told, [1, 0], "b vouches and is told once; c does not vouch");
    assert_eq!(tier(&net, 1, a), Tier::Unproven);
}

#[test]
fn r17_domains_are_asked_again_each_day_and_not_all_at_once() {
    let names: Vec<String> = (0..12).map(|n| format!("n{n}")).collect();
    let mut net = Net::started(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut asked = std::collections::BTreeMap::new();
    let begin = net.now;
    for minute in 0..24 * 60 {
        let now = begin.after(Duration::from_secs(60 * (minute + 2)));
        for out in net.nodes[0].core.handle(now, Input::Tick) {
            if let Output::CheckDomain { listing, .. } = out {
                assert!(minute > 21 * 60, "too early");
                asked.entry(listing).or_insert(minute);
            }
        }
    }
    assert_eq!(asked.len(), 12, "within a day");
    let minutes: std::collections::BTreeSet<u64> = asked.into_values().collect();
    assert!(minutes.len() > 6, "{minutes:?}");
}

#[test]
fn r20_what_is_hidden_here_stays_hidden_through_updates_and_restarts() {
    let mut net = Net::started(&["a", "b", "c"]);
    let a = net.nodes[0].keys.id();
    let out = net.nodes[1].core.hide(a, Hidden::Yes);
    net.work(1, out);
    assert!(!net.shown(1).contains(&"a".to_owned()));
    net.edit(0, &[("name", "a again")]);
    net.unlink(0, 1);
    net.link(0, 1);
    assert!(!net.shown(1).contains(&"a again".to_owned()));
    assert!(net.shown(2).contains(&"a again".to_owned()));
    net.nodes[1].core = Directory::load(Policy::default(), [1; 32], net.nodes[1].disk(), net.now);
    assert!(!net.shown(1).contains(&"a again".to_owned()));
    let page = net.nodes[1].core.query(net.now, &Filter { hidden: true, ..Filter::default() }, ALL);
    assert!(page.hits.iter().any(|hit| hit.hidden && hit.listing.name.as_deref() == Some("a again")));
    let out = net.nodes[1].core.hide(a, Hidden::No);
    net.work(1, out);
    assert!(net.shown(1).contains(&"a again".to_owned()));
}

#[test]
fn pages_fit_together_and_serialize() {
    let mut net = Net::started(&["a", "b", "c", "d", "e"]);
    net.pass(Duration::from_secs(60));
    let core = &net.nodes[0].core;
    let whole = core.query(net.now, &Filter::default(), ALL);
    let pages: Vec<ListingId> = (0..3)
        .flat_map(|page| {
            core.query(net.now, &Filter::default(), PageRequest { offset: page * 2, limit: 2 }).hits
        })
        .map(|hit| hit.id)
        .collect();
    assert_eq!(pages, whole.hits.iter().map(|hit| hit.id).collect::<Vec<_>>());
    let json = serde_json::to_value(&whole).unwrap();
    assert_eq!(json["hits"][0]["domain"].as_str().unwrap().split_once('.').unwrap().1, "test");
    assert_eq!(json["hits"][0]["tier"], "reached");
    assert_eq!(Timestamp(json["hits"][0]["last_seen"].as_i64().unwrap()).seconds() / 1_000_000, 1_800);
}

#[test]
fn an_explanation_says_who_said_what_and_when() {
    use essaim_directory::explain::Source;
    let mut net = Net::started(&["a", "b"]);
    let (a, b) = (net.nodes[0].keys.id(), net.nodes[1].keys.id());
    let then = net.now;
    net.now = net.now.after(Duration::from_secs(3_600));
    net.edit(1, &[("energy", "renewable")]);
    let edit = vouch(&net, 10).edit(b);
    net.state(0, &[edit]);
    let why = net.nodes[0].core.explain(net.now, b).unwrap();
    assert_eq!((why.tier, why.path.len(), why.said.len(), why.history.len()), (Tier::Reached, 1, 1, 2));
    assert_eq!((why.said[0].by, why.said[0].tier), (a, Tier::Reached));
    assert_eq!((why.fields["name"].source, why.fields["name"].since), (Source::Declared, then));
    assert_eq!(why.fields["energy"].since, net.now);
    assert_eq!(why.fields["domain"].source, Source::Probed);
    assert_eq!(why.history[1].fields, ["energy".into()]);
    let later = net.now.after(Duration::from_secs(20 * 86_400));
    assert_eq!(net.nodes[0].core.explain(later, b).unwrap().fields["name"].source, Source::Stale);
    assert!(serde_json::to_string(&why).unwrap().contains("\"visited\""));
}

#[test]
fn a_successor_needs_two_endorsers_and_two_weeks() {
    let mut net = Net::started(&["lost", "b", "c", "found"]);
    let ids: Vec<ListingId> = net.nodes.iter().map(|node| node.keys.id()).collect();
    net.edit(3, &[("supersedes", &ids[0].to_string())]);
    let later = net.now.after(Duration::from_secs(15 * 86_400));
    for by in [1, 2] {
        let edits = [vouch(&net, 100).edit(ids[3]), vouch(&net, 100).edit(ids[3 - by])];
        net.state(by, &edits);
        let early = net.nodes[1].core.successor(net.now, ids[0]);
        assert_eq!(early, None, "everybody has two weeks to object");
        let core = &net.nodes[1].core;
        assert_eq!(core.successor(later, ids[0]), (by == 2).then_some(ids[3]), "{by} endorsers");
    }
}

#[test]
fn r17_what_one_domain_said_proves_no_other() {
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    assert!(net.nodes[1].core.hoster(id).unwrap().is_proven(net.now));
    let entry = net.nodes[0].keys.next(|draft| draft.domain(Some("bank.test".parse().unwrap())));
    net.gossip(0, 1, &essaim_directory::wire::keyring(id, &entry.to_wire()));
    assert!(!net.nodes[1].core.hoster(id).unwrap().is_proven(net.now));
    let domain = "a.test".parse().unwrap();
    net.input(1, Input::DomainChecked { listing: id, domain, outcome: DomainOutcome::Proven });
    assert!(
        !net.nodes[1].core.hoster(id).unwrap().is_proven(net.now),
        "a late answer about the domain before"
    );
}
