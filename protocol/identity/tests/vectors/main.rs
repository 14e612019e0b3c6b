//! The vectors beside this file, which another implementation can use, are what this one does.
//!
//! Written anew by `ESSAIM_VECTORS=write cargo test -p essaim-identity --test vectors`; every change of them is a change of
//! the format and needs a new version of the record. `keys.json` comes from elsewhere and is never written.
#![expect(clippy::unwrap_used, reason = "tests")]

mod account;
mod refused;

use std::path::PathBuf;

use essaim_identity::domain::{Card, TxtRecord};
use essaim_identity::invitation::{Invitation, InvitationLink};
use essaim_identity::keyring::{ActorId, Cut, Draft, KeyringEntry, Role, Roles, Status};
use essaim_identity::node::{NodeAddress, NodeClaim};
use essaim_identity::words::RootSecret;
use essaim_identity::{Cosigned, Cosigning, KeySet, Keyring, PublicKey, RecordHash, Signature, SigningKey};
use essaim_types::Timestamp;
use serde_json::{Value, json};

#[test]
fn keys_and_signatures_of_rfc8032() {
    for vector in read("keys.json")["signatures"].as_array().unwrap() {
        let key = SigningKey::from_seed(&bytes(&vector["seed"]).try_into().unwrap());
        let message = bytes(&vector["message"]);
        let signature = Signature::from_bytes(bytes(&vector["signature"]).try_into().unwrap());
        assert_eq!(hex(key.public().as_bytes()), vector["public"], "{}", vector["name"]);
        assert_eq!(key.sign(&message), signature, "{}", vector["name"]);
        assert_eq!(key.public().verify(&message, &signature), Ok(()), "{}", vector["name"]);
        assert!(key.public().verify(&[&message[..], b"x"].concat(), &signature).is_err());
    }
}

#[test]
fn peer_ids_of_libp2p() {
    for vector in read("keys.json")["peer_ids"].as_array().unwrap() {
        let key = PublicKey::from_bytes(bytes(&vector["public"]).try_into().unwrap()).unwrap();
        assert_eq!(key.to_peer_id(), vector["peer_id"]);
        assert_eq!(PublicKey::from_peer_id(vector["peer_id"].as_str().unwrap()), Ok(key));
        assert_eq!(key.to_string(), vector["text"]);
    }
}

#[test]
fn a_keyring_from_its_first_entry_to_the_end_of_a_fork() {
    let mut keyring = founded();
    let mut entries = vec![keyring.entries().next().unwrap().clone()];
    let cut = Cut { last_seq: 17, last_hash: RecordHash::from_bytes([0xcc; 32]) };
    let mut step = |keyring: &mut Keyring, draft: Draft, by: &[u8]| {
        let entry = signed(draft.propose(keyring).unwrap(), by);
        keyring.accept(entry.clone()).unwrap();
        entries.push(entry);
    };
    let beat = Roles::of(&[Role::Beat]).unwrap();
    let draft = keyring.draft().unwrap().operator(key(12).public(), beat, ActorId([12; 16]));
    step(&mut keyring, draft.revoke(key(11).public(), cut), &[1, 3]);
    let (one, other) =
        (keyring.draft().unwrap().domain(None), keyring.draft().unwrap().roots(roots(&[4]), 1));
    let before = keyring.clone();
    step(&mut keyring, one, &[1, 2]);
    step(&mut before.clone(), other, &[2, 3, 4]);
    keyring.accept(entries.last().unwrap().clone()).unwrap();
    assert!(matches!(keyring.status(), Status::Forked { .. }));
    let mut thaw = signed(keyring.draft().unwrap().propose(&keyring).unwrap(), &[2, 3]);
    keyring.accept(thaw.clone()).unwrap();
    entries.push(thaw.clone());
    thaw = signed(keyring.draft().unwrap().propose(&keyring).unwrap(), &[1, 2, 3]);
    keyring.accept(thaw.clone()).unwrap();
    entries.push(thaw);

    let told: Vec<Value> = entries.iter().map(entry_vector).collect();
    check(
        "keyring.json",
        &json!({
            "listing": keyring.listing().to_string(),
            "seeds": (1u8..=4).chain(10..=12).map(|n| hex(&[n; 32])).collect::<Vec<_>>(),
            "entries": told,
            "head": { "number": keyring.head().number.0, "hash": hex(keyring.head_hash().as_bytes()) },
        }),
    );
    replay(&read("keyring.json"));
}

#[test]
fn words_of_root_secrets() {
    let vectors: Vec<Value> = [[0; 32], [0x7f; 32], [0x80; 32], [0xff; 32]]
        .iter()
        .map(|secret| {
            let root = RootSecret::from_bytes(secret);
            let (words, key) = (root.to_words(), root.signing_key());
            json!({
                "secret": hex(secret),
                "words": *words,
                "root_seed": hex(&*key.to_seed()),
                "root_public": key.public().to_string(),
            })
        })
        .collect();
    check("words.json", &json!({ "secrets": vectors }));
}

