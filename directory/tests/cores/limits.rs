//! R11 floods, R14 wrong clocks, R15 a full car park, R18 whose fault a refusal is, R23 erasure.

use std::time::Duration;

use essaim_directory::beat::Freshness::{Fresh, Lost, Quiet, Seen, Stale};
use essaim_directory::document::Edit;
use essaim_directory::envelope::DocumentKind;
use essaim_directory::refusal::Verdict;
use essaim_directory::wire::{self, Wire};
use essaim_directory::{Alert, Directory, Input, Output, Policy};
use essaim_identity::Signed;
use essaim_types::{ListingId, Timestamp};

use crate::feed::records_in;
use crate::net::{Net, key, sets};

fn gossip(core: &mut Directory, now: Timestamp, bytes: &[u8]) -> Verdict {
    let from = key("peer").public();
    let out = core.handle(now, Input::Gossip { from, ticket: 9, bytes: bytes.to_vec() });
    let verdict = |output: &Output| match output {
        Output::Verdict { ticket: 9, verdict } => Some(*verdict),
        _ => None,
    };
    out.iter().find_map(verdict).expect("every gossip has its verdict")
}

#[test]
fn r11_one_peer_or_one_hoster_that_floods_is_ignored_and_others_are_heard() {
    let mut net = Net::started(&["a", "b", "c"]);
    net.now = net.now.after(Duration::from_secs(86_400));
    let mut records = Vec::new();
    for round in 0..30 {
        records.extend(records_in(
            &net.nodes[0].core.edit(net.now, &sets(&[("name", &format!("{round}"))])).unwrap(),
        ));
    }
    let verdicts: Vec<Verdict> =
        records.iter().map(|record| gossip(&mut net.nodes[1].core, net.now, record)).collect();
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Accept).count(), 8);
    assert!(!verdicts.contains(&Verdict::Reject));
    let other = records_in(&net.nodes[2].core.edit(net.now, &sets(&[("name", "c now")])).unwrap());
    assert_eq!(gossip(&mut net.nodes[1].core, net.now, &other[0]), Verdict::Accept);
    // 10,000 messages at once: after some hundred nothing of this peer is even read, and never anything is a fault of honest ones.
    for _ in 0..10_000 {
        gossip(&mut net.nodes[1].core, net.now, b"nonsense");
    }
    let numbers = net.nodes[1].core.numbers(net.now);
    assert!(numbers.refusals["too-often"] > 9_000, "{:?}", numbers.refusals);
    let third = records_in(&net.nodes[2].core.edit(net.now, &sets(&[("name", "c again")])).unwrap());
    assert_eq!(net.gossip(2, 1, &third[0]), Verdict::Accept, "another peer brings it");
}

#[test]
fn r14_a_clock_that_is_a_day_off_orders_nothing() {
    let mut net = Net::started(&["a", "b"]);
    let day = Duration::from_secs(86_400);
    let early =
        net.nodes[0].core.edit(Timestamp(net.now.0 - 86_400_000), &sets(&[("name", "yesterday")])).unwrap();
    assert_eq!(gossip(&mut net.nodes[1].core, net.now, &records_in(&early)[0]), Verdict::Accept);
    assert!(net.shown(1).contains(&"yesterday".to_owned()), "the later change counts, whatever its date");
    let mut late = Directory::load(Policy::default(), [7; 32], net.nodes[0].disk(), net.now);
    late.adopt(net.now, net.nodes[0].keys.id(), key("a second"), essaim_directory::Origin::Existing);
    late.trust_own_copy();
    let late = late.edit(net.now.after(day), &sets(&[("energy", "grid")])).unwrap();
    let record = &records_in(&late)[0];
    assert_eq!(gossip(&mut net.nodes[1].core, net.now, record), Verdict::Ignore, "not the peer's fault");
    assert_eq!(gossip(&mut net.nodes[1].core, net.now.after(day), record), Verdict::Accept);
}

#[test]
fn r14_our_own_wrong_clock_is_noticed_and_stops_our_signs_of_life() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let mut net = Net::started(&names);
    let ahead = net.now.after(Duration::from_secs(1_200));
    let beats: Vec<Vec<u8>> = (1..7).flat_map(|at| beats(&mut net, at)).collect();
    assert!(beats.len() >= 5);
    beats.iter().for_each(|beat| {
        gossip(&mut net.nodes[0].core, ahead, beat);
    });
    let out = net.nodes[0].core.handle(ahead.after(Duration::from_secs(86_400)), Input::Tick);
    assert!(
        out.iter().any(|output| matches!(output, Output::Alert(Alert::ClockOff(off)) if *off < -1_000_000))
    );
    assert!(!out.iter().any(|output| matches!(output, Output::Gossip { topic: wire::Topic::Beats, .. })));
}

