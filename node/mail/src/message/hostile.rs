//! Messages that were made to hurt: each would take minutes, or the stack, if it found what it was made for.

use proptest::prelude::*;

use super::check::checked;
use super::*;

/// About this many bytes each: enough for quadratic time to be noticed.
const SIZE: usize = if cfg!(debug_assertions) { 64 << 10 } else { 2 << 20 };

const HEAD: &str = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";

fn repeated(head: &str, unit: &str) -> Vec<u8> {
    let mut raw = head.as_bytes().to_vec();
    raw.extend(unit.as_bytes().iter().cycle().take(SIZE / unit.len() * unit.len()));
    raw
}

fn count(summary: &Summary) -> usize {
    summary.parts().iter().count()
}

/// mail-parser drops its tree by recursion: 3 MB of this overflowed the stack.
#[test]
fn messages_in_messages_without_end() {
    let summary = checked(&repeated("", "Content-Type: message/rfc822\r\n\r\n"));
    assert_eq!(count(&summary), DEPTH_MAX);
}

#[test]
fn multiparts_in_multiparts_without_end() {
    checked(&repeated("", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"));
    let mut raw = Vec::new();
    for level in 0..SIZE / 60 {
        raw.extend(format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n").bytes());
    }
    assert_eq!(count(&checked(&raw)), DEPTH_MAX);
}

/// mail-parser seeks the boundary of each part to the end of the message: 10 MB of this took it a quarter of an hour.
#[test]
fn multiparts_whose_boundary_never_comes() {
    let unit = "--b\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\nx\r\n";
    let summary = checked((HEAD.to_owned() + &unit.repeat(2 * PARTS_MAX)).as_bytes());
    assert_eq!(count(&summary), PARTS_MAX);
    assert_eq!(summary.parts().iter().last().unwrap().kind(), &PartKind::Other);
}

#[test]
fn more_parts_than_are_told_apart() {
    let summary = checked((HEAD.to_owned() + &"--b\r\n\r\nx\r\n".repeat(2 * PARTS_MAX)).as_bytes());
    let parts: Vec<&Part> = summary.parts().iter().collect();
    assert_eq!(parts.len(), PARTS_MAX);
    let last = parts.last().unwrap();
    assert_eq!(last.body().end, parts.first().unwrap().body().end);
    assert_eq!(last.kind(), &PartKind::Plain(Some("us-ascii".to_owned())));
    // There is no room for the message in the last one, whether the number of parts is odd or even.
    for head in [HEAD.to_owned(), format!("{HEAD}--b\r\n\r\n")] {
        let unit = "--b\r\nContent-Type: message/rfc822\r\n\r\n";
        assert_eq!(count(&checked((head + &unit.repeat(PARTS_MAX)).as_bytes())), PARTS_MAX);
    }
}

#[test]
fn parts_with_more_to_tell_than_a_summary_holds() {
    let names = "x".repeat(1000);
    let unit =
        format!("--b\r\nContent-Type: image/png; name=\"{names}\"\r\nContent-Description: {names}\r\n\r\n");
    let summary = checked((HEAD.to_owned() + &unit.repeat(1000)).as_bytes());
    assert!((200..1000).contains(&count(&summary)));
    assert!(summary.body_structure().len() < STRUCTURE_MAX + 1000);
}

#[test]
fn lines_that_are_nearly_boundaries() {
    let mut head = String::new();
    for level in 0..DEPTH_MAX {
        let boundary = format!("{}{level}", "-".repeat(60));
        head += &format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n");
    }
    checked(&repeated(&head, &format!("--{}\r\n", "-".repeat(60))));
    checked(&repeated(&head, "--\r\n"));
    checked(&repeated("", "--\r\n"));
}

#[test]
fn endless_headers() {
    for unit in [
        "Subject: x\r\n",
        "To: a@b\r\n",
        "X: y\r\n",
        "x",
        "X",
        " ",
        "\r",
        "\r\n ",
        "--\r\n",
        ":",
        "\0",
        "Content-Type: multipart/mixed; boundary=b\r\n--\r\n",
    ] {
        checked(&repeated("From: a@b\r\nContent-Type: text/plain; x=\"\r\n", unit));
    }
}

/// 320 kB of the first took mail-parser 20 seconds.
#[test]
fn endless_values() {
    for unit in [
        "=?a1?q?_",
        "=?a1?b?AAAA",
        "=?utf-8?q?a?= ",
        "=?",
        "?=",
        "a*1=x;",
        "a*0*=%41;",
        "a=\"\\\"\";",
        ";",
        "(",
        "\"",
        "\\",
        "<",
        "a@b,",
        "a:b@c;",
        "@",
        "<@a,@b:c@d>,",
        "1 Jan ",
        ",",
        "\r\n a",
        "\u{e9}",
    ] {
        for field in [
            "Subject",
            "From",
            "To",
            "Date",
            "References",
            "Content-Type",
            "Content-Disposition",
            "Content-Language",
        ] {
            checked(&repeated(&format!("{field}: x "), unit));
            // Many fields of the length that is just read.
            let part = format!(
                "--b\r\nContent-Type: message/rfc822\r\n\r\n{field}: {}\r\n\r\n",
                unit.repeat(FIELD_MAX / unit.len())
            );
            checked(&repeated(HEAD, &part));
        }
    }
}

#[test]
fn endless_bodies_are_sought_and_decoded() {
    let needle = Needle::new("no such text");
    let accented = Needle::new("déjà");
    for head in [
        "",
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n",
        "Content-Type: text/html\r\n",
        "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n",
        "Content-Type: text/plain; charset=iso-2022-jp\r\n",
        "Content-Type: text/plain; charset=utf-7\r\n",
        "Content-Type: text/plain; charset=utf-16\r\n",
    ] {
        for unit in [
            "x",
            "=",
            "==",
            "=\r\n",
            " ",
            "\n",
            "\0",
            "<",
            "<!--",
            "&",
            "&amp",
            "+",
            "\x1b$B",
            "no such tex",
            "\u{e9}",
        ] {
            let raw = repeated(&format!("{head}Subject: s\r\n\r\n"), unit);
            let summary = checked(&raw);
            let mut content = Content::new(&raw, &summary);
            assert!(!content.text_has(&needle) && !content.text_has(&accented));
        }
    }
}

#[test]
fn endless_headers_are_sought() {
    let needle = Needle::new("no such text");
    for unit in ["=?a1?q?_", "=?utf-8?q?a?= ", "X: =?utf-8?q?a?=\r\n", "\u{e9}", "\r\n x", "X: y\r\n"] {
        let raw = repeated("Subject: ", unit);
        let summary = checked(&raw);
        assert!(!Content::new(&raw, &summary).text_has(&needle));
    }
}

fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b"\0",
        b"--",
        b"b",
        b"bb",
        b"--b",
        b"\r\n--b\r\n",
        b"\r\n--b--\r\n",
        b"Content-Type: ",
        b"multipart/mixed",
        b"multipart/digest",
        b"message/rfc822",
        b"message/global",
        b"text/html",
        b"image/png",
        b"; boundary=b",
        b"; boundary=\"bb\"",
        b"; charset=utf-8",
        b"; name*=utf-8''%C3%A9",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: quoted-printable",
        b"Subject: ",
        b"From: ",
        b"To: ",
        b"Date: ",
        b"Message-ID: ",
        b"References: ",
        b"Content-Disposition: attachment; filename=",
        b"=?utf-8?q?",
        b"=?utf-8?b?",
        b"?=",
        b"=41",
        b"=\r\n",
        b"aGVsbG8=",
        b"<a@b>",
        b"\"",
        b"\\",
        b"(",
        b")",
        b"<",
        b">",
        b"@",
        b",",
        b":",
        b";",
        b"g: ",
        b"1 Jan 2024 01:02:03 +0100",
        b"\xff\xe9",
        b"\xc3\xa9",
        b"<p>caf&eacute;</p>",
        b"&#x",
        b"x",
    ];
    prop_oneof![
        8 => prop::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn anything_that_looks_like_mail(fragments in prop::collection::vec(fragment(), 0..80)) {
        let raw = fragments.concat();
        let summary = checked(&raw);
        let mut content = Content::new(&raw, &summary);
        for needle in ["x", "é", "hello a"].map(Needle::new) {
            content.text_has(&needle);
            content.body_has(&needle);
        }
    }

    #[test]
    fn anything_stored(stored in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(summary) = Summary::decode(&[&[1], stored.as_slice()].concat()) {
            summary.body();
            summary.envelope_has(essaim_imap::command::Header::From, &Needle::new("x"));
            Content::new(&stored, &summary).text_has(&Needle::new("x"));
        }
    }
}
