//! msmtp: the sendmail of small machines and of mutt.

use essaim_harness::Node;
use essaim_harness::tools::{self, Tool};
use essaim_interop::{argument, certificate, file, has, messages, succeeded};

#[test]
fn it_submits_with_starttls_and_tls_and_checks_the_certificate() {
    let Some(msmtp) = Tool::find("msmtp", "msmtp") else { return };
    let node = Node::start();
    let (alice, bob) = (node.add_account("alice@a.test"), node.add_account("bob@a.test"));
    let Some(certificate) = certificate(&node, node.address("submissions")) else { return };
    let fingerprint = Tool::find("openssl", "openssl").expect("the certificate came by it").run(&[
        "x509",
        "-in",
        argument(&certificate),
        "-noout",
        "-fingerprint",
        "-sha256",
    ]);
    let fingerprint = String::from_utf8_lossy(&fingerprint.stdout).trim().to_owned();
    let (_, fingerprint) = fingerprint.split_once('=').expect("openssl prints NAME=HEX");

    for (listener, starttls) in [("submission", "on"), ("submissions", "off")] {
        let server = node.address(listener);
        let config = format!(
            "account default\nhost {}\nport {}\ntls on\ntls_starttls {starttls}\ntls_fingerprint {fingerprint}\n\
             auth plain\nuser {}\npassword \"{}\"\nfrom {}\n",
            server.ip(),
            server.port(),
            alice.address,
            alice.password,
            alice.address
        );
        let config = file(&node, "msmtprc", config.as_bytes());
        let _ = std::process::Command::new("chmod").arg("600").arg(&config).status();
        let mail = b"From: alice@a.test\nTo: bob@a.test\nBcc: carol@a.test\nSubject: by msmtp\n\nbzz\n";
        let sent = tools::run(msmtp.command().arg("--file").arg(&config).args(["--", "bob@a.test"]), mail);
        succeeded("msmtp", &sent);
    }
    let inbox = messages(&node, &bob, "INBOX");
    assert_eq!(inbox.len(), 2);
    for message in &inbox {
        assert!(has(message, "Subject: by msmtp") && has(message, "\r\n\r\nbzz\r\n"));
        assert!(has(message, "Message-ID: ") && has(message, "Date: "), "what the client left out is added");
        assert!(!has(message, "Bcc:"));
    }
}
