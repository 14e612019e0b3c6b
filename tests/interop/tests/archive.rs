//! An account leaves as one file, which others read, and comes back from it: specs/15-archive.md.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use essaim_harness::corpus::Collection;
use essaim_harness::imap::Status;
use essaim_harness::tools::{self, Tool, note};
use essaim_harness::{Account, Node};
use essaim_interop::{argument, messages, succeeded};
use serde_json::Value;

#[test]
fn stock_tar_and_python_read_what_we_write() {
    let (Some(python), Some(tar), Some(_)) =
        (Tool::find("python3", "python3"), Tool::find("tar", "tar"), Tool::find("zstd", "zstd"))
    else {
        return;
    };
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let sent = fill(&node, &alice, 60, 16 << 10);
    let file = export(&node, "alice", &[]);

    let out = node.home().join("unpacked");
    fs::create_dir(&out).unwrap();
    let mut command = tar.command();
    command.args(["--zstd", "-xf", argument(&file), "-C", argument(&out)]);
    succeeded("tar", &tools::run(&mut command, b""));
    let unpacked = read_mail(&out.join("mail/1"));
    assert!(unpacked == sent, "{} messages came out, {} went in", unpacked.len(), sent.len());

    let mut command = python.command();
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/archive_check.py")).arg(&file);
    let output = tools::run(&mut command, b"");
    succeeded("archive_check.py", &output);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let verified = json(&verify(&node, &file));
    assert_eq!(said["messages"], sent.len());
    assert_eq!((&said["root"], &said["objects"]), (&verified["root"], &verified["objects"]));
}

#[test]
fn real_mail_goes_over_to_another_node_byte_for_byte_and_back() {
    let (there, here) = (Node::start(), Node::start());
    let alice = there.add_account("alice@a.test");
    let sent = fill(&there, &alice, 2000, 4 << 20);
    let first = export(&there, "first", &["--with-secrets"]);
    let verified = json(&verify(&there, &first));
    assert_eq!((&verified["ok"], &verified["messages"]), (&Value::Bool(true), &Value::from(sent.len())));

    let imported = here.essaim(&["account", "import", argument(&first), "--json"], "");
    succeeded("import", &imported);
    let came = messages(&here, &alice, "INBOX");
    assert!(came == sent, "{} messages came over, {} were there", came.len(), sent.len());
    let again = here.essaim(&["account", "import", argument(&first)], "");
    assert!(!again.status.success() && text(&again).contains("is here already"), "{}", text(&again));

    // The same but for id, time and signature; and only the hoster that the account's log names shows the log.
    let second = export(&here, "second", &["--with-secrets"]);
    let (mut one, other) = (unpack(&there, &first), unpack(&here, &second));
    assert_eq!(one.extract_if(.., |name, _| name.starts_with("log/")).count(), 1);
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        let differs = name == "archive.json" || name == "manifest.sig" || name.starts_with("manifest/");
        assert!(differs || other[name] == *bytes, "{name} differs");
    }
    note(&format!("{} real messages over to another node and out again", sent.len()));
}

#[test]
fn an_import_that_is_killed_goes_on() {
    let (there, mut here) = (Node::start(), Node::start());
    let alice = there.add_account("alice@a.test");
    let sent = fill(&there, &alice, 3000, 4 << 20);
    let file = export(&there, "alice", &["--with-secrets"]);
    let mut killed = 0;
    // The node is killed a little later each time, until the import is through.
    let output = loop {
        let mut command = here.command();
        command.args(["account", "import", argument(&file), "--json"]);
        let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
        let child = child.unwrap();
        let patience = std::time::Duration::from_millis(60 + 20 * killed);
        let (sender, finished) = std::sync::mpsc::channel();
        let waiting = std::thread::spawn(move || {
            let output = child.wait_with_output().unwrap();
            let _ = sender.send(());
            output
        });
        let through = finished.recv_timeout(patience).is_ok();
        if through {
            break waiting.join().unwrap();
        }
        here.kill();
        // A command that had not called the node yet finds none and does the work itself: the store is its own until it ends.
        let output = waiting.join().unwrap();
        here.restart();
        killed += 1;
        // A kill after the last commit has done all but the answer.
        if text(&here.essaim(&["account", "list"], "")).contains("alice@a.test") {
            break output;
        }
    };
    let came = messages(&here, &alice, "INBOX");
    assert!(came == sent, "{} messages came over, {} were there", came.len(), sent.len());
    let known = serde_json::from_slice(&output.stdout).ok().map(|said: Value| said["segments_known"].clone());
    succeeded("store verify", &here.essaim(&["store", "verify"], ""));
    note(&format!("killed {killed} times; segments known at the last attempt: {known:?}"));
}

