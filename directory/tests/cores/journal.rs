//! What a reader is told who comes back with what it knows.

use std::time::Duration;

use essaim_directory::Hidden;
use essaim_directory::export::atom::{self, Language};
use essaim_directory::export::json::ChangesJson;
use essaim_directory::export::{Request, csv, jsonld, librehost, page};
use essaim_directory::journal::{Journal, Mark, REMEMBERED, Step};
use essaim_directory::query::Filter;
use essaim_directory::statement::{Statement, Warning};
use essaim_types::ListingId;
use proptest::prelude::*;

use crate::forks::farewell;
use crate::net::Net;

/// A journal of the first node's directory, as a node keeps it.
struct Kept {
    journal: Journal,
    disk: Vec<Step>,
}

impl Kept {
    fn new(id: u8) -> Self {
        Self { journal: Journal::new([id; 8]), disk: Vec::new() }
    }

    /// How many things were different.
    fn look(&mut self, net: &Net) -> usize {
        let steps = self.journal.observe(net.now, &net.nodes[0].core);
        self.disk.extend(steps.iter().cloned());
        self.journal.take_in(steps.clone());
        steps.len()
    }

    fn ask(&self, net: &Net, since: Option<&str>, filter: Filter, limit: usize) -> ChangesJson {
        let since = since.map(|since| since.parse().unwrap());
        let core = &net.nodes[0].core;
        let page = page(core, &self.journal, net.now, &Request { filter, since, limit });
        ChangesJson::of(&page, core.own_listing())
    }

    fn all(&self, net: &Net, since: Option<&str>) -> ChangesJson {
        self.ask(net, since, Filter::default(), 1000)
    }
}

fn names(changes: &ChangesJson) -> Vec<&str> {
    changes.listings.iter().filter_map(|listing| listing.said["name"].as_str()).collect()
}

fn gone(changes: &ChangesJson) -> Vec<ListingId> {
    changes.gone.iter().map(|gone| gone.listing).collect()
}

#[test]
fn a_reader_is_told_what_changed_since_it_asked() {
    let mut net = Net::started(&["a", "b", "c"]);
    let mut kept = Kept::new(1);
    assert_eq!((kept.look(&net), kept.look(&net)), (3, 0));
    let first = kept.all(&net, None);
    assert!(first.complete && !first.more && first.gone.is_empty());
    assert_eq!(first.listings.len(), 3);
    let nothing = kept.all(&net, Some(&first.state));
    assert_eq!((nothing.listings.len(), nothing.complete, &nothing.state), (0, false, &first.state));

    net.edit(1, &[("name", "b again")]);
    kept.look(&net);
    let second = kept.all(&net, Some(&first.state));
    assert_eq!((names(&second), gone(&second)), (vec!["b again"], vec![]));
    // What a hoster says of others changes its records, but nothing that is shown of it.
    let warned = net.nodes[0].keys.id();
    let (made, expires) = (net.now, net.now.after(Duration::from_secs(86_400)));
    let warning = Warning { code: "spam".to_owned(), evidence: None, made, expires };
    net.state(2, &[Statement::Warning(warning).edit(warned)]);
    assert_eq!(kept.look(&net), 0);
}

#[test]
fn what_is_hidden_is_gone_and_comes_back() {
    let mut net = Net::started(&["a", "b"]);
    let mut kept = Kept::new(1);
    kept.look(&net);
    let state = kept.all(&net, None).state;
    let b = net.nodes[1].keys.id();
    let out = net.nodes[0].core.hide(b, Hidden::Yes);
    net.work(0, out);
    kept.look(&net);
    let hidden = kept.all(&net, Some(&state));
    assert_eq!((names(&hidden), gone(&hidden)), (vec![], vec![b]));
    assert!(hidden.gone[0].since.is_some());
    let out = net.nodes[0].core.hide(b, Hidden::No);
    net.work(0, out);
    kept.look(&net);
    assert_eq!(names(&kept.all(&net, Some(&hidden.state))), ["b"]);
    assert_eq!(kept.all(&net, None).gone, []);
}

#[test]
fn a_filter_tells_what_matches_no_more() {
    let mut net = Net::started(&["a", "b"]);
    net.edit(1, &[("join.open", "yes")]);
    let mut kept = Kept::new(1);
    kept.look(&net);
    let open = || Filter { open: Some(true), ..Filter::default() };
    let first = kept.ask(&net, None, open(), 10);
    assert_eq!((names(&first), gone(&first)), (vec!["b"], vec![]));
    net.edit(1, &[("join.open", "no")]);
    kept.look(&net);
    let second = kept.ask(&net, Some(&first.state), open(), 10);
    assert_eq!((names(&second), gone(&second)), (vec![], vec![net.nodes[1].keys.id()]));
    assert_eq!(second.gone[0].since, None);
}

#[test]
fn pages_of_any_size_tell_the_same() {
    let mut net = Net::started(&["a", "b", "c", "d"]);
    let mut kept = Kept::new(1);
    kept.look(&net);
    let whole = kept.all(&net, None);
    for limit in 1..6 {
        let mut page = kept.ask(&net, None, Filter::default(), limit);
        let mut told: Vec<_> = page.listings.clone();
        assert!(page.complete);
        while page.more {
            page = kept.ask(&net, Some(&page.state), Filter::default(), limit);
            assert!(!page.complete && page.listings.len() <= limit);
            told.extend(page.listings.clone());
        }
        assert_eq!(told, whole.listings);
        assert_eq!(page.state, whole.state);
    }
    // A change between two pages comes at the end, once.
    let page = kept.ask(&net, None, Filter::default(), 2);
    net.edit(3, &[("name", "d again")]);
    kept.look(&net);
    let rest = kept.ask(&net, Some(&page.state), Filter::default(), 10);
    let all: Vec<&str> = names(&page).into_iter().chain(names(&rest)).collect();
    assert_eq!(all.iter().filter(|name| **name == "d again").count(), 1);
}

