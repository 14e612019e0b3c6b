//! What the writers make of one listing, pinned in `directory/tests/vectors/formats`: examples for other implementations, and what
//! foreign programs check. `ESSAIM_WRITE_VECTORS=1` writes them anew.

use essaim_directory::export::atom::{self, Language};
use essaim_directory::export::json::ChangesJson;
use essaim_directory::export::{Request, Software, chatons, csv, jsonld, librehost, page};
use essaim_directory::import;
use essaim_directory::journal::Journal;
use essaim_directory::query::{Filter, Hit};
use essaim_types::Timestamp;

use crate::net::Net;

const LISTING: [(&str, &str); 28] = [
    ("name", "Les Abeilles & fils"),
    ("description.fr", "Un hébergeur <coopératif>\nà Namur"),
    ("description.en", "A cooperative hoster in Namur"),
    ("website", "https://abeilles.example/"),
    ("place.country", "BE"),
    ("place.region", "BE-WNA"),
    ("place.name", "Namur"),
    ("place.cell", "50.4,4.8"),
    ("service.files", "yes"),
    ("language.fr", "yes"),
    ("language.nl", "yes"),
    ("price.monthly", "350"),
    ("price.currency", "EUR"),
    ("join.open", "yes"),
    ("join.who", "members"),
    ("join.url", "https://abeilles.example/join"),
    ("legal.form", "cooperative"),
    ("legal.since", "2018"),
    ("provider", "hosted-bay"),
    ("provider.name", "Neutrinet"),
    ("contact.email", "contact@abeilles.example"),
    ("contact.phone", "+32 81 00 00 00"),
    ("terms.url", "https://abeilles.example/terms"),
    ("terms.privacy", "https://abeilles.example/privacy"),
    ("charter.chatons", "https://www.chatons.org/charte"),
    ("maintenance.from", "1800086400"),
    ("maintenance.until", "1800090000"),
    ("maintenance.note.fr", "Nouveaux disques"),
];

const SOFTWARE: Software<'_> = Software { name: "Essaim", version: "0.1.0", licence: "AGPL-3.0-or-later" };

#[test]
fn a_listing_looks_in_each_format_as_in_the_examples() {
    let mut net = Net::started(&["a"]);
    net.edit(0, &LISTING);
    let (now, core) = (net.now, &net.nodes[0].core);
    let mut journal = Journal::new([1; 8]);
    let steps = journal.observe(now, core);
    journal.take_in(steps);
    let hit = core.show(now, net.nodes[0].keys.id()).unwrap();
    let (languages, filter) = (["fr", "en"], Filter::default());
    let request = Request { filter: filter.clone(), since: None, limit: 100 };
    let feed = atom::Feed { base: "https://a.test", language: Language::French, filter };
    let files = chatons::Files {
        listing: hit.listing,
        base: "https://a.test",
        generator: SOFTWARE,
        mail_software: Some(SOFTWARE),
        languages: &languages,
        now,
    };
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap() + "\n";
    let value = |of: serde_json::Result<serde_json::Value>| pretty(&of.unwrap());
    pinned(
        "directory.json",
        &value(serde_json::to_value(ChangesJson::of(
            &page(core, &journal, now, &request),
            core.own_listing(),
        ))),
    );
    pinned("directory.csv", &(csv::header() + &csv::row(&hit, &languages)));
    pinned("directory.atom", &atom::feed(core, &journal, now, &feed));
    pinned("listing.jsonld", &pretty(&jsonld::organization(&hit)));
    let librehost = librehost::librehost(hit.listing, &languages);
    pinned("librehost.json", &(serde_json::to_string_pretty(&librehost).unwrap() + "\n"));
    pinned("organization.properties", &files.organization());
    pinned("mail.properties", &files.service("mail").unwrap());
    assert_eq!(files.service("chess"), None);
}

/// A hoster that fills its listing from a file of ours says again what it said.
#[test]
fn what_is_written_reads_back() {
    let mut net = Net::started(&["a"]);
    net.edit(0, &LISTING);
    let (now, core) = (net.now, &net.nodes[0].core);
    let hit = core.show(now, net.nodes[0].keys.id()).unwrap();
    let file = serde_json::to_vec(&librehost::librehost(hit.listing, &["fr"])).unwrap();
    let found = import::librehost::read(&file, Some("fr")).unwrap().remove(0);
    let shared = [
        "contact.email",
        "description.fr",
        "domain",
        "language.fr",
        "language.nl",
        "legal.form",
        "legal.since",
        "name",
        "terms.privacy",
        "terms.url",
        "website",
    ];
    assert_eq!(found.fields.keys().collect::<Vec<_>>(), shared);
    assert_same(&hit, &found);
    let files = chatons::Files {
        listing: hit.listing,
        base: "https://a.test",
        generator: SOFTWARE,
        mail_software: None,
        languages: &["fr"],
        now,
    };
    let found = import::chatons::read(files.organization().as_bytes(), Some("fr")).unwrap();
    assert_eq!(found.updated, Some(now));
    let shared = [
        "contact.email",
        "description.fr",
        "domain",
        "legal.form",
        "name",
        "place.country",
        "terms.url",
        "website",
    ];
    assert_eq!(found.fields.keys().collect::<Vec<_>>(), shared);
    assert_eq!(found.left_out, []);
}

fn assert_same(hit: &Hit<'_>, found: &import::Found) {
    let draft = import::Draft::new(found.clone(), "somebody", Timestamp(0)).unwrap().listing();
    assert_eq!(draft.name, hit.listing.name);
    assert_eq!(draft.website, hit.listing.website);
    assert_eq!(draft.terms, hit.listing.terms);
    assert_eq!(draft.languages, hit.listing.languages);
    assert_eq!(draft.descriptions.get("fr"), hit.listing.descriptions.get("fr"));
}

fn pinned(name: &str, made: &str) {
    let path = format!("{}/tests/vectors/formats/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("ESSAIM_WRITE_VECTORS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), made, "{name} has changed");
}
