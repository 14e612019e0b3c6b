//! Mail between members of two hosters goes over the federation's channel: no MX, no delay, and says so.

use std::time::{Duration, Instant};

use essaim_federation::mail::pair;
use essaim_federation::{Hoster, eventually};
use essaim_harness::Node;
use essaim_harness::tools::note;

#[test]
fn mail_goes_both_ways_as_it_is_and_says_how_it_came() {
    let (a, b) = pair("");
    let (alice, bob) = (a.member("alice"), b.member("bob"));
    let there = alice.letter("bob@b.test", "there");
    alice.send(&a, &["bob@b.test"], &there);
    let arrived = bob.inbox(&b).has(1).messages().remove(0);
    assert!(arrived.ends_with(&there), "{}", String::from_utf8_lossy(&arrived));
    let trace = String::from_utf8_lossy(&arrived[..arrived.len() - there.len()]).into_owned();
    assert!(trace.starts_with("Return-Path: <alice@a.test>\r\nReceived: from a.test\r\n"), "{trace}");
    let listing = b.listing_of("a.test")["listing"].as_str().expect("an id")[..10].to_owned();
    for text in [
        &format!("\t(federation channel of a.test; listing {listing}, node "),
        "\tby b.test (Essaim) with ESMTPS\r\n\t(QUIC TLSv1.3)\r\n",
        "for <bob@b.test>;",
    ] {
        assert!(trace.contains(text), "no {text:?} in {trace}");
    }

    let back = bob.letter("alice@a.test", "and back");
    bob.send(&b, &["alice@a.test"], &back);
    assert!(alice.inbox(&a).has(1).messages().remove(0).ends_with(&back));
    for hoster in [&a, &b] {
        eventually("the queue is empty", || hoster.queue().is_empty());
        assert_eq!((hoster.sent("peer"), hoster.sent("mx")), (1, 0));
        assert_eq!(hoster.ask(&["status"])["federation"]["received"], 1);
    }
}

#[test]
fn a_hundred_messages_take_their_time_each() {
    let (a, b) = pair("");
    let (alice, bob) = (a.member("alice"), b.member("bob"));
    let mut inbox = bob.inbox(&b);
    let mut smtp = a.node.submission(&alice.account).expect("a submission");
    let mut times = Vec::new();
    for number in 1..=100 {
        let letter = alice.letter("bob@b.test", &number.to_string());
        let began = Instant::now();
        let sent = smtp.deliver(alice.address(), &["bob@b.test"], &letter);
        sent.and_then(|reply| reply.expect(250)).expect("250");
        inbox.has(number);
        times.push(began.elapsed());
    }
    times.sort();
    let [p50, p99] = [49, 98].map(|at| times[at]);
    note(&format!("from DATA at a.test to EXISTS at b.test, 100 messages: p50 {p50:?}, p99 {p99:?}"));
    assert!(p50 < Duration::from_secs(1), "p50 {p50:?}");
    eventually("all are counted", || a.sent("peer") == 100);
}

