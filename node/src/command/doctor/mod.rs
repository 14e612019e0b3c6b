//! `essaim doctor`: what is well, what is not, and what to do about it. From here; or, with `--from-peers`, as others see it ([`outside`]).

mod agree;
mod judge;
pub(crate) mod outside;

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::outside::AskPeers;
use super::place::Place;
use super::status::{self, StatusView};
use super::view;
use crate::config::{Config, Severity, TlsMode, check};
use crate::failure::{Exit, Failure};
use crate::federation::root_on_disk;
use crate::listen::tls::Tls;
use crate::terminal::Audience;

/// Check the configuration, the ports, the certificate, the disk and the store. Exit code 3 if something is wrong.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Ask other hosters' nodes how this one looks from outside: ports, certificates, mail, DNS.
    #[arg(long)]
    from_peers: bool,

    /// How many of them, at most.
    #[arg(long, value_name = "N", default_value_t = 3, requires = "from_peers", value_parser = clap::value_parser!(u8).range(1..=16))]
    peers: u8,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: String,
    verdict: Verdict,
    /// What was seen, and what to do if it is not well.
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Well,
    Warning,
    Wrong,
}

/// The answer of `doctor --json`.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    checks: Vec<Check>,
}

impl Doctor {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        if self.from_peers {
            return outside::run(place, audience, AskPeers::new(self.peers));
        }
        let config = place.node()?.config;
        let mut checks = configuration(&config);
        checks.push(disk(&config.data_dir));
        checks.extend(certificate(&config));
        checks.extend(root_key(&config.data_dir));
        match status::read(place) {
            Ok(status) => checks.extend(node(&config, &status)),
            Err(failure) => checks.push(Check::wrong("node", failure.to_string())),
        }
        let report = Report { ok: checks.iter().all(|check| check.verdict != Verdict::Wrong), checks };
        audience.show(&report, Report::text);
        Ok(if report.ok { Exit::Done } else { Exit::ChecksFailed })
    }
}

fn configuration(config: &Config) -> Vec<Check> {
    let findings = check(config);
    if findings.is_empty() {
        return vec![Check::well("configuration", "in order")];
    }
    let as_check = |finding: crate::config::Finding| Check {
        name: format!("configuration {}", finding.key),
        verdict: match finding.severity {
            Severity::Warning => Verdict::Warning,
            Severity::Error => Verdict::Wrong,
        },
        message: finding.message,
    };
    findings.into_iter().map(as_check).collect()
}

