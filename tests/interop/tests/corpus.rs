//! Real mail goes in by SMTP and by APPEND and comes out byte for byte.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::atomic::{AtomicUsize, Ordering};

use essaim_harness::corpus::{Collection, Source};
use essaim_harness::imap::Status;
use essaim_harness::tools::note;
use essaim_harness::{Account, Node, Smtp, Value};

#[test]
fn real_mail_comes_back_from_append_byte_for_byte() {
    let mail: Vec<(String, Vec<u8>)> = Collection::mail().messages().collect();
    let node = Node::start();
    let counted = in_parallel(&node, &mail, |account, share, progress| {
        let mut imap = node.imap(account).unwrap();
        let mut accepted = Vec::new();
        let mut refused = Vec::new();
        for (name, message) in share {
            let outcome = imap.append("INBOX", "", message).unwrap_or_else(|error| panic!("{name}: {error}"));
            match outcome.status {
                Status::Ok => accepted.push((name, message)),
                Status::No | Status::Bad => refused.push(format!("{name}: {}", outcome.text)),
            }
            progress();
        }
        compare(&node, account, &accepted, |sent, stored| stored == sent);
        refused
    });
    say_and_check("APPEND", mail.len(), &counted);
}

#[test]
fn real_mail_comes_back_from_smtp_below_its_trace_headers() {
    let mail: Vec<(String, Vec<u8>)> = Collection::mail().messages().collect();
    let node = Node::start();
    let counted = in_parallel(&node, &mail, |account, share, progress| {
        let mut smtp = node.smtp().unwrap();
        let mut accepted = Vec::new();
        let mut refused = Vec::new();
        for (name, message) in share {
            match smtp.deliver("sender@b.test", &[&account.address], message) {
                Ok(reply) if reply.code == 250 => accepted.push((name, message)),
                Ok(reply) => refused.push(format!("{name}: {reply}")),
                Err(error) => {
                    refused.push(format!("{name}: closed: {error}"));
                    smtp = Smtp::connect(node.address("smtp")).unwrap();
                }
            }
            progress();
        }
        compare(&node, account, &accepted, |sent, stored| {
            let mut sent = sent.to_vec();
            if !sent.ends_with(b"\r\n") {
                sent.extend_from_slice(b"\r\n");
            }
            stored.strip_suffix(sent.as_slice()).is_some_and(is_trace)
        });
        refused
    });
    say_and_check("SMTP", mail.len(), &counted);
}

/// Cuts the mail into a share for each of a few accounts; returns what was refused.
fn in_parallel(
    node: &Node,
    mail: &[(String, Vec<u8>)],
    work: impl Fn(&Account, &[(String, Vec<u8>)], &dyn Fn()) -> Vec<String> + Sync,
) -> Vec<String> {
    let done = AtomicUsize::new(0);
    let progress = || {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(PROGRESS) {
            note(&format!("{done} of {}", mail.len()));
        }
    };
    let accounts: Vec<Account> =
        (0..SHARES).map(|number| node.add_account(&format!("m{number}@a.test"))).collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = accounts
            .iter()
            .zip(mail.chunks(mail.len().div_ceil(SHARES)))
            .map(|(account, share)| {
                let (work, progress) = (&work, &progress);
                scope.spawn(move || work(account, share, progress))
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

/// One connection delivered one after another: the order in the mailbox is the order in which they were sent.
fn compare(
    node: &Node,
    account: &Account,
    sent: &[(&String, &Vec<u8>)],
    same: impl Fn(&[u8], &[u8]) -> bool,
) {
    let mut imap = node.imap(account).unwrap();
    let exists = imap.ok("EXAMINE INBOX").unwrap().exists().unwrap_or(0);
    assert_eq!(usize::try_from(exists).unwrap(), sent.len(), "every accepted message is there once");
    for (number, (name, message)) in sent.iter().enumerate() {
        let outcome = imap.ok(&format!("FETCH {} (RFC822.SIZE BODY.PEEK[])", number + 1)).unwrap();
        let (_, list) = outcome.fetched().next().unwrap_or_else(|| panic!("{name} cannot be fetched"));
        let stored = list.attribute("BODY[]").and_then(Value::bytes).unwrap_or_default();
        assert!(same(message, stored), "{name} came back changed:\n{}", first_difference(message, stored));
        let size = list.attribute("RFC822.SIZE").and_then(Value::number);
        assert_eq!(size, Some(stored.len()), "{name}");
    }
}

fn say_and_check(how: &str, all: usize, refused: &[String]) {
    note(&format!(
        "{how}: {} of {all} came back byte for byte, {} were refused",
        all - refused.len(),
        refused.len()
    ));
    for refusal in refused.iter().take(20) {
        note(&format!("  refused: {refusal}"));
    }
    // Mail of this world has a few messages with NUL or with a bare CR, which RFC 5322 forbids.
    assert!(refused.len() * 50 <= all, "more than one in fifty was refused");
    if Collection::mail().source == Source::Fixtures {
        assert_eq!(refused.len(), 0, "the fixtures are correct mail");
    }
}

/// Only header fields that a receiving server adds, folded or not.
fn is_trace(added: &[u8]) -> bool {
    let text = String::from_utf8_lossy(added);
    let fields = ["Return-Path:", "Received:", "Delivered-To:", "Received-SPF:", "Authentication-Results:"];
    text.is_empty()
        || (text.ends_with("\r\n")
            && text.lines().all(|line| {
                line.starts_with([' ', '\t']) || fields.iter().any(|field| line.starts_with(field))
            }))
}

fn first_difference(sent: &[u8], stored: &[u8]) -> String {
    let at = sent.iter().zip(stored).take_while(|(a, b)| a == b).count();
    let around = |bytes: &[u8]| {
        String::from_utf8_lossy(&bytes[at.saturating_sub(40).min(bytes.len())..(at + 40).min(bytes.len())])
            .into_owned()
    };
    format!("at {at}: sent {:?}\n stored {:?}", around(sent), around(stored))
}

const SHARES: usize = 4;
const PROGRESS: usize = 1_000;
