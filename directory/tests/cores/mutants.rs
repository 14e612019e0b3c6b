//! Records bent at random, signatures and all: refused, never a panic, never a harm to what is there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use essaim_directory::envelope::DocumentKind;
use essaim_directory::refusal::Verdict;
use essaim_directory::wire::{self, Wire};
use essaim_directory::{Directory, Input, Output, Policy};
use essaim_identity::Signed;

use crate::feed::records_in;
use crate::net::{Net, key, sets};

/// 3,000 here, 300,000 with `ESSAIM_LONG=1`; with those that are signed a million.
#[test]
fn r3_bent_records_are_refused_and_change_nothing() {
    let rounds = if std::env::var_os("ESSAIM_LONG").is_some() { 300_000 } else { 3_000 };
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    let before = *net.nodes[1].core.hoster(id).unwrap().digest();
    let records = {
        let mut records = records_in(&net.nodes[0].core.edit(net.now, &sets(&[("name", "news")])).unwrap());
        records.extend(net.nodes[0].core.hoster(id).unwrap().records());
        records
    };
    let mut dice = Dice(0xbead);
    let mut worst = Duration::ZERO;
    for round in 0..rounds {
        let mut bent = records[round % records.len()].clone();
        for _ in 0..=dice.below(3) {
            let at = dice.below(bent.len());
            bent[at] ^= 1 << dice.below(8);
        }
        if records.contains(&bent) {
            continue;
        }
        let mut took = Duration::MAX;
        // Others use this machine too: what was slow once and is quick again was waiting for a CPU.
        for _ in 0..5 {
            let began = Instant::now();
            assert_ne!(tell(&mut net, round, bent.clone()), Verdict::Accept);
            took = took.min(began.elapsed());
            if took < SLOW {
                break;
            }
        }
        assert!(took < WORST, "{took:?} in round {round}");
        worst = worst.max(took);
    }
    println!("{rounds} with broken signatures: slowest {worst:?}");
    assert_eq!(*net.nodes[1].core.hoster(id).unwrap().digest(), before);
}

/// A hostile hoster signs what it likes: the guard and the rules are all there is. Each bent change meets the directory as it was before the
/// one before, for after two under one number all that follows is refused as a fork, unread.
#[test]
fn r3_bent_changes_that_are_signed_do_no_harm() {
    silence_the_guard();
    let rounds = if std::env::var_os("ESSAIM_LONG").is_some() { 700_000 } else { 1_500 };
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    let disk = net.nodes[1].disk();
    let out = net.nodes[0].core.edit(net.now, &sets(&[("name", "news"), ("energy", "grid")])).unwrap();
    let Wire::Change(edit) = Wire::parse(&records_in(&out)[0]).unwrap() else { panic!("a change") };
    let log = net.nodes[0].core.hoster(id).unwrap().records();
    let start = log.iter().find_map(|record| match Wire::parse(record) {
        Ok(Wire::Change(change)) if change.claims().start.is_none() => Some(change.claims().clone()),
        _ => None,
    });
    let mut start = start.unwrap();
    start.epoch.number += 1;
    let mut dice = Dice(0xf00d);
    let (mut worst, mut ends) = (Duration::ZERO, BTreeMap::<&str, u32>::new());
    for round in 0..rounds {
        let mut record = if round % 2 == 0 { edit.claims().clone() } else { start.clone() };
        record.change = bend(&record.change, &mut dice);
        let Ok(signed) = Signed::sign(&record, &key("a")) else { continue };
        let bytes = wire::of_change(&signed.to_wire());
        let mut took = Duration::MAX;
        for _ in 0..5 {
            net.nodes[1].core = Directory::load(Policy::default(), [1; 32], disk.clone(), net.now);
            let began = Instant::now();
            tell(&mut net, 0, bytes.clone());
            took = took.min(began.elapsed());
            if took < SLOW {
                break;
            }
        }
        assert!(took < WORST, "{took:?} in round {round}");
        worst = worst.max(took);
        let refusals = net.nodes[1].core.numbers(net.now).refusals;
        *ends.entry(refusals.into_keys().next().unwrap_or("taken")).or_default() += 1;
        let hoster = net.nodes[1].core.hoster(id).unwrap();
        let fields = hoster.log(DocumentKind::Profile).fields();
        assert!(essaim_directory::listing::check(&fields).is_ok(), "round {round}");
        assert_eq!(hoster.listing().domain.as_deref(), Some("a.test"));
    }
    println!("{rounds} signed: {ends:?}, slowest {worst:?}");
    assert!(ends.contains_key("taken") && ends["change"] > rounds / 100 && ends["schema"] > 0, "{ends:?}");
}

fn tell(net: &mut Net, round: usize, bytes: Vec<u8>) -> Verdict {
    // Another peer and another hour each time: what is tested here is not the pace.
    let from = key(&format!("peer {}", round % 100)).public();
    net.now = net.now.after(Duration::from_secs(if round.is_multiple_of(8) { 700 } else { 0 }));
    let out = net.nodes[1].core.handle(net.now, Input::Gossip { from, ticket: 1, bytes });
    let verdict = |output: &Output| match output {
        Output::Verdict { verdict, .. } => Some(*verdict),
        _ => None,
    };
    out.iter().find_map(verdict).unwrap()
}

/// Some bytes of the body changed, the checksum right again.
fn bend(change: &[u8], dice: &mut Dice) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let head = 9 + change[9..].iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    let mut bent = change.to_vec();
    for _ in 0..=dice.below(3) {
        let at = head + dice.below(bent.len() - head);
        bent[at] = u8::try_from(dice.below(256)).unwrap();
    }
    let hash = Sha256::digest(&bent[8..]);
    bent[4..8].copy_from_slice(&hash[..4]);
    bent
}

/// The promise of an optimized build; others may take twice as long.
const WORST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 100 } else { 50 });
/// Above this it is tried again.
const SLOW: Duration = Duration::from_millis(20);

fn silence_the_guard() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !essaim_directory::guard::is_checking() {
            loud(panic);
        }
    }));
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}
