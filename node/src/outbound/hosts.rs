//! Which hosts take mail for a domain: RFC 5321 section 5.1, RFC 7505.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use essaim_mail::queue::Diagnosis;
use essaim_smtp::EnhancedStatus;
use essaim_types::Domain;

use super::dns::{Dns, DnsError, Mx};

/// A host to try, at one of its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) host: String,
    pub(super) ip: IpAddr,
}

/// There is nobody to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Nobody {
    /// Not now: the DNS did not answer, or nobody could be reached.
    Now(Diagnosis),
    /// The DNS says that there never will be.
    Ever(Diagnosis),
}

/// Whom to try for a domain, the best first.
pub(super) async fn find(
    domain: &Domain,
    ourselves: &Domain,
    dns: &impl Dns,
) -> Result<Vec<Candidate>, Nobody> {
    if let Some(ip) = literal(domain) {
        let reachable = is_elsewhere(ip).then(|| vec![Candidate { host: ip.to_string(), ip }]);
        return reachable.ok_or_else(|| ever(LOOP, format!("{domain} is no address on the internet")));
    }
    let (mut candidates, mut problem) = (Vec::new(), None);
    for host in exchangers(domain, ourselves, dns).await? {
        match addresses(&host, dns).await {
            Ok(found) => candidates.extend(found.into_iter().map(|ip| Candidate { host: host.clone(), ip })),
            // A host that may come back gives more hope than one that does not exist.
            Err(nobody) if matches!(problem, Some(Nobody::Now(_))) => drop(nobody),
            Err(nobody) => problem = Some(nobody),
        }
    }
    candidates.truncate(CANDIDATES_MAX);
    match problem {
        Some(nobody) if candidates.is_empty() => Err(nobody),
        _ => Ok(candidates),
    }
}

async fn exchangers(domain: &Domain, ourselves: &Domain, dns: &impl Dns) -> Result<Vec<String>, Nobody> {
    match dns.mx(domain).await {
        Ok(records) => {
            let chance = RandomState::new();
            choose(records, domain, ourselves, |host| chance.hash_one(host))
        }
        // A domain without MX is its own.
        Err(DnsError::NoRecord) => Ok(vec![domain.as_str().to_owned()]),
        Err(DnsError::UnknownName) => {
            Err(ever(NO_SUCH_DOMAIN, format!("the domain {domain} does not exist")))
        }
        Err(error @ DnsError::Silent(_)) => Err(now(NO_DNS, format!("{domain}: {error}"))),
    }
}

/// Sorts by preference, and by chance what is equal; leaves out ourselves and what comes after.
fn choose(
    mut records: Vec<Mx>,
    domain: &Domain,
    ourselves: &Domain,
    chance: impl Fn(&str) -> u64,
) -> Result<Vec<String>, Nobody> {
    // RFC 7505 section 3: a null MX stands alone; beside others it means nothing.
    records.retain(|mx| !mx.host.is_empty());
    if records.is_empty() {
        return Err(ever(NULL_MX, format!("the domain {domain} takes no mail")));
    }
    // RFC 5321 section 5.1: a host that is an MX itself only sends to those that come before it.
    if let Some(own) = records.iter().filter(|mx| mx.host == ourselves.as_str()).map(|mx| mx.preference).min()
    {
        records.retain(|mx| mx.preference < own);
    }
    if records.is_empty() {
        return Err(ever(
            LOOP,
            format!("mail for {domain} leads back to this host, which does not know the domain"),
        ));
    }
    records.sort_by_cached_key(|mx| (mx.preference, chance(&mx.host)));
    let mut hosts: Vec<String> = Vec::new();
    for Mx { host, .. } in records {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts.truncate(HOSTS_MAX);
    Ok(hosts)
}

/// The addresses of an MX to try, IPv6 and IPv4 by turns.
async fn addresses(host: &str, dns: &impl Dns) -> Result<Vec<IpAddr>, Nobody> {
    let found = match dns.addresses(host).await {
        Ok(found) => found,
        Err(error @ (DnsError::UnknownName | DnsError::NoRecord)) => {
            return Err(ever(NO_SUCH_DOMAIN, format!("{host}: {error}")));
        }
        Err(error @ DnsError::Silent(_)) => return Err(now(NO_DNS, format!("{host}: {error}"))),
    };
    let elsewhere = found.into_iter().filter(|ip| is_elsewhere(*ip));
    let (six, four): (Vec<IpAddr>, Vec<IpAddr>) = elsewhere.partition(IpAddr::is_ipv6);
    let mut by_turns = Vec::new();
    for at in 0..six.len().max(four.len()) {
        by_turns.extend(six.get(at).into_iter().chain(four.get(at)));
    }
    by_turns.truncate(ADDRESSES_MAX);
    if by_turns.is_empty() {
        return Err(ever(LOOP, format!("{host} has no address on the internet")));
    }
    Ok(by_turns)
}

/// RFC 5321 section 4.1.3.
fn literal(domain: &Domain) -> Option<IpAddr> {
    let inside = domain.as_str().strip_prefix('[')?.strip_suffix(']')?;
    inside.strip_prefix("IPv6:").unwrap_or(inside).parse().ok()
}

/// A stranger's DNS does not send us to this machine itself, nor to what is no host.
fn is_elsewhere(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let is_no_host = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast() || v4.octets()[0] == 0);
    !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || is_no_host)
}

