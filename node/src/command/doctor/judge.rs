//! What one observation says about a node: which checks, how they went, what to do. Pure.

use std::net::IpAddr;

use essaim_directory::observation::{Host, Observation, Reach, Service, Sight, Tls, TlsVerdict};
use essaim_types::Timestamp;

use super::{CERTIFICATE_DAYS_MIN, Verdict};
use crate::outside::Place;

/// How one thing looks to one observer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Which check, in a word that scripts can rely on: `port.smtp`.
    pub(super) id: String,
    /// Of what: an address, a host; empty for the whole node.
    pub(super) about: String,
    pub(super) verdict: Verdict,
    pub(super) message: String,
    /// Empty if there is nothing to do.
    pub(super) todo: String,
}

/// All findings of one observer, in the order in which one repairs: names, addresses, ports, certificates, mail, the clock.
pub(super) fn judge(seen: &Observation, place: Place, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    // On one machine there is no DNS.
    if place == Place::Internet {
        findings.extend(names(seen));
        seen.hosts.iter().for_each(|host| findings.extend(addresses(seen, host)));
    }
    let unseen = seen.asked.iter().filter(|door| seen.of(door.service).next().is_none());
    findings.extend(unseen.map(|door| not_looked_at(door.service)));
    for sight in &seen.sights {
        findings.extend(port(sight));
        let host = seen.host(sight).map_or("", |host| host.name.as_str());
        findings.extend(sight.tls.as_ref().map(|tls| certificate(sight, host, tls, place, now)));
        findings.extend(sight.postmaster.map(|code| postmaster(seen, sight, code)));
    }
    findings.extend(seen.clock_ahead.map(clock));
    findings
}

fn names(seen: &Observation) -> Vec<Finding> {
    let (domain, mail) = (seen.domain.as_str(), &seen.mail);
    if !seen.asked.iter().any(|door| door.service == Service::Smtp) {
        return Vec::new();
    }
    if mail.silent {
        let message = "the DNS did not answer all questions".to_owned();
        return vec![Finding::warning(
            "dns",
            domain,
            message,
            "try again; if it stays so, ask whoever runs the name servers",
        )];
    }
    let mx = match mail.mx.as_slice() {
        [] => Finding::warning("dns.mx", domain, "there is no MX record".to_owned(), "essaim dns prints it"),
        [(_, host)] if host.as_str() == "." => Finding::wrong(
            "dns.mx",
            domain,
            "the MX record says that the domain takes no mail".to_owned(),
            "essaim dns prints the right one",
        ),
        records => {
            let hosts: Vec<&str> = records.iter().map(|(_, host)| host.as_str()).collect();
            Finding::well("dns.mx", domain, format!("mail goes to {}", hosts.join(", ")))
        }
    };
    let policy = |id: &str, name: &str, found: usize| match found {
        0 => Finding::warning(
            id,
            domain,
            format!("there is no {name} record"),
            "essaim dns prints it; without it others refuse mail from here",
        ),
        1 => Finding::well(id, domain, format!("there is one {name} record")),
        _ => Finding::wrong(
            id,
            domain,
            format!("there are several {name} records: none of them counts"),
            "keep one",
        ),
    };
    vec![mx, policy("dns.spf", "SPF", mail.spf.len()), policy("dns.dmarc", "DMARC", mail.dmarc.len())]
}

fn addresses(seen: &Observation, host: &Host) -> Vec<Finding> {
    let name = host.name.as_str();
    if host.addresses.is_empty() {
        return match host.silent {
            true => {
                vec![Finding::warning("dns.address", name, "the DNS did not answer".to_owned(), "try again")]
            }
            false => vec![Finding::wrong(
                "dns.address",
                name,
                "it has no address".to_owned(),
                "essaim dns prints the A and AAAA records",
            )],
        };
    }
    if !host.addresses.iter().any(|address| address.looked_at) {
        let message = "none of its addresses is on the internet".to_owned();
        return vec![Finding::wrong(
            "dns.address",
            name,
            message,
            "put the public address into the DNS, not the one inside of your network",
        )];
    }
    let listed: Vec<String> = host.addresses.iter().map(|address| address.ip.to_string()).collect();
    let mut findings = vec![Finding::well("dns.address", name, listed.join(", "))];
    let is_exchanger = seen.of(Service::Smtp).any(|sight| seen.host(sight) == Some(host));
    for address in host.addresses.iter().filter(|address| address.looked_at && is_exchanger) {
        let about = address.ip.to_string();
        let todo = "ask whoever gives you the address for a PTR record with the name of the host; without it others refuse mail from here";
        findings.push(match &address.reverse {
            None => Finding::warning("dns.reverse", &about, "it has no name (PTR)".to_owned(), todo),
            Some(name) if !address.confirmed => Finding::warning(
                "dns.reverse",
                &about,
                format!("its name is {name}, which has another address"),
                todo,
            ),
            Some(name) => Finding::well("dns.reverse", &about, format!("its name is {name}")),
        });
    }
    findings
}

