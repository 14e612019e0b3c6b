//! What the tests in `tests/` share: looking into a mailbox, and giving foreign clients the node's certificate.

pub mod structure;
pub mod tap;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

use essaim_harness::tools::Tool;
use essaim_harness::{Account, Imap, Node, Value, node};

/// The bodies of all messages of a mailbox, in order.
///
/// # Panics
/// If the mailbox cannot be read.
pub fn messages(node: &Node, account: &Account, mailbox: &str) -> Vec<Vec<u8>> {
    let mut imap = node.imap(account).expect("a login");
    if imap.ok(&format!("EXAMINE {}", essaim_harness::imap::quoted(mailbox))).expect("EXAMINE").exists()
        == Some(0)
    {
        return Vec::new();
    }
    bodies(&mut imap, "FETCH 1:* BODY.PEEK[]")
}

/// The bodies in the answer to this FETCH.
///
/// # Panics
/// If the command fails.
pub fn bodies(imap: &mut Imap, command: &str) -> Vec<Vec<u8>> {
    let outcome = imap.ok(command).expect("FETCH");
    let body = |list: &Value| list.attribute("BODY[]").and_then(Value::bytes).map(<[u8]>::to_vec);
    outcome.fetched().map(|(_, list)| body(&list).expect("BODY[] in the answer")).collect()
}

/// Does the message have this text?
pub fn has(message: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(message).contains(text)
}

/// What the topmost `Received:` says after `with`: `ESMTP`, `ESMTPS`, `ESMTPSA` (RFC 3848).
pub fn arrived_with(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let words = text.split_once("Received:").map(|(_, rest)| rest.split_whitespace()).into_iter().flatten();
    words.skip_while(|word| *word != "with").nth(1).unwrap_or_default().to_owned()
}

/// Fails with everything that the program wrote unless it ended well.
///
/// # Panics
/// If it did not.
#[track_caller]
pub fn succeeded(what: &str, output: &Output) {
    assert!(output.status.success(), "{what} ended with {}:\n{}", output.status, node::text(output));
}

/// The certificate that the node shows on this TLS port, as a PEM file in its home. `None` if openssl is missing.
///
/// # Panics
/// If the server shows none.
pub fn certificate(node: &Node, address: SocketAddr) -> Option<PathBuf> {
    let openssl = Tool::find("openssl", "openssl")?;
    let shown = openssl.run(&["s_client", "-connect", &address.to_string(), "-showcerts"]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    let begin =
        text.find(BEGIN).unwrap_or_else(|| panic!("no certificate from {address}: {}", node::text(&shown)));
    let length =
        text.get(begin..).and_then(|pem| pem.find(END)).expect("the end of the certificate") + END.len();
    let path = node.home().join("certificate.pem");
    let pem = text.get(begin..begin + length).expect("both ends were found");
    fs::write(&path, format!("{pem}\n")).expect("a file in the node's home");
    Some(path)
}

/// A file with this content in the node's home.
///
/// # Panics
/// If it cannot be written.
pub fn file(node: &Node, name: &str, content: &[u8]) -> PathBuf {
    let path = node.home().join(name);
    fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

/// A path as an argument.
///
/// # Panics
/// If it is not UTF-8.
pub fn argument(path: &Path) -> &str {
    path.to_str().expect("temporary directories have plain names")
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
