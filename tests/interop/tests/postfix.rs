//! Postfix, the most common mail server, delivers to us over TLS.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::{Duration, Instant};

use essaim_harness::peers::{Postfix, PostfixRoute};
use essaim_harness::{Account, Imap, Node, Smtp};
use essaim_interop::{arrived_with, has, messages};

#[test]
fn postfix_delivers_over_tls() {
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let route = PostfixRoute::SmtpWithTls(node.address("smtp"));
    let Some(postfix) = Postfix::start(&node.home().join("postfix"), &route) else { return };
    let mut smtp = Smtp::connect(postfix.smtp()).unwrap();
    for number in 0..MESSAGES {
        let mail =
            format!("Subject: number {number}\r\n\r\n.a line with a dot\r\n{}\r\n", "x".repeat(number * 500));
        smtp.deliver("bob@b.test", &["alice@a.test"], mail.as_bytes()).unwrap().expect(250).unwrap();
    }
    wait_for(&node, &alice, MESSAGES, &postfix);
    let inbox = messages(&node, &alice, "INBOX");
    for number in 0..MESSAGES {
        let subject = format!("Subject: number {number}\r\n");
        let mail =
            inbox.iter().find(|mail| has(mail, &subject)).unwrap_or_else(|| panic!("{subject} is missing"));
        assert_eq!(arrived_with(mail), "ESMTPS", "it came over TLS");
        assert!(has(mail, "\r\n\r\n.a line with a dot\r\n"));
    }
    assert!(postfix.log().contains("status=sent (250 2."), "with an enhanced status code");
}

#[test]
fn postfix_gets_a_refusal_it_understands() {
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let route = PostfixRoute::SmtpWithTls(node.address("smtp"));
    let Some(postfix) = Postfix::start(&node.home().join("postfix"), &route) else { return };
    let mut smtp = Smtp::connect(postfix.smtp()).unwrap();
    let to = ["nobody@a.test", "alice@a.test"];
    smtp.deliver("<>".trim_matches(['<', '>']), &to, b"Subject: two\r\n\r\nx\r\n")
        .unwrap()
        .expect(250)
        .unwrap();
    wait_for(&node, &alice, 1, &postfix);
    wait_for_log(&postfix, "status=bounced");
    assert!(postfix.log().contains("550 5.1.1"), "{}", postfix.log());
}

/// IDLE tells when a message has come.
fn wait_for(node: &Node, account: &Account, count: usize, postfix: &Postfix) {
    let mut imap: Imap = node.imap(account).unwrap();
    imap.set_timeout(Duration::from_secs(60)).unwrap();
    let mut there = imap.ok("SELECT INBOX").unwrap().exists().unwrap_or(0);
    let idle = imap.idle().unwrap();
    while there < u32::try_from(count).unwrap() {
        let response =
            imap.response().unwrap_or_else(|error| panic!("{there} of {count}: {error}\n{}", postfix.log()));
        let text = String::from_utf8_lossy(&response).into_owned();
        if let Some(number) = text.strip_prefix("* ").and_then(|text| text.strip_suffix(" EXISTS\r\n")) {
            there = number.parse().unwrap();
        }
    }
    imap.done(&idle).unwrap();
}

/// Postfix tells nobody but its log.
fn wait_for_log(postfix: &Postfix, text: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !postfix.log().contains(text) {
        assert!(Instant::now() < deadline, "no {text:?} in the log of postfix:\n{}", postfix.log());
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

const MESSAGES: usize = 50;
