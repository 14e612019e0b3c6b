//! A Maildir that somebody brings along: any names, any files beside the messages.
//!
//! Each part of the input is a file: the first line is its path, the rest its content.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};

use essaim_fuzz::flights;
use essaim_imap::Keyword;
use essaim_mail::transfer::{Amount, Item, Maildir, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let root = std::env::temp_dir().join(format!("essaim-fuzz-{}.maildir", std::process::id()));
    fs::create_dir_all(&root).expect("there is space for a small folder");
    for file in flights(data).take(12) {
        let end = file.iter().position(|&byte| byte == b'\n').unwrap_or(file.len());
        put(&root, &String::from_utf8_lossy(&file[..end]), file.get(end + 1..).unwrap_or_default());
    }
    read(&root);
    fs::remove_dir_all(&root).expect("it was made here");
});

/// Writes a file below the root. Names that no archive could unpack are left out.
fn put(root: &Path, path: &str, content: &[u8]) {
    let levels = path.split('/').filter(|level| !matches!(*level, "" | "." | "..") && !level.contains('\0'));
    let path: PathBuf = root
        .components()
        .map(|level| Path::new(level.as_os_str()))
        .chain(levels.take(6).map(Path::new))
        .collect();
    if path.parent().is_some_and(|folder| path != root && fs::create_dir_all(folder).is_ok()) {
        // A file where a folder stands cannot be written, and is not missed.
        drop(fs::write(&path, content));
    }
}

fn read(root: &Path) {
    let Ok(mut maildir) = Maildir::open(root) else { return };
    let mailboxes = maildir.mailboxes();
    assert!(mailboxes.iter().all(|name| !name.is_empty() && !name.contains(char::is_control)));
    let mut count = 0;
    loop {
        let mut sink = |piece: &[u8]| {
            assert!(!piece.is_empty());
            Ok(())
        };
        match maildir.next(&mut sink).expect("the folders are there") {
            Some(Item::Message(found)) => {
                count += 1;
                assert!(mailboxes.contains(&found.mailbox), "a message of no mailbox");
                assert!(found.keywords.iter().all(|keyword| Keyword::try_from(keyword.as_str()).is_ok()));
            }
            Some(other) => panic!("a plain file is {other:?}"),
            None => break,
        }
    }
    let Amount::Messages(read) = maildir.position() else { panic!("a Maildir counts messages") };
    assert!(count <= read && maildir.position() == maildir.total(), "not read to its end");
}
