//! curl speaks smtp, smtps, imap and imaps: what a first user tries.

use std::process::Output;

use essaim_harness::tools::Tool;
use essaim_harness::{Account, Node};
use essaim_interop::{argument, file, has, messages, succeeded};

#[test]
fn smtp_and_smtps_urls_send() {
    let Some(curl) = Tool::find("curl", "curl") else { return };
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let mail = file(&node, "mail.eml", MAIL);
    let upload = ["--upload-file", argument(&mail), "--mail-rcpt", "alice@a.test", "--mail-from"];

    let outside = format!("smtp://{}/client.test", node.address("smtp"));
    succeeded("curl", &run(&curl, &[&upload, &["bob@b.test", &outside]]));
    let user = user(&alice);
    let submission = format!("smtp://{}", node.address("submission"));
    succeeded("curl", &run(&curl, &[&upload, &["alice@a.test", "--ssl-reqd", "--user", &user, &submission]]));
    let submissions = format!("smtps://{}", node.address("submissions"));
    succeeded("curl", &run(&curl, &[&upload, &["alice@a.test", "--user", &user, &submissions]]));

    let inbox = messages(&node, &alice, "INBOX");
    assert_eq!(inbox.len(), 3);
    assert!(
        inbox.iter().all(|message| message.ends_with(MAIL)),
        "the message is below the trace headers, unchanged"
    );
}

#[test]
fn imap_urls_list_search_fetch_and_append() {
    let Some(curl) = Tool::find("curl", "curl") else { return };
    let node = Node::start();
    let alice = node.add_account("alice@a.test");
    let user = user(&alice);
    let mail = file(&node, "mail.eml", MAIL);
    for (base, tls) in [
        (format!("imaps://{}", node.address("imaps")), "--ssl"),
        (format!("imap://{}", node.address("imap")), "--ssl-reqd"),
    ] {
        let login = ["--user", user.as_str(), tls];
        let inbox = format!("{base}/INBOX");
        succeeded("APPEND", &run(&curl, &[&login, &["--upload-file", argument(&mail), &inbox]]));
        let fetched = run(&curl, &[&login, &[&format!("{base}/INBOX;MAILINDEX=1")]]);
        succeeded("FETCH", &fetched);
        assert_eq!(fetched.stdout, MAIL);
        let found = run(&curl, &[&login, &[&format!("{base}/INBOX?SUBJECT%20winter")]]);
        assert!(has(&found.stdout, "* SEARCH 1"), "{}", String::from_utf8_lossy(&found.stdout));
        let listed = run(&curl, &[&login, &[&format!("{base}/")]]);
        assert!(has(&listed.stdout, "INBOX"), "{}", String::from_utf8_lossy(&listed.stdout));
        let examined = run(&curl, &[&login, &["--request", "EXAMINE INBOX", &base]]);
        assert!(has(&examined.stdout, "UIDVALIDITY"), "{}", String::from_utf8_lossy(&examined.stdout));
    }
}

#[test]
fn the_http_listener_tells_health_and_metrics() {
    let Some(curl) = Tool::find("curl", "curl") else { return };
    let node = Node::start();
    let page = |path: &str| {
        let output = run(&curl, &[&["--fail", &format!("http://{}{path}", node.address("http"))]]);
        succeeded(path, &output);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    page("/health/live");
    page("/health/ready");
    assert!(page("/metrics").lines().any(|line| line.starts_with("# TYPE ")), "Prometheus text");
}

fn run(curl: &Tool, options: &[&[&str]]) -> Output {
    let mut arguments = vec!["--silent", "--show-error", "--insecure", "--max-time", "60"];
    arguments.extend(options.iter().copied().flatten());
    curl.run(&arguments)
}

fn user(account: &Account) -> String {
    format!("{}:{}", account.address, account.password)
}

const MAIL: &[u8] =
    b"From: alice@a.test\r\nTo: alice@a.test\r\nSubject: winter\r\nDate: Tue, 3 Mar 2026 09:15:00 +0100\r\n\
    Message-ID: <winter@b.test>\r\n\r\n.the hive\r\nis warm.\r\n";
