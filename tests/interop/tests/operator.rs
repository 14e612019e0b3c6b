//! What an operator meets: mistakes are answered with one sentence that says what to do, and scripts can rely on the rest.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use essaim_harness::{Node, binary, node};

#[test]
fn a_data_directory_in_use_is_not_opened_twice() {
    let node = Node::start();
    let output = node.essaim(&["serve"], "");
    refused(&output, 1, &["data", "another essaim|already|in use"]);
    node.smtp().expect("the first one goes on");
}

#[test]
fn a_busy_port_is_named() {
    let node = Node::start();
    let busy = node.address("smtp").to_string();
    let other = Node::builder().prepare();
    let config = other.home().join("essaim.toml");
    fs::write(&config, format!("[hoster]\ndomain = \"b.test\"\n[listen]\nsmtp = \"{busy}\"\n"))
        .expect("a configuration");
    refused(&other.essaim(&["serve"], ""), 1, &[&busy, "smtp"]);
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    let node = Node::builder().config("[mail]\nmax_mesage_size = \"1 MiB\"\n").prepare();
    refused(&node.essaim(&["serve"], ""), 1, &["max_mesage_size", "max_message_size"]);
    refused(&node.essaim(&["config", "check"], ""), 3, &["max_mesage_size", "max_message_size"]);
}

#[test]
fn a_wrong_value_is_named_with_its_key() {
    let node = Node::builder().config("[limits]\nsmtp_timeout = \"soon\"\n").prepare();
    refused(&node.essaim(&["serve"], ""), 1, &["smtp_timeout", "soon"]);
}

#[test]
fn a_store_of_a_newer_essaim_is_left_alone() {
    let mut node = Node::start();
    assert!(node.stop().success());
    let format = node.data_dir().join("store/FORMAT");
    fs::write(&format, "essaim store 99\n").expect("the file is there");
    refused(&node.essaim(&["serve"], ""), 1, &["newer"]);
    assert_eq!(fs::read_to_string(format).expect("still there"), "essaim store 99\n");
}

#[test]
fn wrong_usage_has_an_exit_code_of_its_own() {
    let node = Node::builder().prepare();
    assert_eq!(node.essaim(&["account", "add"], "").status.code(), Some(2));
    assert_eq!(node.essaim(&["nonsense"], "").status.code(), Some(2));
    let node = Node::start();
    let weak = node.essaim(&["account", "add", "alice@a.test", "--password-stdin"], "short");
    refused(&weak, 1, &["password"]);
}

#[test]
fn commands_work_on_a_node_that_is_up_and_on_one_that_is_down() {
    let mut node = Node::start();
    node.add_account("alice@a.test");
    let listed =
        || String::from_utf8_lossy(&node.essaim(&["account", "list", "--json"], "").stdout).into_owned();
    assert!(listed().contains("alice@a.test"));
    let again = node.essaim(&["account", "add", "alice@a.test", "--password-stdin"], "long enough");
    refused(&again, 1, &["alice@a.test"]);
    assert!(node.stop().success(), "SIGTERM is an orderly end");
    assert!(
        String::from_utf8_lossy(&node.essaim(&["account", "list", "--json"], "").stdout)
            .contains("alice@a.test")
    );
    node.add_account("bob@a.test");
    node.restart();
    let bob = essaim_harness::Account::new("bob@a.test");
    node.imap(&bob).expect("an account that was made while the node was down");
    for command in
        [&["status"][..], &["account", "show", "bob@a.test"], &["queue", "list"], &["config", "describe"]]
    {
        let output = node.essaim(&[command, &["--json"]].concat(), "");
        assert!(output.status.success(), "{command:?}: {}", node::text(&output));
        let json: Result<serde_json::Value, _> = serde_json::from_slice(&output.stdout);
        assert!(json.is_ok(), "{command:?} --json wrote no JSON: {}", node::text(&output));
    }
}

#[test]
fn init_makes_a_hoster_that_starts_and_says_its_dns_records() {
    let node = Node::builder().prepare();
    fs::remove_file(node.home().join("essaim.toml")).expect("init writes its own");
    let made = node.essaim(&["init", "--domain", "coop.example", "--name", "The Coop"], "");
    assert!(made.status.success(), "{}", node::text(&made));
    let checked = node.essaim(&["config", "check"], "");
    assert!(checked.status.success(), "{}", node::text(&checked));
    let records = node.essaim(&["dns"], "");
    let text = String::from_utf8_lossy(&records.stdout).into_owned();
    assert!(records.status.success() && text.contains("MX") && text.contains("_imaps._tcp"), "{text}");
    let again = node.essaim(&["init", "--domain", "coop.example"], "");
    assert_eq!(again.status.code(), Some(1), "a second init overwrites nothing: {}", node::text(&again));
}

/// The README's first command, but for the ports.
#[test]
fn without_anything_it_makes_a_local_hoster_and_says_how_to_begin() {
    let home = tempfile::TempDir::new().expect("a temporary directory");
    let mut command = Command::new(binary::essaim());
    command.current_dir(home.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    for listener in ["HTTP", "HTTPS", "SMTP", "SUBMISSION", "SUBMISSIONS", "IMAP", "IMAPS"] {
        command.env(format!("ESSAIM_LISTEN__{listener}"), "127.0.0.1:0");
    }
    let mut child = command.spawn().expect("the essaim binary can be started");
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.take().expect("it was piped"));
    while !(said.contains("curl") && said.contains("swaks") && said.contains("assword")) {
        let before = said.len();
        lines.read_line(&mut said).expect("text");
        assert!(said.len() > before, "it ended before it said how to begin: {said}");
    }
    assert!(home.path().join("essaim-data").is_dir(), "the data is where the README says");
    let _ = child.kill();
    let _ = child.wait();
    let _ = lines.read_to_string(&mut said);
    assert!(said.contains('@'), "the first account is named: {said}");
}

/// It failed with this code, and said all of these words; `a|b` is one of several.
#[track_caller]
fn refused(output: &Output, code: i32, words: &[&str]) {
    let said = node::text(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(word.split('|').any(|word| said.contains(word)), "it does not say {word:?}: {said}");
    }
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
}
