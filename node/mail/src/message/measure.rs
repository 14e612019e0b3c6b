//! How long it takes. Not a test: says numbers, in a release build.

use std::time::{Duration, Instant};

use super::*;

/// A letter of 10 KB as people write them: plain and HTML, quoted-printable, a header with signatures.
fn letter() -> Vec<u8> {
    let header = "Received: from mail.example.test (mail.example.test [192.0.2.1])\r\n by mx.example.test with ESMTPS; \
        Mon, 1 Jan 2024 10:00:00 +0100\r\n";
    let signature =
        format!("DKIM-Signature: v=1; a=rsa-sha256; d=example.test; b={}\r\n", "A1b2C3d4".repeat(40));
    let text =
        "Bonjour, la r=C3=A9union de jeudi est report=C3=A9e =C3=A0 la semaine prochaine. =\r\n".repeat(40);
    let html = "<p style=3D\"margin:0\">Bonjour, la r=C3=A9union de <b>jeudi</b> est report=C3=A9e</p>\r\n"
        .repeat(60);
    format!(
        "{}{signature}From: =?utf-8?q?Ren=C3=A9e?= <renee@example.test>\r\nTo: Bo <bo@example.test>\r\n\
        Subject: =?utf-8?q?R=C3=A9union?=\r\nDate: Mon, 1 Jan 2024 09:59:58 +0100\r\nMessage-ID: <1234@example.test>\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n--=_b\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{text}\r\n--=_b\r\n\
        Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{html}\r\n--=_b--\r\n",
        header.repeat(4)
    )
    .into_bytes()
}

/// A plain note of 10 KB in ASCII, as lists have them.
fn note() -> Vec<u8> {
    let line = "On Thursday we agreed that the next release is to be cut from the branch as it is.\r\n";
    format!(
        "From: a@b.test\r\nTo: c@d.test\r\nSubject: notes\r\nMessage-ID: <5@b.test>\r\n\r\n{}",
        line.repeat(116)
    )
    .into_bytes()
}

fn each(mut work: impl FnMut()) -> Duration {
    const TIMES: u32 = 5_000;
    let start = Instant::now();
    (0..TIMES).for_each(|_| work());
    start.elapsed() / TIMES
}

#[test]
#[ignore = "says how long it takes, checks nothing"]
fn ordinary_messages() {
    for (name, raw) in [("letter", letter()), ("note", note())] {
        let summary = Summary::of(&raw);
        let stored = summary.encode();
        println!("{name}: {} bytes, summary {} bytes", raw.len(), stored.len());
        println!("  summary made in {:?}", each(|| drop(std::hint::black_box(Summary::of(&raw)))));
        println!("  summary read in {:?}", each(|| drop(std::hint::black_box(Summary::decode(&stored)))));
        for text in ["not there", "notthere", "déjà vu"] {
            let needle = Needle::new(text);
            let time = each(|| assert!(!Content::new(&raw, &summary).text_has(&needle)));
            println!("  TEXT {text:?} not found in {time:?}");
        }
        let needle = Needle::new("not there");
        let time = each(|| assert!(!summary.envelope_has(essaim_imap::command::Header::Subject, &needle)));
        println!("  SUBJECT not found in {time:?}");
    }
}

#[test]
#[ignore = "says how long it takes, checks nothing"]
fn hostile_messages_of_10_megabytes() {
    const HEAD: &str = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    let long_fields = |field: &str, unit: &str| {
        let value = unit.repeat(FIELD_MAX / unit.len());
        format!("--b\r\nContent-Type: message/rfc822\r\n\r\n{field}: {value}\r\n\r\n")
    };
    for (name, head, unit) in [
        ("messages in messages", "", "Content-Type: message/rfc822\r\n\r\n".to_owned()),
        (
            "multiparts without boundary",
            HEAD,
            "--b\r\nContent-Type: multipart/x; boundary=c\r\n\r\n".to_owned(),
        ),
        ("empty parts", HEAD, "--b\r\n".to_owned()),
        ("empty lines", "\r\n", "\n".to_owned()),
        ("near boundaries", HEAD, "--\n".to_owned()),
        ("header without end", "", "A:\n".to_owned()),
        ("subject of words without end", "Subject: ", "=?a1?q?_".to_owned()),
        ("many subjects of such words", HEAD, long_fields("Subject", "=?a1?q?_")),
        ("many lists of addresses", HEAD, long_fields("To", "a@b,")),
        ("many parameters", HEAD, long_fields("Content-Type", "a*1=x;")),
        ("many dispositions", HEAD, long_fields("Content-Disposition", "x=\"=?a1?q?_\";")),
        ("many comments", HEAD, long_fields("From", "(")),
        ("html of tags", "Content-Type: text/html\r\n\r\n", "<b>".to_owned()),
        ("html of entities", "Content-Type: text/html\r\n\r\n", "&amp;".to_owned()),
        ("quoted-printable of ==", "Content-Transfer-Encoding: quoted-printable\r\n\r\n", "==\n".to_owned()),
    ] {
        let raw: Vec<u8> = head.bytes().chain(unit.bytes().cycle().take(10 << 20)).collect();
        let start = Instant::now();
        let summary = Summary::of(&raw);
        let made = start.elapsed();
        let start = Instant::now();
        let needle = Needle::new("no such text");
        assert!(!Content::new(&raw, &summary).text_has(&needle));
        println!(
            "{name}: summary of {} bytes made in {made:?}, sought in {:?}",
            summary.encode().len(),
            start.elapsed()
        );
    }
}
