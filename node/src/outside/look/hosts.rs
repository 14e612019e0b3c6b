//! Which hosts and addresses a domain has, and which of them are looked at.

use std::net::{IpAddr, Ipv4Addr};

use essaim_directory::observation::{
    ADDRESSES_MAX, Door, HOSTS_MAX, Host, HostAddress, MX_MAX, MailNames, Service, TEXTS_MAX, Text,
};
use essaim_types::Domain;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::{Place, Plan};
use crate::outside::{Names, NoAnswer, Reachable};

/// What the names lead to.
pub(super) struct Found {
    pub(super) mail: MailNames,
    pub(super) hosts: Vec<Host>,
    pub(super) targets: Vec<Target>,
}

/// A door at one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Place in `Found::hosts`.
    pub(super) host: u8,
    pub(super) name: String,
    pub(super) at: Reachable,
    pub(super) door: Door,
}

/// A host and what is looked at there.
struct Wanted {
    name: String,
    doors: Vec<Door>,
}

/// Asks the DNS all that the plan needs.
pub(super) async fn find(plan: &Plan, names: &dyn Names) -> Found {
    if plan.place == Place::ThisMachine {
        return here(plan);
    }
    let (mail, exchangers) = mail_names(&plan.domain, names).await;
    let mut found = Found { mail, hosts: Vec::new(), targets: Vec::new() };
    for (at, wanted) in wanted(plan, &exchangers).into_iter().enumerate() {
        let (host, looked_at) = look_up(wanted.name.clone(), names).await;
        found.hosts.push(host);
        let number = u8::try_from(at).unwrap_or(u8::MAX);
        let target = |at, door| Target { host: number, name: wanted.name.clone(), at, door };
        found
            .targets
            .extend(looked_at.iter().flat_map(|at| wanted.doors.iter().map(|door| target(*at, *door))));
    }
    found
}

/// Everybody is on this machine: there is no DNS.
fn here(plan: &Plan) -> Found {
    let ip = IpAddr::from(Ipv4Addr::LOCALHOST);
    let name = plan.host.as_ref().unwrap_or(&plan.domain).as_str().to_owned();
    let address = HostAddress { ip, looked_at: true, reverse: None, confirmed: false };
    let host = Text::of(&name).map(|name| Host { name, addresses: vec![address], silent: false });
    let target = |at, door: &Door| Target { host: 0, name: name.clone(), at, door: *door };
    let doors = Reachable::loopback(ip)
        .into_iter()
        .flat_map(|at| plan.doors.iter().map(move |door| target(at, door)));
    Found { mail: MailNames::default(), targets: doors.collect(), hosts: host.into_iter().collect() }
}

/// Incoming mail is where the MX records say, or without them at the domain; the rest is at the host.
fn wanted(plan: &Plan, exchangers: &[String]) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    if let Some(smtp) = plan.smtp() {
        let names = exchangers.iter().take(HOSTS_MAX - 1).cloned();
        wanted.extend(names.map(|name| Wanted { name, doors: vec![smtp] }));
    }
    let rest: Vec<Door> = plan.doors.iter().copied().filter(|door| door.service != Service::Smtp).collect();
    let own = plan.host.as_ref().map(Domain::as_str).filter(|host| plan.owns(host, exchangers));
    if let Some(name) = own.filter(|_| !rest.is_empty()) {
        match wanted.iter_mut().find(|wanted| wanted.name == name) {
            Some(same) => same.doors.extend(rest),
            None => wanted.push(Wanted { name: name.to_owned(), doors: rest }),
        }
    }
    wanted
}

