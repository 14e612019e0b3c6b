//! The first start of a local node: an account to try it out with, and words for a person who has never seen this before.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use essaim_accounts::{Actor, NewAccount};
use essaim_types::{Address, LocalPart, Secret};

use crate::config::Config;
use crate::failure::{Failure, causes};
use crate::services::Services;

/// An account that was made for the first visitor.
#[derive(Debug)]
pub(crate) struct FirstAccount {
    address: Address,
    password: Secret,
}

/// Makes an account if there is none yet. Only for a node without a configuration: where a hoster has been set up, its operator
/// makes the accounts.
pub(crate) async fn make_account(node: &Services) -> Result<Option<FirstAccount>, Failure> {
    let any = node.accounts.list(None, 1).map_err(|error| Failure::new(causes(&error)))?;
    if !any.is_empty() {
        return Ok(None);
    }
    let local = LocalPart::new(FIRST_NAME).map_err(|error| Failure::new(error.to_string()))?;
    let address = Address::new(local, node.config.hoster.domain.clone());
    let created = node.accounts.create(NewAccount::new(address.clone()), Actor::Node).await;
    let created = created.map_err(|error| Failure::caused("the first account could not be made", &error))?;
    Ok(created.generated.map(|password| FirstAccount { address, password }))
}

/// What is said on standard output when the node is ready.
pub(crate) fn welcome(
    config: &Config,
    ports: &BTreeMap<String, SocketAddr>,
    first: Option<&FirstAccount>,
) -> String {
    let mut text = format!(
        "Essaim is running for {}. Its data is in {}.\n\n",
        config.hoster.domain,
        config.data_dir.display()
    );
    for (name, address) in ports {
        text.push_str(&format!("  {name:<12} {address}\n"));
    }
    match first {
        Some(first) => text.push_str(&instructions(first, ports)),
        None => text
            .push_str("\nMore: essaim status, essaim account list, essaim directory list, essaim --help.\n"),
    }
    text.push_str("Ctrl-C stops it; started again, it goes on with the same data.\n");
    text
}

fn instructions(first: &FirstAccount, ports: &BTreeMap<String, SocketAddr>) -> String {
    let FirstAccount { address, password } = first;
    let password = password.expose();
    let mut text = format!(
        "\nA first account is ready:\n\n  address      {address}\n  password     {password}\n\n\
         The password is shown this once; essaim account password {address} sets another.\n"
    );
    if let Some(at) = ports.get("submissions") {
        text.push_str(&format!(
            "\nSend a first mail, with curl:\n\n  \
             printf 'From: {address}\\r\\nTo: {address}\\r\\nSubject: a first mail\\r\\n\\r\\nHello.\\r\\n' |\n    \
             curl --insecure --url smtps://{at} --user '{address}:{password}' \\\n    \
             --mail-from {address} --mail-rcpt {address} --upload-file -\n"
        ));
    }
    if let Some(at) = ports.get("submission") {
        text.push_str(&format!(
            "\nor with swaks:\n\n  swaks --server {at} --tls --auth-user {address} --auth-password '{password}' \\\n    \
             --from {address} --to {address} --header 'Subject: a first mail'\n"
        ));
    }
    if let Some(at) = ports.get("imaps") {
        text.push_str(&format!(
            "\nRead it:\n\n  curl --insecure --user '{address}:{password}' 'imaps://{at}/INBOX;MAILINDEX=1'\n"
        ));
    }
    text.push_str(&thunderbird(address, ports));
    text
}

fn thunderbird(address: &Address, ports: &BTreeMap<String, SocketAddr>) -> String {
    let (Some(imaps), Some(submissions)) = (ports.get("imaps"), ports.get("submissions")) else {
        return "\n".to_owned();
    };
    format!(
        "\nIn Thunderbird (Account Settings, Add Mail Account, Configure manually):\n\n  \
         incoming     IMAP, {}, port {}, SSL/TLS, normal password, user {address}\n  \
         outgoing     SMTP, {}, port {}, SSL/TLS, normal password, user {address}\n\n\
         The certificate is the node's own: Thunderbird asks once whether to trust it, and --insecure tells curl to.\n\n",
        imaps.ip(),
        imaps.port(),
        submissions.ip(),
        submissions.port()
    )
}

/// A person, as every example in this world begins.
const FIRST_NAME: &str = "alice";

#[cfg(test)]
mod tests {
    use super::*;

    fn ports() -> BTreeMap<String, SocketAddr> {
        let listen = Config::default().listen.by_name();
        listen.into_iter().filter_map(|(name, at)| Some((name.to_owned(), at?))).collect()
    }

    #[test]
    fn a_first_visitor_gets_commands_to_copy() {
        let first =
            FirstAccount { address: "alice@a.test".parse().unwrap(), password: Secret::new("one-time") };
        let text = welcome(&Config::default(), &ports(), Some(&first));
        for part in [
            "password     one-time\n",
            "curl --insecure --url smtps://127.0.0.1:2465 --user 'alice@a.test:one-time'",
            "swaks --server 127.0.0.1:2587 --tls --auth-user alice@a.test --auth-password 'one-time'",
            "'imaps://127.0.0.1:2993/INBOX;MAILINDEX=1'",
            "IMAP, 127.0.0.1, port 2993, SSL/TLS",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_later_start_says_no_password() {
        let text = welcome(&Config::default(), &ports(), None);
        assert!(!text.contains("assword"), "{text}");
        assert!(text.contains("  imaps        127.0.0.1:2993\n"), "{text}");
    }
}
