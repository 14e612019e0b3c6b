//! Mail between members of two hosters goes over the federation's channel: no MX, no delay, and says so.

use std::time::{Duration, Instant};

use essaim_federation::{Hoster, eventually};
use essaim_harness::tools::note;

/// Two hosters who are peers.
fn pair(toml: &str) -> (Hoster, Hoster) {
    let (a, b) = (Hoster::configured("a", toml), Hoster::configured("b", toml));
    b.join(&a);
    a.sees(&["a.test", "b.test"]);
    b.sees(&["a.test", "b.test"]);
    (a, b)
}

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
