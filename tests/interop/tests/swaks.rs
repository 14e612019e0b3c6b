//! swaks: the tool with which operators try a mail server.

use std::process::Output;

use essaim_harness::tools::Tool;
use essaim_harness::{Account, Node, node};
use essaim_interop::{arrived_with, has, messages, succeeded};

#[test]
fn mail_from_outside_arrives_in_clear_and_with_starttls() {
    let Some(swaks) = Tool::find("swaks", "swaks") else { return };
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let from_outside = ["--from", "bob@b.test", "--to", "alice@a.test"];
    succeeded("swaks", &run(&swaks, &node, "smtp", &[&from_outside, &["--header", "Subject: in clear"]]));
    succeeded(
        "swaks",
        &run(&swaks, &node, "smtp", &[&from_outside, &["--header", "Subject: encrypted", "--tls"]]),
    );
    succeeded("swaks", &run(&swaks, &node, "smtp", &[&from_outside, &["--pipeline", "--protocol", "ESMTP"]]));
    let inbox = messages(&node, &alice, "INBOX");
    assert_eq!(inbox.len(), 3);
    assert!(has(&inbox[0], "Subject: in clear") && arrived_with(&inbox[0]) == "ESMTP");
    assert!(has(&inbox[1], "Subject: encrypted") && arrived_with(&inbox[1]) == "ESMTPS");
}

#[test]
fn a_member_submits_on_both_ports_with_both_mechanisms() {
    let Some(swaks) = Tool::find("swaks", "swaks") else { return };
    let node = Node::start();
    let (alice, bob) = (node.add_account("alice@a.test"), node.add_account("bob@a.test"));
    for (port, tls, mechanism) in [
        ("submission", "--tls", "PLAIN"),
        ("submission", "--tls", "LOGIN"),
        ("submissions", "--tls-on-connect", "PLAIN"),
        ("submissions", "--tls-on-connect", "LOGIN"),
    ] {
        let options = [tls, "--auth", mechanism, "--header", "Subject: from a member"];
        succeeded("swaks", &run(&swaks, &node, port, &[&mail_to(&bob), &options, &login(&alice)]));
    }
    let inbox = messages(&node, &bob, "INBOX");
    assert_eq!(inbox.len(), 4);
    assert!(inbox.iter().all(|message| arrived_with(message) == "ESMTPSA"));
}

#[test]
fn a_server_that_anybody_could_abuse_refuses() {
    let Some(swaks) = Tool::find("swaks", "swaks") else { return };
    let node = Node::start();
    let (alice, bob) = (node.add_account("alice@a.test"), node.add_account("bob@a.test"));

    let relay = run(&swaks, &node, "smtp", &[&["--from", "x@b.test", "--to", "y@c.test"]]);
    refused("relaying for strangers", &relay, " 550 ");
    let unknown = run(&swaks, &node, "smtp", &[&["--from", "x@b.test", "--to", "nobody@a.test"]]);
    refused("an unknown recipient", &unknown, " 550 ");
    let nobody = run(&swaks, &node, "submission", &[&mail_to(&bob), &["--tls"]]);
    refused("submission without login", &nobody, " 530 ");
    let wrong = Account { password: "not it".to_owned(), ..alice.clone() };
    let guess = run(
        &swaks,
        &node,
        "submissions",
        &[&mail_to(&bob), &["--tls-on-connect", "--auth", "PLAIN"], &login(&wrong)],
    );
    refused("a wrong password", &guess, " 535 ");
    let as_bob = ["--from", "bob@a.test", "--to", "bob@a.test", "--tls-on-connect", "--auth", "PLAIN"];
    let stolen = run(&swaks, &node, "submissions", &[&as_bob, &login(&alice)]);
    refused("another member's address", &stolen, " 553 ");
    assert_eq!(messages(&node, &bob, "INBOX").len(), 0);
}

fn run(swaks: &Tool, node: &Node, listener: &str, options: &[&[&str]]) -> Output {
    let server = node.address(listener);
    let (host, port) = (server.ip().to_string(), server.port().to_string());
    let mut arguments = vec!["--server", &host, "--port", &port, "--timeout", "60s"];
    arguments.extend(options.iter().copied().flatten());
    swaks.run(&arguments)
}

fn mail_to(account: &Account) -> [&str; 4] {
    ["--from", "alice@a.test", "--to", &account.address]
}

fn login(account: &Account) -> [&str; 4] {
    ["--auth-user", &account.address, "--auth-password", &account.password]
}

#[track_caller]
fn refused(what: &str, output: &Output, reply: &str) {
    let said = node::text(output);
    assert!(!output.status.success() && said.contains(reply), "{what} wants{reply}: {said}");
}