/// MX, SPF and DMARC, and the hosts that take mail, the best first.
async fn mail_names(domain: &Domain, names: &dyn Names) -> (MailNames, Vec<String>) {
    let policy = format!("_dmarc.{domain}");
    let (mx, texts, policies) = tokio::join!(
        names.records(domain.as_str(), RecordType::MX),
        names.texts(domain.as_str()),
        names.texts(&policy),
    );
    let silent = is_silent(&mx) || is_silent(&texts) || is_silent(&policies);
    let is_absent = matches!(mx, Err(NoAnswer::Absent));
    let mut records: Vec<(u16, String)> = mx.unwrap_or_default().iter().filter_map(exchanger).collect();
    records.sort();
    let exchangers: Vec<String> = match is_absent {
        // RFC 5321 section 5.1: a domain without MX records takes mail itself.
        true => vec![domain.as_str().to_owned()],
        false => records.iter().map(|(_, host)| host.clone()).filter(|host| !host.is_empty()).collect(),
    };
    let mx = records
        .iter()
        .take(MX_MAX)
        .filter_map(|(rank, host)| Some((*rank, Text::of(if host.is_empty() { "." } else { host })?)));
    let mail = MailNames {
        mx: mx.collect(),
        spf: beginning(b"v=spf1", texts),
        dmarc: beginning(b"v=DMARC1", policies),
        silent,
    };
    (mail, exchangers)
}

fn exchanger(record: &RData) -> Option<(u16, String)> {
    match record {
        RData::MX(mx) => Some((mx.preference, plain(&mx.exchange))),
        _ => None,
    }
}

fn beginning(version: &[u8], texts: Result<Vec<Vec<u8>>, NoAnswer>) -> Vec<Text> {
    let texts = texts.unwrap_or_default();
    let ours = texts.iter().filter(|text| text.starts_with(version));
    ours.filter_map(|text| Text::of(&String::from_utf8_lossy(text))).take(TEXTS_MAX).collect()
}

/// A host: its addresses, of each family the first public one to be looked at, and what its PTR record says.
async fn look_up(name: String, names: &dyn Names) -> (Host, Vec<Reachable>) {
    let (six, four) =
        tokio::join!(names.records(&name, RecordType::AAAA), names.records(&name, RecordType::A));
    let silent = is_silent(&six) || is_silent(&four);
    let (mut addresses, mut looked_at) = (Vec::new(), Vec::new());
    for family in [four, six] {
        let mut free = true;
        for ip in family.unwrap_or_default().iter().filter_map(RData::ip_addr).take(ADDRESSES_MAX / 2) {
            let ip = ip.to_canonical();
            let reachable = Reachable::public(ip).filter(|_| std::mem::take(&mut free));
            let (reverse, confirmed) = match reachable {
                Some(_) => reverse(ip, names).await,
                None => (None, false),
            };
            looked_at.extend(reachable);
            addresses.push(HostAddress { ip, looked_at: reachable.is_some(), reverse, confirmed });
        }
    }
    let shown = Text::of(&name).or_else(|| Text::of("?")).expect("a question mark is text");
    (Host { name: shown, addresses, silent }, looked_at)
}

/// The name of an address, and whether that name has the address: mail servers ask both (RFC 8601 section 2.7.3).
async fn reverse(ip: IpAddr, names: &dyn Names) -> (Option<Text>, bool) {
    let question = plain(&Name::from(ip));
    let records = names.records(&question, RecordType::PTR).await.unwrap_or_default();
    let found = records.iter().find_map(|record| match record {
        RData::PTR(name) => Some(plain(&name.0)),
        _ => None,
    });
    let Some(name) = found else { return (None, false) };
    let confirmed = names.addresses(&name).await.is_ok_and(|ips| ips.contains(&ip));
    (Text::of(&name), confirmed)
}

fn is_silent<T>(answer: &Result<T, NoAnswer>) -> bool {
    matches!(answer, Err(NoAnswer::Silent))
}

