//! What was sent, and what the node has answered for.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard};

/// Shared by all who send. A token is the one word that a message has in its subject.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Mutex<Entries>,
    answered: Condvar,
}

/// The state behind the lock.
#[derive(Debug, Default)]
pub struct Entries {
    /// Every message that was begun, by token and place.
    pub sent: HashMap<(String, Place), Answer>,
    /// Keywords whose STORE was answered with OK: token, keyword.
    pub keywords: Vec<(Place, String, String)>,
    /// How many answers there were since the ledger began.
    pub answers: usize,
}

/// A mailbox of a member.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Which of the accounts of the storm.
    pub account: usize,
    /// Its mailbox.
    pub mailbox: &'static str,
}

/// What the node said about one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing before it was killed: the message may be there or not.
    None,
    /// 250 or OK: it must be there. The UID is what APPENDUID said.
    Promised(Option<u32>),
}

impl Ledger {
    /// Writes down that a message is about to be sent to these places.
    pub fn begin(&self, token: &str, places: &[Place]) {
        let mut entries = self.entries();
        for place in places {
            entries.sent.insert((token.to_owned(), place.clone()), Answer::None);
        }
    }

    /// Writes down the promise.
    pub fn promise(&self, token: &str, places: &[Place], uid: Option<u32>) {
        let mut entries = self.entries();
        for place in places {
            entries.sent.insert((token.to_owned(), place.clone()), Answer::Promised(uid));
        }
        entries.answers += 1;
        self.answered.notify_all();
    }

    /// Writes down that a keyword was set.
    pub fn keyword(&self, place: &Place, token: &str, keyword: &str) {
        let mut entries = self.entries();
        entries.keywords.push((place.clone(), token.to_owned(), keyword.to_owned()));
        entries.answers += 1;
        self.answered.notify_all();
    }

    /// Returns once there have been `count` more answers, or `false` if everybody gave up before.
    pub fn wait_for(&self, count: usize, anybody_there: impl Fn() -> bool) -> bool {
        let mut entries = self.entries();
        let goal = entries.answers + count;
        while entries.answers < goal {
            if !anybody_there() {
                return false;
            }
            let waited = self.answered.wait_timeout(entries, LOOK_AGAIN);
            entries = waited.expect("nobody panics while writing into the ledger").0;
        }
        true
    }

    /// The book.
    pub fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().expect("nobody panics while writing into the ledger")
    }
}

const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(200);
