//! Mail after a move: to the old address, from whoever writes to it, and in its name.

use std::collections::BTreeMap;

use essaim_federation::mail::Member;
use essaim_federation::moving::{HASTE, Mover};
use essaim_federation::rogue::Rogue;
use essaim_federation::{Hoster, eventually};
use essaim_harness::tools::note;

const LETTER: &[u8] = b"From: x@outside.test\r\nSubject: from outside\r\n\r\n.A dot, and \xc3\xa9\r\n";

#[test]
fn mail_from_outside_to_the_old_address_lands_at_the_home_as_it_came() {
    let [a, b] = hosters(["a", "b"]);
    let alice = moves(&Mover::fill(&a, "alice", 5), &a, &b);
    let before = alice.inbox(&b).count();
    outside(&a, "Alice+list@a.test", LETTER);
    let arrived = alice.inbox(&b).has(before + 1).messages().pop().expect("a message");
    let trace = trace_of(&arrived, LETTER);
    assert!(trace.starts_with("Return-Path: <x@outside.test>\r\nReceived: from a.test\r\n"), "{trace}");
    assert_eq!(trace.matches("Return-Path").count(), 1, "{trace}");
    for text in [
        "(federation channel of a.test;",
        "\tby b.test (Essaim)",
        "\tby a.test (Essaim)",
        "for <Alice+list@a.test>",
    ] {
        assert!(trace.contains(text), "no {text:?} in {trace}");
    }
    eventually("the queue is empty", || a.queue().is_empty());
    assert_eq!(alice.inbox(&b).count(), before + 1, "once");
    // Of several recipients each gets it where they live.
    let bob = a.member("bob");
    let mut smtp = a.node.smtp().expect("a connection");
    let to = ["bob@a.test", "alice@a.test", "alice+x@a.test"];
    smtp.deliver("x@outside.test", &to, LETTER).and_then(|reply| reply.expect(250)).expect("250");
    assert!(
        trace_of(&bob.inbox(&a).has(1).messages()[0], LETTER).starts_with("Return-Path: <x@outside.test>")
    );
    alice.inbox(&b).has(before + 2);
    eventually("the queue is empty", || a.queue().is_empty());
    assert_eq!(alice.inbox(&b).count(), before + 2, "once, whatever the addresses");
}

#[test]
fn a_hoster_that_was_told_once_goes_straight_also_when_the_old_home_is_dead() {
    let [mut a, b, c] = hosters(["a", "b", "c"]);
    let (carol, alice) = (c.member("carol"), moves(&Mover::fill(&a, "alice", 5), &a, &b));
    let before = alice.inbox(&b).count();
    let first = carol.letter("alice@a.test", "first");
    carol.send(&c, &["alice@a.test"], &first);
    let arrived = alice.inbox(&b).has(before + 1).messages().pop().expect("a message");
    let trace = trace_of(&arrived, &[]);
    assert!(
        trace.contains("(federation channel of c.test;") && !trace.contains("a.test (Essaim)"),
        "{trace}"
    );
    assert_eq!(a.ask(&["status"])["federation"]["received"], 0, "it did not go by the old home");
    a.node.kill();
    carol.send(&c, &["alice+x@a.test"], &carol.letter("alice+x@a.test", "second"));
    alice.inbox(&b).has(before + 2);
    // After a restart too: it is on the disk.
    let mut c = c;
    assert!(c.node.stop().success());
    c.node.restart();
    carol.send(&c, &["alice@a.test"], &carol.letter("alice@a.test", "third"));
    alice.inbox(&b).has(before + 3);
    assert!(c.queue().is_empty());
}

