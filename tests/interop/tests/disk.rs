//! A disk that is full: refused for now, nothing lost, and it goes on when there is room again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use essaim_harness::tools::{note, skipped};
use essaim_harness::{Node, node};

#[test]
fn a_full_disk_refuses_for_now_and_recovers() {
    let Some(disk) = SmallDisk::mount() else { return };
    let mut node = Node::builder().inside(&disk.path).start();
    let alice = node.add_account("alice@a.test");
    node.imap(&alice)
        .and_then(|mut imap| imap.ok("SELECT INBOX"))
        .expect("a first login, which makes mailboxes");
    let ballast = disk.path.join("ballast");
    let mut smtp = node.smtp().expect("a connection");
    let mut accepted = 0;
    let body = random_body(256 * 1024);
    fill(&ballast);

    let refusal = loop {
        let reply =
            smtp.deliver("b@b.test", &["alice@a.test"], &body).expect("an answer, not a broken connection");
        if reply.code != 250 {
            break reply;
        }
        accepted += 1;
        assert!(accepted < 1_000, "the disk does not fill");
    };
    note(&format!("after {accepted} messages: {refusal}"));
    assert!((400..500).contains(&refusal.code), "the sender shall try again: {refusal}");
    node.imap(&alice).and_then(|mut imap| imap.ok("SELECT INBOX")).expect("reading goes on");

    fs::remove_file(&ballast).expect("the ballast is there");
    let mut smtp = node.smtp().expect("a connection");
    smtp.deliver("b@b.test", &["alice@a.test"], &body)
        .expect("an answer")
        .expect(250)
        .expect("there is room again");
    accepted += 1;
    node.stop();
    let verified = node.essaim(&["store", "verify", "--json"], "");
    assert!(verified.status.success(), "{}", node::text(&verified));
    node.restart();
    let exists = node.imap(&alice).and_then(|mut imap| imap.ok("SELECT INBOX")).expect("a mailbox").exists();
    assert_eq!(exists, Some(accepted), "every 250 is there, once");
}

/// A file system of 192 MiB in memory.
struct SmallDisk {
    path: PathBuf,
    /// Removed after the file system is gone from it.
    _home: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Option<Self> {
        let home = tempfile::TempDir::new().expect("a temporary directory");
        let path = home.path().join("small");
        fs::create_dir(&path).expect("a folder");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=192m", "tmpfs"]).arg(&path).output();
        match mount {
            Ok(output) if output.status.success() => Some(Self { path, _home: home }),
            _ => {
                skipped("a full disk needs a small file system: run as root where mount works");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the node's files may be open until its process is gone.
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

/// Until nothing fits.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).expect("a file");
    let piece = vec![1_u8; 64 * 1024];
    while std::io::Write::write_all(&mut file, &piece).is_ok() {}
}

/// A message that does not compress.
fn random_body(size: usize) -> Vec<u8> {
    use essaim_harness::generate::{Random, Shape, message};
    message("full", Shape::Attachment, size, &mut Random::new(5))
}
