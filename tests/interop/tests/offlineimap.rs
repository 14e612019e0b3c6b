//! offlineimap3 mirrors an account into a Maildir.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};

use essaim_harness::Node;
use essaim_harness::tools::{self, Tool};
use essaim_interop::{argument, certificate, file, has, messages, succeeded};

#[test]
fn it_mirrors_folders_and_flags_both_ways() {
    let Some(offlineimap) = Tool::find("offlineimap", "offlineimap3") else { return };
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let server = node.address("imaps");
    let Some(certificate) = certificate(&node, server) else { return };
    let maildir = node.home().join("mirror");
    let config = format!(
        "[general]\naccounts = alice\nmetadata = {home}/offlineimap\nui = basic\n\
         [Account alice]\nlocalrepository = here\nremoterepository = there\n\
         [Repository here]\ntype = Maildir\nlocalfolders = {here}\n\
         [Repository there]\ntype = IMAP\nremotehost = localhost\nremoteport = {port}\nremoteuser = {user}\n\
         remotepass = {password}\nssl = yes\nsslcacertfile = {certificate}\nauth_mechanisms = PLAIN\n",
        home = argument(node.home()),
        here = argument(&maildir),
        port = server.port(),
        user = alice.address,
        password = alice.password,
        certificate = argument(&certificate),
    );
    let config = file(&node, "offlineimaprc", config.as_bytes());
    let sync = || {
        let output = tools::run(offlineimap.command().args(["-o", "-c"]).arg(&config), b"");
        succeeded("offlineimap", &output);
    };

    let mut imap = node.imap(&alice).unwrap();
    for number in 0..300 {
        imap.append_ok("INBOX", "", format!("Subject: message {number}\r\n\r\nbody {number}\r\n").as_bytes())
            .unwrap();
    }
    imap.ok("CREATE \"Année/été\"").or_else(|_| imap.ok("CREATE \"Ann&AOk-e/&AOk-t&AOk-\"")).unwrap();
    sync();
    let inbox = mails(&maildir.join("INBOX"));
    assert_eq!(inbox.len(), 300);

    imap.ok("SELECT INBOX").unwrap();
    imap.ok("STORE 1:5 +FLAGS.SILENT (\\Seen)").unwrap();
    let name = inbox[200].file_name().unwrap().to_str().unwrap();
    let base = name.split_once(":2,").map_or(name, |(base, _)| base);
    fs::rename(&inbox[200], maildir.join("INBOX/cur").join(format!("{base}:2,F"))).unwrap();
    fs::write(maildir.join("INBOX/new/1.here.test"), b"Subject: from here\n\nbuzz\n").unwrap();
    sync();
    assert_eq!(mails(&maildir.join("INBOX")).iter().filter(|path| argument(path).ends_with('S')).count(), 5);
    imap.ok("NOOP").unwrap();
    assert_eq!(imap.ok("SEARCH FLAGGED").unwrap().search().len(), 1);
    let inbox = messages(&node, &alice, "INBOX");
    assert_eq!(inbox.len(), 301);
    assert!(inbox.iter().any(|message| has(message, "Subject: from here")));
}

fn mails(folder: &Path) -> Vec<PathBuf> {
    let parts = ["new", "cur"].iter().map(|part| folder.join(part));
    let mut files: Vec<PathBuf> =
        parts.flat_map(|part| fs::read_dir(part).unwrap()).map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