#[test]
fn a_member_answers_under_the_old_address_through_the_old_hoster() {
    let [a, b, c] = hosters(["a", "b", "c"]);
    let (carol, bob, other) = (c.member("carol"), a.member("bob"), b.member("other"));
    let alice = moves(&Mover::fill(&a, "alice", 5), &a, &b);
    let old = Member {
        account: essaim_harness::Account { address: "alice@a.test".to_owned(), ..alice.account.clone() },
    };
    let letter = old.letter("carol@c.test", "as ever");
    let mut smtp = b.node.submission(&alice.account).expect("a submission");
    let to = ["carol@c.test", "bob@a.test", "other@b.test"];
    smtp.deliver("alice@a.test", &to, &letter).and_then(|reply| reply.expect(250)).expect("250");
    let arrived = carol.inbox(&c).has(1).messages().remove(0);
    let trace = trace_of(&arrived, &letter);
    assert!(trace.starts_with("Return-Path: <alice@a.test>\r\nReceived: from a.test\r\n"), "{trace}");
    assert!(
        trace.contains("\tby c.test")
            && trace.contains("\tby a.test")
            && trace.contains("Received: by b.test"),
        "{trace}"
    );
    assert!(trace.contains("(federation channel of b.test;"), "{trace}");
    trace_of(&bob.inbox(&a).has(1).messages()[0], &letter);
    trace_of(&other.inbox(&b).has(1).messages()[0], &letter);
    eventually("nothing waits", || a.queue().is_empty() && b.queue().is_empty());
    // Nobody else writes in her name, and she in nobody else's.
    let mut smtp = b.node.submission(&other.account).expect("a submission");
    smtp.deliver("alice@a.test", &["carol@c.test"], &letter)
        .and_then(|reply| reply.expect(250))
        .expect_err("553");
    let mut smtp = b.node.submission(&alice.account).expect("a submission");
    smtp.deliver("bob@a.test", &["carol@c.test"], &letter)
        .and_then(|reply| reply.expect(250))
        .expect_err("553");
    let before = alice.inbox(&b).count();
    let forged = String::from_utf8(letter).expect("text").replace("From: alice@", "From: bob@");
    let mut smtp = b.node.submission(&alice.account).expect("a submission");
    smtp.deliver("alice@a.test", &["carol@c.test"], forged.as_bytes())
        .and_then(|reply| reply.expect(250))
        .expect("250");
    let bounce = alice.inbox(&b).has(before + 1).messages().pop().expect("a bounce");
    assert!(String::from_utf8_lossy(&bounce).contains("The From address does not belong to your account"));
    assert_eq!(carol.inbox(&c).count(), 1);
}

#[test]
fn what_the_old_home_took_arrives_once_though_it_is_killed_again_and_again() {
    let [mut a, b] = hosters(["a", "b"]);
    a.node.pin("peer");
    let alice = moves(&Mover::fill(&a, "alice", 5), &a, &b);
    let mut taken = Vec::new();
    for round in 0..5 {
        let mut smtp = a.node.smtp().expect("a connection");
        for number in 0..40 {
            let token = format!("token-{round}-{number}");
            let message = format!("From: x@outside.test\r\nSubject: {token}\r\n\r\n.\r\n");
            let said = smtp.deliver("x@outside.test", &["alice@a.test"], message.as_bytes());
            said.and_then(|reply| reply.expect(250)).expect("250");
            taken.push(token);
        }
        // In the middle of sending on what it took.
        note(&format!("round {round}: {} wait at the kill", a.queue().len()));
        a.node.kill();
        a.node.restart();
    }
    eventually("all is sent on", || a.queue().is_empty());
    let mut counts = BTreeMap::<String, usize>::new();
    for subject in alice.inbox(&b).subjects() {
        *counts.entry(subject).or_default() += 1;
    }
    for token in &taken {
        assert_eq!(counts.get(token), Some(&1), "{token}");
    }
    assert_eq!(taken.len(), 200);
}

#[test]
fn an_account_that_moves_on_is_reached_by_its_first_address() {
    let [mut a, mut b, c] = hosters(["a", "b", "c"]);
    let first = Mover::fill(&a, "alice", 5);
    let at_b = Mover { account: first.moves(&a, &b), words: first.words.clone(), app: first.app.clone() };
    let alice = moves(&at_b, &b, &c);
    let before = alice.inbox(&c).count();
    outside(&a, "alice@a.test", LETTER);
    let arrived = alice.inbox(&c).has(before + 1).messages().pop().expect("a message");
    trace_of(&arrived, LETTER);
    eventually("the first one knows", || a.queue().is_empty());
    outside(&b, "alice@b.test", LETTER);
    alice.inbox(&c).has(before + 2);
    // It is known now: the one in the middle is not needed any more.
    b.node.kill();
    outside(&a, "alice@a.test", LETTER);
    alice.inbox(&c).has(before + 3);
    // Nor for writing under the first address.
    let bob = a.member("bob");
    let mut smtp = c.node.submission(&alice.account).expect("a submission");
    let letter = b"From: alice@a.test\r\nSubject: still me\r\n\r\nx\r\n";
    smtp.deliver("alice@a.test", &["bob@a.test"], letter).and_then(|reply| reply.expect(250)).expect("250");
    assert!(bob.inbox(&a).has(1).messages()[0].starts_with(b"Received: from c.test"));
    a.node.kill();
}