/// What nobody could look at is not well.
fn not_looked_at(service: Service) -> Finding {
    Finding::wrong(
        &format!("port.{}", service.word()),
        "",
        "could not be looked at: no address leads there".to_owned(),
        "the MX records, and hoster.hostname (the domain, a name below it, or one of its MX hosts), must lead to a public address",
    )
}

fn port(sight: &Sight) -> Option<Finding> {
    let (service, number) = (sight.door.service, sight.door.port);
    let (id, about) = (format!("port.{}", service.word()), address(sight.ip));
    let kind = if service == Service::PeerQuic { "UDP" } else { "TCP" };
    let said = sight.said.as_ref().map(|said| format!(" (it said: {said})")).unwrap_or_default();
    Some(match sight.reach {
        Reach::Answers => Finding::well(&id, &about, format!("port {number} answers")),
        Reach::Strange => Finding::wrong(
            &id,
            &about,
            format!("port {number} is open, but does not speak {}{said}", service.word()),
            "another program may have the port, or something in front of the node answers in its place",
        ),
        Reach::Closed => Finding::wrong(
            &id,
            &about,
            format!("port {number} is closed"),
            &format!(
                "is the listener started ([listen] in essaim.toml), and the router told to pass {kind} port {number} on to this machine?"
            ),
        ),
        Reach::Silent => Finding::wrong(
            &id,
            &about,
            format!("nobody answers at port {number}"),
            &format!(
                "let {kind} port {number} in, at the firewall and the router, for {}; some providers open port 25 only when asked",
                family(sight.ip)
            ),
        ),
        // The observer has no such network: it says nothing about ours.
        Reach::NoRoute => return None,
    })
}

fn certificate(sight: &Sight, host: &str, tls: &Tls, place: Place, now: Timestamp) -> Finding {
    let service = sight.door.service;
    let id = format!("tls.{}", service.word());
    let issuer = tls.issuer.as_ref().map(|issuer| format!(" (issued by {issuer})")).unwrap_or_default();
    let days = tls.ends.map(|ends| (ends - now.seconds()).div_euclid(86_400));
    // Other servers encrypt with whatever there is; members' programs refuse.
    let severe = if service == Service::Smtp { Verdict::Warning } else { Verdict::Wrong };
    let (verdict, message, todo) = match (tls.verdict, days) {
        (TlsVerdict::Trusted, Some(days)) if days < CERTIFICATE_DAYS_MIN => {
            (Verdict::Warning, format!("the certificate ends in {days} days"), "renew it now")
        }
        (TlsVerdict::Trusted, _) => (Verdict::Well, "the certificate is good".to_owned(), ""),
        (TlsVerdict::UnknownIssuer, _) if place == Place::ThisMachine => (
            Verdict::Warning,
            format!("no public authority issued the certificate{issuer}"),
            "good enough to try things out on one machine",
        ),
        (TlsVerdict::UnknownIssuer, _) => (
            severe,
            format!("no public authority issued the certificate, or its chain is not whole{issuer}"),
            "get one from a public authority, and name the file with the whole chain in tls.cert",
        ),
        (TlsVerdict::OutOfDate, _) => (
            Verdict::Wrong,
            "the certificate has ended, or has not begun".to_owned(),
            "renew it, and look at the clock",
        ),
        (TlsVerdict::OtherName, _) => (
            severe,
            format!("the certificate is not for {host}"),
            "get one for the host's name: hoster.hostname, and what the MX records name",
        ),
        (TlsVerdict::Unusable, _) => {
            (Verdict::Wrong, format!("the certificate cannot be used{issuer}"), "get another one")
        }
        (TlsVerdict::Absent, _) => (
            Verdict::Wrong,
            "no encryption is offered".to_owned(),
            "set tls.mode in essaim.toml; on the way nobody may remove STARTTLS, as some providers do",
        ),
        (TlsVerdict::Failed, _) => (
            Verdict::Wrong,
            "encryption cannot be begun".to_owned(),
            "look at the node's log; something in front of the node may break it",
        ),
    };
    Finding { id, about: format!("{host}, {}", address(sight.ip)), verdict, message, todo: todo.to_owned() }
}

