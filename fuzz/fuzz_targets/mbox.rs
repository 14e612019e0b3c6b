//! An mbox file that somebody brings along: it is read to its end or refused, and what was written properly comes out as it was.
#![no_main]

use std::fs;
use std::path::PathBuf;

use essaim_fuzz::{flights, split};
use essaim_imap::Keyword;
use essaim_mail::transfer::{Amount, Item, Mbox, Quoting, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut knobs, wire) = split(data);
    read(wire, knobs.pick(&[Quoting::Mboxrd, Quoting::Mboxo]));

    let bodies: Vec<Vec<u8>> = flights(wire).map(|body| [body, b"\n"].concat()).collect();
    let file: Vec<u8> = bodies.iter().flat_map(|body| written(body)).collect();
    let messages: Vec<Vec<u8>> =
        bodies.iter().map(|body| [b"X: y\r\n\r\n", crlf(body).as_slice()].concat()).collect();
    let text = |messages: &[Vec<u8>]| {
        messages.iter().map(|message| message.escape_ascii().to_string()).collect::<Vec<_>>()
    };
    let read = read(&file, Quoting::Mboxrd).expect("it begins with From");
    assert_eq!(text(&read), text(&messages));
});

/// The messages of a file; `None` if it is not one of messages.
fn read(file: &[u8], quoting: Quoting) -> Option<Vec<Vec<u8>>> {
    let path = PathBuf::from(std::env::temp_dir()).join(format!("essaim-fuzz-{}.mbox", std::process::id()));
    fs::write(&path, file).expect("there is space for a small file");
    let mut mbox = Mbox::open(&path, "Mail", quoting).ok()?;
    let mut messages = Vec::new();
    loop {
        let mut content = Vec::new();
        let item = mbox.next(&mut |piece| {
            assert!(!piece.is_empty());
            content.extend_from_slice(piece);
            Ok(())
        });
        match item.expect("the file is there") {
            Some(Item::Message(found)) => {
                assert_eq!(found.mailbox, "Mail");
                assert!(found.keywords.iter().all(|keyword| Keyword::try_from(keyword.as_str()).is_ok()));
                messages.push(content);
            }
            Some(Item::NotMail) => {}
            Some(Item::Unreadable { .. }) => panic!("the file is there"),
            None => break,
        }
    }
    assert_eq!(mbox.position(), Amount::Bytes(file.len() as u64), "not read to its end");
    Some(messages)
}

/// A message with this body as mboxrd has it: one more `>` before `From `, and an empty line behind.
fn written(body: &[u8]) -> Vec<u8> {
    let mut out = b"From a@b.test Thu Jan  1 00:00:00 1970\nX: y\n\n".to_vec();
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let quotes = line.iter().take_while(|&&byte| byte == b'>').count();
        if line[quotes..].starts_with(b"From ") {
            out.push(b'>');
        }
        out.extend_from_slice(line);
    }
    out.push(b'\n');
    out
}

fn crlf(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in body {
        if byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}
