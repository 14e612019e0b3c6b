//! Members who move, and what a mail program sees of them before and after.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Child, Output, Stdio};

use essaim_harness::node::text;
use essaim_harness::{Account, Value};
use serde_json::Value as Json;

use crate::Hoster;
use crate::mail::Member;

/// Limits that are in no test's way.
pub const HASTE: &str =
    "[limits]\nmessages_per_minute = 0\nrecipients_per_hour = 100000000\nconnections_per_minute = 0\n";

/// A message as a mail program sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Flags and keywords, sorted.
    pub flags: Vec<String>,
    /// INTERNALDATE.
    pub date: String,
    /// MODSEQ.
    pub modseq: String,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// A member who moves.
#[derive(Debug)]
pub struct Mover {
    /// Address and password at the first hoster.
    pub account: Account,
    /// The words of the kit.
    pub words: String,
    /// An app password.
    pub app: String,
}

/// The INBOX.
#[derive(Debug, PartialEq, Eq)]
pub struct Inbox {
    /// UIDVALIDITY.
    pub validity: String,
    /// By UID.
    pub messages: BTreeMap<u32, Seen>,
}

impl Mover {
    /// With so many messages, some of them flagged and some deleted, words and an app password.
    ///
    /// # Panics
    /// If anything is refused.
    pub fn fill(at: &Hoster, name: &str, count: usize) -> Self {
        let Member { account } = at.member(name);
        let mut imap = at.node.imap(&account).expect("a login");
        for number in 0..count {
            let options = match number % 3 {
                0 => "(\\Seen) \"05-Mar-2019 10:00:00 +0100\"",
                1 => "(\\Flagged $Forwarded) \"06-Mar-2020 11:30:00 +0000\"",
                _ => "",
            };
            let message = format!(
                "From: x@x.test\r\nSubject: {name} {number}\r\n\r\n{}",
                "text \r\n".repeat(number * 20)
            );
            imap.append_ok("INBOX", options, message.as_bytes()).expect("APPEND");
        }
        imap.ok("SELECT INBOX").expect("SELECT");
        imap.ok("STORE 2:3 +FLAGS.SILENT (\\Deleted)").expect("STORE");
        imap.ok("EXPUNGE").expect("EXPUNGE");
        let address = &account.address;
        let made = at.ask(&["account", "kit", address]);
        let words: Vec<&str> =
            made["words"].as_array().expect("words").iter().filter_map(Json::as_str).collect();
        let app = at.ask(&["account", "app-password", "add", address, "phone"]);
        Self {
            words: words.join(" "),
            app: app["password"].as_str().expect("a password").to_owned(),
            account,
        }
    }

    /// Begins to move; the command ends when the account has moved.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(&self, from: &Hoster, to: &Hoster) -> Child {
        let code = to.ask(&["account", "accept"])["code"].as_str().expect("a code").to_owned();
        self.start_with(from, &code)
    }

    /// The same with an acceptance code.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start_with(&self, from: &Hoster, code: &str) -> Child {
        let mut command = from.node.command();
        command.args(["account", "move", &self.account.address, "--accept", code, "--words-stdin", "--json"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the essaim binary can be started");
        child
            .stdin
            .take()
            .expect("it reads the words")
            .write_all(self.words.as_bytes())
            .expect("it reads the words");
        child
    }

    /// Moves, and says how the account is logged in to at the new hoster.
    ///
    /// # Panics
    /// If it does not move.
    pub fn moves(&self, from: &Hoster, to: &Hoster) -> Account {
        let moved = answer(&self.start(from, to).wait_with_output().expect("the command ends"));
        assert_eq!(moved["to"], *to.domain);
        let (name, _) = self.account.address.split_once('@').expect("an address");
        Account { address: format!("{name}@{}", to.domain), ..self.account.clone() }
    }

    /// What is in the INBOX.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn look(&self, at: &Hoster, account: &Account) -> Inbox {
        let mut imap = at.node.imap(account).expect("a login");
        let selected = imap.ok("SELECT INBOX (CONDSTORE)").expect("SELECT");
        let fetched = imap.ok("UID FETCH 1:* (FLAGS INTERNALDATE MODSEQ BODY.PEEK[])").expect("FETCH");
        let messages = fetched.fetched().map(|(_, list)| seen(&list)).collect();
        Inbox { validity: selected.code("UIDVALIDITY").expect("UIDVALIDITY"), messages }
    }
}

fn seen(list: &Value) -> (u32, Seen) {
    let text = |name| list.attribute(name).map(Value::text).unwrap_or_default();
    let mut flags: Vec<String> =
        list.attribute("FLAGS").expect("FLAGS").list().iter().map(Value::text).collect();
    flags.sort();
    let modseq = list.attribute("MODSEQ").expect("MODSEQ").list()[0].text();
    let bytes = list.attribute("BODY[]").and_then(Value::bytes).expect("BODY[]").to_vec();
    let uid = list.attribute("UID").and_then(Value::number).expect("UID");
    (uid, Seen { flags, date: text("INTERNALDATE"), modseq, bytes })
}

/// The subject of a message.
pub fn subject(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().find_map(|line| line.strip_prefix("Subject: "));
    line.unwrap_or_default().to_owned()
}

/// How far the move of this member is at the old hoster; nothing if there is none.
///
/// # Panics
/// If the command fails.
pub fn phase_of(at: &Hoster, mover: &Mover) -> String {
    let moves = at.ask(&["account", "move", "status"]);
    let found =
        moves.as_array().expect("a list").iter().find(|known| known["address"] == *mover.account.address);
    found.map(|known| known["phase"].as_str().expect("a phase").to_owned()).unwrap_or_default()
}

/// What a command that must succeed has answered.
///
/// # Panics
/// If it did not.
pub fn answer(output: &Output) -> Json {
    assert!(output.status.success(), "{}", text(output));
    serde_json::from_slice(&output.stdout).expect("JSON on standard output")
}
