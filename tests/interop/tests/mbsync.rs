//! mbsync (isync) keeps a Maildir and an account the same, both ways.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};

use essaim_harness::generate::{Random, Shape, message};
use essaim_harness::tools::{self, Tool, note};
use essaim_harness::{Account, Imap, Node, node};
use essaim_interop::{argument, certificate, file, succeeded};

#[test]
fn ten_thousand_messages_come_once_and_changes_go_both_ways() {
    let Some(mbsync) = Tool::find("mbsync", "isync") else { return };
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let Some(mirror) = Mirror::new(&node, &alice, mbsync) else { return };
    let mut imap = node.imap(&alice).unwrap();
    fill(&mut imap, MESSAGES);
    imap.ok("CREATE Lists/Bees").unwrap();
    imap.append_ok("Lists/Bees", "(\\Seen)", b"Subject: in a folder\r\n\r\nbuzz\r\n").unwrap();

    assert_eq!(mirror.sync("the first run"), Transfers { bodies: MESSAGES + 1, ..NOTHING });
    assert_eq!((mirror.inbox().len(), mirror.folder("Lists/Bees").len()), (MESSAGES, 1));
    assert_eq!(mirror.sync("the second run"), NOTHING, "a second run transfers nothing");

    // There: a flag, a deletion, a new message.
    imap.ok("SELECT INBOX").unwrap();
    imap.ok("STORE 1:10 +FLAGS.SILENT (\\Flagged)").unwrap();
    imap.ok("STORE 11:20 +FLAGS.SILENT (\\Deleted)").unwrap();
    imap.ok("EXPUNGE").unwrap();
    imap.append_ok("INBOX", "", b"Subject: new there\r\n\r\nx\r\n").unwrap();
    mirror.sync("after changes there");
    let inbox = mirror.inbox();
    assert_eq!(inbox.len(), MESSAGES - 10 + 1);
    assert_eq!(inbox.iter().filter(|path| flags(path).contains('F')).count(), 10);

    // Here: a flag, a deletion, a new message.
    let (seen, gone) = (&inbox[100], &inbox[200]);
    set_flags(seen, "S");
    fs::remove_file(gone).unwrap();
    fs::write(mirror.maildir.join("INBOX/new/1.here.test"), b"Subject: new here\n\nbuzz\n").unwrap();
    mirror.sync("after changes here");
    let now = imap.ok("SELECT INBOX").unwrap().exists();
    assert_eq!(now.map(|count| count as usize), Some(MESSAGES - 10 + 1 - 1 + 1));
    assert_eq!(imap.ok("SEARCH SUBJECT \"new here\"").unwrap().search().len(), 1);
    assert_eq!(imap.ok("SEARCH SEEN").unwrap().search().len(), 1);
    assert_eq!(mirror.sync("the last run"), NOTHING, "both sides are the same again");
}

/// Commands that move something.
#[derive(Debug, Default, PartialEq, Eq)]
struct Transfers {
    bodies: usize,
    appends: usize,
    stores: usize,
}

/// A Maildir and the configuration that ties it to an account.
struct Mirror {
    mbsync: Tool,
    config: PathBuf,
    maildir: PathBuf,
}

impl Mirror {
    fn new(node: &Node, account: &Account, mbsync: Tool) -> Option<Self> {
        let server = node.address("imaps");
        let certificate = certificate(node, server)?;
        let maildir = node.home().join("maildir");
        fs::create_dir(&maildir).unwrap();
        let text = format!(
            "FSync no\n\nIMAPAccount essaim\nHost {}\nPort {}\nUser {}\nPass \"{}\"\nSSLType IMAPS\nCertificateFile {}\nAuthMechs LOGIN\n\n\
             IMAPStore there\nAccount essaim\n\n\
             MaildirStore here\nPath {here}/\nInbox {here}/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :there:\nNear :here:\nPatterns *\nCreate Both\nExpunge Both\nSync All\nSyncState *\n",
            server.ip(),
            server.port(),
            account.address,
            account.password,
            argument(&certificate),
            here = argument(&maildir),
        );
        Some(Self { mbsync, config: file(node, "mbsyncrc", text.as_bytes()), maildir })
    }

    /// Runs it and counts what it asked of the server.
    fn sync(&self, what: &str) -> Transfers {
        let output =
            tools::run(self.mbsync.command().args(["-Dn", "--config"]).arg(&self.config).arg("all"), b"");
        succeeded("mbsync", &output);
        let mut seen = Transfers::default();
        let said = node::text(&output);
        for command in said.lines().filter_map(|line| line.split_once(">>> ").map(|(_, command)| command)) {
            seen.bodies += usize::from(command.contains("BODY.PEEK[]"));
            seen.appends += usize::from(command.contains(" APPEND "));
            seen.stores += usize::from(command.contains(" STORE "));
        }
        note(&format!("mbsync, {what}: {seen:?}"));
        seen
    }

    fn inbox(&self) -> Vec<PathBuf> {
        self.folder("INBOX")
    }

    fn folder(&self, name: &str) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = ["new", "cur"]
            .iter()
            .flat_map(|part| fs::read_dir(self.maildir.join(name).join(part)).unwrap())
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files
    }
}

fn fill(imap: &mut Imap, count: usize) {
    let mut random = Random::new(1);
    let messages: Vec<Vec<u8>> =
        (0..count).map(|number| message(&format!("m{number}"), Shape::Plain, 1_500, &mut random)).collect();
    for batch in messages.chunks(500) {
        let batch: Vec<&[u8]> = batch.iter().map(Vec::as_slice).collect();
        imap.append_many_ok("INBOX", "", &batch).unwrap();
    }
}

fn flags(path: &Path) -> &str {
    argument(path).split_once(":2,").map_or("", |(_, flags)| flags)
}

fn set_flags(path: &Path, flags: &str) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let base = name.split_once(":2,").map_or(name, |(base, _)| base);
    let folder = path.parent().unwrap().parent().unwrap();
    fs::rename(path, folder.join("cur").join(format!("{base}:2,{flags}"))).unwrap();
}

const MESSAGES: usize = 10_000;
const NOTHING: Transfers = Transfers { bodies: 0, appends: 0, stores: 0 };
