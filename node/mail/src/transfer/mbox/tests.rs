//! mbox files as programs wrote them, and what must be read from them.

use proptest::prelude::*;

use super::*;
use crate::record::SystemFlags;

const FROM: &str = "From a@b.test Thu Jan  1 00:00:01 1970\n";

fn read(text: &str, quoting: Quoting) -> Vec<(Found, String)> {
    let total = text.len() as u64;
    let mut mbox = Mbox::new(text.as_bytes(), total, Path::new("x"), "Old", quoting).unwrap();
    let mut all = Vec::new();
    loop {
        let mut content = Vec::new();
        let item = mbox.next(&mut |piece| {
            content.extend_from_slice(piece);
            Ok(())
        });
        match item.unwrap() {
            Some(Item::Message(found)) => all.push((found, String::from_utf8(content).unwrap())),
            Some(Item::NotMail) => {}
            Some(other) => panic!("{other:?}"),
            None => {
                assert_eq!(mbox.position(), Amount::Bytes(total));
                return all;
            }
        }
    }
}

fn bodies(text: &str) -> Vec<String> {
    read(text, Quoting::Mboxrd).into_iter().map(|(_, content)| content).collect()
}

#[test]
fn a_separator_needs_an_empty_line_and_a_date() {
    let text = format!(
        "{FROM}Subject: 1\n\nFrom here on\n{FROM}\nFrom nobody\n\n{FROM}Subject: 2\n\n{FROM}Subject: 3\n\nend"
    );
    let first =
        format!("Subject: 1\r\n\r\nFrom here on\r\n{}\r\nFrom nobody\r\n", FROM.replace('\n', "\r\n"));
    assert_eq!(bodies(&text), [first.as_str(), "Subject: 2\r\n", "Subject: 3\r\n\r\nend"]);
}

#[test]
fn quoted_lines_lose_one_mark() {
    let text = format!("{FROM}Subject: x\n\n>From me\n>>From you\n> From him\n>Front\n\n");
    let read = |quoting| read(&text, quoting).remove(0).1;
    assert_eq!(read(Quoting::Mboxrd), "Subject: x\r\n\r\nFrom me\r\n>From you\r\n> From him\r\n>Front\r\n");
    assert_eq!(read(Quoting::Mboxo), "Subject: x\r\n\r\nFrom me\r\n>>From you\r\n> From him\r\n>Front\r\n");
}

#[test]
fn notes_of_mail_programs_are_read_and_left_out() {
    let text = format!(
        "{FROM}Subject: x\nStatus: RO\nX-Keywords: a\n\tstill left out\nX-Status: F\nTo: b\n folded\n\nStatus: body\n\n"
    );
    let (found, content) = read(&text, Quoting::Mboxrd).remove(0);
    assert_eq!(content, "Subject: x\r\nTo: b\r\n folded\r\n\r\nStatus: body\r\n");
    assert_eq!(found.flags, SystemFlags::SEEN.with(SystemFlags::FLAGGED));
    assert_eq!((found.mailbox.as_str(), found.keywords), ("Old", vec!["a".to_owned()]));
    assert_eq!(found.internal_date, Some(Timestamp(1000)));
}

#[test]
fn a_file_from_windows_is_taken_as_it_is() {
    let text = format!("{FROM}Subject: x\n\nbody\n\n").replace('\n', "\r\n").repeat(2);
    assert_eq!(bodies(&text), ["Subject: x\r\n\r\nbody\r\n"; 2]);
}

#[test]
fn pines_note_is_no_message() {
    let note = "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nnote\n\n";
    assert_eq!(bodies(&format!("{FROM}{note}{FROM}Subject: x\n\n")), ["Subject: x\r\n"]);
}

#[test]
fn an_empty_file_has_no_messages_and_another_file_is_refused() {
    assert!(bodies("").is_empty() && bodies("\n\n").is_empty());
    let refused = Mbox::new(&b"Subject: x\n\n"[..], 0, Path::new("x"), "Old", Quoting::Mboxrd);
    assert!(matches!(refused, Err(SourceError::NotAnMbox { .. })));
}

#[test]
fn lines_without_end_are_read_in_pieces() {
    let long = "x".repeat(3 * PIECE_MAX + 5);
    let text = format!("{FROM}Subject: {long}\nStatus: {long}\nTo: b\n\n{long}From \n>From {long}\n\n");
    assert_eq!(bodies(&text), [format!("Subject: {long}\r\nTo: b\r\n\r\n{long}From \r\nFrom {long}\r\n")]);
}

proptest! {
    /// What a writer of mboxrd makes of messages comes back, whatever lines are in them.
    #[test]
    fn mboxrd_comes_back(messages in prop::collection::vec(
        prop::collection::vec(prop::sample::select(vec![
            "", "text", "From ", ">From x", ">>From y", "From a@b.test Thu Jan  1 00:00:01 1970", " From", ">", "Status: R",
        ]), 0..8), 0..5)) {
        let mut file = String::new();
        for lines in &messages {
            file.push_str(FROM);
            file.push_str("Subject: x\n\n");
            for line in lines {
                let quoted = line.trim_start_matches('>').starts_with("From ");
                file.push_str(&format!("{}{line}\n", if quoted { ">" } else { "" }));
            }
            file.push('\n');
        }
        let expected: Vec<String> = messages.iter()
            .map(|lines| format!("Subject: x\r\n\r\n{}", lines.iter().map(|line| format!("{line}\r\n")).collect::<String>()))
            .collect();
        prop_assert_eq!(bodies(&file), expected);
    }

    #[test]
    fn any_file_is_read(lines in prop::collection::vec("(From a Thu Jan  1 00:00:01 1970|From |\r|Status: R|\t|>|x){0,3}\n", 0..20)) {
        let text = format!("{FROM}{}", lines.concat());
        read(&text, Quoting::Mboxo);
    }
}