#[test]
fn without_the_channel_mail_goes_by_others_under_an_address_of_the_old_home_and_bounces_come_back() {
    let b = Hoster::configured("b", HASTE);
    let route = format!(
        "{HASTE}[mail.routes]\n\"b.test\" = \"{}\"\n\"outside.test\" = \"127.0.0.1:1\"\n",
        b.node.address("smtp")
    );
    let a = Hoster::configured("a", &route);
    b.join(&a);
    a.sees(&["a.test", "b.test"]);
    b.sees(&["a.test", "b.test"]);
    let alice = moves(&Mover::fill(&a, "alice", 5), &a, &b);
    let before = alice.inbox(&b).count();
    outside(&a, "alice@a.test", LETTER);
    let arrived = alice.inbox(&b).has(before + 1).messages().pop().expect("a message");
    let trace = trace_of(&arrived, LETTER);
    let path =
        trace.split_once("Return-Path: <").and_then(|(_, rest)| rest.split_once('>')).expect("a path").0;
    assert!(path.starts_with("SRS0=") && path.ends_with("=outside.test=x@a.test"), "{path}");
    // A bounce goes to who sent it, what is no bounce to nobody, and what was made up nowhere.
    let mut smtp = a.node.smtp().expect("a connection");
    smtp.deliver("", &[path], LETTER).and_then(|reply| reply.expect(250)).expect("a bounce is taken");
    eventually("it is on its way", || {
        a.queue().iter().any(|entry| entry["recipients"][0]["address"] == "x@outside.test")
    });
    let told = |from: &str, to: &str| {
        let mut smtp = a.node.smtp().expect("a connection");
        let refused = smtp.envelope(from, &[to]).expect("an answer").expect("a refusal");
        format!("{refused:?}")
    };
    assert!(told("spam@outside.test", path).contains("5.7.1"));
    assert!(told("", &path.replace("=x@", "=y@")).contains("5.1.1"));
    assert_eq!(a.queue().len(), 1);
}

#[test]
fn a_hoster_that_gave_an_account_away_gets_no_further_than_that_account() {
    let [mut a, b] = hosters(["a", "b"]);
    let alice = moves(&Mover::fill(&a, "alice", 5), &a, &b);
    b.member("bob");
    assert!(a.node.stop().success());
    let rogue = Rogue::instead_of(&a);
    let mut line = rogue.open(&b).greeted();
    assert!(line.say("MAIL FROM:<x@outside.test>").starts_with("250 "), "it passes on what others sent");
    for nobody in ["<bob@b.test>", "<bob@a.test>", "<y@outside.test>", "<alice@outside.test>"] {
        let reply = line.say(&format!("RCPT TO:{nobody}"));
        assert!(!reply.starts_with("250 "), "{nobody}: {reply}");
    }
    assert!(line.say("RCPT TO:<alice@a.test>").starts_with("250 "));
    // Handed over twice, it is taken once.
    let name = "MAIL FROM:<x@outside.test> XENTRY=00000000000000000000000000000007";
    assert!(line.say("RSET").starts_with("250 "));
    for _ in 0..2 {
        assert!(line.say(name).starts_with("250 "));
        assert!(line.say("RCPT TO:<alice@a.test>").starts_with("250 "));
        assert!(line.say("DATA").starts_with("354 "));
        assert!(line.say("Subject: twice\r\n\r\nx\r\n.").starts_with("250 "));
    }
    let subjects = alice.inbox(&b).subjects();
    assert_eq!(subjects.iter().filter(|subject| *subject == "twice").count(), 1);
}

/// Hosters of these names, each a peer of all others.
fn hosters<const N: usize>(names: [&str; N]) -> [Hoster; N] {
    let hosters = names.map(|name| Hoster::configured(name, HASTE));
    let domains = names.map(|name| format!("{name}.test"));
    let domains: Vec<&str> = domains.iter().map(String::as_str).collect();
    for (number, hoster) in hosters.iter().enumerate() {
        hosters[..number].iter().for_each(|earlier| hoster.join(earlier));
    }
    hosters.iter().for_each(|hoster| hoster.sees(&domains));
    hosters
}

/// Moves a member; as they are there.
fn moves(member: &Mover, from: &Hoster, to: &Hoster) -> Member {
    Member { account: member.moves(from, to) }
}

/// Somebody outside of the federation writes.
fn outside(at: &Hoster, to: &str, letter: &[u8]) {
    let mut smtp = at.node.smtp().expect("a connection");
    let said = smtp.deliver("x@outside.test", &[to], letter);
    said.and_then(|reply| reply.expect(250)).expect("it is taken");
}

/// What stands before a letter that is there as it was sent.
fn trace_of(arrived: &[u8], letter: &[u8]) -> String {
    assert!(arrived.ends_with(letter), "{}", String::from_utf8_lossy(arrived));
    String::from_utf8_lossy(&arrived[..arrived.len() - letter.len()]).into_owned()
}
