//! Accounts move between two hosters while they are used: everything that was answered for is there, with the numbers that it had.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use essaim_federation::mail::pair;
use essaim_federation::moving::{HASTE, Mover, answer, phase_of, subject};
use essaim_federation::{Hoster, eventually};
use essaim_harness::generate::Random;
use essaim_harness::node::text;
use essaim_harness::tools::{long_form, note};
use essaim_harness::{Account, Imap};

#[test]
fn an_account_moves_while_mail_arrives_and_flags_change() {
    let (a, b) = pair(HASTE);
    let alice = Mover::fill(&a, "alice", 300);
    let before = alice.look(&a, &alice.account);
    let (uids, stop) = (before.messages.len(), AtomicBool::new(false));
    let (moved, sent, flagged) = std::thread::scope(|scope| {
        let letters = scope.spawn(|| letters(&alice, &a, &stop));
        let flags = scope.spawn(|| flags(&alice, &a, u32::try_from(uids).unwrap(), &stop));
        let moved = alice.start(&a, &b).wait_with_output().unwrap();
        stop.store(true, Ordering::SeqCst);
        (moved, letters.join().unwrap(), flags.join().unwrap())
    });
    let moved = answer(&moved);
    assert_eq!((&moved["to"], &moved["receipt"]["signatures"]), (&"b.test".into(), &2.into()));
    note(&format!(
        "{} letters and {} flags answered for meanwhile; writes held {} ms",
        sent.len(),
        flagged.len(),
        moved["held_ms"]
    ));
    assert!(!sent.is_empty() && !flagged.is_empty(), "it was used while it moved");

    // What arrived at the old hoster after the account had gone was sent after it.
    eventually("nothing waits at the old hoster", || a.queue().is_empty());

    // The new hoster: the same password, the same app password, the same numbers.
    let there = Account { address: "alice@b.test".to_owned(), ..alice.account.clone() };
    let after = alice.look(&b, &there);
    assert_eq!(after.validity, before.validity);
    for (uid, message) in &before.messages {
        let now = &after.messages[uid];
        assert_eq!((&now.date, &now.bytes), (&message.date, &message.bytes));
        match flagged.get(uid) {
            None => assert_eq!(now, message, "UID {uid}"),
            Some(keyword) if keyword.is_empty() => {}
            Some(keyword) => assert!(now.flags.contains(keyword), "UID {uid}: {:?}", now.flags),
        }
    }
    let subjects: Vec<String> = after.messages.values().map(|seen| subject(&seen.bytes)).collect();
    for letter in &sent {
        assert_eq!(subjects.iter().filter(|subject| *subject == letter).count(), 1, "{letter}");
    }
    let app = Account { password: alice.app.clone(), ..there.clone() };
    b.node.imap(&app).expect("the app password works there");
    // It is used there.
    let mut smtp = b.node.smtp().unwrap();
    smtp.deliver("x@x.test", &["alice@b.test"], b"Subject: new\r\n\r\n.\r\n").unwrap().expect(250).unwrap();
    assert!(alice.look(&b, &there).messages.len() > after.messages.len());

    for (hoster, way) in [(&a, "away"), (&b, "here")] {
        let moves = hoster.ask(&["account", "move", "status"]);
        assert_eq!((&moves[0]["direction"], &moves[0]["phase"]), (&way.into(), &"drain".into()), "{moves}");
        assert_eq!(hoster.ask(&["store", "verify"])["findings"].as_array().map_or(0, Vec::len), 0);
    }
}

#[test]
fn a_move_goes_on_after_kill_9_of_either_side() {
    let rounds = if long_form() { 24 } else { 6 };
    let (mut a, mut b) = pair(HASTE);
    a.node.pin("peer");
    b.node.pin("peer");
    let mut random = Random::new(16);
    let mut phases: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..rounds {
        let name = format!("m{round}");
        let mover = Mover::fill(&a, &name, 120);
        let before = mover.look(&a, &mover.account);
        let mut command = mover.start(&a, &b);
        eventually("the move has begun", || !phase_of(&a, &mover).is_empty());
        for _ in 0..random.below(5) {
            phase_of(&a, &mover);
        }
        let phase = phase_of(&a, &mover);
        *phases.entry(phase.clone()).or_default() += 1;
        let began = Instant::now();
        let killed = if round % 2 == 0 { &mut a } else { &mut b };
        killed.node.kill();
        killed.node.restart();
        eventually("the account has moved", || phase_of(&a, &mover) == "drain");
        note(&format!("round {round}: killed in {phase}, moved after {} ms", began.elapsed().as_millis()));
        let _ = command.kill();
        let _ = command.wait();
        let there = Account { address: format!("{name}@b.test"), ..mover.account.clone() };
        let after = mover.look(&b, &there);
        assert_eq!(after, before, "round {round}");
    }
    note(&format!("killed in {phases:?}"));
}