/// RFC 5321 section 4.5.1.
fn postmaster(seen: &Observation, sight: &Sight, code: u16) -> Finding {
    let (id, about) = ("smtp.postmaster", address(sight.ip));
    let said = sight.said.as_ref().map_or_else(|| code.to_string(), ToString::to_string);
    match code {
        200..300 => Finding::well(id, &about, format!("takes mail for postmaster@{}", seen.domain)),
        400..500 => Finding::warning(
            id,
            &about,
            format!("does not take mail now: {said}"),
            "if it stays so, look at the node's log and disk",
        ),
        _ => Finding::wrong(
            id,
            &about,
            format!("refuses mail for postmaster@{}: {said}", seen.domain),
            "every domain must have a postmaster: essaim account address add ACCOUNT postmaster@DOMAIN",
        ),
    }
}

fn clock(ahead: i64) -> Finding {
    let seconds = ahead.unsigned_abs() / 1000;
    let word = if ahead > 0 { "ahead" } else { "behind" };
    let todo = "set the machine's clock by the network (NTP)";
    match seconds {
        0..=CLOCK_OFF_WARN_S => Finding::well("clock", "", "the clock is right".to_owned()),
        _ if seconds <= CLOCK_OFF_WRONG_S => {
            Finding::warning("clock", "", format!("the clock is {seconds} s {word}"), todo)
        }
        _ => Finding::wrong(
            "clock",
            "",
            format!("the clock is {seconds} s {word}: invitations and cards are refused"),
            todo,
        ),
    }
}

impl Finding {
    fn new(verdict: Verdict, id: &str, about: &str, message: String, todo: &str) -> Self {
        Self { id: id.to_owned(), about: about.to_owned(), verdict, message, todo: todo.to_owned() }
    }

    fn well(id: &str, about: &str, message: String) -> Self {
        Self::new(Verdict::Well, id, about, message, "")
    }

    fn warning(id: &str, about: &str, message: String, todo: &str) -> Self {
        Self::new(Verdict::Warning, id, about, message, todo)
    }

    fn wrong(id: &str, about: &str, message: String, todo: &str) -> Self {
        Self::new(Verdict::Wrong, id, about, message, todo)
    }
}

fn address(ip: IpAddr) -> String {
    format!("{} {ip}", family(ip))
}

fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "IPv4" } else { "IPv6" }
}

/// The measure itself is only as good as the way there and back.
const CLOCK_OFF_WARN_S: u64 = 30;
/// As much as cards and invitations forgive.
const CLOCK_OFF_WRONG_S: u64 = 600;

#[cfg(test)]
pub(super) mod tests {
    use essaim_directory::observation::{Door, HostAddress, MailNames, Text};
    use essaim_identity::SigningKey;
    use essaim_types::ListingId;

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    /// A hoster as one wishes it.
    pub(in crate::command::doctor) fn healthy() -> Observation {
        let text = |text: &str| Text::of(text).unwrap();
        let ip = "1.1.1.1".parse().unwrap();
        let tls = Tls { verdict: TlsVerdict::Trusted, ends: Some(NOW.seconds() + 40 * 86_400), issuer: None };
        let sight = |service: Service, port: u16| Sight {
            host: 0,
            ip,
            door: Door { service, port },
            reach: Reach::Answers,
            said: None,
            tls: Some(tls.clone()),
            postmaster: (service == Service::Smtp).then_some(250),
            milliseconds: 5,
        };
        let sights = vec![sight(Service::Smtp, 25), sight(Service::Imaps, 993)];
        let name = text("mail.coop.example");
        let address = HostAddress { ip, looked_at: true, reverse: Some(name.clone()), confirmed: true };
        Observation {
            observer: ListingId::from_bytes([1; 32]),
            key: SigningKey::from_seed(&[1; 32]).public(),
            subject: ListingId::from_bytes([2; 32]),
            time: NOW,
            domain: "coop.example".parse().unwrap(),
            asked: sights.iter().map(|sight| sight.door).collect(),
            mail: MailNames {
                mx: vec![(10, name.clone())],
                spf: vec![text("v=spf1 mx -all")],
                dmarc: vec![text("v=DMARC1; p=reject")],
                silent: false,
            },
            hosts: vec![Host { name, addresses: vec![address], silent: false }],
            sights,
            clock_ahead: Some(-800),
        }
    }