fn now(status: EnhancedStatus, text: String) -> Nobody {
    Nobody::Now(Diagnosis::local(status, text))
}

fn ever(status: EnhancedStatus, text: String) -> Nobody {
    Nobody::Ever(Diagnosis::local(status, text))
}

const fn status(class: u8, subject: u16, detail: u16) -> EnhancedStatus {
    EnhancedStatus::new(class, subject, detail).expect("small numbers are a status")
}

const NO_SUCH_DOMAIN: EnhancedStatus = status(5, 1, 2);
/// RFC 7505 section 4.2.
const NULL_MX: EnhancedStatus = status(5, 1, 10);
const LOOP: EnhancedStatus = status(5, 4, 6);
const NO_DNS: EnhancedStatus = status(4, 4, 3);
/// RFC 5321 section 5.1: at least two are tried, if there are.
const HOSTS_MAX: usize = 5;
const ADDRESSES_MAX: usize = 4;
const CANDIDATES_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn mx(preference: u16, host: &str) -> Mx {
        Mx { preference, host: host.to_owned() }
    }

    fn domain(text: &str) -> Domain {
        Domain::new(text).unwrap()
    }

    fn status_of(nobody: Nobody) -> String {
        match nobody {
            Nobody::Now(why) | Nobody::Ever(why) => why.status.to_string(),
        }
    }

    fn chosen(records: Vec<Mx>, seed: u64) -> Result<Vec<String>, String> {
        let chance = |host: &str| u64::from(host.as_bytes()[0]).wrapping_mul(seed) % 17;
        choose(records, &domain("b.test"), &domain("mx.a.test"), chance).map_err(status_of)
    }

    #[test]
    fn rfc5321_5_1_by_preference_and_by_chance_among_equals() {
        let records = || vec![mx(20, "c"), mx(10, "a"), mx(10, "b"), mx(10, "a")];
        let orders: BTreeSet<_> = (0..50).map(|seed| chosen(records(), seed).unwrap()).collect();
        let expected = [["a", "b", "c"], ["b", "a", "c"]].map(|order| order.map(String::from).to_vec());
        assert_eq!(orders.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn rfc5321_5_1_ourselves_and_what_comes_after_is_left_out() {
        let records = vec![mx(10, "a"), mx(20, "mx.a.test"), mx(20, "b"), mx(30, "c")];
        assert_eq!(chosen(records, 1).unwrap(), ["a"]);
        assert_eq!(chosen(vec![mx(10, "mx.a.test"), mx(20, "b")], 1), Err("5.4.6".to_owned()));
    }

    #[test]
    fn rfc7505_a_null_mx_is_final() {
        assert_eq!(chosen(vec![mx(0, "")], 1), Err("5.1.10".to_owned()));
        assert_eq!(chosen(vec![mx(0, ""), mx(10, "a")], 1).unwrap(), ["a"]);
    }

    #[test]
    fn a_strangers_dns_does_not_lead_to_ourselves() {
        let us = [
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "::ffff:127.0.0.1",
            "224.0.0.1",
            "255.255.255.255",
        ];
        assert!(us.iter().all(|ip| !is_elsewhere(ip.parse().unwrap())));
        assert!(["192.0.2.1", "2001:db8::1"].iter().all(|ip| is_elsewhere(ip.parse().unwrap())));
    }

    /// Answers from a table; what is not in it does not exist.
    #[derive(Default)]
    struct Zone {
        mx: BTreeMap<&'static str, Result<Vec<Mx>, DnsError>>,
        addresses: BTreeMap<&'static str, Result<Vec<IpAddr>, DnsError>>,
    }

    impl Dns for Zone {
        async fn mx(&self, domain: &Domain) -> Result<Vec<Mx>, DnsError> {
            self.mx.get(domain.as_str()).cloned().unwrap_or(Err(DnsError::UnknownName))
        }

        async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsError> {
            self.addresses.get(host).cloned().unwrap_or(Err(DnsError::UnknownName))
        }
    }

    async fn found(zone: &Zone, text: &str) -> Result<Vec<String>, (&'static str, String)> {
        let found = find(&domain(text), &domain("mx.a.test"), zone).await;
        let shown = |candidate: Candidate| format!("{} {}", candidate.host, candidate.ip);
        found.map(|list| list.into_iter().map(shown).collect()).map_err(|nobody| match nobody {
            Nobody::Now(why) => ("now", why.status.to_string()),
            Nobody::Ever(why) => ("ever", why.status.to_string()),
        })
    }

    #[tokio::test]
    async fn rfc5321_5_1_mx_or_the_domain_itself() {
        let ips = |list: &[&str]| Ok(list.iter().map(|ip| ip.parse().unwrap()).collect());
        let unknown = || DnsError::Silent("timeout".to_owned());
        let zone = Zone {
            mx: [
                ("two.test", Ok(vec![mx(20, "second"), mx(10, "first")])),
                ("plain.test", Err(DnsError::NoRecord)),
                ("away.test", Err(unknown())),
                ("half.test", Ok(vec![mx(1, "nowhere"), mx(2, "later")])),
                ("gone.test", Ok(vec![mx(1, "nowhere")])),
                ("us.test", Ok(vec![mx(1, "loopback")])),
            ]
            .into(),
            addresses: [
                ("first", ips(&["192.0.2.1", "192.0.2.2", "2001:db8::1"])),
                ("second", ips(&["192.0.2.9"])),
                ("plain.test", ips(&["192.0.2.3"])),
                ("later", Err(unknown())),
                ("loopback", ips(&["127.0.0.1"])),
            ]
            .into(),
        };
        let expected = ["first 2001:db8::1", "first 192.0.2.1", "first 192.0.2.2", "second 192.0.2.9"];
        assert_eq!(found(&zone, "two.test").await.unwrap(), expected);
        assert_eq!(found(&zone, "plain.test").await.unwrap(), ["plain.test 192.0.2.3"]);
        assert_eq!(found(&zone, "[192.0.2.7]").await.unwrap(), ["192.0.2.7 192.0.2.7"]);
        for (domain, kind, status) in [
            ("absent.test", "ever", "5.1.2"),
            ("away.test", "now", "4.4.3"),
            ("half.test", "now", "4.4.3"),
            ("gone.test", "ever", "5.1.2"),
            ("us.test", "ever", "5.4.6"),
            ("[127.0.0.1]", "ever", "5.4.6"),
        ] {
            assert_eq!(found(&zone, domain).await, Err((kind, status.to_owned())), "{domain}");
        }
    }
}