#[test]
fn a_state_of_another_journal_or_of_long_ago_begins_anew() {
    let mut net = Net::started(&["a", "b"]);
    let (mut kept, mut other) = (Kept::new(1), Kept::new(2));
    kept.look(&net);
    other.look(&net);
    let foreign = other.all(&net, None).state;
    assert!(kept.all(&net, Some(&foreign)).complete);
    let state = kept.all(&net, None).state;
    let b = net.nodes[1].keys.id();
    let out = net.nodes[0].core.hide(b, Hidden::Yes);
    net.work(0, out);
    kept.look(&net);
    assert_eq!(gone(&kept.all(&net, Some(&state))), [b]);
    net.now = net.now.after(REMEMBERED);
    let steps = kept.journal.observe(net.now, &net.nodes[0].core);
    assert!(steps.contains(&Step::Forget(b)), "{steps:?}");
    kept.look(&net);
    assert!(kept.all(&net, Some(&state)).complete);
    let empty = "ffffffffffffffff-7";
    assert!(kept.all(&net, Some(empty)).complete);
}

#[test]
fn a_journal_reads_back_from_what_was_kept() {
    let mut net = Net::started(&["a", "b"]);
    let mut kept = Kept::new(1);
    kept.look(&net);
    net.edit(1, &[("maintenance.from", "1800086400"), ("maintenance.until", "1800090000")]);
    kept.look(&net);
    let entries = kept.disk.iter().filter_map(|step| match step {
        Step::Put(id, entry) => Some((*id, entry.clone())),
        _ => None,
    });
    // Later rows replace earlier ones, as in a store.
    let rows: std::collections::BTreeMap<_, _> = entries.collect();
    let mut again = Journal::load(kept.journal.head(), rows);
    assert_eq!(again.mark(), kept.journal.mark());
    assert_eq!(again.observe(net.now, &net.nodes[0].core), []);
}

#[test]
fn the_feed_tells_what_happened() {
    let mut net = Net::started(&["a", "b", "c"]);
    let mut kept = Kept::new(1);
    kept.look(&net);
    net.pass(Duration::from_secs(60));
    net.edit(
        1,
        &[("name", "B & <co>"), ("maintenance.from", "1800086400"), ("maintenance.until", "1800090000")],
    );
    let c = net.nodes[2].keys.id();
    let out = net.nodes[0].core.hide(c, Hidden::Yes);
    net.work(0, out);
    kept.look(&net);
    let feed = atom::Feed { base: "https://a.test", language: Language::Dutch, filter: Filter::default() };
    let xml = atom::feed(&net.nodes[0].core, &kept.journal, net.now, &feed);
    let count = |word: &str| xml.matches(&format!("<category term=\"{word}\"/>")).count();
    assert_eq!(
        (count("joined"), count("changed"), count("maintenance"), count("left")),
        (2, 1, 1, 1),
        "{xml}"
    );
    assert!(xml.contains("<title>B &amp; &lt;co&gt; kondigt onderhoud aan</title>"), "{xml}");
    // The same again: readers know entries by their ids.
    assert_eq!(atom::feed(&net.nodes[0].core, &kept.journal, net.now, &feed), xml);
}

#[test]
fn r23_of_who_was_erased_nothing_is_told_but_the_id() {
    let mut net = Net::started(&["a", "b"]);
    net.edit(1, &[("name", "Somebody"), ("contact.email", "somebody@b.test")]);
    let mut kept = Kept::new(1);
    kept.look(&net);
    let state = kept.all(&net, None).state;
    let b = net.nodes[1].keys.id();
    let tombstone = farewell(&net.nodes[1].keys.root, b, &net.nodes[1].keys, net.now);
    net.gossip(1, 0, &tombstone);
    kept.look(&net);
    let core = &net.nodes[0].core;
    let told = kept.all(&net, Some(&state));
    assert_eq!((gone(&told), told.listings.len()), (vec![b], 0));
    let feed = atom::Feed { base: "https://a.test", language: Language::English, filter: Filter::default() };
    let mut documents = vec![
        serde_json::to_string(&told).unwrap(),
        serde_json::to_string(&kept.all(&net, None)).unwrap(),
        atom::feed(core, &kept.journal, net.now, &feed),
        format!("{:?}", kept.disk.last().unwrap()),
    ];
    assert!(core.show(net.now, b).is_none());
    let a = core.show(net.now, net.nodes[0].keys.id()).unwrap();
    documents.push(csv::row(&a, &["en"]));
    documents.push(jsonld::organization(&a).to_string());
    documents.push(serde_json::to_string(&librehost::librehost(a.listing, &["en"])).unwrap());
    for document in documents {
        assert!(!document.contains("Somebody") && !document.contains("b.test"), "{document}");
    }
}

proptest! {
    #[test]
    fn a_state_has_one_spelling(text in "\\PC{0,40}") {
        if let Ok(mark) = text.parse::<Mark>() {
            prop_assert_eq!(mark.to_string(), text);
        }
    }
}
