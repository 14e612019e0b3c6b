//! Bad input and bad company: a clear answer or a closed connection within a bound, and nobody else is slowed.

use std::fs;
use std::time::{Duration, Instant};

use essaim_harness::generate::{Random, Shape, message};
use essaim_harness::imap::Status;
use essaim_harness::stream::Connection;
use essaim_harness::tools::note;
use essaim_harness::{Imap, Node, Smtp};

#[test]
fn a_client_that_stops_reading_slows_nobody() {
    let node = Node::builder().config("[limits]\nwrite_timeout = \"2s\"\n").start();
    let (alice, bob) = (node.add_account("alice@a.test"), node.add_account("bob@a.test"));
    let mut imap = node.imap(&alice).unwrap();
    let mut random = Random::new(3);
    let large = message("large", Shape::Attachment, 500_000, &mut random);
    for _ in 0..20 {
        imap.append_ok("INBOX", "", &large).unwrap();
    }
    let mut silent: Vec<Imap> = (0..10).map(|_| node.imap(&alice).unwrap()).collect();
    for imap in &mut silent {
        imap.ok("SELECT INBOX").unwrap();
        imap.send(b"x FETCH 1:* BODY.PEEK[]\r\ny FETCH 1:* BODY.PEEK[]\r\n").unwrap();
    }

    let mut other = node.imap(&bob).unwrap();
    let begin = Instant::now();
    let mut slowest = Duration::ZERO;
    while begin.elapsed() < Duration::from_secs(6) {
        let command = Instant::now();
        other.append_ok("INBOX", "", b"Subject: x\r\n\r\nx\r\n").unwrap();
        other.ok("SELECT INBOX").unwrap();
        slowest = slowest.max(command.elapsed());
    }
    note(&format!("beside ten clients that do not read, the slowest APPEND and SELECT took {slowest:?}"));
    assert!(slowest < Duration::from_secs(2));
    for imap in &mut silent {
        assert!(
            imap.drain("NOOP").is_err(),
            "a client that took nothing for three times the limit is still connected"
        );
    }
}

#[test]
fn a_message_of_fifty_megabytes_costs_no_fifty_megabytes() {
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let mut smtp = node.smtp().unwrap();
    let mut imap = node.imap(&alice).unwrap();
    smtp.deliver("b@b.test", &["alice@a.test"], b"Subject: warm\r\n\r\nx\r\n").unwrap().expect(250).unwrap();
    imap.append_ok("INBOX", "", b"Subject: warm\r\n\r\nx\r\n").unwrap();
    let before = peak_memory(&node);

    let line = [vec![b'a'; 76], b"\r\n".to_vec()].concat();
    let large = [b"Subject: large\r\n\r\n".to_vec(), line.repeat(49 * 1024 * 1024 / line.len())].concat();
    smtp.deliver("b@b.test", &["alice@a.test"], &large).unwrap().expect(250).unwrap();
    assert_eq!(smtp.deliver_in_chunks("b@b.test", &["alice@a.test"], &large, 1 << 20).unwrap().code, 250);
    imap.append_ok("INBOX", "", &large).unwrap();
    imap.ok("SELECT INBOX").unwrap();
    let drained = imap.drain("FETCH 3:* BODY.PEEK[]").unwrap();
    assert!(drained.bytes > 3 * large.len(), "{drained:?}");
    let grown = peak_memory(&node).saturating_sub(before);
    note(&format!("three messages of 49 MiB in and out: peak memory grew by {} KiB", grown / 1024));
    assert!(grown < 40 * 1024 * 1024, "peak memory grew by {} MiB", grown >> 20);
}

#[test]
fn what_is_too_long_is_refused_before_it_is_read() {
    let node = Node::start();
    let alice = node.add_account("alice@a.test");

    let mut imap = Imap::connect_tls(node.address("imaps")).unwrap();
    let outcome = imap.command("LOGIN alice {4294967295}").unwrap();
    assert_ne!(outcome.status, Status::Ok, "a literal before login is small");
    let mut imap = node.imap(&alice).unwrap();
    let outcome = imap.command("APPEND INBOX {99999999999}").unwrap();
    assert!(outcome.status != Status::Ok && outcome.text.contains("TOOBIG"), "{outcome:?}");

    let mut connection = Connection::plain(node.address("imap")).unwrap();
    let _ = connection.send(&[b"a ".to_vec(), vec![b'x'; 4_000_000]].concat());
    let said = connection.read_to_close();
    assert!(contains(&said, "BYE") || contains(&said, "BAD"), "{}", String::from_utf8_lossy(&said));

    let mut connection = Connection::plain(node.address("smtp")).unwrap();
    let _ = connection.send(&vec![b'x'; 4_000_000]);
    let _ = connection.send(b"\r\nQUIT\r\n");
    let said = connection.read_to_close();
    assert!(contains(&said, "\n5") || contains(&said, "\n4"), "{}", String::from_utf8_lossy(&said));

    let mut smtp = node.smtp().unwrap();
    let size = smtp.command("MAIL FROM:<b@b.test> SIZE=99999999999").unwrap();
    assert_eq!(size.code, 552, "{size}");
}

#[test]
fn silent_connections_are_closed() {
    let limits = "[limits]\nsmtp_timeout = \"1s\"\nimap_login_timeout = \"1s\"\nhandshake_timeout = \"1s\"\nhttp_timeout = \"1s\"\n";
    let node = Node::builder().config(limits).start();
    for listener in ["smtp", "submission", "submissions", "imap", "imaps", "http"] {
        let mut connection = Connection::plain(node.address(listener)).unwrap();
        let begin = Instant::now();
        connection.read_to_close();
        assert!(begin.elapsed() < Duration::from_secs(30), "{listener} let a silent connection live");
    }
}

