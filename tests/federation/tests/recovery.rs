//! An account whose hoster is gone comes back from what other hosters keep of it, with the member's words.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use essaim_federation::mail::pair;
use essaim_federation::{Hoster, eventually};
use essaim_harness::node::text;
use essaim_harness::tools::note;
use essaim_harness::{Account, Node, Value};
use serde_json::Value as Json;

#[test]
fn a_hoster_keeps_a_replica_that_was_sent_in_the_clear() {
    let (a, b) = pair("");
    let lost = Lost::fill(&a, "alice", 20);
    let refused = a.refusal(&["replica", "send", &lost.account.address, "--to", "b.test"]);
    assert!(refused.contains("not encrypted"), "{refused}");
    let sent = lost.send(&a, "b.test");
    let kept = b.ask(&["replica", "list"]);
    assert_eq!(kept.as_array().map(Vec::len), Some(1), "{kept}");
    assert_eq!((&kept[0]["account"], &kept[0]["root"]), (&sent["account"], &sent["root"]));
    assert_eq!((&kept[0]["domain"], &kept[0]["whole"]), (&"a.test".into(), &true.into()));
    // The same again is another replica: the state may be another.
    lost.send(&a, "b.test");
    assert_eq!(b.ask(&["replica", "list"]).as_array().map(Vec::len), Some(2));
    let root = kept[0]["root"].as_str().expect("a root");
    b.ask(&["replica", "drop", &lost.id, root]);
    assert_eq!(b.ask(&["replica", "list"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn an_account_comes_back_from_the_better_of_two_holders() {
    let [mut a, b, c, d] = four(Some(0));
    let lost = Lost::fill(&a, "alice", 60);
    lost.send(&a, "c.test");
    lost.add(&a, 60..80);
    lost.send(&a, "b.test");
    let before = look(&a, &lost.account);
    // What came after the last copy is lost with the hoster.
    lost.add(&a, 80..83);
    a.node.kill();

    let wrong = lost.recover(&d, &lost.other_words, &[]);
    assert!(text(&wrong).contains("not the words of this account"), "{}", text(&wrong));
    let back = answer(&lost.recover(&d, &lost.words, &[]));
    assert_eq!((&back["state"], &back["from"]), (&"recovered".into(), &"b.test".into()), "{back}");
    assert!(back["remarks"].to_string().contains("c.test has less"), "{back}");
    assert!(!back["complete_up_to"].as_str().unwrap_or_default().is_empty());
    let there = Account {
        address: "alice@d.test".to_owned(),
        password: back["password"].as_str().expect("a new password").to_owned(),
    };
    let after = look(&d, &there);
    assert_eq!(after.validity, before.validity);
    assert_eq!(after.messages, before.messages, "every message of the copy, with its UID, date and flags");
    assert!(after.next >= before.next + 65_536, "{} after {}", after.next, before.next);
    assert!(after.modseq >= before.modseq + 65_536, "{} after {}", after.modseq, before.modseq);
    assert_eq!(d.ask(&["store", "verify"])["findings"].as_array().map_or(0, Vec::len), 0);

    // Nothing that the old hoster knew opens it: neither the password nor the app password, until the member says so.
    d.node
        .imap(&Account { password: lost.account.password.clone(), ..there.clone() })
        .expect_err("the old password");
    let phone = Account { password: lost.app.clone(), ..there.clone() };
    d.node.imap(&phone).expect_err("an app password that nobody has confirmed");
    let aside = d.ask(&["account", "confirm", &there.address]);
    assert_eq!((&aside[0]["name"], aside.as_array().map(Vec::len)), (&"phone".into(), Some(1)), "{aside}");
    let id = aside[0]["id"].to_string();
    assert_eq!(d.ask(&["account", "confirm", &there.address, "--keep", &id]), Json::Array(vec![]));
    d.node.imap(&phone).expect("confirmed");
    // The words are used up; the new ones are on the new paper.
    let again = lost.recover(&c, &lost.words, &[]);
    assert!(text(&again).contains("not the words of this account"), "{}", text(&again));
    note(&format!("{} messages back from b.test", after.messages.len()));

    // The old hoster comes back with its disk: it learns that the account lives elsewhere, and serves it no more.
    a.node.restart();
    eventually("the old hoster gives way", || a.node.log().contains("was recovered at d.test"));
    a.node.imap(&lost.account).expect_err("no login with the old password at the old hoster");
    drop((b, c));
}

#[test]
fn a_holder_with_bent_bytes_is_left_for_an_older_whole_copy() {
    let [mut a, b, c, d] = four(Some(0));
    let lost = Lost::fill(&a, "alice", 30);
    lost.send(&a, "c.test");
    let before = look(&a, &lost.account);
    lost.add(&a, 30..35);
    lost.send(&a, "b.test");
    a.node.kill();
    bend(&b, &lost.id);
    let back = answer(&lost.recover(&d, &lost.words, &["--address", "alix@d.test"]));
    assert_eq!((&back["from"], &back["address"]), (&"c.test".into(), &"alix@d.test".into()), "{back}");
    assert!(back["remarks"].to_string().contains("b.test has a copy"), "{back}");
    let password = back["password"].as_str().expect("a new password").to_owned();
    let after = look(&d, &Account { address: "alix@d.test".to_owned(), password });
    assert_eq!(after.messages, before.messages);
    drop(c);
}

#[test]
fn a_hoster_that_was_heard_of_makes_a_recovery_wait() {
    let [mut a, _b, _c, d] = four(None);
    let lost = Lost::fill(&a, "alice", 5);
    lost.send(&a, "b.test");
    let refused = lost.recover(&d, &lost.words, &[]);
    assert!(text(&refused).contains("would wait 48 hours"), "{}", text(&refused));
    a.node.kill();
    let waits = answer(&lost.recover(&d, &lost.words, &["--wait"]));
    assert_eq!(waits["state"], "waiting", "{waits}");
    assert!(waits["until"].as_str().is_some(), "{waits}");
    // It is a matter of time, not of asking again.
    let waits = d.ask(&["account", "recover", &lost.id]);
    assert_eq!(waits["state"], "waiting");
    assert!(
        d.ask(&["account", "list"])
            .as_array()
            .is_some_and(|all| all.iter().all(|one| one["account"] != *lost.id))
    );
}

/// A home, two holders and a fourth, each the peer of all others; how long a silence must be, in seconds, if not an hour.
fn four(silence: Option<u32>) -> [Hoster; 4] {
    let start = |name: &str| {
        let domain = format!("{name}.test");
        let builder = Node::builder().domain(&domain).listening("peer");
        let builder = match silence {
            Some(seconds) => builder.environment("ESSAIM_TEST_SILENCE_SECONDS", &seconds.to_string()),
            None => builder,
        };
        Hoster { node: builder.start(), domain }
    };
    let all = ["a", "b", "c", "d"].map(start);
    for (at, hoster) in all.iter().enumerate() {
        all[..at].iter().for_each(|other| hoster.join(other));
    }
    let domains = ["a.test", "b.test", "c.test", "d.test"];
    all.iter().for_each(|hoster| hoster.sees(&domains));
    all
}

/// A member whose hoster will be gone.
struct Lost {
    account: Account,
    id: String,
    words: String,
    other_words: String,
    app: String,
}

/// The INBOX.
#[derive(Debug, PartialEq, Eq)]
struct Inbox {
    validity: u64,
    next: u64,
    modseq: u64,
    messages: BTreeMap<u32, Seen>,
}

/// Flags, date, bytes.
type Seen = (Vec<String>, String, Vec<u8>);

impl Lost {
    /// With so many messages, words and an app password.
    fn fill(at: &Hoster, name: &str, count: usize) -> Self {
        let account = at.member(name).account;
        let (other, _) = words(at, &at.member("somebody").account.address);
        let (words, id) = words(at, &account.address);
        let app = at.ask(&["account", "app-password", "add", &account.address, "phone"]);
        let app = app["password"].as_str().expect("a password").to_owned();
        let lost = Self { account, id, words, other_words: other, app };
        lost.add(at, 0..count);
        let mut imap = at.node.imap(&lost.account).expect("a login");
        imap.ok("SELECT INBOX").expect("SELECT");
        imap.ok("STORE 2:3 +FLAGS.SILENT (\\Deleted)").expect("STORE");
        imap.ok("EXPUNGE").expect("EXPUNGE");
        lost
    }

    fn add(&self, at: &Hoster, numbers: std::ops::Range<usize>) {
        let mut imap = at.node.imap(&self.account).expect("a login");
        for number in numbers {
            let options =
                if number % 2 == 0 { "(\\Seen) \"05-Mar-2019 10:00:00 +0100\"" } else { "(\\Flagged)" };
            let message =
                format!("From: x@x.test\r\nSubject: {number}\r\n\r\n{}", "text \r\n".repeat(number * 20));
            imap.append_ok("INBOX", options, message.as_bytes()).expect("APPEND");
        }
    }

    fn send(&self, at: &Hoster, to: &str) -> Json {
        at.ask(&["replica", "send", &self.account.address, "--to", to, "--in-the-clear", "--with-secrets"])
    }

    fn recover(&self, at: &Hoster, words: &str, more: &[&str]) -> std::process::Output {
        let paper = at.node.data_dir().join(format!("words-{:016x}", fresh()));
        let paper = paper.to_str().expect("a path of ours").to_owned();
        let mut arguments =
            vec!["account", "recover", &self.id, "--words-stdin", "--words-to", &paper, "--json"];
        arguments.extend(more);
        at.node.essaim(&arguments, words)
    }
}

/// A number for each call.
fn fresh() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn words(at: &Hoster, address: &str) -> (String, String) {
    let made = at.ask(&["account", "kit", address]);
    let words: Vec<&str> = made["words"].as_array().expect("words").iter().filter_map(Json::as_str).collect();
    (words.join(" "), made["account"].as_str().expect("an id").to_owned())
}

fn answer(output: &std::process::Output) -> Json {
    assert!(output.status.success(), "{}", text(output));
    serde_json::from_slice(&output.stdout).expect("JSON on standard output")
}

fn look(at: &Hoster, account: &Account) -> Inbox {
    let mut imap = at.node.imap(account).expect("a login");
    let selected = imap.ok("SELECT INBOX (CONDSTORE)").expect("SELECT");
    let number = |name| selected.code(name).and_then(|text| text.parse().ok()).expect("a number");
    let fetched = imap.ok("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])").expect("FETCH");
    Inbox {
        validity: number("UIDVALIDITY"),
        next: number("UIDNEXT"),
        modseq: number("HIGHESTMODSEQ"),
        messages: fetched.fetched().map(|(_, list)| seen(&list)).collect(),
    }
}

/// The UID, and then flags, date, bytes.
fn seen(list: &Value) -> (u32, Seen) {
    let mut flags: Vec<String> =
        list.attribute("FLAGS").expect("FLAGS").list().iter().map(Value::text).collect();
    flags.retain(|flag| flag != "\\Recent");
    flags.sort();
    let date = list.attribute("INTERNALDATE").map(Value::text).expect("INTERNALDATE");
    let bytes = list.attribute("BODY[]").and_then(Value::bytes).expect("BODY[]").to_vec();
    (list.attribute("UID").and_then(Value::number).expect("UID"), (flags, date, bytes))
}

/// One bit in the middle of the replica that a holder keeps is another.
fn bend(holder: &Hoster, account: &str) {
    let dir: PathBuf = holder.node.data_dir().join("replicas").join(account);
    let file = fs::read_dir(&dir).expect("replicas").next().expect("one").expect("one").path();
    let mut bytes = fs::read(&file).expect("a replica");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&file, bytes).expect("a replica");
}
