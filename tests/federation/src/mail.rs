//! Members of hosters: what they send, and what comes into their INBOX.

use std::time::Instant;

use essaim_harness::{Account, Imap, Value};

use crate::{Hoster, PATIENCE};

/// A member of a hoster.
#[derive(Debug, Clone)]
pub struct Member {
    /// Name and password.
    pub account: Account,
}

impl Hoster {
    /// A member with this name.
    ///
    /// # Panics
    /// If the account cannot be made.
    pub fn member(&self, name: &str) -> Member {
        Member { account: self.node.add_account(&format!("{name}@{}", self.domain)) }
    }

    /// What waits to go out.
    pub fn queue(&self) -> Vec<serde_json::Value> {
        let page = self.ask(&["queue", "list"]);
        page["entries"].as_array().expect("an array").clone()
    }

    /// Recipients that got mail from here by this way, since the node started.
    pub fn sent(&self, way: &str) -> u64 {
        self.ask(&["status"])["sent"][way].as_u64().expect("a number")
    }

    /// What was refused over the channel for this reason, since the node started.
    pub fn refused(&self, reason: &str) -> u64 {
        self.ask(&["status"])["federation"]["refused"][reason].as_u64().unwrap_or(0)
    }
}

impl Member {
    /// The address.
    pub fn address(&self) -> &str {
        &self.account.address
    }

    /// Hands a message to the own hoster, who says 250.
    ///
    /// # Panics
    /// If it is refused.
    pub fn send(&self, at: &Hoster, to: &[&str], message: &[u8]) {
        let mut smtp = at.node.submission(&self.account).expect("a submission");
        smtp.deliver(self.address(), to, message).and_then(|reply| reply.expect(250)).expect("250");
    }

    /// A short message.
    pub fn letter(&self, to: &str, subject: &str) -> Vec<u8> {
        format!(
            "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{subject}@letters.test>\r\nFrom: {}\r\n\
             To: {to}\r\nSubject: {subject}\r\n\r\n.A dot, and a line\r\n",
            self.address()
        )
        .into_bytes()
    }

    /// The INBOX, open.
    ///
    /// # Panics
    /// If there is no login.
    pub fn inbox(&self, at: &Hoster) -> Inbox {
        let mut imap = at.node.imap(&self.account).expect("a login");
        let exists = imap.ok("SELECT INBOX").expect("SELECT").exists().unwrap_or(0);
        imap.set_timeout(PATIENCE).expect("a timeout that is not zero");
        Inbox { imap, exists }
    }
}

/// An INBOX that is watched.
#[derive(Debug)]
pub struct Inbox {
    imap: Imap,
    exists: u32,
}

impl Inbox {
    /// Waits in IDLE until so many messages are there.
    ///
    /// # Panics
    /// If that takes too long.
    pub fn has(&mut self, count: u32) -> &mut Self {
        if self.exists >= count || self.count() >= count {
            return self;
        }
        let began = Instant::now();
        let idle = self.imap.idle().expect("IDLE");
        while self.exists < count {
            assert!(began.elapsed() < PATIENCE, "{count} messages in the INBOX, there are {}", self.exists);
            let line = self.imap.response().expect("a response in time");
            let text = String::from_utf8_lossy(&line);
            let number = text.strip_prefix("* ").and_then(|rest| rest.strip_suffix(" EXISTS\r\n"));
            self.exists = number.and_then(|number| number.parse().ok()).unwrap_or(self.exists);
        }
        self.imap.done(&idle).expect("the end of IDLE");
        self
    }

    /// How many there are now.
    ///
    /// # Panics
    /// If the server does not answer.
    pub fn count(&mut self) -> u32 {
        let exists = self.imap.ok("NOOP").expect("NOOP").exists();
        self.exists = exists.unwrap_or(self.exists);
        self.exists
    }

    /// The bytes of all messages.
    ///
    /// # Panics
    /// If they cannot be read.
    pub fn messages(&mut self) -> Vec<Vec<u8>> {
        self.fetch("BODY.PEEK[]", "BODY[]")
    }

    /// The subjects of all messages.
    ///
    /// # Panics
    /// If they cannot be read.
    pub fn subjects(&mut self) -> Vec<String> {
        let fields = self.fetch("BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "BODY[HEADER.FIELDS");
        let subject = |field: Vec<u8>| {
            let text = String::from_utf8_lossy(&field).into_owned();
            text.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        fields.into_iter().map(subject).collect()
    }

    fn fetch(&mut self, what: &str, named: &str) -> Vec<Vec<u8>> {
        if self.count() == 0 {
            return Vec::new();
        }
        let outcome = self.imap.ok(&format!("FETCH 1:* {what}")).expect("FETCH");
        let body = |list: &Value| {
            let mut pairs = list.list().chunks_exact(2);
            let found = pairs.find_map(|pair| match pair {
                [Value::Atom(name), value] if name.starts_with(named) => value.bytes(),
                _ => None,
            });
            found.expect("what was asked for").to_vec()
        };
        outcome.fetched().map(|(_, list)| body(&list)).collect()
    }
}

/// Two hosters, a.test and b.test, who are peers; with more of `essaim.toml`.
///
/// # Panics
/// If they do not come together.
pub fn pair(toml: &str) -> (Hoster, Hoster) {
    let (a, b) = (Hoster::configured("a", toml), Hoster::configured("b", toml));
    b.join(&a);
    a.sees(&["a.test", "b.test"]);
    b.sees(&["a.test", "b.test"]);
    (a, b)
}
