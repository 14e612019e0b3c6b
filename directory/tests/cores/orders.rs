//! Random histories: two operators and a thief's copy write, hear of each other or not, a key is revoked. Two newcomers are told
//! all of it in two orders, more than may wait at a time; once they have compared they are the same.

use essaim_directory::document::Edit;
use essaim_directory::listing::Listing;
use essaim_directory::{Directory, Origin, Output, Policy};
use essaim_identity::keyring::Cut;
use essaim_types::ListingId;
use proptest::prelude::{Just, Strategy, prop};
use proptest::test_runner::{Config, TestRunner};
use proptest::{prop_assert_eq, prop_oneof};

use crate::feed::{feed, page, records_in};
use crate::net::{Keys, Net, key};

#[derive(Debug, Clone)]
enum Step {
    /// A writer edits a field.
    Edit { writer: usize, field: usize, text: u8 },
    /// A writer edits so often that an epoch is full.
    Burst { writer: usize },
    /// One writer hears all that another knows.
    Tell { from: usize, to: usize },
    /// The second operator's key is revoked; the first operator publishes it.
    Revoke,
}

#[test]
fn r5_any_history_ends_the_same_in_every_order() {
    let long = std::env::var_os("ESSAIM_LONG").is_some();
    let config =
        Config { cases: if long { 600 } else { 24 }, failure_persistence: None, ..Config::default() };
    let history = prop::collection::vec(step(), 4..28);
    TestRunner::new(config)
        .run(&(history, prop::num::u64::ANY), |(history, shuffle)| {
            let (one, other) = ends(&history, shuffle);
            prop_assert_eq!(one, other);
            Ok(())
        })
        .unwrap();
}

/// The history with which it was found that an epoch begun by a key that is revoked later ended in two ways.
#[test]
fn r7_an_epoch_of_a_revoked_key_ends_the_same_in_every_order() {
    let history = [
        Step::Burst { writer: 1 },
        Step::Tell { from: 1, to: 0 },
        Step::Edit { writer: 0, field: 0, text: 0 },
        Step::Revoke,
    ];
    for shuffle in [2_006_602_107_219_726_843, 1, 2, 3] {
        let (one, other) = ends(&history, shuffle);
        assert_eq!(one, other);
    }
}

/// How two newcomers end who are told the same in two orders and then compare.
fn ends(history: &[Step], shuffle: u64) -> (([u8; 32], Listing), ([u8; 32], Listing)) {
    let world = World::after(history);
    let mut one = feed(world.net.now, world.id, &shuffled(&world.records, shuffle));
    let mut other = feed(world.net.now, world.id, &shuffled(&world.records, !shuffle));
    for _ in 0..3 {
        exchange(&mut one, &mut other, &world);
    }
    let end = |core: &Directory| {
        let hoster = core.hoster(world.id).unwrap();
        (*hoster.digest(), hoster.listing().clone())
    };
    (end(&one), end(&other))
}

struct World {
    net: Net,
    id: ListingId,
    writers: Vec<Directory>,
    keys: Keys,
    records: Vec<Vec<u8>>,
}

impl World {
    fn after(history: &[Step]) -> Self {
        let net = Net::started(&["a"]);
        let id = net.nodes[0].keys.id();
        let writer = |(seed, name): (u8, &str)| {
            let mut core = Directory::load(Policy::default(), [seed; 32], net.nodes[0].disk(), net.now);
            core.adopt(net.now, id, key(name), Origin::Existing);
            core.trust_own_copy();
            core
        };
        let writers = [(1, "a"), (2, "a second"), (3, "a")].into_iter().map(writer).collect();
        let records = net.nodes[0].core.hoster(id).unwrap().records();
        let mut world = Self { net, id, writers, keys: Keys::new("a"), records };
        history.iter().for_each(|step| world.take(step));
        world
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Edit { writer, field, text } => self.edit(writer, field, text),
            Step::Burst { writer } => (0..34).for_each(|text| self.edit(writer, 0, text)),
            Step::Tell { from, to } => {
                let known = self.writers[from].hoster(self.id).unwrap().records();
                let peer = key("peer").public();
                let out = page(&mut self.writers[to], self.net.now, peer, self.id, &known);
                self.note(&out);
            }
            Step::Revoke => {
                let second = self.keys.second.public();
                if self.keys.keyring.head().operators.contains_key(&second) {
                    let entry = self.keys.next(|draft| draft.revoke(second, Cut::NOTHING));
                    self.keys.keyring.accept(entry.clone()).unwrap();
                    let out = self.writers[0].publish_keyring(self.net.now, &entry).unwrap();
                    self.note(&out);
                }
            }
        }
    }

    fn edit(&mut self, writer: usize, field: usize, text: u8) {
        let language = ["fr", "nl", "en", "de"][field];
        let edit = Edit::text(&format!("description.{language}"), &format!("{writer} says {text}"));
        // A revoked key may not, and a text that is there already is no edit.
        if let Ok(out) = self.writers[writer].edit(self.net.now, &[edit]) {
            self.note(&out);
        }
    }

    fn note(&mut self, outputs: &[Output]) {
        for record in records_in(outputs) {
            if !self.records.contains(&record) {
                self.records.push(record);
            }
        }
    }
}

/// Both tell each other all they know.
fn exchange(one: &mut Directory, other: &mut Directory, world: &World) {
    let (now, id, peer) = (world.net.now, world.id, key("peer").public());
    let known = one.hoster(id).unwrap().records();
    page(other, now, peer, id, &known);
    let known = other.hoster(id).unwrap().records();
    page(one, now, peer, id, &known);
}

fn shuffled(records: &[Vec<u8>], seed: u64) -> Vec<Vec<u8>> {
    let mut order: Vec<(blake3::Hash, &Vec<u8>)> = records
        .iter()
        .map(|record| (blake3::hash(&[&seed.to_be_bytes(), record.as_slice()].concat()), record))
        .collect();
    order.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    order.into_iter().map(|(_, record)| record.clone()).collect()
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..3usize, 0..4usize, 0..4u8).prop_map(|(writer, field, text)| Step::Edit { writer, field, text }),
        1 => (0..3usize).prop_map(|writer| Step::Burst { writer }),
        6 => (0..3usize, 0..3usize).prop_map(|(from, to)| Step::Tell { from, to }),
        1 => Just(Step::Revoke),
    ]
}
