//! Python's imaplib and smtplib, by the scripts in `python/`.

use std::path::PathBuf;

use essaim_harness::Node;
use essaim_harness::tools::{self, Tool};
use essaim_interop::succeeded;

#[test]
fn imaplib_does_everything_it_can() {
    run("imaplib_session.py");
}

#[test]
fn smtplib_sends_with_every_way_to_encrypt() {
    run("smtplib_session.py");
}

fn run(script: &str) {
    let Some(python) = Tool::find("python3", "python3") else { return };
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("python").join(script);
    let mut command = python.command();
    command.arg(path).env("ESSAIM_USER", &alice.address).env("ESSAIM_PASSWORD", &alice.password);
    for listener in ["smtp", "submission", "submissions", "imap", "imaps"] {
        command.env(format!("ESSAIM_{}", listener.to_uppercase()), node.address(listener).port().to_string());
    }
    succeeded(script, &tools::run(&mut command, b""));
}
