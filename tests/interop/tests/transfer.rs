//! Mail arrives from a Maildir or an mbox and leaves as a Maildir: everything, once, byte for byte.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use essaim_harness::corpus::{Collection, with_crlf};
use essaim_harness::tools::note;
use essaim_harness::{Account, Node, Value};
use essaim_interop::{argument, messages, succeeded};

#[test]
fn a_maildir_comes_in_once_and_goes_out_whole() {
    let mut node = Node::start();
    let alice = node.add_account("alice@a.test");
    let old = node.home().join("old");
    let sent = write_maildir(&old);

    // While the node is up: over its socket.
    succeeded("import", &node.essaim(&["import", "maildir", "alice@a.test", argument(&old), "--json"], ""));
    let there = counted(messages(&node, &alice, "INBOX"));
    assert!(there == sent, "{} kinds of message came in, {} were in the Maildir", there.len(), sent.len());
    assert_eq!(messages(&node, &alice, "Projects/Bees"), [b"Subject: in a folder\r\n\r\nbuzz\r\n".to_vec()]);
    flags_are_kept(&node, &alice);
    succeeded("the same again", &node.essaim(&["import", "maildir", "alice@a.test", argument(&old)], ""));
    assert!(counted(messages(&node, &alice, "INBOX")) == sent, "nothing comes in twice");

    // While it is down: from the store.
    assert!(node.stop().success());
    let new = node.home().join("new");
    succeeded(
        "export",
        &node.essaim(&["account", "export", "alice@a.test", "--to", argument(&new), "--json"], ""),
    );
    let exported = counted(read_maildir(&new));
    assert!(exported == sent, "{} kinds of message came out, {} were in", exported.len(), sent.len());
    note(&format!("{} messages in from a Maildir and out to one", sent.values().sum::<usize>()));
}

#[test]
fn an_mbox_comes_in() {
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let mbox = node.home().join("letters.mbox");
    let text = "From a@b.test Tue Mar  3 09:15:00 2026\nSubject: one\n\n>From quoted\nend\n\n\
                From b@b.test Tue Mar  3 09:16:00 2026\nSubject: two\nStatus: RO\n\nlast\n";
    fs::write(&mbox, text).unwrap();
    let import = ["import", "mbox", "alice@a.test", argument(&mbox), "--mailbox", "Letters"];
    succeeded("import mbox", &node.essaim(&import, ""));
    let letters = messages(&node, &alice, "Letters");
    assert_eq!(letters.len(), 2);
    assert!(
        letters[0].ends_with(b"\r\n\r\nFrom quoted\r\nend\r\n"),
        "{}",
        String::from_utf8_lossy(&letters[0])
    );
    assert!(letters[1].ends_with(b"\r\n\r\nlast\r\n"));
}

/// Real mail with LF, as a Maildir has it, every tenth seen. What is no mail for IMAP (NUL, nothing at all) is left out.
fn write_maildir(folder: &Path) -> BTreeMap<Vec<u8>, usize> {
    for part in ["cur", "new", "tmp", ".Projects.Bees/cur", ".Projects.Bees/new", ".Projects.Bees/tmp"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    fs::write(folder.join(".Projects.Bees/new/1.x.test"), b"Subject: in a folder\n\nbuzz\n").unwrap();
    let mut written = Vec::new();
    let mail = Collection::mail();
    for (number, (_, raw)) in
        mail.raw().take(MESSAGES).enumerate().filter(|(_, (_, raw))| !raw.is_empty() && !raw.contains(&0))
    {
        let flags = if number.is_multiple_of(10) { "S" } else { "" };
        fs::write(folder.join(format!("cur/{number}.x.test:2,{flags}")), &raw).unwrap();
        written.push(with_crlf(&raw));
    }
    counted(written)
}

fn read_maildir(folder: &Path) -> Vec<Vec<u8>> {
    let parts = ["cur", "new"].map(|part| folder.join(part));
    let files = parts.iter().flat_map(|part| fs::read_dir(part).unwrap()).map(|entry| entry.unwrap().path());
    files.map(|file| with_crlf(&fs::read(file).unwrap())).collect()
}

fn flags_are_kept(node: &Node, account: &Account) {
    let mut imap = node.imap(account).unwrap();
    imap.ok("EXAMINE INBOX").unwrap();
    let seen = imap.ok("SEARCH SEEN").unwrap().search();
    let first = imap.ok("FETCH 1:* (FLAGS)").unwrap();
    let flagged = first.fetched().filter(|(_, list)| {
        list.attribute("FLAGS")
            .is_some_and(|flags| flags.list().iter().map(Value::text).any(|flag| flag == "\\Seen"))
    });
    assert!(!seen.is_empty() && flagged.count() == seen.len());
}

fn counted(messages: Vec<Vec<u8>>) -> BTreeMap<Vec<u8>, usize> {
    let mut counts = BTreeMap::new();
    for message in messages {
        *counts.entry(message).or_insert(0) += 1;
    }
    counts
}

const MESSAGES: usize = 3_000;
