//! Mail programs that are set up for a hoster, and an account that moves away from there: nothing is fetched again, nothing is deleted, and no setting
//! is changed.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use essaim_federation::Hoster;
use essaim_federation::mail::pair;
use essaim_federation::moving::{HASTE, Mover};
use essaim_harness::generate::{Random, Shape, message};
use essaim_harness::tools::{self, Tool, note};
use essaim_harness::{Account, Imap, node};
use essaim_interop::tap::Tap;
use essaim_interop::{argument, certificate, file, succeeded};

#[test]
fn mbsync_notices_nothing() {
    let Some(mbsync) = Tool::find("mbsync", "isync") else { return };
    let (a, b) = pair(HASTE);
    let (alice, tap) = (member(&a), Tap::before(a.node.address("imaps")));
    let Some(certificate) = certificate(&a.node, a.node.address("imaps")) else { return };
    let maildir = a.node.home().join("maildir");
    fs::create_dir(&maildir).unwrap();
    let config = format!(
        "FSync no\n\nIMAPAccount essaim\nHost 127.0.0.1\nPort {port}\nUser {user}\nPass \"{password}\"\nSSLType IMAPS\n\
         CertificateFile {certificate}\nAuthMechs LOGIN\n\nIMAPStore there\nAccount essaim\n\n\
         MaildirStore here\nPath {here}/\nInbox {here}/INBOX\nSubFolders Verbatim\n\n\
         Channel all\nFar :there:\nNear :here:\nPatterns *\nCreate Both\nExpunge Both\nSync All\nSyncState *\n",
        port = tap.address().port(),
        user = alice.account.address,
        password = alice.account.password,
        certificate = argument(&certificate),
        here = argument(&maildir),
    );
    let config = file(&a.node, "mbsyncrc", config.as_bytes());
    let sync = || {
        let output = tools::run(mbsync.command().args(["-Dn", "--config"]).arg(&config).arg("all"), b"");
        succeeded("mbsync", &output);
        let said = node::text(&output);
        said.lines().filter(|line| line.contains(">>> ") && line.contains("BODY.PEEK[]")).count()
    };
    assert_eq!(sync(), MESSAGES);
    let first = tap.take();
    assert_eq!(sync(), 0);
    let (quiet, before) = (tap.take(), mails(&maildir));

    let there = alice.moves(&a, &b);
    assert_eq!(sync(), 0, "no body is fetched again");
    let moved = tap.take();
    assert_eq!(mails(&maildir), before, "no file is touched");
    told("mbsync", [first, quiet, moved]);

    goes_on(&b, &there, sync, &maildir);
}

#[test]
fn offlineimap_notices_nothing() {
    let Some(offlineimap) = Tool::find("offlineimap", "offlineimap3") else { return };
    let (a, b) = pair(HASTE);
    let (alice, tap) = (member(&a), Tap::before(a.node.address("imaps")));
    let Some(certificate) = certificate(&a.node, a.node.address("imaps")) else { return };
    let maildir = a.node.home().join("mirror");
    let config = format!(
        "[general]\naccounts = alice\nmetadata = {home}/offlineimap\nui = basic\n\
         [Account alice]\nlocalrepository = here\nremoterepository = there\n\
         [Repository here]\ntype = Maildir\nlocalfolders = {here}\n\
         [Repository there]\ntype = IMAP\nremotehost = localhost\nremoteport = {port}\nremoteuser = {user}\n\
         remotepass = {password}\nssl = yes\nsslcacertfile = {certificate}\nauth_mechanisms = PLAIN\n",
        home = argument(a.node.home()),
        here = argument(&maildir),
        port = tap.address().port(),
        user = alice.account.address,
        password = alice.account.password,
        certificate = argument(&certificate),
    );
    let config = file(&a.node, "offlineimaprc", config.as_bytes());
    let sync = || {
        let output = tools::run(offlineimap.command().args(["-o", "-d", "imap", "-c"]).arg(&config), b"");
        succeeded("offlineimap", &output);
        node::text(&output).lines().filter(|line| line.contains("Copy message")).count()
    };
    sync();
    let first = tap.take();
    sync();
    let (quiet, before) = (tap.take(), mails(&maildir));
    assert_eq!(before.len(), MESSAGES);

    let there = alice.moves(&a, &b);
    assert_eq!(sync(), 0, "no message is copied again");
    let moved = tap.take();
    assert_eq!(mails(&maildir), before, "no file is touched");
    told("offlineimap", [first, quiet, moved]);

    goes_on(&b, &there, sync, &maildir);
}

