//! What is likely wrong in a configuration that can be read: `essaim config check`, and the first step of `serve`.

use std::net::SocketAddr;
use std::path::Path;

use essaim_types::ByteSize;
use serde::{Deserialize, Serialize};

use super::{Config, LOCAL_DOMAIN, TlsMode};

/// One remark about a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) key: String,
    /// What is wrong, why, what to do.
    pub(crate) message: String,
}

/// Whether a node can run with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// It runs, but probably not as meant.
    Warning,
    /// `serve` refuses.
    Error,
}

/// Every remark, errors first.
pub(crate) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    tls(config, &mut findings);
    listeners(config, &mut findings);
    relay(config, &mut findings);
    limits(config, &mut findings);
    local_domain(config, &mut findings);
    ascii_domains(config, &mut findings);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn tls(config: &Config, findings: &mut Vec<Finding>) {
    match config.tls.mode {
        TlsMode::Files => {
            for (key, path) in [("tls.cert", &config.tls.cert), ("tls.key", &config.tls.key)] {
                match path {
                    None => findings.push(error(key, format!("tls.mode is \"files\" but {key} is not set; name the PEM file"))),
                    Some(path) => readable(key, path, findings),
                }
            }
        }
        TlsMode::SelfSigned | TlsMode::Off if config.tls.cert.is_some() || config.tls.key.is_some() => findings.push(
            error("tls.mode", "tls.cert or tls.key is set but tls.mode does not use it; set tls.mode = \"files\"".to_owned()),
        ),
        TlsMode::SelfSigned if serves_outside(config) => findings.push(warning(
            "tls.mode",
            "the certificate is self-signed and the node listens beyond this machine: members' programs will warn; \
             use tls.mode = \"files\" with a certificate for the host name"
                .to_owned(),
        )),
        TlsMode::Off if serves_outside(config) => findings.push(warning(
            "tls.mode",
            "nothing is encrypted and the node listens beyond this machine: make sure that what stands in front of it \
             does TLS"
                .to_owned(),
        )),
        TlsMode::SelfSigned | TlsMode::Off => {}
    }
}

fn listeners(config: &Config, findings: &mut Vec<Finding>) {
    let all: Vec<(&str, SocketAddr)> =
        config.listen.by_name().into_iter().filter_map(|(name, at)| at.map(|at| (name, at))).collect();
    if all.is_empty() {
        findings.push(error(
            "listen",
            "nothing is listened on; give [listen] at least smtp and imaps".to_owned(),
        ));
    }
    for (at, (name, address)) in all.iter().enumerate() {
        let same = all.iter().take(at).find(|(_, other)| other == address && address.port() != 0);
        if let Some((other, _)) = same {
            let message =
                format!("listen.{name} and listen.{other} are both {address}; give each its own port");
            findings.push(error(&format!("listen.{name}"), message));
        }
    }
}

fn relay(config: &Config, findings: &mut Vec<Finding>) {
    let mail = &config.mail;
    if mail.relay.is_none() && (mail.relay_user.is_some() || mail.relay_password_file.is_some()) {
        let message =
            "a user or password for a smart host is set but no smart host; set mail.relay".to_owned();
        findings.push(error("mail.relay", message));
    }
    if mail.relay_user.is_some() != mail.relay_password_file.is_some() {
        let message = "mail.relay_user and mail.relay_password_file go together; set both or none".to_owned();
        findings.push(error("mail.relay_user", message));
    }
    if let Some(path) = &mail.relay_password_file {
        readable("mail.relay_password_file", path, findings);
    }
}

fn limits(config: &Config, findings: &mut Vec<Finding>) {
    let limits = &config.limits;
    for (key, value) in [
        ("limits.connections_per_listener", limits.connections_per_listener),
        ("limits.connections_per_network", limits.connections_per_network),
        ("limits.recipients_per_message", limits.recipients_per_message),
    ] {
        if value == 0 {
            findings.push(error(
                key,
                format!("{key} is 0: nothing would work; the default is in essaim config describe"),
            ));
        }
    }
    if let Err(cause) = config.accounts.check() {
        findings.push(error("accounts", cause.to_string()));
    }
    if config.mail.max_message_size < MESSAGE_SIZE_MIN {
        // RFC 5321 section 4.5.3.1.7: 64K octets at least.
        let message = format!("a mail server takes messages of at least {MESSAGE_SIZE_MIN}");
        findings.push(error("mail.max_message_size", message));
    }
}

