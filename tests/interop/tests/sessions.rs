//! Several clients of one member, and the people who write to them, at the same time.

use std::time::Duration;

use essaim_harness::{Imap, Node};

#[test]
fn two_sessions_see_each_others_changes_at_once() {
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let (mut watcher, mut worker) = (node.imap(&alice).unwrap(), node.imap(&alice).unwrap());
    worker.ok("SELECT INBOX").unwrap();
    for number in 1..=3 {
        worker.append_ok("INBOX", "", format!("Subject: {number}\r\n\r\nx\r\n").as_bytes()).unwrap();
    }
    watcher.set_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(watcher.ok("SELECT INBOX").unwrap().exists(), Some(3));
    let idle = watcher.idle().unwrap();

    worker.append_ok("INBOX", "(\\Seen)", b"Subject: 4\r\n\r\nx\r\n").unwrap();
    until(&mut watcher, "* 4 EXISTS");
    node.smtp()
        .unwrap()
        .deliver("b@b.test", &["alice@a.test"], b"Subject: 5\r\n\r\nx\r\n")
        .unwrap()
        .expect(250)
        .unwrap();
    until(&mut watcher, "* 5 EXISTS");
    worker.ok("NOOP").unwrap();
    worker.ok("STORE 2 +FLAGS (\\Flagged)").unwrap();
    assert!(until(&mut watcher, "* 2 FETCH").contains("\\Flagged"));
    worker.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").unwrap();
    until(&mut watcher, "* 1 FETCH");
    worker.ok("EXPUNGE").unwrap();
    until(&mut watcher, "* 1 EXPUNGE");
    watcher.done(&idle).unwrap();
    assert_eq!(watcher.ok("SEARCH FLAGGED").unwrap().search(), [1], "the numbers moved up by one");
}

#[test]
fn an_expunge_is_not_told_in_the_middle_of_a_command_that_names_numbers() {
    // RFC 9051 section 7.5.1: no EXPUNGE while FETCH, STORE or SEARCH runs.
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let (mut reader, mut worker) = (node.imap(&alice).unwrap(), node.imap(&alice).unwrap());
    for number in 1..=3 {
        worker.append_ok("INBOX", "", format!("Subject: {number}\r\n\r\nx\r\n").as_bytes()).unwrap();
    }
    reader.ok("SELECT INBOX").unwrap();
    worker.ok("SELECT INBOX").unwrap();
    worker.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").unwrap();
    worker.ok("EXPUNGE").unwrap();

    for command in ["FETCH 3 (UID)", "STORE 3 +FLAGS ($x)", "SEARCH ALL"] {
        let outcome = reader.command(command).unwrap();
        assert!(!said(&outcome.untagged, "EXPUNGE"), "{command}: {:?}", outcome.untagged);
    }
    assert!(said(&reader.ok("NOOP").unwrap().untagged, "1 EXPUNGE"));
}

#[test]
fn a_client_that_comes_back_hears_only_what_changed() {
    // QRESYNC: RFC 7162 section 3.2.
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let mut imap = node.imap(&alice).unwrap();
    for number in 1..=20 {
        imap.append_ok("INBOX", "", format!("Subject: {number}\r\n\r\nx\r\n").as_bytes()).unwrap();
    }
    imap.ok("ENABLE QRESYNC").unwrap();
    let before = imap.ok("SELECT INBOX").unwrap();
    let (validity, modseq) = (before.code("UIDVALIDITY").unwrap(), before.code("HIGHESTMODSEQ").unwrap());
    imap.ok("UID STORE 7 +FLAGS.SILENT (\\Seen)").unwrap();
    imap.ok("UID STORE 9,11 +FLAGS.SILENT (\\Deleted)").unwrap();
    imap.ok("EXPUNGE").unwrap();

    let mut again = node.imap(&alice).unwrap();
    again.ok("ENABLE QRESYNC").unwrap();
    let outcome = again.ok(&format!("SELECT INBOX (QRESYNC ({validity} {modseq}))")).unwrap();
    assert!(said(&outcome.untagged, "VANISHED (EARLIER) 9,11"), "{:?}", outcome.untagged);
    let changed: Vec<u32> =
        outcome.fetched().filter_map(|(_, list)| list.attribute("UID")?.number()).collect();
    assert_eq!(changed, [7]);
}

/// Reads until a response begins so.
fn until(imap: &mut Imap, begin: &str) -> String {
    loop {
        let response = imap.response().unwrap_or_else(|error| panic!("waiting for {begin:?}: {error}"));
        let text = String::from_utf8_lossy(&response).into_owned();
        if text.starts_with(begin) {
            return text;
        }
    }
}

fn said(untagged: &[Vec<u8>], text: &str) -> bool {
    untagged.iter().any(|response| String::from_utf8_lossy(response).contains(text))
}
