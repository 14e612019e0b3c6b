//! Difficult mail is accepted or refused with a reason, and whatever was accepted can be listed, searched and fetched.

use std::sync::atomic::{AtomicUsize, Ordering};

use essaim_harness::corpus::Collection;
use essaim_harness::imap::Status;
use essaim_harness::tools::note;
use essaim_harness::{Imap, Node, Smtp, Value};
use essaim_interop::structure::{Part, parts};

#[test]
fn every_accepted_message_can_be_listed_searched_and_fetched() {
    let files: Vec<(String, Vec<u8>)> = Collection::torture().messages().collect();
    let node = Node::start();
    let done = AtomicUsize::new(0);
    let refused: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = files
            .chunks(files.len().div_ceil(SHARES))
            .enumerate()
            .map(|(number, share)| {
                let account = node.add_account(&format!("t{number}@a.test"));
                let mut imap = node.imap(&account).unwrap();
                let done = &done;
                scope.spawn(move || {
                    let mut refused = Vec::new();
                    for (name, message) in share {
                        refused.extend(swallow(&mut imap, name, message));
                        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                        if done.is_multiple_of(200) {
                            note(&format!("{done} difficult messages"));
                        }
                    }
                    refused
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    note(&format!(
        "{} of {} difficult messages were accepted and read whole",
        files.len() - refused.len(),
        files.len()
    ));
    for refusal in &refused {
        note(&format!("  refused: {refusal}"));
    }
    assert!(refused.len() * 5 < files.len(), "too many were refused");
}

#[test]
fn smtp_takes_or_refuses_each_with_a_reason() {
    let files: Vec<(String, Vec<u8>)> = Collection::torture().messages().collect();
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let mut smtp = node.smtp().unwrap();
    let mut accepted = 0;
    for (name, message) in &files {
        match smtp.deliver("sender@b.test", &[&alice.address], message) {
            Ok(reply) if reply.code == 250 => accepted += 1,
            Ok(reply) => {
                assert!(
                    (400..600).contains(&reply.code) && !reply.lines.concat().is_empty(),
                    "{name}: {reply}"
                );
                note(&format!("  refused: {name}: {reply}"));
            }
            Err(error) => {
                note(&format!("  closed: {name}: {error}"));
                smtp = Smtp::connect(node.address("smtp"))
                    .unwrap_or_else(|error| panic!("after {name}: {error}"));
            }
        }
    }
    let exists = node.imap(&alice).unwrap().ok("EXAMINE INBOX").unwrap().exists();
    assert_eq!(exists, Some(accepted), "250 means that it is there, once");
    note(&format!("SMTP took {accepted} of {} difficult messages", files.len()));
}

/// Appends one message and reads it in every way; the refusal if there was one.
fn swallow(imap: &mut Imap, name: &str, message: &[u8]) -> Option<String> {
    let outcome = imap.append("INBOX", "", message).unwrap_or_else(|error| panic!("{name}: {error}"));
    if outcome.status != Status::Ok {
        assert!(!outcome.text.is_empty(), "{name} was refused without a reason");
        return Some(format!("{name}: {}", outcome.text));
    }
    let uid = outcome.code("APPENDUID").and_then(|code| code.split(' ').nth(1)?.parse::<u32>().ok());
    let uid = uid.unwrap_or_else(|| panic!("{name}: no APPENDUID: {}", outcome.text));
    let selected = imap.ok("SELECT INBOX").unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(selected.exists().is_some_and(|count| count > 0));
    for key in
        ["TEXT \"e\"", "BODY \"e\"", "HEADER Subject \"\"", "OR FROM \"a\" TO \"a\"", "SENTSINCE 1-Jan-1990"]
    {
        imap.ok(&format!("UID SEARCH UID {uid} {key}"))
            .unwrap_or_else(|error| panic!("{name}: SEARCH {key}: {error}"));
    }
    let fetched = fetch(
        imap,
        name,
        uid,
        "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT])",
    );
    let whole = bytes(&fetched, "BODY[]", name);
    assert!(whole == message, "{name} came back changed");
    assert_eq!(fetched.attribute("RFC822.SIZE").and_then(Value::number), Some(whole.len()), "{name}");
    assert!(
        [bytes(&fetched, "BODY[HEADER]", name), bytes(&fetched, "BODY[TEXT]", name)].concat() == whole,
        "{name}: header and text are not the whole"
    );
    assert_eq!(fetched.attribute("ENVELOPE").map(|envelope| envelope.list().len()), Some(10), "{name}");
    let structure = fetched.attribute("BODYSTRUCTURE").unwrap_or_else(|| panic!("{name}: no BODYSTRUCTURE"));
    every_part(imap, name, uid, &parts(structure));
    None
}

fn every_part(imap: &mut Imap, name: &str, uid: u32, parts: &[Part]) {
    assert!(!parts.is_empty(), "{name}: a message has at least one part");
    for some in parts.chunks(PARTS_AT_ONCE) {
        let items: Vec<String> =
            some.iter().map(|part| format!("BODY.PEEK[{0}] BODY.PEEK[{0}.MIME]", part.section)).collect();
        let fetched = fetch(imap, name, uid, &format!("({})", items.join(" ")));
        for part in some {
            let body = bytes(&fetched, &format!("BODY[{}]", part.section), name);
            assert_eq!(
                u64::try_from(body.len()).ok(),
                Some(part.size),
                "{name}: the size of part {}",
                part.section
            );
        }
    }
    for part in parts.iter().take(3) {
        // Decoded by the server (RFC 3516), or a refusal of what it cannot decode, with a reason.
        let outcome = imap
            .command(&format!("UID FETCH {uid} (BINARY.SIZE[{0}] BINARY.PEEK[{0}])", part.section))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(outcome.status == Status::Ok || outcome.text.starts_with('['), "{name}: {}", outcome.text);
    }
}

fn fetch(imap: &mut Imap, name: &str, uid: u32, items: &str) -> Value {
    let outcome =
        imap.ok(&format!("UID FETCH {uid} {items}")).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (_, list) = outcome.fetched().next().unwrap_or_else(|| panic!("{name}: no answer to {items}"));
    list
}

fn bytes(fetched: &Value, item: &str, name: &str) -> Vec<u8> {
    let value = fetched.attribute(item).unwrap_or_else(|| panic!("{name}: no {item}"));
    value.bytes().filter(|_| !value.is_nil()).unwrap_or_default().to_vec()
}

const SHARES: usize = 4;
const PARTS_AT_ONCE: usize = 60;
