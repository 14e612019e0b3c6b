//! Hosters that are away, killed, or sent much: every message that was taken arrives.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use essaim_federation::mail::{Member, pair};
use essaim_federation::{Hoster, eventually};
use essaim_harness::generate::Random;
use essaim_harness::tools::{long_form, note};

/// Attempts follow each other quickly, and nobody is told to slow down.
const HASTE: &str =
    "[mail.queue]\nretry = [\"300ms\"]\n[limits]\nmessages_per_minute = 0\nrecipients_per_hour = 100000000\n";

#[test]
fn mail_waits_for_a_hoster_that_was_killed_and_arrives_once() {
    let (mut a, mut b) = pair(HASTE);
    a.node.pin("peer");
    b.node.pin("peer");
    let (alice, bob) = (a.member("alice"), b.member("bob"));
    alice.send(&a, &["bob@b.test"], &alice.letter("bob@b.test", "before"));
    bob.inbox(&b).has(1);
    b.node.kill();
    for subject in ["one", "two", "three"] {
        alice.send(&a, &["bob@b.test"], &alice.letter("bob@b.test", subject));
    }
    eventually("they wait, and the queue says why", || {
        let queue = a.queue();
        let why =
            |entry: &serde_json::Value| entry["recipients"][0]["last"].as_str().unwrap_or("").to_owned();
        queue.len() == 3 && queue.iter().all(|entry| why(entry).contains("b.test is in the federation"))
    });
    assert!(a.queue().iter().all(|entry| entry["way"] == "peer" && entry["last_way"] == "peer"));
    // The sender starts again, and must not take the hoster for somebody whom only the DNS could know.
    a.node.kill();
    a.node.restart();
    assert!(a.queue().iter().all(|entry| entry["way"] == "peer"));
    b.node.restart();
    let mut inbox = bob.inbox(&b);
    assert_eq!(inbox.has(4).messages().len(), 4);
    eventually("the queue is empty", || a.queue().is_empty());
    let mut subjects = inbox.subjects();
    subjects.sort();
    assert_eq!(subjects, ["before", "one", "three", "two"]);
    assert!(alice.inbox(&a).subjects().is_empty(), "and nobody was told of a failure");
}

#[test]
fn what_waits_for_a_hoster_goes_when_it_is_back() {
    // Attempts are as far from each other as on any node: minutes.
    let (a, mut b) = pair("");
    b.node.pin("peer");
    let (alice, bob) = (a.member("alice"), b.member("bob"));
    b.node.kill();
    alice.send(&a, &["bob@b.test"], &alice.letter("bob@b.test", "while you were away"));
    eventually("it waits", || a.queue().iter().any(|entry| entry["attempts"] == 1));
    b.node.restart();
    let began = Instant::now();
    bob.inbox(&b).has(1);
    let took = began.elapsed();
    note(&format!("from the start of the hoster to its mail: {took:?}"));
    assert!(took < Duration::from_secs(45), "the second attempt would be after a minute: {took:?}");
}