#[test]
fn what_does_not_verify_is_refused_by_name() {
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    fill(&node, &alice, 40, 16 << 10);
    let file = export(&node, "alice", &[]);
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let output = verify(&node, &file);
    assert_eq!(output.status.code(), Some(3));
    let said = json(&output);
    assert!(said["wrong"]["object"].is_string() && said["ok"] == false, "{said}");
    let output = node.essaim(&["account", "import", argument(&file), "--address", "b@a.test"], "");
    assert!(text(&output).contains("not a whole archive"), "{}", text(&output));
    bytes.truncate(middle);
    fs::write(&file, &bytes).unwrap();
    assert!(text(&verify(&node, &file)).contains("cut off"), "{}", text(&verify(&node, &file)));
}

#[test]
fn an_archive_of_changes_has_what_changed_and_what_went() {
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    fill(&node, &alice, 40, 16 << 10);
    let full = export(&node, "full", &[]);
    let mut imap = node.imap(&alice).unwrap();
    imap.ok("SELECT INBOX").unwrap();
    imap.ok("STORE 1 +FLAGS (\\Deleted)").unwrap();
    imap.ok("EXPUNGE").unwrap();
    imap.ok("STORE 1 +FLAGS (\\Flagged)").unwrap();
    let last = imap.append("INBOX", "", b"Subject: new\r\n\r\nnew\r\n").unwrap();
    assert_eq!(last.status, Status::Ok);
    let changes = export(&node, "changes", &["--since", argument(&full)]);
    let said = json(&verify(&node, &changes));
    assert_eq!(said["base_root"], json(&verify(&node, &full))["root"]);
    assert!(said["tombstones"].as_u64().unwrap() >= 1, "{said}");
    let files = unpack(&node, &changes);
    let folder: Value = serde_json::from_slice(&files["mail/1/folder.json"]).unwrap();
    assert_eq!(folder["removed"], serde_json::json!([1]));
    assert_eq!(folder["uids"].as_object().unwrap().len(), 2, "{folder}");
    assert_eq!(folder["flags"]["2"], serde_json::json!(["\\Flagged"]));
    assert_eq!(files.keys().filter(|name| name.ends_with(".eml")).count(), 1);
    assert!(String::from_utf8_lossy(&files["LOSSES.md"]).contains("Only what changed"));
}

/// Real mail by APPEND, as much as was taken, in its order.
fn fill(node: &Node, account: &Account, count: usize, longest: usize) -> Vec<Vec<u8>> {
    let mut imap = node.imap(account).unwrap();
    let mail = Collection::mail();
    let mut sent = Vec::new();
    for (name, message) in mail.messages().filter(|(_, message)| message.len() <= longest).take(count) {
        let outcome = imap.append("INBOX", "", &message).unwrap_or_else(|error| panic!("{name}: {error}"));
        if outcome.status == Status::Ok {
            sent.push(message);
        }
    }
    sent
}

fn export(node: &Node, name: &str, options: &[&str]) -> PathBuf {
    let file = node.home().join(format!("{name}.pdpa.tar.zst"));
    let command = ["account", "export", "alice@a.test", "--to", argument(&file), "--json"];
    succeeded("export", &node.essaim(&[&command, options].concat(), ""));
    file
}

fn verify(node: &Node, file: &Path) -> Output {
    node.essaim(&["account", "verify", argument(file), "--json"], "")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// The messages of an unpacked directory, by UID.
fn read_mail(directory: &Path) -> Vec<Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let uid = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u32>().ok());
        if let Some(uid) = uid {
            found.insert(uid, fs::read(&path).unwrap());
        }
    }
    found.into_values().collect()
}

/// All files, by stock tar.
fn unpack(node: &Node, file: &Path) -> BTreeMap<String, Vec<u8>> {
    let out = tempfile::tempdir_in(node.home()).unwrap();
    let mut command = std::process::Command::new("tar");
    command.args(["--zstd", "-xf", argument(file), "-C", argument(out.path())]);
    succeeded("tar", &tools::run(&mut command, b""));
    let (mut open, mut files) = (vec![out.path().to_owned()], BTreeMap::new());
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(out.path()).unwrap().to_string_lossy().into_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}