#[test]
fn a_link_that_invites() {
    let invitation = Invitation {
        node: claim(),
        seeds: vec!["voisins.example".parse().unwrap()],
        nonce: [9; 16],
        expires: Timestamp(NOW.0 + 7 * 24 * 3_600_000),
    };
    let link = InvitationLink::sign("coop.example".parse().unwrap(), None, &invitation, &key(10)).unwrap();
    let wire = link.invitation.to_wire();
    check(
        "invitation.json",
        &json!({
            "now": NOW.seconds(),
            "node_seed": hex(&[10; 32]),
            "link": link.to_string(),
            "wire": hex(&wire),
            "hash": hex(link.invitation.hash().as_bytes()),
            "expires": invitation.expires.seconds(),
        }),
    );
    let read: InvitationLink = read("invitation.json")["link"].as_str().unwrap().parse().unwrap();
    assert_eq!(read.verify(NOW).unwrap().record(), &invitation);
}

#[test]
fn a_domain_that_names_its_hoster() {
    let card = Card { domain: "coop.example".parse().unwrap(), node: claim(), issued: NOW };
    let txt = TxtRecord { listing: founded().listing(), root: key(1).public() };
    check(
        "domain.json",
        &json!({
            "now": NOW.seconds(),
            "txt_name": TxtRecord::name(&card.domain),
            "txt": txt.to_string(),
            "card_path": Card::PATH,
            "card": hex(&card.sign(&key(10)).unwrap()),
        }),
    );
    let vector = read("domain.json");
    let found = Card::read(&bytes(&vector["card"]), NOW).unwrap();
    let txt = TxtRecord::find([vector["txt"].as_str().unwrap().as_bytes()]).unwrap();
    let proof = essaim_identity::domain::prove(&card.domain, &founded(), Some(&txt), Some(&found));
    assert_eq!(proof, Ok(()));
}

/// Roots 1, 2 and 3, two of whom sign; node 10; editor 11.
fn founded() -> Keyring {
    let roles = |list: &[Role]| Roles::of(list).unwrap();
    let draft = Draft::genesis(roots(&[1, 2, 3]), 2)
        .domain(Some("coop.example".parse().unwrap()))
        .operator(key(10).public(), roles(&[Role::Beat, Role::AdminOps, Role::Node]), ActorId([10; 16]))
        .operator(key(11).public(), roles(&[Role::Edit, Role::Endorse]), ActorId([11; 16]));
    Keyring::found(signed(draft.propose_genesis().unwrap(), &[1, 2])).unwrap()
}

fn claim() -> NodeClaim {
    let keyring = founded();
    // /ip4/203.0.113.5/udp/4001/quic-v1
    let address = [4, 203, 0, 113, 5, 0x91, 0x02, 0x0f, 0xa1, 0xcd, 0x03];
    NodeClaim {
        listing: keyring.listing(),
        head: keyring.head_hash(),
        key: key(10).public(),
        addresses: vec![NodeAddress::new(&address).unwrap()],
    }
}

fn signed(mut proposal: Cosigning<KeyringEntry>, by: &[u8]) -> Cosigned<KeyringEntry> {
    for n in by {
        proposal.sign(&key(*n)).unwrap();
    }
    proposal.verify().unwrap()
}

fn entry_vector(entry: &Cosigned<KeyringEntry>) -> Value {
    json!({
        "number": entry.record().number.0,
        "bytes": hex(entry.bytes()),
        "hash": hex(entry.hash().as_bytes()),
        "signers": entry.signers().map(|key| hex(key.as_bytes())).collect::<Vec<_>>(),
        "wire": hex(&entry.to_wire()),
    })
}

/// As another implementation would use the file: from the bytes alone.
fn replay(vector: &Value) {
    let entries = vector["entries"].as_array().unwrap();
    let mut entries = entries.iter().map(|entry| {
        let read = Cosigning::<KeyringEntry>::parse(&bytes(&entry["wire"])).unwrap().verify().unwrap();
        assert_eq!(hex(read.hash().as_bytes()), entry["hash"]);
        read
    });
    let mut keyring = Keyring::found(entries.next().unwrap()).unwrap();
    entries.for_each(|entry| {
        keyring.accept(entry).unwrap();
    });
    assert_eq!(keyring.listing().to_string(), vector["listing"]);
    assert_eq!(hex(keyring.head_hash().as_bytes()), vector["head"]["hash"]);
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn roots(numbers: &[u8]) -> KeySet {
    numbers.iter().map(|n| key(*n).public()).collect()
}

/// Holds what we do against the file, or writes the file.
fn check(name: &str, ours: &Value) {
    if std::env::var_os("ESSAIM_VECTORS").is_some_and(|value| value == "write") {
        let text = serde_json::to_string_pretty(ours).unwrap() + "\n";
        std::fs::write(path(name), text).unwrap();
    }
    assert_eq!(&read(name), ours, "{name}: if the format was meant to change, say so in the spec first");
}

fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap()
}

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "vectors", name].iter().collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap().as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 2026-03-01T12:00:00Z.
const NOW: Timestamp = Timestamp(1_772_366_400_000);
