//! `refused.json`: records that every implementation refuses, each for one reason only.

use std::fmt::Debug;

use essaim_identity::keyring::{ActorId, Cut, EntryNumber, KeyringEntry, Operator, Refusal, Role, Roles};
use essaim_identity::{Cosigning, KeySet, Keyring, Signature, cbor};
use serde_json::{Value, json};

use super::{bytes, check, founded, hex, key, read, roots};

#[test]
fn what_every_implementation_refuses() {
    let genesis = founded().entries().next().unwrap().bytes().to_vec();
    let vectors: Vec<Value> =
        spellings(&genesis).into_iter().chain(contents()).chain(signatures(&genesis)).collect();
    check("refused.json", &json!({ "after": "entry 0 of keyring.json", "entries": vectors }));
    for vector in read("refused.json")["entries"].as_array().unwrap() {
        assert_eq!(refusal(&bytes(&vector["wire"])), vector["why"], "{}", vector["name"]);
    }
    let next = founded().draft().unwrap().propose(&founded()).unwrap();
    let good = wire(&cbor::encode(next.claims()), &[1, 2]);
    assert_eq!(refusal(&good), "nothing is wrong", "the same entry, with nothing done to it");
}

/// Other spellings of a good entry, all well signed.
fn spellings(genesis: &[u8]) -> Vec<Value> {
    let entry = |name: &str, bytes: Vec<u8>| vector(name, &wire(&bytes, &[1, 2]));
    let head = &genesis[..1];
    let (number, rest) = genesis[1..].split_at(2);
    vec![
        entry("an integer in two bytes that fits one", [head, &[0x00, 0x18, 0x00], rest].concat()),
        entry("a map of indefinite length", [&[0xbf], &genesis[1..], &[0xff]].concat()),
        entry("keys that are not in order", [head, &rest[..2], number, &rest[2..]].concat()),
        entry("an unknown field", [&[0xa8], &genesis[1..], &[0x07, 0xf6]].concat()),
        entry("a field twice", [&[0xa8], number, number, rest].concat()),
        entry("a tag", [&[0xc1], genesis].concat()),
        entry("a byte after the record", [genesis, &[0x00]].concat()),
        entry("the last byte missing", genesis[..genesis.len() - 1].to_vec()),
        entry("too long", vec![0x00; 4097]),
        entry("too deep", [vec![0x81; 17], vec![0x00]].concat()),
        entry("a root key of small order", replaced(genesis, key(1).public().as_bytes(), &[0; 32])),
        entry("a root key that is no point", replaced(genesis, key(1).public().as_bytes(), &[2; 32])),
        entry("a domain in capitals", replaced(genesis, b"coop.example", b"Coop.example")),
        entry("an address literal as domain", replaced(genesis, b"coop.example", b"[192.0.2.10]")),
    ]
}

/// Entries that stand in their place, are well spelled and well signed, and break one rule.
fn contents() -> Vec<Value> {
    let next = || founded().draft().unwrap().entry().clone();
    let entry = |name: &str, by: &[u8], change: &dyn Fn(&mut KeyringEntry)| {
        let mut entry = next();
        change(&mut entry);
        vector(name, &wire(&cbor::encode(&entry), by))
    };
    let edit = Roles::of(&[Role::Edit]).unwrap();
    vec![
        entry("a gap", &[1, 2], &|entry| entry.number = EntryNumber(2)),
        entry("no root key", &[1, 2], &|entry| entry.roots = KeySet::default()),
        entry("a threshold above the number of roots", &[1, 2], &|entry| entry.threshold = 4),
        entry("an operator left out", &[1, 2], &|entry| {
            entry.operators.remove(&key(11).public());
        }),
        entry("a stranger revoked", &[1, 2], &|entry| {
            entry.revoked.insert(key(99).public(), Cut::NOTHING);
        }),
        entry("a cut without its hash", &[1, 2], &|entry| {
            entry.operators.remove(&key(11).public());
            entry.revoked.insert(key(11).public(), Cut { last_seq: 1, ..Cut::NOTHING });
        }),
        entry("an actor that another key had", &[1, 2], &|entry| {
            entry.operators.remove(&key(11).public());
            entry.revoked.insert(key(11).public(), Cut::NOTHING);
            let again = Operator { roles: edit, actor: ActorId([11; 16]) };
            entry.operators.insert(key(12).public(), again);
        }),
        entry("too few signatures", &[3], &|_| {}),
        entry("a signature of no root key", &[1, 2, 10], &|_| {}),
        entry("new roots that have not signed", &[1, 2], &|entry| entry.roots = roots(&[4, 5])),
    ]
}

/// The first entry with signatures that are not its own.
fn signatures(genesis: &[u8]) -> Vec<Value> {
    let signed = |name: &str, sign: &dyn Fn(u8) -> Signature| {
        vector(name, &assembled(genesis, [1, 2].map(|n| (n, sign(n))).as_slice()))
    };
    let message = |domain: &[u8]| [domain, genesis].concat();
    vec![
        signed("a signature of another record", &|n| key(n).sign(&message(b"essaim/card/1\0"))),
        signed("a signature without the name", &|n| key(n).sign(genesis)),
        signed("a signature with s + L for s", &|n| plus_order(key(n).sign(&message(b"essaim/keyring/1\0")))),
    ]
}

/// Why a keyring that has only entry 0 does not take this: the name of the error.
fn refusal(wire: &[u8]) -> String {
    let checked = match Cosigning::<KeyringEntry>::parse(wire) {
        Err(error) => return name(&error),
        Ok(read) => match read.verify() {
            Err(error) => return name(&error),
            Ok(checked) => checked,
        },
    };
    let outcome = match checked.record().number {
        EntryNumber(0) => Keyring::found(checked).map(|_| ()),
        _ => founded().accept(checked).map(|_| ()),
    };
    match outcome {
        Ok(()) => "nothing is wrong".to_owned(),
        Err(Refusal::Entry(fault)) => name(&fault),
        Err(refusal) => name(&refusal),
    }
}

/// `TooDeep { max: 3 }` is called `TooDeep`.
fn name(error: &dyn Debug) -> String {
    format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn vector(name: &str, wire: &[u8]) -> Value {
    json!({ "name": name, "wire": hex(wire), "why": refusal(wire) })
}

/// Any bytes as a record that these have signed.
fn wire(record: &[u8], by: &[u8]) -> Vec<u8> {
    let message = [b"essaim/keyring/1\0", record].concat();
    let signatures: Vec<_> = by.iter().map(|n| (*n, key(*n).sign(&message))).collect();
    assembled(record, &signatures)
}

fn assembled(record: &[u8], signatures: &[(u8, Signature)]) -> Vec<u8> {
    let mut signatures = signatures.to_vec();
    signatures.sort_by_key(|(n, _)| key(*n).public());
    let mut wire = vec![0x82];
    wire.extend(cbor::encode(&minicbor::bytes::ByteVec::from(record.to_vec())));
    wire.push(0xa0 | u8::try_from(signatures.len()).unwrap());
    for (n, signature) in signatures {
        wire.extend(cbor::encode(&key(n).public()));
        wire.extend(cbor::encode(&signature));
    }
    wire
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// The same equation, another number: RFC 8032 section 5.1.7 wants s < L.
fn plus_order(signature: Signature) -> Signature {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut bytes = *signature.as_bytes();
    let mut carry = 0u16;
    for (byte, add) in bytes[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    Signature::from_bytes(bytes)
}