fn disk(data_dir: &Path) -> Check {
    let stat = match rustix::fs::statvfs(data_dir) {
        Ok(stat) => stat,
        Err(error) => {
            let message = format!(
                "{} cannot be looked at: {error}; make it with essaim init or essaim serve",
                data_dir.display()
            );
            return Check::wrong("disk", message);
        }
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let share = free.saturating_mul(100) / stat.f_blocks.saturating_mul(stat.f_frsize).max(1);
    let message = format!("{} free ({share} %)", view::size(free));
    if free < DISK_MIN {
        Check::wrong(
            "disk",
            format!("{message}: the node stops taking mail soon; make room or move the data directory"),
        )
    } else if share < DISK_SHARE_MIN {
        Check::warning("disk", format!("{message}: think of a larger disk"))
    } else {
        Check::well("disk", message)
    }
}

/// Who has the root key can become the hoster. A machine that only tries things out may keep it.
fn root_key(data_dir: &Path) -> Option<Check> {
    let path = root_on_disk(data_dir)?;
    let message = format!(
        "{} lies on this machine: copy it to a place that is offline and delete it here; the node works without it",
        path.display()
    );
    Some(Check::warning("root key", message))
}

fn certificate(config: &Config) -> Vec<Check> {
    if config.tls.mode == TlsMode::Off {
        return vec![Check::well("certificate", "not used: something in front of the node does TLS")];
    }
    let facts = match Tls::open(config).and_then(|tls| tls.map(|tls| tls.facts()).transpose()) {
        Ok(Some(facts)) => facts,
        Ok(None) => return Vec::new(),
        Err(failure) => return vec![Check::wrong("certificate", failure.to_string())],
    };
    let now = Timestamp::now().as_second();
    let days = facts.days_left(now);
    let mut checks = vec![match days {
        ..0 => Check::wrong("certificate", format!("ended {} days ago: renew it", -days)),
        0..CERTIFICATE_DAYS_MIN => {
            Check::warning("certificate", format!("ends in {days} days: renew it now"))
        }
        _ if facts.not_before > now => {
            Check::wrong("certificate", "is not valid yet: is the clock right?".to_owned())
        }
        _ => Check::well("certificate", format!("valid for {days} more days, issued by {}", facts.issuer)),
    }];
    let host = config.hoster.hostname().as_str();
    if !facts.is_for(host) {
        let names = facts.names.join(", ");
        checks.push(Check::warning(
            "certificate name",
            format!("it is for {names}, not for {host}: members' programs will warn"),
        ));
    }
    checks
}

fn node(config: &Config, status: &StatusView) -> Vec<Check> {
    let Some(health) = &status.health else {
        let message = "it is not running: start it with systemctl start essaim, or essaim serve".to_owned();
        return vec![Check::wrong("node", message)];
    };
    let mut checks =
        vec![Check::well("node", format!("runs since {}", view::readable_time(&health.started)))];
    checks.push(match health.store_ok {
        true => Check::well(
            "store",
            format!("{} commits since the start; essaim store verify checks every byte", health.commits),
        ),
        false => {
            Check::wrong("store", "it has failed: restart the node, then run essaim store verify".to_owned())
        }
    });
    for (name, wanted) in config.listen.by_name() {
        if let Some(wanted) = wanted {
            checks.push(port(name, wanted, status.ports.get(name).copied()));
        }
    }
    checks
}

/// A listener is well if it takes a connection from this machine.
fn port(name: &str, wanted: SocketAddr, at: Option<SocketAddr>) -> Check {
    let subject = format!("port {name}");
    let Some(at) = at else {
        return Check::warning(
            &subject,
            format!("{wanted} is configured but not started: restart the node, or see tls.mode"),
        );
    };
    let mut reach = at;
    if at.ip().is_unspecified() {
        reach.set_ip(if at.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    match TcpStream::connect_timeout(&reach, CONNECT_TIMEOUT) {
        Ok(_) => Check::well(&subject, format!("{at} answers on this machine")),
        Err(error) => {
            Check::wrong(&subject, format!("{at} does not answer ({error}): look at the node's log"))
        }
    }
}

impl Check {
    fn well(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Well, message: message.into() }
    }

    fn warning(name: &str, message: String) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Warning, message }
    }

    fn wrong(name: &str, message: String) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Wrong, message }
    }
}

impl Verdict {
    fn mark(self) -> &'static str {
        match self {
            Self::Well => "well    ",
            Self::Warning => "warning ",
            Self::Wrong => "WRONG   ",
        }
    }
}

impl Report {
    fn text(&self) -> String {
        let line = |check: &Check| format!("{} {}: {}\n", check.verdict.mark(), check.name, check.message);
        let end = if self.ok { "Nothing is wrong.\n" } else { "Something is wrong: see above.\n" };
        self.checks.iter().map(line).chain([end.to_owned()]).collect()
    }
}

/// The store refuses more before the disk is quite full.
const DISK_MIN: u64 = 256 << 20;
const DISK_SHARE_MIN: u64 = 10;
const CERTIFICATE_DAYS_MIN: i64 = 14;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_is_judged_by_its_days_and_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        let checks = certificate(&config);
        assert_eq!(checks.iter().map(|check| check.verdict).collect::<Vec<_>>(), [Verdict::Well]);
        // The same files for another host.
        config.tls.mode = TlsMode::Files;
        config.tls.cert = Some(dir.path().join("tls/self-signed.crt.pem"));
        config.tls.key = Some(dir.path().join("tls/self-signed.key.pem"));
        config.hoster.domain = "other.test".parse().unwrap();
        let verdicts: Vec<_> = certificate(&config).iter().map(|check| check.verdict).collect();
        assert_eq!(verdicts, [Verdict::Well, Verdict::Warning]);
    }

    #[test]
    fn a_port_that_does_not_answer_is_wrong() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        assert_eq!(port("imap", at, Some(at)).verdict, Verdict::Well);
        drop(listener);
        assert_eq!(port("imap", at, Some(at)).verdict, Verdict::Wrong);
        assert_eq!(port("imap", at, None).verdict, Verdict::Warning);
    }
}
