//! Mail on its way out: through a smart host, tried again, given back, and kept over a crash.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use essaim_harness::peers::{Manner, Sink};
use essaim_harness::{Account, Node, NodeBuilder};
use essaim_interop::{has, messages, succeeded};
use tempfile::TempDir;

#[test]
fn mail_to_others_leaves_through_the_smart_host() {
    let Some((taken, sink)) = keeping() else { return };
    let node = relaying(sink.address).start();
    let alice = node.add_account("alice@a.test");
    submit(&node, &alice, &["bob@b.test", "carol@c.test"], "for two elsewhere");
    let files = wait_for_files(taken.path(), 1);
    // The sink makes the file first and writes it when it has the message.
    let read = || fs::read_to_string(&files[0]).unwrap();
    wait_until("the message is written", || has(read().as_bytes(), "\n.a dot\n"));
    let text = read();
    assert!(has(text.as_bytes(), "Subject: for two elsewhere"), "{text}");
    assert!(!has(text.as_bytes(), "Bcc:"), "{text}");
    let named = |name: &str| {
        fs::read_dir(taken.path())
            .unwrap()
            .any(|file| fs::read_to_string(file.unwrap().path()).unwrap().contains(name))
    };
    wait_until("both recipients are named", || named("<bob@b.test>") && named("<carol@c.test>"));
    wait_until("the queue is empty", || queued(&node) == 0);
}

#[test]
fn what_is_refused_for_good_comes_back_with_the_reason() {
    let Some(sink) = Sink::start(Manner::RefuseForGood) else { return };
    let node = relaying(sink.address).start();
    let alice = node.add_account("alice@a.test");
    submit(&node, &alice, &["bob@b.test"], "to nobody");
    let mut imap = node.imap(&alice).unwrap();
    if imap.ok("SELECT INBOX").unwrap().exists() == Some(0) {
        let idle = imap.idle().unwrap();
        while !imap.response().unwrap().ends_with(b" EXISTS\r\n") {}
        imap.done(&idle).unwrap();
    }
    let inbox = messages(&node, &alice, "INBOX");
    assert_eq!(inbox.len(), 1);
    for text in ["multipart/report", "message/delivery-status", "bob@b.test", "Action: failed", "to nobody"] {
        assert!(has(&inbox[0], text), "no {text:?} in {}", String::from_utf8_lossy(&inbox[0]));
    }
    wait_until("the queue is empty", || queued(&node) == 0);
}

#[test]
fn what_is_refused_for_now_waits_and_survives_a_crash() {
    let Some(sink) = Sink::start(Manner::RefuseForNow) else { return };
    let address = sink.address;
    let mut node = relaying(address).start();
    let alice = node.add_account("alice@a.test");
    let told = submit(&node, &alice, &["bob@b.test"], "patience");
    wait_until("it was tried and waits", || tried(&node));
    let name = told.trim_end().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(list(&node)["entries"][0]["message"], name.as_str(), "{told}");
    assert!(node.log().contains(&format!("message {name} taken")), "the log calls it so too");
    node.kill();
    drop(sink);

    let taken = TempDir::new().unwrap();
    let Some(_sink) = Sink::start_at(address, Manner::Keep(taken.path())) else { return };
    node.restart();
    assert_eq!(queued(&node), 1, "it is still in the queue");
    succeeded("queue retry", &node.essaim(&["queue", "retry"], ""));
    let files = wait_for_files(taken.path(), 1);
    assert!(has(&fs::read(&files[0]).unwrap(), "Subject: patience"));
    wait_until("the queue is empty", || queued(&node) == 0);
    assert_eq!(files_in(taken.path()).len(), 1, "it was sent once");
    assert_eq!(messages(&node, &alice, "INBOX").len(), 0, "and nobody was told of a failure");
}

fn keeping() -> Option<(TempDir, Sink)> {
    let folder = TempDir::new().unwrap();
    let sink = Sink::start(Manner::Keep(folder.path()))?;
    Some((folder, sink))
}

fn relaying(to: SocketAddr) -> NodeBuilder {
    Node::builder().config(&format!("[mail]\nrelay = \"{to}\"\nrelay_tls = \"off\"\n"))
}

/// Returns what the node said when it took the message.
fn submit(node: &Node, from: &Account, to: &[&str], subject: &str) -> String {
    let mail = format!(
        "From: {0}\r\nTo: {1}\r\nBcc: hidden@d.test\r\nSubject: {subject}\r\n\r\n.a dot\r\n",
        from.address,
        to.join(", ")
    );
    let mut smtp = node.submission(from).unwrap();
    smtp.deliver(&from.address, to, mail.as_bytes()).unwrap().expect(250).unwrap().to_string()
}

fn list(node: &Node) -> serde_json::Value {
    let output = node.essaim(&["queue", "list", "--json"], "");
    succeeded("queue list", &output);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn queued(node: &Node) -> usize {
    let list = list(node);
    list.as_array()
        .or_else(|| list["entries"].as_array())
        .unwrap_or_else(|| panic!("queue list --json: {list}"))
        .len()
}

fn tried(node: &Node) -> bool {
    list(node).to_string().contains("450")
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The sink writes while it reads: a file counts once its text is there.
fn wait_for_files(folder: &Path, count: usize) -> Vec<PathBuf> {
    let whole = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|text| text.contains("a dot"));
    wait_until("the mail has arrived", || {
        files_in(folder).iter().filter(|path| whole(path)).count() >= count
    });
    files_in(folder)
}

/// Other people's programs tell nobody when they are done.
fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