/// RFC 7162: what a program knows it says at SELECT, and hears only what is new since.
#[test]
fn a_program_with_qresync_hears_only_what_is_new() {
    let (a, b) = pair(HASTE);
    let (alice, tap) = (member(&a), Tap::before(a.node.address("imaps")));
    let connect = || {
        let mut imap = Imap::connect_tls(tap.address()).unwrap();
        imap.login(&alice.account.address, &alice.account.password).unwrap();
        imap.ok("ENABLE QRESYNC").unwrap();
        imap
    };
    let mut imap = connect();
    let selected = imap.ok("SELECT INBOX").unwrap();
    let known = (selected.code("UIDVALIDITY").unwrap(), selected.code("HIGHESTMODSEQ").unwrap());
    imap.ok("UID FETCH 1:* (FLAGS BODY.PEEK[])").unwrap();
    let first = tap.take();
    drop(imap);

    let there = alice.moves(&a, &b);
    tap.take();
    let mut imap = connect();
    let select = format!("SELECT INBOX (QRESYNC ({} {} 1,4:{}))", known.0, known.1, MESSAGES + 2);
    let again = imap.ok(&select).unwrap();
    assert_eq!(again.code("UIDVALIDITY"), Some(known.0.clone()));
    assert_eq!((again.fetched().count(), again.named("VANISHED").count()), (0, 0), "nothing is new");
    let moved = tap.take();
    note(&format!("QRESYNC, bytes to the program: {} with all bodies, {} after the move", first.1, moved.1));
    assert!(moved.1 < 16 << 10, "{moved:?}");

    // What happens at the new hoster is heard at the old one, and no more.
    let mut other = b.node.imap(&there).unwrap();
    other.ok("SELECT INBOX").unwrap();
    other.ok("STORE 7 +FLAGS.SILENT (\\Answered)").unwrap();
    other.ok("STORE 9 +FLAGS.SILENT (\\Deleted)").unwrap();
    other.ok("EXPUNGE").unwrap();
    imap.ok("UNSELECT").unwrap();
    let news = imap.ok(&select).unwrap();
    assert_eq!((news.fetched().count(), news.named("VANISHED").count()), (1, 1));
}

/// With so many messages in INBOX: UID 1 and, as two were deleted, from 4 on.
fn member(at: &Hoster) -> Mover {
    let alice = Mover::fill(at, "alice", 3);
    let mut random = Random::new(1);
    let messages: Vec<Vec<u8>> = (1..MESSAGES)
        .map(|number| message(&format!("m{number}"), Shape::Plain, 4_000, &mut random))
        .collect();
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    at.node.imap(&alice.account).unwrap().append_many_ok("INBOX", "", &messages).unwrap();
    alice
}

/// Changes on both sides still reach the other.
fn goes_on(home: &Hoster, there: &Account, sync: impl Fn() -> usize, maildir: &Path) {
    let mut imap = home.node.imap(there).unwrap();
    imap.append_ok("INBOX", "", b"Subject: new there\r\n\r\nx\r\n").unwrap();
    fs::write(maildir.join("INBOX/new/1.here.test"), b"Subject: new here\n\nbuzz\n").unwrap();
    sync();
    assert_eq!(mails(maildir).len(), MESSAGES + 2);
    imap.ok("SELECT INBOX").unwrap();
    assert_eq!(imap.ok("SEARCH SUBJECT \"new here\"").unwrap().search().len(), 1);
}

/// Every message that is kept, with its size: its name has its UID and flags.
fn mails(maildir: &Path) -> BTreeMap<PathBuf, u64> {
    let parts = ["new", "cur"].map(|part| maildir.join("INBOX").join(part));
    let entries = parts.iter().flat_map(|part| fs::read_dir(part).unwrap()).map(Result::unwrap);
    entries.map(|entry| (entry.path(), entry.metadata().unwrap().len())).collect()
}

fn told(program: &str, runs: [(u64, u64); 3]) {
    let [(_, first), (_, quiet), (up, moved)] = runs;
    note(&format!(
        "{program}, bytes to it: first run {first}, second {quiet}, first after the move {moved} (from it {up})"
    ));
    // A few lines more or less: lists of flags are as long as before.
    assert!(moved < quiet + quiet / 4 + 8192, "{moved} bytes after {quiet}");
    assert!(moved < first / 4, "{moved} bytes after {first}");
}

const MESSAGES: usize = 1_000;