    fn faults(seen: &Observation, place: Place) -> Vec<(String, Verdict)> {
        let findings = judge(seen, place, NOW).into_iter().filter(|finding| finding.verdict != Verdict::Well);
        let told = findings.inspect(|finding| assert!(!finding.todo.is_empty(), "{finding:?}"));
        told.map(|finding| (finding.id, finding.verdict)).collect()
    }

    /// What is wrong after one change.
    fn after(change: impl FnOnce(&mut Observation)) -> Vec<(String, Verdict)> {
        let mut seen = healthy();
        change(&mut seen);
        faults(&seen, Place::Internet)
    }

    fn one(id: &str, verdict: Verdict) -> Vec<(String, Verdict)> {
        vec![(id.to_owned(), verdict)]
    }

    #[test]
    fn a_healthy_node_has_no_faults() {
        assert_eq!(faults(&healthy(), Place::Internet), []);
    }

    #[test]
    fn each_fault_has_its_check_and_says_what_to_do() {
        use Verdict::{Warning, Wrong};
        assert_eq!(after(|seen| seen.mail.mx.clear()), one("dns.mx", Warning));
        assert_eq!(after(|seen| seen.mail.mx[0].1 = Text::of(".").unwrap()), one("dns.mx", Wrong));
        assert_eq!(after(|seen| seen.mail.spf.clear()), one("dns.spf", Warning));
        assert_eq!(after(|seen| seen.mail.spf.push(Text::of("v=spf1").unwrap())), one("dns.spf", Wrong));
        assert_eq!(after(|seen| seen.mail.silent = true), one("dns", Warning));
        assert_eq!(after(|seen| seen.hosts[0].addresses[0].reverse = None), one("dns.reverse", Warning));
        assert_eq!(after(|seen| seen.hosts[0].addresses[0].confirmed = false), one("dns.reverse", Warning));
        assert_eq!(after(|seen| seen.hosts[0].addresses[0].looked_at = false), one("dns.address", Wrong));
        for reach in [Reach::Closed, Reach::Silent, Reach::Strange] {
            assert_eq!(after(|seen| seen.sights[1].reach = reach), one("port.imaps", Wrong));
        }
        assert_eq!(after(|seen| seen.sights[1].reach = Reach::NoRoute), [], "the observer's own lack");
        assert_eq!(after(|seen| drop(seen.sights.pop())), one("port.imaps", Wrong), "nobody could look");
        assert_eq!(after(|seen| seen.sights[0].postmaster = Some(550)), one("smtp.postmaster", Wrong));
        assert_eq!(after(|seen| seen.sights[0].postmaster = Some(451)), one("smtp.postmaster", Warning));
        assert_eq!(after(|seen| seen.clock_ahead = Some(90_000)), one("clock", Warning));
        assert_eq!(after(|seen| seen.clock_ahead = Some(-3_600_000)), one("clock", Wrong));
    }

    #[test]
    fn members_programs_demand_more_of_a_certificate_than_other_servers() {
        use Verdict::{Warning, Wrong};
        let with = |at: usize, verdict| {
            after(|seen| seen.sights[at].tls.as_mut().into_iter().for_each(|tls| tls.verdict = verdict))
        };
        for verdict in [TlsVerdict::UnknownIssuer, TlsVerdict::OtherName] {
            assert_eq!(with(0, verdict), one("tls.smtp", Warning));
            assert_eq!(with(1, verdict), one("tls.imaps", Wrong));
        }
        for verdict in [TlsVerdict::OutOfDate, TlsVerdict::Unusable, TlsVerdict::Absent, TlsVerdict::Failed] {
            assert_eq!(with(0, verdict), one("tls.smtp", Wrong));
        }
        let soon = after(|seen| seen.sights[1].tls.as_mut().unwrap().ends = Some(NOW.seconds() + 86_400));
        assert_eq!(soon, one("tls.imaps", Warning));
        let mut here = healthy();
        here.sights[1].tls.as_mut().unwrap().verdict = TlsVerdict::UnknownIssuer;
        here.mail = MailNames::default();
        assert_eq!(faults(&here, Place::ThisMachine), one("tls.imaps", Warning));
    }
}
