//! What is in the mailboxes after a crash, held against the ledger and against what was there before.

use std::collections::{BTreeMap, HashMap};

use essaim_harness::{Account, Node, Value};

use crate::ledger::{Answer, Ledger, Place};

/// What earlier looks have seen; it may grow, never change.
#[derive(Debug, Default)]
pub struct Memory {
    mailboxes: HashMap<Place, Seen>,
}

/// One mailbox as it was last seen.
#[derive(Debug, Default)]
struct Seen {
    validity: String,
    next: u32,
    modseq: u64,
    /// UID to token and MODSEQ.
    messages: BTreeMap<u32, (String, u64)>,
}

impl Memory {
    /// Looks into every mailbox of the storm. Returns how many messages there are.
    ///
    /// # Panics
    /// If a promise was broken: that is the failure of the test.
    pub fn look(&mut self, node: &Node, accounts: &[Account], ledger: &Ledger) -> usize {
        let mut total = 0;
        for (number, account) in accounts.iter().enumerate() {
            for mailbox in MAILBOXES {
                let place = Place { account: number, mailbox };
                if number > 0 && mailbox != "INBOX" {
                    continue;
                }
                let now = read(node, account, &place);
                if let Some(before) = self.mailboxes.get(&place) {
                    never_back(&place, before, &now);
                }
                as_promised(&place, &now, ledger);
                total += now.messages.len();
                self.mailboxes.insert(place, now);
            }
        }
        total
    }
}

/// The token in the subject of a fetched header.
pub fn token_of(fetched: &Value) -> Option<String> {
    let header = fetched.attribute("BODY[HEADER.FIELDS (SUBJECT)]")?.text();
    header.split_whitespace().last().map(str::to_owned)
}

fn read(node: &Node, account: &Account, place: &Place) -> Seen {
    let mut imap = node.imap(account).expect("a login after the crash");
    let selected = imap.ok(&format!("EXAMINE {} (CONDSTORE)", place.mailbox)).expect("the mailbox is there");
    let number = |code: &str| selected.code(code).unwrap_or_else(|| panic!("{place:?}: no {code}"));
    let mut seen = Seen {
        validity: number("UIDVALIDITY"),
        next: number("UIDNEXT").parse().expect("UIDNEXT is a number"),
        modseq: number("HIGHESTMODSEQ").parse().expect("HIGHESTMODSEQ is a number"),
        messages: BTreeMap::new(),
    };
    if selected.exists() == Some(0) {
        return seen;
    }
    let fetched = imap.ok("FETCH 1:* (UID MODSEQ BODY.PEEK[HEADER.FIELDS (SUBJECT)])").expect("FETCH");
    for (_, list) in fetched.fetched() {
        let uid = list.attribute("UID").and_then(Value::number).expect("a UID");
        let modseq =
            list.attribute("MODSEQ").and_then(|list| list.list().first()?.number()).expect("a MODSEQ");
        let token =
            token_of(&list).unwrap_or_else(|| panic!("{place:?}: message {uid} has lost its subject"));
        assert!(seen.messages.insert(uid, (token, modseq)).is_none(), "{place:?}: UID {uid} twice");
    }
    assert!(seen.messages.keys().all(|uid| *uid < seen.next), "{place:?}: a UID is not below UIDNEXT");
    assert!(
        seen.messages.values().all(|(_, modseq)| *modseq <= seen.modseq),
        "{place:?}: a MODSEQ over the highest"
    );
    seen
}

fn never_back(place: &Place, before: &Seen, now: &Seen) {
    assert_eq!(before.validity, now.validity, "{place:?}: UIDVALIDITY changed");
    assert!(before.next <= now.next, "{place:?}: UIDNEXT went back from {} to {}", before.next, now.next);
    assert!(
        before.modseq <= now.modseq,
        "{place:?}: HIGHESTMODSEQ went back from {} to {}",
        before.modseq,
        now.modseq
    );
    for (uid, (token, modseq)) in &before.messages {
        let (same, later) =
            now.messages.get(uid).unwrap_or_else(|| panic!("{place:?}: message {uid} ({token}) is gone"));
        assert_eq!(token, same, "{place:?}: UID {uid} names another message now");
        assert!(modseq <= later, "{place:?}: MODSEQ of {uid} went back from {modseq} to {later}");
    }
    for uid in now.messages.keys().filter(|uid| !before.messages.contains_key(uid)) {
        assert!(
            *uid >= before.next,
            "{place:?}: a new message got UID {uid}, below the UIDNEXT {} of before",
            before.next
        );
    }
}

fn as_promised(place: &Place, now: &Seen, ledger: &Ledger) {
    let mut by_token: HashMap<&str, Vec<u32>> = HashMap::new();
    for (uid, (token, _)) in &now.messages {
        by_token.entry(token).or_default().push(*uid);
    }
    let entries = ledger.entries();
    for ((token, _), answer) in entries.sent.iter().filter(|((_, to), _)| to == place) {
        let uids = by_token.remove(token.as_str()).unwrap_or_default();
        match answer {
            Answer::Promised(None) => {
                assert_eq!(uids.len(), 1, "{place:?}: {token} was promised, is there {uids:?}")
            }
            Answer::Promised(Some(uid)) => {
                assert_eq!(uids, [*uid], "{place:?}: {token} was promised as {uid}")
            }
            Answer::None => assert!(uids.len() <= 1, "{place:?}: {token} is there twice: {uids:?}"),
        }
    }
    assert!(by_token.is_empty(), "{place:?}: nobody sent {by_token:?}");
}

/// Every keyword that was promised is there.
///
/// # Panics
/// If one is missing.
pub fn keywords_are_kept(node: &Node, account: &Account, ledger: &Ledger) {
    let mut imap = node.imap(account).expect("a login after the crash");
    if imap.ok("EXAMINE storm").expect("the folder is there").exists() == Some(0) {
        return;
    }
    let fetched = imap.ok("FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").expect("FETCH");
    let flags: HashMap<String, Vec<String>> = fetched
        .fetched()
        .filter_map(|(_, list)| {
            Some((token_of(&list)?, list.attribute("FLAGS")?.list().iter().map(Value::text).collect()))
        })
        .collect();
    for (place, token, keyword) in &ledger.entries().keywords {
        let kept =
            flags.get(token).is_some_and(|flags| flags.iter().any(|flag| flag.eq_ignore_ascii_case(keyword)));
        assert!(kept, "{place:?}: {token} has lost {keyword}, which was answered with OK");
    }
}

const MAILBOXES: [&str; 2] = ["INBOX", "storm"];