fn local_domain(config: &Config, findings: &mut Vec<Finding>) {
    if config.hoster.domain.as_str() == LOCAL_DOMAIN && is_public(config) {
        findings.push(warning(
            "hoster.domain",
            format!("{LOCAL_DOMAIN} exists on this machine only; set hoster.domain before you let others in"),
        ));
    }
}

/// Other servers name a domain in their envelopes as the DNS has it, and headers that a node writes are ASCII.
fn ascii_domains(config: &Config, findings: &mut Vec<Finding>) {
    let hoster = &config.hoster;
    let all = [("hoster.domain", Some(&hoster.domain)), ("hoster.hostname", hoster.hostname.as_ref())];
    let further = hoster.domains.iter().map(|domain| ("hoster.domains", Some(domain)));
    for (key, domain) in all.into_iter().chain(further) {
        if let Some(domain) = domain.filter(|domain| !domain.as_str().is_ascii()) {
            let message = format!(
                "{domain} has letters beyond ASCII and other servers would not find it here: write it as the DNS has it (xn--...)"
            );
            findings.push(warning(key, message));
        }
    }
}

fn is_public(config: &Config) -> bool {
    config.listen.by_name().into_iter().filter_map(|(_, at)| at).any(|at| !at.ip().is_loopback())
}

/// Members and other mail servers come in from beyond this machine. Nodes prove themselves by their keys, not by the certificate.
fn serves_outside(config: &Config) -> bool {
    let listen = config.listen.by_name().into_iter().filter(|(name, _)| *name != "peer");
    listen.filter_map(|(_, at)| at).any(|at| !at.ip().is_loopback())
}

fn readable(key: &str, path: &Path, findings: &mut Vec<Finding>) {
    if let Err(cause) = std::fs::File::open(path) {
        let message =
            format!("{} cannot be read: {cause}; correct {key} or the file's owner", path.display());
        findings.push(error(key, message));
    }
}

fn error(key: &str, message: String) -> Finding {
    Finding { severity: Severity::Error, key: key.to_owned(), message }
}

fn warning(key: &str, message: String) -> Finding {
    Finding { severity: Severity::Warning, key: key.to_owned(), message }
}

const MESSAGE_SIZE_MIN: ByteSize = ByteSize::kib(64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ListenConfig;

    fn keys(config: &Config, severity: Severity) -> Vec<String> {
        check(config)
            .into_iter()
            .filter(|finding| finding.severity == severity)
            .map(|finding| finding.key)
            .collect()
    }

    #[test]
    fn the_default_is_in_order() {
        assert_eq!(check(&Config::default()), []);
    }

    #[test]
    fn what_cannot_work_is_an_error() {
        let mut config = Config::default();
        config.tls.mode = TlsMode::Files;
        config.tls.key = Some("/nowhere/key.pem".into());
        config.listen.imap = config.listen.smtp;
        config.mail.relay_user = Some("coop".to_owned());
        config.limits.recipients_per_message = 0;
        let expected = [
            "tls.cert",
            "tls.key",
            "listen.imap",
            "mail.relay",
            "mail.relay_user",
            "limits.recipients_per_message",
        ];
        assert_eq!(keys(&config, Severity::Error), expected);
        config = Config { listen: ListenConfig::default(), ..Config::default() };
        assert_eq!(keys(&config, Severity::Error), ["listen"]);
    }

    #[test]
    fn a_domain_that_the_dns_does_not_know_so_is_a_warning() {
        let mut config = Config::default();
        config.hoster.domain = "b\u{fc}cher.test".parse().unwrap();
        config.hoster.domains = vec!["xn--bcher-kva.test".parse().unwrap()];
        config.hoster.hostname = Some("mx.b\u{fc}cher.test".parse().unwrap());
        assert_eq!(keys(&config, Severity::Warning), ["hoster.domain", "hoster.hostname"]);
    }

    #[test]
    fn a_local_configuration_in_public_is_a_warning() {
        let mut config = Config::default();
        config.listen.smtp = Some("0.0.0.0:25".parse().unwrap());
        assert_eq!(keys(&config, Severity::Warning), ["tls.mode", "hoster.domain"]);
        config.listen = ListenConfig { peer: Some("[::]:4001".parse().unwrap()), ..ListenConfig::local() };
        assert_eq!(keys(&config, Severity::Warning), ["hoster.domain"], "nodes need no certificate");
        assert_eq!(keys(&config, Severity::Error), <[&str; 0]>::default());
    }
}