#[test]
fn a_recipient_that_nobody_has_comes_back_within_a_second() {
    let (a, _b) = pair("");
    let alice = a.member("alice");
    let mut inbox = alice.inbox(&a);
    let letter = alice.letter("nobody@b.test", "to nobody");
    let began = Instant::now();
    alice.send(&a, &["nobody@b.test"], &letter);
    let bounce = String::from_utf8_lossy(&inbox.has(1).messages().remove(0)).into_owned();
    let took = began.elapsed();
    for text in
        ["550 5.1.1 No such mailbox here", "Remote-MTA: dns; b.test (federation, listing ", "to nobody"]
    {
        assert!(bounce.contains(text), "no {text:?} in {bounce}");
    }
    note(&format!("from DATA to the bounce: {took:?}"));
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn each_destination_gets_its_part_by_its_own_way() {
    let c = Node::builder().domain("c.test").start();
    let carol = c.add_account("carol@c.test");
    let relay = format!("[mail]\nrelay = \"{}\"\nrelay_tls = \"off\"\n", c.address("smtp"));
    let (a, b) = pair(&relay);
    let (alice, bob) = (a.member("alice"), b.member("bob"));
    let letter = alice.letter("bob@b.test", "to both");
    alice.send(&a, &["bob@b.test", "carol@c.test"], &letter);
    assert!(bob.inbox(&b).has(1).messages().remove(0).ends_with(&letter));
    eventually("carol has it", || {
        let mut imap = c.imap(&carol).expect("a login");
        imap.ok("SELECT INBOX").expect("SELECT").exists() == Some(1)
    });
    eventually("both are counted", || (a.sent("peer"), a.sent("relay")) == (1, 1));

    // A bounce has no sender, and may go over the channel; what comes from another domain may not.
    let mut smtp = a.node.submission(&alice.account).expect("a submission");
    smtp.deliver("", &["bob@b.test"], &letter).and_then(|reply| reply.expect(250)).expect("250");
    assert!(bob.inbox(&b).has(2).messages().remove(1).starts_with(b"Return-Path: <>\r\n"));
    assert_eq!(a.sent("peer"), 2);
}

#[test]
fn a_sender_of_another_domain_goes_the_way_of_everybody_else() {
    let c = Node::builder().domain("c.test").start();
    let relay = format!("[mail]\nrelay = \"{}\"\nrelay_tls = \"off\"\n", c.address("smtp"));
    let (mut a, b) = pair(&relay);
    let config = a.node.home().join("essaim.toml");
    let text = std::fs::read_to_string(&config).expect("the configuration");
    let text = text.replace("domain = \"a.test\"\n", "domain = \"a.test\"\ndomains = [\"also.test\"]\n");
    std::fs::write(&config, text).expect("a configuration");
    assert!(a.node.stop().success());
    a.node.restart();
    let alice = a.member("alice");
    a.ask(&["account", "address", "add", "alice@a.test", "alice@also.test"]);
    let mut inbox = alice.inbox(&a);
    let letter = b"From: alice@also.test\r\nSubject: from my other self\r\n\r\nx\r\n";
    let mut smtp = a.node.submission(&alice.account).expect("a submission");
    let sent = smtp.deliver("alice@also.test", &["bob@b.test"], letter);
    sent.and_then(|reply| reply.expect(250)).expect("250");
    // The smart host knows nobody at b.test.
    let bounce = String::from_utf8_lossy(&inbox.has(1).messages().remove(0)).into_owned();
    assert!(bounce.contains("550 5.7.1 This host does not relay"), "{bounce}");
    assert_eq!((a.sent("peer"), b.refused("foreign-sender")), (0, 0));
}

#[test]
fn a_peer_that_was_removed_and_one_that_is_hidden_exchange_no_mail() {
    // Nobody is there: what does not go over the channel waits where it can be seen.
    let (a, b) = pair("[mail]\nrelay = \"127.0.0.1:1\"\nrelay_tls = \"off\"\n");
    let (alice, bob) = (a.member("alice"), b.member("bob"));
    a.ask(&["peer", "remove", "b.test"]);
    alice.send(&a, &["bob@b.test"], &alice.letter("bob@b.test", "to one who was removed"));
    bob.send(&b, &["alice@a.test"], &bob.letter("alice@a.test", "from one who was removed"));
    eventually("a tries the smart host", || a.queue().iter().any(|entry| entry["last_way"] == "relay"));
    eventually("b is told why not", || {
        let last = b.queue().first().map(|entry| entry["recipients"][0]["last"].clone()).unwrap_or_default();
        last.as_str()
            .is_some_and(|last| last.contains("it is no peer, and nobody believed here vouches for it"))
    });
    assert!(a.refused("untrusted") >= 1);
    assert_eq!(b.queue()[0]["way"], "peer");

    b.join(&a);
    a.ask(&["directory", "hide", "b.test"]);
    b.ask(&["queue", "retry"]);
    eventually("a hidden hoster is refused", || a.refused("hidden") >= 1);
    a.ask(&["directory", "unhide", "b.test"]);
    b.ask(&["queue", "retry"]);
    a.ask(&["queue", "retry"]);
    assert_eq!(alice.inbox(&a).has(1).subjects(), ["from one who was removed"]);
    assert_eq!(bob.inbox(&b).has(1).subjects(), ["to one who was removed"]);
}

#[test]
fn a_hoster_whom_vouches_reach_gets_mail_over_the_channel_and_others_do_not() {
    let relay = "[mail]\nrelay = \"127.0.0.1:1\"\nrelay_tls = \"off\"\n";
    let [a, b, c] = ["a", "b", "c"].map(|name| Hoster::configured(name, relay));
    b.join(&a);
    c.join(&b);
    for hoster in [&a, &c] {
        hoster.sees(&["a.test", "b.test", "c.test"]);
    }
    let (alice, carol) = (a.member("alice"), c.member("carol"));
    alice.send(&a, &["carol@c.test"], &alice.letter("carol@c.test", "to one whom nobody vouches for"));
    eventually("it does not go over the channel", || {
        a.queue().first().is_some_and(|entry| entry["way"] == "relay" && entry["last_way"] == "relay")
    });
    for (hoster, other) in [(&a, "c.test"), (&c, "a.test")] {
        hoster.ask(&["directory", "vouch", other, "--point", "exports", "--method", "met"]);
    }
    eventually("it will", || a.queue()[0]["way"] == "peer");
    a.ask(&["queue", "retry"]);
    assert_eq!(carol.inbox(&c).has(1).subjects(), ["to one whom nobody vouches for"]);
    assert!(b.ask(&["status"])["federation"]["received"] == 0, "straight from one to the other");
}