/// Who has no hoster's key cannot make us doubt our clock and fall silent; nor can who says again what hosters said yesterday.
#[test]
fn r14_forged_and_repeated_signs_of_life_say_nothing_of_our_clock() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let mut net = Net::started(&names);
    let old: Vec<Vec<u8>> = (1..7).flat_map(|at| beats(&mut net, at)).collect();
    old.iter().for_each(|beat| {
        gossip(&mut net.nodes[0].core, net.now, beat);
    });
    let later = net.now.after(Duration::from_secs(36_000));
    for beat in &old {
        let mut forged = beat.clone();
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(gossip(&mut net.nodes[0].core, later, &forged), Verdict::Reject);
        assert_eq!(gossip(&mut net.nodes[0].core, later, beat), Verdict::Ignore);
    }
    let out = net.nodes[0].core.handle(later, Input::Tick);
    assert!(!out.iter().any(|output| matches!(output, Output::Alert(Alert::ClockOff(_)))));
    assert!(out.iter().any(|output| matches!(output, Output::Gossip { topic: wire::Topic::Beats, .. })));
}

#[test]
fn r14_a_clock_that_is_behind_is_noticed_although_all_that_comes_is_from_its_future() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let mut net = Net::started(&names);
    let behind = Timestamp(net.now.0 - 1_200_000);
    for beat in (1..7).flat_map(|at| beats(&mut net, at)).collect::<Vec<_>>() {
        assert_eq!(gossip(&mut net.nodes[0].core, behind, &beat), Verdict::Ignore);
    }
    let out = net.nodes[0].core.handle(Timestamp(behind.0 + 61_000), Input::Tick);
    assert!(
        out.iter().any(|output| matches!(output, Output::Alert(Alert::ClockOff(off)) if *off > 1_000_000)),
        "{out:?}"
    );
}

/// What a node says of being alive in the next hours.
fn beats(net: &mut Net, at: usize) -> Vec<Vec<u8>> {
    let out = net.nodes[at].core.handle(net.now, Input::Tick);
    let beat = |output: Output| match output {
        Output::Gossip { bytes, topic: wire::Topic::Beats, .. } => Some(bytes),
        _ => None,
    };
    out.into_iter().filter_map(beat).collect()
}

#[test]
fn a_beat_keeps_a_hoster_fresh_and_silence_makes_it_quiet_stale_and_forgotten() {
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    net.now = net.now.after(Duration::from_secs(100_000));
    let at = |net: &Net, hours: u64| {
        net.nodes[1]
            .core
            .hoster(id)
            .map(|hoster| hoster.freshness(net.now.after(Duration::from_secs(hours * 3600))))
    };
    assert_eq!(at(&net, 0), Some(Seen));
    let beat = &beats(&mut net, 0)[0];
    assert!(beat.len() <= 200, "{}", beat.len());
    assert_eq!(gossip(&mut net.nodes[1].core, net.now, beat), Verdict::Accept);
    assert_eq!(gossip(&mut net.nodes[1].core, net.now, beat), Verdict::Ignore);
    let seen: Vec<_> = [0, 25, 100, 24 * 15, 24 * 181].map(|hours| at(&net, hours).unwrap()).into();
    assert_eq!(seen, [Fresh, Seen, Quiet, Stale, Lost]);
    let later = net.now.after(Duration::from_secs(181 * 86_400));
    let out = net.nodes[1].core.handle(later, Input::Tick);
    assert!(net.nodes[1].core.hoster(id).is_none());
    assert!(out.iter().filter(|output| matches!(output, Output::Delete(_))).count() >= 3);
}

#[test]
fn r15_what_waits_is_bounded_and_forgotten() {
    let mut net = Net::started(&["a", "b"]);
    let mut records = Vec::new();
    for round in 0..30 {
        let out = net.nodes[0].core.edit(net.now, &sets(&[("name", &format!("{round}"))])).unwrap();
        records.extend(records_in(&out));
    }
    // The first of them never comes.
    let mut time = net.now;
    for record in records.iter().skip(1) {
        time = time.after(Duration::from_secs(15));
        gossip(&mut net.nodes[1].core, time, record);
    }
    let parked = net.nodes[1].core.numbers(time).parked;
    assert!((1..=32).contains(&parked), "{parked}");
    net.nodes[1].core.handle(time.after(Duration::from_secs(700)), Input::Tick);
    assert_eq!(net.nodes[1].core.numbers(time).parked, 0);
}

#[test]
fn r18_no_refusal_by_policy_is_a_fault_of_the_sender() {
    let mut net = Net::started(&["a", "b"]);
    let edit = records_in(&net.nodes[0].core.edit(net.now, &sets(&[("name", "x")])).unwrap());
    let core = &mut net.nodes[1].core;
    let mut empty = Directory::new(Policy::default(), [1; 32]);
    assert_eq!(gossip(&mut empty, net.now, &edit[0]), Verdict::Ignore, "an unknown listing");
    assert_eq!(gossip(core, Timestamp(net.now.0 - 3_600_000), &edit[0]), Verdict::Ignore, "from the future");
    assert_eq!(gossip(core, net.now, &edit[0]), Verdict::Accept);
    assert_eq!(gossip(core, net.now, &edit[0]), Verdict::Ignore, "known");
    for nonsense in [b"".as_slice(), b"\x02nonsense", b"\x09", &[0xff; 40]] {
        assert_eq!(gossip(core, net.now, nonsense), Verdict::Reject);
    }
    let later = records_in(&net.nodes[0].core.edit(net.now, &sets(&[("name", "y")])).unwrap());
    let mut forged = later[0].clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(gossip(&mut net.nodes[1].core, net.now, &forged), Verdict::Reject, "a false signature");
}

