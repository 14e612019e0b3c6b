//! Accounts move between two hosters while they are used: everything that was answered for is there, with the numbers that it had.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Child, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use essaim_federation::mail::{Member, pair};
use essaim_federation::{Hoster, eventually};
use essaim_harness::generate::Random;
use essaim_harness::node::text;
use essaim_harness::tools::{long_form, note};
use essaim_harness::{Account, Imap, Value};
use serde_json::Value as Json;

const HASTE: &str =
    "[limits]\nmessages_per_minute = 0\nrecipients_per_hour = 100000000\nconnections_per_minute = 0\n";

/// A message as a mail program sees it, by its UID.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    flags: Vec<String>,
    date: String,
    modseq: String,
    bytes: Vec<u8>,
}

#[test]
fn an_account_moves_while_mail_arrives_and_flags_change() {
    let (a, b) = pair(HASTE);
    let alice = Mover::fill(&a, "alice", 300);
    let before = alice.look(&a, &alice.account);
    let (uids, stop) = (before.messages.len(), AtomicBool::new(false));
    let (moved, sent, flagged) = std::thread::scope(|scope| {
        let letters = scope.spawn(|| alice.letters(&a, &stop));
        let flags = scope.spawn(|| alice.flags(&a, u32::try_from(uids).unwrap(), &stop));
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

    // The old one: closed, with a word on where to.
    let refused = a.node.imap(&alice.account).expect_err("no login at the old hoster").to_string();
    assert!(refused.contains("has moved to b.test"), "{refused}");
    a.node.submission(&alice.account).expect_err("no submission either");
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

/// A member who moves.
struct Mover {
    account: Account,
    words: String,
    app: String,
}

/// The INBOX.
#[derive(Debug, PartialEq, Eq)]
struct Inbox {
    validity: String,
    messages: BTreeMap<u32, Seen>,
}

impl Mover {
    /// With so many messages, some of them flagged and some deleted, words and an app password.
    fn fill(at: &Hoster, name: &str, count: usize) -> Self {
        let Member { account } = at.member(name);
        let mut imap = at.node.imap(&account).expect("a login");
        for number in 0..count {
            let options = match number % 3 {
                0 => "(\\Seen) \"05-Mar-2019 10:00:00 +0100\"",
                1 => "(\\Flagged $Forwarded) \"06-Mar-2020 11:30:00 +0000\"",
                _ => "",
            };
            let message = format!(
                "From: x@x.test\r\nSubject: {name} {number}\r\n\r\n{}",
                "text \r\n".repeat(number * 20)
            );
            imap.append_ok("INBOX", options, message.as_bytes()).expect("APPEND");
        }
        imap.ok("SELECT INBOX").expect("SELECT");
        imap.ok("STORE 2:3 +FLAGS.SILENT (\\Deleted)").expect("STORE");
        imap.ok("EXPUNGE").expect("EXPUNGE");
        let address = &account.address;
        let made = at.ask(&["account", "kit", address]);
        let words: Vec<&str> =
            made["words"].as_array().expect("words").iter().filter_map(Json::as_str).collect();
        let app = at.ask(&["account", "app-password", "add", address, "phone"]);
        Self {
            words: words.join(" "),
            app: app["password"].as_str().expect("a password").to_owned(),
            account,
        }
    }

    /// Begins to move; the command ends when the account has moved.
    fn start(&self, from: &Hoster, to: &Hoster) -> Child {
        let code = to.ask(&["account", "accept"])["code"].as_str().expect("a code").to_owned();
        self.start_with(from, &code)
    }

    fn start_with(&self, from: &Hoster, code: &str) -> Child {
        let mut command = from.node.command();
        command.args(["account", "move", &self.account.address, "--accept", code, "--words-stdin", "--json"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the essaim binary can be started");
        child
            .stdin
            .take()
            .expect("it reads the words")
            .write_all(self.words.as_bytes())
            .expect("it reads the words");
        child
    }

    fn look(&self, at: &Hoster, account: &Account) -> Inbox {
        let mut imap = at.node.imap(account).expect("a login");
        let selected = imap.ok("SELECT INBOX (CONDSTORE)").expect("SELECT");
        let fetched = imap.ok("UID FETCH 1:* (FLAGS INTERNALDATE MODSEQ BODY.PEEK[])").expect("FETCH");
        let messages = fetched.fetched().map(|(_, list)| seen(&list)).collect();
        Inbox { validity: selected.code("UIDVALIDITY").expect("UIDVALIDITY"), messages }
    }

    /// Mail that arrives until it is told to stop; the subjects of what was answered with 250.
    fn letters(&self, at: &Hoster, stop: &AtomicBool) -> Vec<String> {
        let mut sent = Vec::new();
        let mut smtp = at.node.smtp().expect("a connection");
        for number in 0.. {
            let subject = format!("letter {number}");
            let message = format!("From: x@x.test\r\nSubject: {subject}\r\n\r\n.\r\n");
            let reply = smtp.deliver("x@x.test", &[&self.account.address], message.as_bytes());
            match reply.and_then(|reply| reply.expect(250)) {
                Ok(_) => sent.push(subject),
                Err(_) => break,
            }
            if stop.load(Ordering::SeqCst) {
                break;
            }
        }
        sent
    }

    /// Keywords that a mail program sets until the hoster does not take them any more; which, on which UID.
    fn flags(&self, at: &Hoster, uids: u32, stop: &AtomicBool) -> BTreeMap<u32, String> {
        let mut flagged = BTreeMap::new();
        let mut imap: Imap = at.node.imap(&self.account).expect("a login");
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
}

fn seen(list: &Value) -> (u32, Seen) {
    let text = |name| list.attribute(name).map(Value::text).unwrap_or_default();
    let mut flags: Vec<String> =
        list.attribute("FLAGS").expect("FLAGS").list().iter().map(Value::text).collect();
    flags.sort();
    let modseq = list.attribute("MODSEQ").expect("MODSEQ").list()[0].text();
    let bytes = list.attribute("BODY[]").and_then(Value::bytes).expect("BODY[]").to_vec();
    let uid = list.attribute("UID").and_then(Value::number).expect("UID");
    (uid, Seen { flags, date: text("INTERNALDATE"), modseq, bytes })
}

fn subject(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().find_map(|line| line.strip_prefix("Subject: "));
    line.unwrap_or_default().to_owned()
}

/// How far the move of this member is at the old hoster.
fn phase_of(at: &Hoster, mover: &Mover) -> String {
    let moves = at.ask(&["account", "move", "status"]);
    let found =
        moves.as_array().expect("a list").iter().find(|known| known["address"] == *mover.account.address);
    found.map(|known| known["phase"].as_str().expect("a phase").to_owned()).unwrap_or_default()
}

fn answer(output: &Output) -> Json {
    assert!(output.status.success(), "{}", text(output));
    serde_json::from_slice(&output.stdout).expect("JSON on standard output")
}