#[test]
fn broken_commands_get_an_answer() {
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    for line in [
        "",
        " ",
        "FETCH",
        "SELECT",
        "SELECT \"unclosed",
        "UID",
        "STORE 1 FLAGS",
        "SEARCH CHARSET",
        "FETCH 1:* (BODY[",
        "LIST \"\" \u{1}",
        "APPEND INBOX (\\Bad) {x}",
        "FETCH 0 FLAGS",
        "STORE 4294967296 +FLAGS (x)",
        "NOOP extra",
        "\u{e9}",
    ] {
        // A new session for each: after a few mistakes a server may hang up.
        let mut imap = node.imap(&alice).unwrap();
        let outcome = imap.command(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_ne!(outcome.status, Status::Ok, "{line:?}");
    }
    let mut imap = node.imap(&alice).unwrap();
    let outcome = imap.append("INBOX", "", b"Subject: x\r\n\r\n\0\r\n").unwrap();
    assert_ne!(outcome.status, Status::Ok, "NUL is for literal8 only");
    imap.ok("NOOP").unwrap();

    for line in [
        "",
        "HELP \0",
        "MAIL",
        "MAIL FROM:",
        "MAIL FROM:<a@b@c>",
        "RCPT TO:<alice@a.test>",
        "DATA",
        "BDAT x",
        "NONSENSE",
        "\u{e9}",
    ] {
        let mut smtp = node.smtp().unwrap();
        let reply = smtp.command(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert!((400..600).contains(&reply.code) || line.starts_with("HELP"), "{line:?}: {reply}");
    }
    let mut smtp = node.smtp().unwrap();
    smtp.deliver("b@b.test", &["alice@a.test"], b"Subject: still fine\r\n\r\nx\r\n")
        .unwrap()
        .expect(250)
        .unwrap();
}

#[test]
fn what_was_pipelined_before_starttls_is_not_taken_for_encrypted() {
    // CVE-2011-0411 and its like.
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    for (listener, injected) in [
        ("smtp", "STARTTLS\r\nMAIL FROM:<m@b.test>\r\nRCPT TO:<alice@a.test>\r\n"),
        ("imap", "a STARTTLS\r\nb CAPABILITY\r\nc LOGIN x y\r\n"),
    ] {
        let mut connection = Connection::plain(node.address(listener)).unwrap();
        let mut line = Vec::new();
        connection.read_line(&mut line).unwrap();
        if listener == "smtp" {
            connection.send(b"EHLO m.test\r\n").unwrap();
            while !line.starts_with(b"250 ") {
                line.clear();
                connection.read_line(&mut line).unwrap();
            }
        }
        connection.send(injected.as_bytes()).unwrap();
        line.clear();
        connection.read_line(&mut line).unwrap();
        let Ok(mut encrypted) = connection.start_tls() else { continue };
        encrypted.send(if listener == "smtp" { b"QUIT\r\n" } else { b"z LOGOUT\r\n" }).unwrap();
        let said = String::from_utf8_lossy(&encrypted.read_to_close()).into_owned();
        assert!(!said.contains("CAPABILITY") && !said.contains("\nc "), "{listener}: {said}");
        assert!(said.starts_with("221") || said.starts_with("* BYE"), "{listener}: {said}");
    }
    assert_eq!(node.imap(&alice).unwrap().ok("SELECT INBOX").unwrap().exists(), Some(0));
}

#[test]
fn garbage_brings_nothing_down() {
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let mut random = Random::new(11);
    for round in 0..300 {
        let listener = random.pick(&["smtp", "submission", "imap", "imaps", "submissions", "http"]);
        let mut connection = Connection::plain(node.address(listener)).unwrap();
        let mut bytes = SEEDS[random.below(SEEDS.len())].to_vec();
        for _ in 0..1 + random.below(12) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = u8::try_from(random.below(256)).unwrap_or(0),
                1 => {
                    bytes.truncate(at.max(1));
                }
                2 => bytes.extend_from_slice(SEEDS[random.below(SEEDS.len())]),
                _ => bytes.insert(at, *b"\0\r\n{}()\"\\<>\xff".get(random.below(12)).unwrap_or(&0)),
            }
        }
        let _ = connection.send(&bytes);
        if round % 10 == 0 {
            // Also hear what it has to say; mostly just go away.
            connection.set_timeout(Duration::from_millis(200)).unwrap();
            connection.read_to_close();
        }
    }
    Smtp::connect(node.address("smtp")).unwrap();
    node.imap(&alice).unwrap().ok("SELECT INBOX").unwrap();
    assert!(!node.log().contains("panicked"), "{}", node.log());
}

const SEEDS: [&[u8]; 6] = [
    b"EHLO x\r\nMAIL FROM:<a@b.test> SIZE=10\r\nRCPT TO:<alice@a.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n",
    b"EHLO x\r\nMAIL FROM:<> BODY=8BITMIME\r\nRCPT TO:<alice@a.test>\r\nBDAT 5\r\nxx\r\nxBDAT 0 LAST\r\n",
    b"a LOGIN alice@a.test {5+}\r\nwrong\r\nb SELECT INBOX\r\nc FETCH 1:* (FLAGS BODY[HEADER.FIELDS (SUBJECT)])\r\n",
    b"a AUTHENTICATE PLAIN AGEAYg==\r\nb ID (\"name\" \"x\")\r\nc ENABLE CONDSTORE\r\nd LOGOUT\r\n",
    b"GET /health/live HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];

fn contains(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

/// The most that the process ever held, in bytes.
fn peak_memory(node: &Node) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", node.pid())).expect("the node is up");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says VmHWM");
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).expect("a number") * 1024
}
