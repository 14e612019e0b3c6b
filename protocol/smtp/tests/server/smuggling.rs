//! SMTP smuggling: what follows 354 is one message or none, whatever it looks like.

use std::path::{Path, PathBuf};

use essaim_smtp::QueueId;
use essaim_smtp::server::{Action, Connection, RecipientVerdict, SenderVerdict};

use crate::script::{receiving, start};

/// What one stream of bytes after 354 led to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    committed: Vec<Vec<u8>>,
    senders: usize,
    replies: Vec<String>,
}

fn feed(data: &[u8], step: usize) -> Outcome {
    let mut smtp = start(receiving());
    let mut outcome = Outcome::default();
    let mut message = Vec::new();
    smtp.receive(b"HELO x\r\nMAIL FROM:<outer@example.net>\r\nRCPT TO:<c@foo.com>\r\nDATA\r\n");
    drain(&mut smtp, &mut message, &mut outcome);
    outcome.replies.clear();
    for piece in data.chunks(step) {
        smtp.receive(piece);
        drain(&mut smtp, &mut message, &mut outcome);
    }
    smtp.receive(b"QUIT\r\n");
    drain(&mut smtp, &mut message, &mut outcome);
    outcome
}

fn drain(smtp: &mut Connection, message: &mut Vec<u8>, outcome: &mut Outcome) {
    while let Some(action) = smtp.next_action() {
        match action {
            Action::CheckSender(..) => {
                outcome.senders += 1;
                smtp.answer_sender(SenderVerdict::Accept);
            }
            Action::CheckRecipient(_) => smtp.answer_recipient(RecipientVerdict::Accept),
            Action::Spool(piece) => message.extend_from_slice(&piece),
            Action::Abort => message.clear(),
            Action::Commit(_) => {
                outcome.committed.push(std::mem::take(message));
                smtp.answer_committed(Ok(QueueId::new("1")));
            }
            Action::Send(bytes) => {
                outcome.replies.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
            }
            _ => {}
        }
    }
}

/// One message or a refusal, never two; and the conversation is in step afterwards.
fn never_two(name: &str, data: &[u8]) -> Outcome {
    let whole = feed(data, usize::MAX);
    assert_eq!(whole.senders, 1, "{name}: a command was found inside the message: {whole:?}");
    assert!(whole.committed.len() <= 1, "{name}: {whole:?}");
    assert_eq!(whole.replies.len(), 2, "{name}: one reply to the message, one to QUIT: {whole:?}");
    assert!(whole.replies.last().unwrap().starts_with("221 "), "{name}: {whole:?}");
    for step in [1, 2, 3, 5] {
        assert_eq!(feed(data, step), whole, "{name} in pieces of {step}");
    }
    whole
}

#[test]
fn an_end_of_data_that_only_another_host_would_see() {
    // The separator, and whether the whole is one message (the smuggled commands inside it) or is refused.
    let refused = [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r.\r\n",
        "\r\n.\r",
        "\n\n.\n\n",
        "\n\r.\n\r",
        "\r\r\n.\r\r\n",
        "\r\n.\r\r\n",
        "\r\n\0.\r\n",
        "\n.\r",
    ];
    let one_message = [
        "\r\n..\r\n",
        "\u{b}.\u{b}",
        "\u{c}.\u{c}",
        "\u{85}.\u{85}",
        "\r\n .\r\n",
        "\r\n.\u{8a}",
        "\r\n.\u{8d}\u{8a}",
    ];
    for (separators, accepted) in [(&refused[..], 0), (&one_message[..], 1)] {
        for separator in separators {
            let data = smuggled(separator);
            let outcome = never_two(&format!("{separator:?}"), data.as_bytes());
            assert_eq!(outcome.committed.len(), accepted, "{separator:?}: {outcome:?}");
            if accepted == 0 {
                assert!(
                    outcome.replies.first().unwrap().starts_with("554 5.6.0 "),
                    "{separator:?}: {outcome:?}"
                );
            }
        }
    }
}

#[test]
fn the_corpus_of_smuggling_attempts() {
    let Some(files) = corpus() else { return };
    assert!(!files.is_empty(), "the corpus has no smuggling files");
    for (name, data) in files {
        let outcome = never_two(&name, &data);
        println!("{name}: {}", outcome.replies.first().unwrap());
    }
}

fn smuggled(separator: &str) -> String {
    format!(
        "Subject: outer\r\n\r\nouter body{separator}MAIL FROM:<admin@example.net>\r\nRCPT TO:<c@foo.com>\r\nDATA\r\n\
         Subject: smuggled\r\n\r\nsmuggled body\r\n.\r\n"
    )
}

/// Name and bytes of each file; `None`, visibly, where the corpus or `tar` is absent.
fn corpus() -> Option<Vec<(String, Vec<u8>)>> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let root = std::env::var_os("ESSAIM_CORPUS").map_or(default, PathBuf::from);
    let archive = root.join("torture/torture.tar.zst");
    if !archive.exists() {
        println!("SKIPPED: no corpus at {} (set ESSAIM_CORPUS); the built-in cases ran", root.display());
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let status = std::process::Command::new("tar")
        .args(["--use-compress-program=zstd", "-xf"])
        .arg(&archive)
        .arg("-C")
        .arg(directory.path())
        .arg("torture/made/smtp-smuggling")
        .status();
    if !status.is_ok_and(|status| status.success()) {
        println!("SKIPPED: cannot unpack {} (needs tar and zstd)", archive.display());
        return None;
    }
    let files = std::fs::read_dir(directory.path().join("torture/made/smtp-smuggling")).unwrap();
    let mut files: Vec<_> = files
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    Some(files)
}