#[test]
fn codes_and_consents_are_for_one_move() {
    let (a, b) = pair(HASTE);
    let (ann, bea) = (Mover::fill(&a, "ann", 3), Mover::fill(&a, "bea", 3));
    let code = b.ask(&["account", "accept", "--quota", "none", "--address", "anna@b.test"])["code"]
        .as_str()
        .unwrap()
        .to_owned();
    let wrong = a
        .node
        .essaim(&["account", "move", "ann@a.test", "--accept", &code, "--words-stdin", "--json"], &bea.words);
    assert!(text(&wrong).contains("not signed by the member"), "{}", text(&wrong));
    let moved = answer(&ann.start_with(&a, &code).wait_with_output().unwrap());
    assert_eq!(moved["to"], "b.test");
    b.node
        .imap(&Account { address: "anna@b.test".to_owned(), ..ann.account.clone() })
        .expect("the address that was chosen");
    let again = bea.start_with(&a, &code).wait_with_output().unwrap();
    assert!(text(&again).contains("used already"), "{}", text(&again));
    a.node.imap(&bea.account).expect("who has not moved is served as before");
}

#[test]
fn a_move_is_given_up_and_everything_is_as_it_was() {
    let (a, mut b) = pair(HASTE);
    b.node.pin("peer");
    let ann = Mover::fill(&a, "ann", 5);
    let before = ann.look(&a, &ann.account);
    let code = b.ask(&["account", "accept"])["code"].as_str().unwrap().to_owned();
    b.node.kill();
    let command = ann.start_with(&a, &code);
    eventually("the move has begun", || phase_of(&a, &ann) == "preflight");
    let moves = a.ask(&["account", "move", "status"]);
    let id = moves[0]["id"].as_str().unwrap();
    assert_eq!(a.ask(&["account", "move", "abort", id])["phase"], "aborted");
    let told = command.wait_with_output().unwrap();
    assert!(text(&told).contains("given up by an operator"), "{}", text(&told));
    assert_eq!(ann.look(&a, &ann.account), before);
    // The code was not used: it is good for the next try.
    b.node.restart();
    assert_eq!(answer(&ann.start_with(&a, &code).wait_with_output().unwrap())["to"], "b.test");
    assert_eq!(ann.look(&b, &Account { address: "ann@b.test".to_owned(), ..ann.account.clone() }), before);
}

/// Mail that arrives until it is told to stop, and is taken; the subjects.
fn letters(member: &Mover, at: &Hoster, stop: &AtomicBool) -> Vec<String> {
    let mut sent = Vec::new();
    let mut smtp = at.node.smtp().expect("a connection");
    for number in 0.. {
        let subject = format!("letter {number}");
        let message = format!("From: x@x.test\r\nSubject: {subject}\r\n\r\n.\r\n");
        let reply = smtp.deliver("x@x.test", &[&member.account.address], message.as_bytes());
        reply.and_then(|reply| reply.expect(250)).expect("no mail is refused because the account moves");
        sent.push(subject);
        if stop.load(Ordering::SeqCst) {
            break;
        }
    }
    sent
}

/// Keywords that a mail program sets until the hoster does not take them any more; which, on which UID.
fn flags(member: &Mover, at: &Hoster, uids: u32, stop: &AtomicBool) -> BTreeMap<u32, String> {
    let mut flagged = BTreeMap::new();
    let mut imap: Imap = at.node.imap(&member.account).expect("a login");
    imap.ok("SELECT INBOX").expect("SELECT");
    for uid in 4..uids {
        let keyword = format!("k{}", uid % 7);
        if stop.load(Ordering::SeqCst)
            || imap.ok(&format!("UID STORE {uid} +FLAGS.SILENT ({keyword})")).is_err()
        {
            // Answered with NO or not at all: it may be there or not.
            flagged.insert(uid, String::new());
            break;
        }
        flagged.insert(uid, keyword);
    }
    flagged
}
