//! What nodes that mean no good, or are broken, can do on the channel: little, and nothing to others.

use essaim_federation::mail::pair;
use essaim_federation::rogue::Rogue;
use essaim_federation::{Hoster, eventually};

/// a.test, and somebody with the key of its peer b.test.
fn peer_gone_bad(toml: &str) -> (Hoster, Hoster, Rogue) {
    let (a, mut b) = pair(toml);
    a.member("alice");
    assert!(b.node.stop().success());
    let rogue = Rogue::instead_of(&b);
    (a, b, rogue)
}

#[test]
fn a_hoster_sends_from_its_own_domain_to_members_and_to_nobody_else() {
    let (a, _b, rogue) = peer_gone_bad("");
    let mut line = rogue.open(&a).greeted();
    for sender in ["<alice@a.test>", "<x@c.test>", "<x@sub.b.test>", "<x@b.test.c.test>"] {
        let reply = line.say(&format!("MAIL FROM:{sender}"));
        assert_eq!(
            reply, "550 5.7.1 The hoster of this node has not proven the sender's domain here",
            "{sender}"
        );
    }
    assert_eq!(a.refused("foreign-sender"), 4);
    for sender in ["<bob@B.TEST>", "<>"] {
        assert!(line.say(&format!("MAIL FROM:{sender}")).starts_with("250 "));
        assert_eq!(
            line.say("RCPT TO:<x@c.test>"),
            "550 5.7.1 This host does not relay mail for this recipient"
        );
        assert!(line.say("RCPT TO:<nobody@a.test>").starts_with("550 5.1.1"));
        assert!(line.say("DATA").starts_with("503"));
        assert!(line.say("RCPT TO:<alice@a.test>").starts_with("250 "));
        assert!(line.say("RSET").starts_with("250 "));
    }
    assert!(line.say("STARTTLS").starts_with("50"), "it is encrypted already");
    assert!(line.say("AUTH PLAIN AGEAYg==").starts_with("502"));
    assert!(line.say("QUIT").starts_with("221 "));
    assert_eq!(a.ask(&["status"])["federation"]["received"], 0);
}

#[test]
fn chunking_is_offered_and_a_message_in_chunks_is_taken() {
    let (a, _b, rogue) = peer_gone_bad("");
    let mut line = rogue.open(&a).greeted();
    assert!(line.say("MAIL FROM:<zo\u{eb}@b.test> SMTPUTF8 BODY=8BITMIME").starts_with("250 "));
    assert!(line.say("RCPT TO:<alice@a.test>").starts_with("250 "));
    let message = "Subject: \u{e9}t\u{e9}\r\n\r\nx\r\n";
    line.write(format!("BDAT {}\r\n{message}", message.len()).as_bytes());
    assert!(line.reply().starts_with("250 "));
    assert!(line.say("BDAT 0 LAST").starts_with("250 2.0.0 Message accepted as "));
    assert_eq!(a.ask(&["status"])["federation"]["received"], 1);
}

#[test]
fn a_stranger_hears_why_and_is_counted() {
    let (a, _b) = pair("");
    let stranger = Rogue::stranger();
    let mut line = stranger.open(&a);
    assert_eq!(
        line.reply(),
        "554 a.test takes no mail from this node here: no listing with this node's key is exchanged mail with"
    );
    assert_eq!(line.say("EHLO x"), "");
    assert_eq!(a.refused("stranger"), 1);
}

#[test]
fn what_is_no_smtp_ends_the_stream_and_nothing_else() {
    let (a, _b, rogue) = peer_gone_bad("");
    let mut noise = rogue.open(&a);
    assert!(noise.reply().starts_with("220 "));
    for number in 0..40_u8 {
        noise.write(&[number; 700]);
        noise.write(b"\r\n\0\xff\n\r");
    }
    let mut last = String::new();
    loop {
        let reply = noise.reply();
        if reply.is_empty() {
            break;
        }
        last = reply;
    }
    assert!(last.starts_with("421 "), "{last}");
    let mut browser = rogue.open(&a);
    assert!(browser.reply().starts_with("220 "));
    assert_eq!(browser.say("GET / HTTP/1.1"), "421 4.7.0 SMTP is spoken here");
    assert!(rogue.open(&a).greeted().say("NOOP").starts_with("250 "), "and the next one is served");
}