#[test]
fn every_message_survives_kill_9_of_both_in_the_middle_of_a_storm() {
    let rounds = if long_form() { 40 } else { 6 };
    let (mut a, mut b) = pair(HASTE);
    // Both are away now and then: if both moved, neither would find the other.
    a.node.pin("peer");
    b.node.pin("peer");
    let members: Vec<Member> = (0..3).map(|number| a.member(&format!("m{number}"))).collect();
    let bob = b.member("bob");
    let taken: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let mut random = Random::new(11);
    for round in 0..rounds {
        let stop = AtomicBool::new(false);
        let before = count(&taken);
        std::thread::scope(|scope| {
            for member in &members {
                scope.spawn(|| storm(&a, member, round, &taken, &stop));
            }
            let enough = before + 10 + random.below(40);
            eventually("the storm rages", || count(&taken) >= enough);
            if round % 2 == 0 {
                b.node.kill();
            }
            stop.store(true, Ordering::SeqCst);
        });
        if round % 2 == 0 {
            b.node.restart();
        } else {
            // What was answered for is in the queue or on its way.
            a.node.kill();
            a.node.restart();
        }
    }
    eventually("the queue is empty", || a.queue().is_empty());
    for hoster in [&a, &b] {
        eventually("they are connected", || hoster.connected() > 0);
    }
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for subject in bob.inbox(&b).subjects() {
        *arrived.entry(subject).or_default() += 1;
    }
    let taken = taken.into_inner().expect("nobody panicked");
    let lost: Vec<&String> = taken.keys().filter(|subject| !arrived.contains_key(*subject)).collect();
    assert!(lost.is_empty(), "answered with 250 and lost: {lost:?}");
    let twice = arrived.values().filter(|count| **count > 1).count();
    note(&format!("{rounds} kills, {} messages answered for, none lost, {twice} twice", taken.len()));
    // Each kill cuts off at most the connections of the queue, each in one message.
    assert!(twice <= rounds * 4, "{twice} messages came twice");
}

/// Sends one message after another until told to stop, or until the node dies.
fn storm(
    a: &Hoster,
    member: &Member,
    round: usize,
    taken: &Mutex<BTreeMap<String, usize>>,
    stop: &AtomicBool,
) {
    let Ok(mut smtp) = a.node.submission(&member.account) else { return };
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let name = member.address().split('@').next().unwrap_or_default();
        let subject = format!("{name}-{round}-{number}");
        let letter = member.letter("bob@b.test", &subject);
        match smtp.deliver(member.address(), &["bob@b.test"], &letter) {
            Ok(reply) if reply.code == 250 => {
                taken.lock().expect("nobody panicked").insert(subject, 1);
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

fn count(taken: &Mutex<BTreeMap<String, usize>>) -> usize {
    taken.lock().expect("nobody panicked").len()
}

#[test]
fn a_message_of_50_mb_streams_through_without_being_held() {
    let size = 50 << 20;
    let (a, b) = pair("[mail]\nmax_message_size = \"60 MiB\"\n");
    let (alice, bob) = (a.member("alice"), b.member("bob"));
    let small = alice.letter("bob@b.test", "small");
    alice.send(&a, &["bob@b.test"], &small);
    bob.inbox(&b).has(1);
    let before = [forget_peak(&a), forget_peak(&b)];
    let mut large = alice.letter("bob@b.test", "large");
    let mut random = Random::new(7);
    while large.len() < size {
        // What compresses little.
        large.extend_from_slice(
            format!(
                "{:016x}{:016x}{:016x}{:016x}\r\n",
                random.bits(),
                random.bits(),
                random.bits(),
                random.bits()
            )
            .as_bytes(),
        );
    }
    alice.send(&a, &["bob@b.test"], &large);
    let mut inbox = bob.inbox(&b);
    inbox.has(2);
    let grown = [peak_kib(&a).saturating_sub(before[0]), peak_kib(&b).saturating_sub(before[1])];
    note(&format!(
        "50 MB: the peak of memory grew by {} KiB at the sender, {} KiB at the receiver",
        grown[0], grown[1]
    ));
    assert!(grown.iter().all(|kib| *kib < 40 << 10), "{grown:?} KiB");
    let arrived = inbox.messages().remove(1);
    assert!(arrived.ends_with(&large), "byte for byte");
}

/// From now on the peak counts; what it is now. Hashing a password was the last one.
fn forget_peak(hoster: &Hoster) -> u64 {
    fs::write(format!("/proc/{}/clear_refs", hoster.node.pid()), "5").expect("Linux forgets a peak");
    peak_kib(hoster)
}

/// The most that the process has had in memory since the peak was forgotten.
fn peak_kib(hoster: &Hoster) -> u64 {
    let status =
        fs::read_to_string(format!("/proc/{}/status", hoster.node.pid())).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
