//! The bytes that another implementation must read and write, pinned: `directory/tests/vectors/records.json`. A change of the format
//! shows here first; `ESSAIM_WRITE_VECTORS=1` writes the file anew.

use essaim_directory::Input;
use essaim_directory::Output;
use essaim_directory::beat::Tombstone;
use essaim_directory::message::{Answer, Name, Request, Summary};
use essaim_directory::statement::{Method, Statement, Vouch};
use essaim_directory::wire::{self, Wire};
use essaim_identity::Cosigning;
use essaim_types::{ListingId, Timestamp};
use serde_json::{Map, Value, json};

use crate::feed::records_in;
use crate::net::{Net, key, sets};

#[test]
fn the_bytes_on_the_wire_are_those_of_the_vectors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/records.json");
    let made = serde_json::to_string_pretty(&vectors()).unwrap() + "\n";
    if std::env::var_os("ESSAIM_WRITE_VECTORS").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap() == made,
        "the format has changed: old nodes would not understand"
    );
}

#[test]
fn every_record_is_read_and_written_in_one_way() {
    let vectors = vectors();
    for (name, record) in vectors["records"].as_object().unwrap() {
        let bytes = unhex(record.as_str().unwrap());
        Wire::parse(&bytes).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        for cut in 0..bytes.len() {
            assert!(Wire::parse(&bytes[..cut]).is_err(), "{name} cut at {cut}");
        }
        assert!(Wire::parse(&[bytes.as_slice(), &[0]].concat()).is_err(), "{name} with a byte more");
    }
    for (name, message) in vectors["requests"].as_object().unwrap() {
        let bytes = unhex(message.as_str().unwrap());
        assert_eq!(Request::parse(&bytes).unwrap().to_bytes(), bytes, "{name}");
    }
    for (name, message) in vectors["answers"].as_object().unwrap() {
        let bytes = unhex(message.as_str().unwrap());
        assert_eq!(Answer::parse(&bytes).unwrap().to_bytes(), bytes, "{name}");
    }
}

fn vectors() -> Value {
    let mut net = Net::started(&["a"]);
    let (id, now) = (net.nodes[0].keys.id(), net.now);
    let mut twin = crate::forks::twin(&net, 0, "a");
    let genesis = net.nodes[0].core.hoster(id).unwrap().records();
    let one = records_in(&net.nodes[0].core.edit(now, &sets(&[("join.open", "yes")])).unwrap()).remove(0);
    let other = records_in(&twin.edit(now, &sets(&[("join.open", "no")])).unwrap()).remove(0);
    let points = ["backups".to_owned(), "exports".to_owned()].into();
    let (evidence, expires) = (Some("https://a.example/".to_owned()), Timestamp(now.0 + 86_400_000));
    let vouch = Vouch { points, method: Method::Visited, evidence, made: now, expires };
    let target = ListingId::from_bytes([7; 32]);
    let vouched =
        records_in(&net.nodes[0].core.state(now, &[Statement::Vouch(vouch).edit(target)]).unwrap()).remove(0);
    let digest = *net.nodes[0].core.hoster(id).unwrap().digest();
    let out = net.nodes[0].core.handle(now, Input::Tick);
    let beat = out.into_iter().find_map(|output| match output {
        Output::Gossip { bytes, topic: wire::Topic::Beats, .. } => Some(bytes),
        _ => None,
    });
    let keyring = net.nodes[0].keys.keyring.head().number;
    let mut tombstone = Cosigning::propose(&Tombstone { listing: id, keyring, time: now }).unwrap();
    tombstone.sign(&net.nodes[0].keys.root).unwrap();
    let proof = wire_of_fork(&mut net, &other);
    let names = vec![Name(id), Name(target)];
    let summary = Summary { listing: id, digest: *digest.first_chunk().unwrap() };
    json!({
        "how": "keys are Ed25519 of BLAKE3-256(\"a root\"), (\"a\"), (\"a second\"); time is 1800000000000; digest is after the vouch and before the fork",
        "listing": id.to_string(),
        "digest": hex(&digest),
        "automerge_of_the_edit": hex(&change_in(&one)),
        "records": object(&[
            ("keyring", &genesis[0]),
            ("start of the profile", &genesis[1]),
            ("edit", &one),
            ("rival edit", &other),
            ("start of the statements", &vouched),
            ("proof", &proof),
            ("beat", &beat.unwrap()),
            ("tombstone", &wire::of_tombstone(&tombstone.to_wire())),
        ]),
        "requests": object(&[
            ("root", &Request::Root(digest).to_bytes()),
            ("summaries", &Request::Summaries { buckets: [0x81; 32], from: target }.to_bytes()),
            ("records", &Request::Records(names).to_bytes()),
        ]),
        "answers": object(&[
            ("same", &Answer::Same.to_bytes()),
            ("buckets", &Answer::Buckets(vec![3; 16].into()).to_bytes()),
            ("summaries", &Answer::Summaries { summaries: vec![summary], next: Some(Name(target)) }.to_bytes()),
            ("last summaries", &Answer::Summaries { summaries: vec![summary], next: None }.to_bytes()),
            ("records", &Answer::Records { records: vec![vec![1, 2, 3].into()], complete: 1 }.to_bytes()),
        ]),
    })
}

/// The proof that the node makes when it hears of the rival.
fn wire_of_fork(net: &mut Net, rival: &[u8]) -> Vec<u8> {
    let core = &mut net.nodes[0].core;
    let listing = core.own_listing().unwrap();
    let domain = format!("{}.test", "a").parse().unwrap();
    let outcome = essaim_directory::DomainOutcome::Proven;
    core.handle(net.now, Input::DomainChecked { listing, domain, outcome });
    let from = key("peer").public();
    let out = core.handle(net.now, Input::Gossip { from, ticket: 0, bytes: rival.to_vec() });
    records_in(&out).into_iter().find(|record| matches!(Wire::parse(record), Ok(Wire::Fork(_)))).unwrap()
}

fn change_in(record: &[u8]) -> Vec<u8> {
    let Wire::Change(change) = Wire::parse(record).unwrap() else { panic!("a change") };
    change.claims().change.clone()
}

fn object(items: &[(&str, &[u8])]) -> Map<String, Value> {
    items.iter().map(|(name, bytes)| ((*name).to_owned(), Value::String(hex(bytes)))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
