//! Bytes from strangers: whatever comes, an answer comes back, and what is read writes itself again as it came.

use essaim_identity::cbor::{self, Bounded};
use essaim_identity::domain::{Card, TxtRecord};
use essaim_identity::invitation::{Invitation, InvitationLink};
use essaim_identity::keyring::{
    ActorId, Cut, EntryNumber, KeyringEntry, OPERATORS_MAX, Operator, Past, ROOTS_MAX, Role, Roles,
};
use essaim_identity::words::RootSecret;
use essaim_identity::{Cosigning, Keyring, PublicKey, RecordHash, SigningKey, Unverified};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::subsequence;

use crate::samples::{NOW, card, keyring, link, node};

proptest! {
    #[test]
    fn a_keyring_entry_reads_back_as_written(entry in entry()) {
        let bytes = cbor::encode(&entry);
        assert!(bytes.len() <= KeyringEntry::BYTES_MAX);
        assert_eq!(cbor::decode::<KeyringEntry>(&bytes), Ok(entry));
    }

    #[test]
    fn random_bytes_are_refused_calmly(bytes in vec(any::<u8>(), 0..300)) {
        read_as_everything(&bytes);
    }

    #[test]
    fn damaged_records_are_refused_calmly(which in 0usize..4, damage in vec(damage(), 1..6)) {
        let mut bytes = originals().swap_remove(which);
        for change in damage {
            change.apply(&mut bytes);
        }
        read_as_everything(&bytes);
    }

    #[test]
    fn no_damage_goes_unseen(which in 0usize..4, at in any::<usize>(), flip in 1u8..) {
        let original = originals().swap_remove(which);
        let mut bytes = original.clone();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let accepted = match which {
            0 => Cosigning::parse(&bytes).is_ok_and(|entry| {
                entry.verify().is_ok_and(|entry| Keyring::found(entry).is_ok())
            }),
            1 => Card::read(&bytes, NOW).is_ok(),
            2 => Unverified::<Invitation>::parse(&bytes).is_ok_and(|read| read.verify(&node().public()).is_ok()),
            _ => false,
        };
        assert!(!accepted, "byte {at} of sample {which}");
    }

    #[test]
    fn random_texts_are_refused_calmly(text in ".{0,400}") {
        let _ = text.parse::<InvitationLink>();
        let _ = format!("https://coop.example/join#{text}").parse::<InvitationLink>();
        let _ = text.parse::<PublicKey>();
        let _ = PublicKey::from_peer_id(&text);
        let _ = RootSecret::from_words(&text);
        let _ = TxtRecord::find([text.as_bytes(), format!("v=essaim1;{text}").as_bytes()]);
        let _ = TxtRecord::find([format!("v=essaim1;{text}").as_bytes()]);
    }

    #[test]
    fn words_read_back_as_written(bytes in any::<[u8; 32]>()) {
        let secret = RootSecret::from_bytes(&bytes);
        let again = RootSecret::from_words(&secret.to_words()).unwrap();
        assert_eq!(again.signing_key().public(), secret.signing_key().public());
    }
}

/// What is read from bytes, by whatever type, is written as exactly these bytes.
fn read_as_everything(bytes: &[u8]) {
    if let Ok(entry) = cbor::decode::<KeyringEntry>(bytes) {
        assert_eq!(cbor::encode(&entry), bytes);
        let _ = entry.check();
    }
    if let Ok(read) = Cosigning::<KeyringEntry>::parse(bytes) {
        assert_eq!(read.to_wire(), bytes);
        if let Ok(checked) = read.verify() {
            let _ = keyring().accept(checked.clone());
            let _ = Keyring::found(checked);
        }
    }
    if let Ok(read) = Unverified::<Card>::parse(bytes) {
        assert_eq!(read.to_wire(), bytes);
    }
    if let Ok(read) = Unverified::<Invitation>::parse(bytes) {
        assert_eq!(read.to_wire(), bytes);
    }
    let _ = Card::read(bytes, NOW);
    let _ = TxtRecord::find([bytes]);
}

/// An entry with its signature, a card, an invitation, a bare entry.
fn originals() -> Vec<Vec<u8>> {
    let keyring = keyring();
    let genesis = keyring.entries().next().unwrap();
    vec![
        genesis.to_wire(),
        card().sign(&node()).unwrap(),
        link().invitation.to_wire(),
        genesis.bytes().to_vec(),
    ]
}

#[derive(Debug, Clone)]
enum Damage {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Cut(usize),
    Repeat(usize, usize),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        match *self {
            _ if len == 0 => {}
            Self::Set(at, value) => bytes[at % len] = value,
            Self::Insert(at, value) => bytes.insert(at % len, value),
            Self::Remove(at) => {
                bytes.remove(at % len);
            }
            Self::Cut(at) => bytes.truncate(at % len),
            Self::Repeat(at, count) => {
                let at = at % len;
                bytes.extend_from_within(at..len.min(at + count));
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<usize>();
    prop_oneof![
        4 => (at, any::<u8>()).prop_map(|(at, value)| Damage::Set(at, value)),
        2 => (at, any::<u8>()).prop_map(|(at, value)| Damage::Insert(at, value)),
        2 => at.prop_map(Damage::Remove),
        1 => at.prop_map(Damage::Cut),
        1 => (at, 1usize..64).prop_map(|(at, count)| Damage::Repeat(at, count)),
    ]
}

fn entry() -> impl Strategy<Value = KeyringEntry> {
    let past = prop_oneof![
        Just(Past::None),
        hash().prop_map(Past::One),
        (hash(), hash()).prop_filter_map("the same twice", |(one, other)| Past::both(one, other)),
    ];
    let domain = prop_oneof![Just(None), "[a-z]{1,20}\\.example".prop_map(|text| text.parse().ok())];
    let operator =
        (roles(), any::<[u8; 16]>()).prop_map(|(roles, actor)| Operator { roles, actor: ActorId(actor) });
    let cut = (any::<u64>(), hash()).prop_map(|(last_seq, last_hash)| Cut { last_seq, last_hash });
    (
        any::<u32>().prop_map(EntryNumber),
        past,
        domain,
        btree_set(key(), 0..=ROOTS_MAX),
        any::<u8>(),
        btree_map(key(), operator, 0..=OPERATORS_MAX),
        btree_map(key(), cut, 0..=OPERATORS_MAX),
    )
        .prop_map(|(number, past, domain, roots, threshold, operators, revoked)| KeyringEntry {
            number,
            past,
            domain,
            roots: roots.into_iter().collect(),
            threshold,
            operators: operators.into_iter().collect(),
            revoked: revoked.into_iter().collect(),
        })
}

fn hash() -> impl Strategy<Value = RecordHash> {
    any::<[u8; 32]>().prop_map(RecordHash::from_bytes)
}

fn key() -> impl Strategy<Value = PublicKey> {
    any::<u8>().prop_map(|seed| SigningKey::from_seed(&[seed; 32]).public())
}

fn roles() -> impl Strategy<Value = Roles> {
    subsequence(Role::ALL.to_vec(), 1..=Role::ALL.len()).prop_filter_map("no role", |roles| Roles::of(&roles))
}