#[test]
fn a_key_says_only_what_its_role_allows() {
    let mut net = Net::started(&["a", "b"]);
    let later = records_in(&net.nodes[0].core.edit(net.now, &sets(&[("name", "y")])).unwrap());
    let Wire::Change(change) = Wire::parse(&later[0]).unwrap() else { panic!("a change") };
    let reject = |net: &mut Net, change: &essaim_directory::envelope::Change, by: &str| {
        let record = wire::of_change(&Signed::sign(change, &key(by)).unwrap().to_wire());
        let verdict = gossip(&mut net.nodes[1].core, net.now, &record);
        let refusals = net.nodes[1].core.numbers(net.now).refusals;
        (verdict, refusals.keys().copied().collect::<Vec<_>>())
    };
    let mut other = change.claims().clone();
    other.operator = 7;
    assert_eq!(reject(&mut net, &other, "a"), (Verdict::Reject, vec!["not-allowed"]));
    let second = usize::from(change.claims().operator == 0);
    other.operator = u8::try_from(second).unwrap();
    assert_eq!(reject(&mut net, &other, "a second"), (Verdict::Reject, vec!["not-allowed", "wrong-actor"]));
    let mut other = change.claims().clone();
    other.listing = ListingId::from_bytes(*net.nodes[1].keys.id().as_bytes());
    assert_eq!(reject(&mut net, &other, "a").0, Verdict::Reject);
}

#[test]
fn r16_what_a_listing_may_not_say_is_refused_although_it_is_signed() {
    let mut net = Net::started(&["a", "b"]);
    let id = net.nodes[0].keys.id();
    let live = net.nodes[0].core.hoster(id).unwrap().log(DocumentKind::Profile).document();
    let good = records_in(&net.nodes[0].core.edit(net.now, &sets(&[("energy", "grid")])).unwrap());
    let Wire::Change(good) = Wire::parse(&good[0]).unwrap() else { panic!("a change") };
    let actor = crate::net::actor("a").0;
    for (round, edit) in [
        Edit::text("website", "javascript:alert(1)"),
        Edit::text("name", "evil\u{202e}name"),
        Edit::text("domain", "p\u{430}ypal.test"),
        Edit::text("unknown", "key"),
        Edit::number("name", 7),
        Edit::text("description.fr", &"long ".repeat(200)),
    ]
    .into_iter()
    .enumerate()
    {
        // Each at another node, for at one node the second of them would be a fork.
        let mut core = Directory::load(Policy::default(), [4; 32], net.nodes[1].disk(), net.now);
        let mut change = good.claims().clone();
        change.change = live.edit(actor, &[edit]).unwrap();
        let record = wire::of_change(&Signed::sign(&change, &key("a")).unwrap().to_wire());
        assert_eq!(gossip(&mut core, net.now, &record), Verdict::Reject, "round {round}");
        assert_eq!(core.numbers(net.now).refusals.get("schema"), Some(&1), "round {round}");
        assert_eq!(core.hoster(id).unwrap().digest(), net.nodes[1].core.hoster(id).unwrap().digest());
    }
}

#[test]
fn envelopes_are_as_small_as_promised() {
    let mut net = Net::new(&["a"]);
    net.found(0);
    let text = "Nous sommes une coopérative d'hébergement: courrier, fichiers et agendas pour nos membres, \
        sans publicité, sur des machines que nous connaissons, avec des gens qui répondent au téléphone et qui \
        expliquent ce qu'ils font. Les sauvegardes sont chez nos voisins, chiffrées.";
    let mut all = vec![("name", "Les Abeilles"), ("place.cell", "50.4,4.8"), ("place.country", "BE")];
    all.extend(["fr", "nl", "en", "de"].map(|language| match language {
        "fr" => ("description.fr", text),
        "nl" => ("description.nl", text),
        "en" => ("description.en", text),
        _ => ("description.de", text),
    }));
    all.extend([("service.mail", "yes"), ("service.files", "yes"), ("service.calendar", "yes")]);
    all.extend([
        ("join.open", "yes"),
        ("legal.form", "cooperative"),
        ("contact.email", "info@abeilles.example"),
    ]);
    let genesis = records_in(&net.nodes[0].core.edit(net.now, &sets(&all)).unwrap());
    let update = records_in(&net.nodes[0].core.edit(net.now, &sets(&[("join.open", "no")])).unwrap());
    let summary =
        records_in(&net.nodes[0].core.edit(net.now, &sets(&[("description.fr", "Plus court")])).unwrap());
    println!("genesis {}, update {}, text {}", genesis[0].len(), update[0].len(), summary[0].len());
    assert!(genesis[0].len() <= 2_500, "{}", genesis[0].len());
    assert!(update[0].len() <= 400, "{}", update[0].len());
}
