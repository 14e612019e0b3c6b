//! Records bent at random, signatures and all: refused, never a panic, never a harm to what is there.

use essaim_directory::envelope::Change;
use essaim_directory::refusal::Verdict;
use essaim_directory::wire::{self, Wire};
use essaim_directory::{Input, Output};
use essaim_identity::Signed;

use crate::feed::records_in;
use crate::net::{Net, key, sets};

/// 3,000 here, 300,000 with `ESSAIM_LONG=1`.
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
    for round in 0..rounds {
        let mut bent = records[round % records.len()].clone();
        for _ in 0..=dice.below(3) {
            let at = dice.below(bent.len());
            bent[at] ^= 1 << dice.below(8);
        }
        if records.contains(&bent) {
            continue;
        }
        assert_ne!(tell(&mut net, round, bent), Verdict::Accept);
    }
    assert_eq!(*net.nodes[1].core.hoster(id).unwrap().digest(), before);
}

/// A hostile hoster signs what it likes: the guard and the rules are all there is.
#[test]
fn r3_bent_changes_that_are_signed_do_no_harm() {
    silence_the_guard();
    let rounds = if std::env::var_os("ESSAIM_LONG").is_some() { 100_000 } else { 1_500 };
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    let out = net.nodes[0].core.edit(net.now, &sets(&[("name", "news"), ("energy", "grid")])).unwrap();
    let Wire::Change(honest) = Wire::parse(&records_in(&out)[0]).unwrap() else { panic!("a change") };
    let mut dice = Dice(0xf00d);
    for round in 0..rounds {
        let mut record: Change = honest.claims().clone();
        record.change = bend(&record.change, &mut dice);
        let Ok(signed) = Signed::sign(&record, &key("a")) else { continue };
        tell(&mut net, round, wire::of_change(&signed.to_wire()));
    }
    let hoster = net.nodes[1].core.hoster(id).unwrap();
    let listing = hoster.listing();
    assert!(
        essaim_directory::listing::check(
            &hoster.log(essaim_directory::envelope::DocumentKind::Profile).fields()
        )
        .is_ok()
    );
    assert_eq!(listing.domain.as_deref(), Some("a.test"));
}

fn tell(net: &mut Net, round: usize, bytes: Vec<u8>) -> Verdict {
    // Another peer and another hour each time: what is tested here is not the pace.
    let from = key(&format!("peer {}", round % 100)).public();
    net.now = net.now.after(std::time::Duration::from_secs(if round.is_multiple_of(8) { 700 } else { 0 }));
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