/// Lower case, without the final dot.
fn plain(name: &Name) -> String {
    let text = name.to_ascii().to_lowercase();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

impl Found {
    /// The DNS took too long.
    pub(super) fn silent() -> Self {
        let mail = MailNames { silent: true, ..MailNames::default() };
        Self { mail, hosts: Vec::new(), targets: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::rdata::{MX, PTR};

    use super::*;
    use crate::outside::Table;

    fn plan(host: Option<&str>, doors: &[Service]) -> Plan {
        let door =
            |service: &Service| Door { service: *service, port: service.standard_port().unwrap_or(4001) };
        Plan {
            domain: "coop.example".parse().unwrap(),
            host: host.map(|host| host.parse().unwrap()),
            doors: doors.iter().map(door).collect(),
            place: Place::Internet,
        }
    }

    fn table() -> Table {
        let table = Table::default();
        let mx = |rank, host: &str| RData::MX(MX::new(rank, Name::from_ascii(format!("{host}.")).unwrap()));
        table.put(
            "coop.example",
            RecordType::MX,
            vec![mx(20, "mx2.provider.example"), mx(10, "mail.coop.example")],
        );
        table.text("coop.example", "v=spf1 mx -all");
        table.text("_dmarc.coop.example", "v=DMARC1; p=reject");
        table.address("mail.coop.example", &["1.1.1.1", "1.0.0.1", "10.0.0.1", "2606:4700::1111"]);
        table.address("mx2.provider.example", &["192.168.1.1", "9.9.9.9"]);
        table.put(
            "1.1.1.1.in-addr.arpa",
            RecordType::PTR,
            vec![RData::PTR(PTR(Name::from_ascii("mail.coop.example.").unwrap()))],
        );
        table
    }

    #[tokio::test]
    async fn mail_is_looked_at_where_the_mx_records_say_and_the_rest_at_the_host() {
        let plan = plan(Some("mail.coop.example"), &[Service::Smtp, Service::Imaps]);
        let found = find(&plan, &table()).await;
        let targets: Vec<String> = found
            .targets
            .iter()
            .map(|at| format!("{} {} {}", at.host, at.name, at.at.port(at.door.port)))
            .collect();
        assert_eq!(
            targets,
            [
                "0 mail.coop.example 1.1.1.1:25",
                "0 mail.coop.example 1.1.1.1:993",
                "0 mail.coop.example [2606:4700::1111]:25",
                "0 mail.coop.example [2606:4700::1111]:993",
                // Only two addresses of a family are told, and of them the first public one is looked at.
                "1 mx2.provider.example 9.9.9.9:25",
            ]
        );
        assert_eq!(found.mail.spf[0].as_str(), "v=spf1 mx -all");
        assert_eq!(found.mail.mx[0], (10, Text::of("mail.coop.example").unwrap()));
        let first = &found.hosts[0].addresses[0];
        assert_eq!(
            (first.reverse.as_ref().map(Text::as_str), first.confirmed),
            (Some("mail.coop.example"), true)
        );
        assert!(!found.hosts[1].addresses[0].looked_at, "a private address is told and not looked at");
    }

    #[tokio::test]
    async fn r22_a_host_of_another_or_inside_is_not_looked_at() {
        let table = table();
        table.address("victim.example", &["8.8.8.8"]);
        let found = find(&plan(Some("victim.example"), &[Service::Imaps, Service::Https]), &table).await;
        assert_eq!((found.targets.len(), found.hosts.len()), (0, 0));
        table.address(
            "inside.coop.example",
            &["127.0.0.1", "10.1.1.1", "::1", "64:ff9b::a00:1", "::ffff:10.0.0.1"],
        );
        let found = find(&plan(Some("inside.coop.example"), &[Service::Imaps]), &table).await;
        assert_eq!(found.targets, []);
        assert!(found.hosts[0].addresses.iter().all(|address| !address.looked_at));
    }

    #[tokio::test]
    async fn a_domain_without_mx_takes_mail_itself_and_a_null_mx_takes_none() {
        let table = Table::default();
        table.address("coop.example", &["1.1.1.1"]);
        let found = find(&plan(None, &[Service::Smtp]), &table).await;
        assert_eq!(found.targets.len(), 1);
        table.put("coop.example", RecordType::MX, vec![RData::MX(MX::new(0, Name::root()))]);
        let found = find(&plan(None, &[Service::Smtp]), &table).await;
        assert_eq!((found.targets.len(), found.mail.mx[0].1.as_str()), (0, "."));
    }
}
