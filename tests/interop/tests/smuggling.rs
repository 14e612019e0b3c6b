//! One body with a false end of data inside is one message or a refusal, never two (CVE-2023-51764 and its like).

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use essaim_harness::corpus::Collection;
use essaim_harness::tools::note;
use essaim_harness::{Node, Smtp};
use essaim_interop::{has, messages};

#[test]
fn no_false_end_of_data_makes_a_second_message() {
    let files: Vec<(String, Vec<u8>)> = Collection::smuggling().raw().collect();
    assert!(!files.is_empty());
    let node = Node::start();
    for (number, (name, raw)) in files.iter().enumerate() {
        let account = node.add_account(&format!("victim{number}@a.test"));
        // The smuggled transaction is to reach somebody who exists here.
        let raw = replaced(
            &replaced(raw, b"bram@example.net", account.address.as_bytes()),
            b"alice@a.test",
            account.address.as_bytes(),
        );
        let said = attack(&node, &account.address, &raw);
        let inbox = messages(&node, &account, "INBOX");
        note(&format!("{name}: {} message(s); {}", inbox.len(), said.lines().next().unwrap_or("closed")));
        assert!(inbox.len() <= 1, "{name}: a second message was smuggled in");
        let accepted = said.lines().any(|line| line.starts_with("250"));
        assert_eq!(
            inbox.len(),
            usize::from(accepted),
            "{name}: 250 means stored, a refusal means not: {said}"
        );
        for message in &inbox {
            assert!(!message.starts_with(b"Subject: smuggled") && has(message, "Received:"), "{name}");
        }
    }
}

/// Everything that the server says after the 354 reply.
fn attack(node: &Node, to: &str, raw: &[u8]) -> String {
    let mut smtp = Smtp::connect(node.address("smtp")).unwrap();
    let refusal = smtp.envelope("mallory@b.test", &[to]).unwrap();
    assert_eq!(refusal, None);
    // A server that closes at the first fault makes the rest fail to be sent.
    let _ = smtp.send(raw);
    let _ = smtp.send(b"QUIT\r\n");
    String::from_utf8_lossy(&smtp.read_to_close()).into_owned()
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}
