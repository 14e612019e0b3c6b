//! `essaim dns`: the records that make the world find this node.

use clap::Args;
use essaim_identity::domain::TxtRecord;
use serde::Serialize;

use super::place::{Fallback, Place};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::federation::{domain_record, is_local};
use crate::terminal::Audience;

/// Print the DNS records that the domain needs, as lines of a zone file.
#[derive(Debug, Args)]
pub(super) struct Dns {}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Record {
    /// Absolute, with its dot at the end.
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) value: String,
    /// What it is for.
    pub(super) purpose: String,
}

impl Dns {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let loaded = place.load(Fallback::Machine)?;
        audience.show(&records(&loaded.config), |records| zone(records));
        Ok(Exit::Done)
    }
}

/// The records as lines of a zone file, each under what it is for.
pub(super) fn zone(records: &[Record]) -> String {
    let mut purpose = "";
    let mut text = String::new();
    for record in records {
        if record.purpose != purpose {
            purpose = &record.purpose;
            text.push_str(&format!("; {purpose}\n"));
        }
        text.push_str(&format!("{}\tIN\t{}\t{}\n", record.name, record.kind, record.value));
    }
    text
}

/// What this configuration offers, and nothing that it does not.
pub(super) fn records(config: &Config) -> Vec<Record> {
    let mut records = vec![host(config, "A", "<IPv4 address>"), host(config, "AAAA", "<IPv6 address>")];
    for domain in config.hoster.all_domains() {
        if config.listen.smtp.is_some() {
            records.push(mx(config, domain.as_str()));
            records.extend(policy(config, domain.as_str()));
        }
        records.extend(services(config, domain.as_str()));
    }
    records.extend(hoster(config));
    records
}

/// Without it no other hoster believes that the listing is the domain's. Absent before the node has keys.
fn hoster(config: &Config) -> Option<Record> {
    let domain = &config.hoster.domain;
    let txt = domain_record(config).filter(|_| !is_local(domain))?;
    Some(Record {
        name: format!("{}.", TxtRecord::name(domain)),
        kind: "TXT",
        value: format!("\"{txt}\""),
        purpose: "which hoster of the federation the domain belongs to".to_owned(),
    })
}

fn host(config: &Config, kind: &'static str, value: &str) -> Record {
    Record {
        name: format!("{}.", config.hoster.hostname()),
        kind,
        value: value.to_owned(),
        purpose: "where the node is; its addresses must point back to this name (PTR)".to_owned(),
    }
}

fn mx(config: &Config, domain: &str) -> Record {
    let port = config.listen.smtp.map_or(SMTP_PORT, |at| at.port());
    let purpose = match port {
        SMTP_PORT => "where mail for the domain goes".to_owned(),
        port => format!(
            "where mail for the domain goes: other servers connect to port 25, so forward it to port {port}"
        ),
    };
    Record {
        name: format!("{domain}."),
        kind: "MX",
        value: format!("10 {}.", config.hoster.hostname()),
        purpose,
    }
}

fn policy(config: &Config, domain: &str) -> [Record; 2] {
    let spf = match &config.mail.relay {
        None => "\"v=spf1 mx -all\"".to_owned(),
        // The smart host's own addresses are its operator's to tell.
        Some(relay) => format!("\"v=spf1 mx include:<what {} asks for> -all\"", relay.host),
    };
    [
        Record {
            name: format!("{domain}."),
            kind: "TXT",
            value: spf,
            purpose: "who may send mail of the domain (SPF, RFC 7208)".to_owned(),
        },
        Record {
            name: format!("_dmarc.{domain}."),
            kind: "TXT",
            value: format!("\"v=DMARC1; p=none; rua=mailto:postmaster@{domain}\""),
            purpose: "where others report what they saw (DMARC, RFC 9989)".to_owned(),
        },
    ]
}

/// RFC 6186 and RFC 8314 section 5.1: how mail programs find the node by the address alone.
fn services(config: &Config, domain: &str) -> impl Iterator<Item = Record> {
    let listen = &config.listen;
    let offered = [
        ("_submissions", listen.submissions),
        ("_submission", listen.submission),
        ("_imaps", listen.imaps),
        ("_imap", listen.imap),
    ];
    offered.into_iter().filter_map(move |(service, at)| {
        let preference = if service.ends_with('s') { 0 } else { 10 };
        Some(Record {
            name: format!("{service}._tcp.{domain}."),
            kind: "SRV",
            value: format!("{preference} 1 {} {}.", at?.port(), config.hoster.hostname()),
            purpose: "how mail programs find their settings (RFC 6186)".to_owned(),
        })
    })
}

const SMTP_PORT: u16 = 25;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_production_node_gets_its_zone() {
        let config = config(
            "[hoster]\ndomain = \"coop.example\"\nhostname = \"mail.coop.example\"\n\
             [listen]\nsmtp = \"[::]:25\"\nsubmissions = \"[::]:465\"\nimaps = \"[::]:993\"\n",
        );
        let zone = zone(&records(&config));
        for line in [
            "mail.coop.example.\tIN\tA\t<IPv4 address>\n",
            "coop.example.\tIN\tMX\t10 mail.coop.example.\n",
            "coop.example.\tIN\tTXT\t\"v=spf1 mx -all\"\n",
            "_submissions._tcp.coop.example.\tIN\tSRV\t0 1 465 mail.coop.example.\n",
            "_imaps._tcp.coop.example.\tIN\tSRV\t0 1 993 mail.coop.example.\n",
        ] {
            assert!(zone.contains(line), "{line} is not in\n{zone}");
        }
        assert!(!zone.contains("_imap._tcp"), "{zone}");
    }

    #[test]
    fn what_is_not_offered_is_not_announced() {
        let config = config("[hoster]\ndomain = \"a.test\"\n[listen]\nimaps = \"[::]:993\"\n");
        assert!(records(&config).iter().all(|record| !matches!(record.kind, "MX" | "TXT")));
    }
}