#[test]
fn more_streams_than_a_hoster_may_have_are_told_to_come_back() {
    let (a, _b, rogue) = peer_gone_bad("[limits]\nmail_streams_per_hoster = 3\n");
    let mut open: Vec<_> = (0..3).map(|_| rogue.open(&a).greeted()).collect();
    assert!(rogue.open(&a).reply().starts_with("421 a.test has too many connections"));
    assert_eq!(a.refused("hoster-full"), 1);
    // One that is done, and one that is dropped, make room.
    assert!(open.pop().is_some_and(|mut line| line.say("QUIT").starts_with("221 ")));
    eventually("there is room", || rogue.open(&a).reply().starts_with("220 "));
    drop(open);
    eventually("there is room for three", || {
        let lines: Vec<_> = (0..3).map(|_| rogue.open(&a)).collect();
        lines.into_iter().all(|mut line| line.reply().starts_with("220 "))
    });
}

#[test]
fn a_stream_that_stalls_is_ended_and_its_place_is_free() {
    let (a, _b, rogue) = peer_gone_bad("[limits]\nmail_streams_per_hoster = 1\nsmtp_timeout = \"1s\"\n");
    let mut silent = rogue.open(&a).greeted();
    assert!(silent.say("MAIL FROM:<bob@b.test>").starts_with("250 "));
    assert!(silent.say("RCPT TO:<alice@a.test>").starts_with("250 "));
    assert!(silent.say("DATA").starts_with("354 "));
    silent.write(b"Subject: half a message");
    assert!(silent.reply().starts_with("421 4.4.2 "));
    eventually("its place is free", || rogue.open(&a).reply().starts_with("220 "));
    assert_eq!(a.ask(&["status"])["federation"]["received"], 0);
}

#[test]
fn a_hoster_that_sends_too_fast_is_told_to_wait() {
    let (a, _b, rogue) = peer_gone_bad("[limits]\nmessages_per_minute = 2\n");
    let mut line = rogue.open(&a).greeted();
    for _ in 0..2 {
        assert!(line.say("MAIL FROM:<bob@b.test>").starts_with("250 "));
        assert!(line.say("RSET").starts_with("250 "));
    }
    assert!(line.say("MAIL FROM:<bob@b.test>").starts_with("451 4.7.1 "));
    assert_eq!(a.refused("too-fast"), 1);
}

/// Whoever reads mail believes what stands in Authentication-Results under its own hoster's name: RFC 8601 section 5.
#[test]
fn rfc8601_5_nobody_brings_results_along_in_our_name() {
    let (a, b, rogue) = peer_gone_bad("");
    let alice = a.member("anna");
    let theirs = "Authentication-Results: mx.c.test; spf=pass";
    let message = format!(
        "Authentication-Results: a.test;\r\n\tdkim=pass header.d=bank.example\r\n{theirs}\r\n\
         authentication-results : (x) \"MX.A.TEST\" 1; spf=pass\r\nSubject: x\r\n\r\nAuthentication-Results: a.test\r\n"
    );
    let mut line = rogue.open(&a).greeted();
    assert!(line.say("MAIL FROM:<bob@b.test>").starts_with("250 "));
    assert!(line.say("RCPT TO:<anna@a.test>").starts_with("250 "));
    assert!(line.say("DATA").starts_with("354 "));
    line.write(message.as_bytes());
    assert!(line.say(".").starts_with("250 "));
    let mut smtp = a.node.smtp().expect("port 25");
    let taken = smtp.deliver("x@c.test", &["anna@a.test"], message.as_bytes());
    taken.and_then(|reply| reply.expect(250)).expect("250");
    for text in alice.inbox(&a).has(2).messages() {
        let text = String::from_utf8(text).expect("UTF-8");
        let rest = format!("{theirs}\r\nSubject: x\r\n\r\nAuthentication-Results: a.test\r\n");
        assert!(text.ends_with(&rest), "{text}");
        assert_eq!(text.to_lowercase().matches("authentication-results").count(), 2, "{text}");
    }
    drop(b);
}
