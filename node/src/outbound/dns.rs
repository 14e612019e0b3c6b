//! What the sender of mail asks the DNS.

use std::net::IpAddr;

use essaim_types::Domain;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

/// The two questions of RFC 5321 section 5.1. A trait so that tests can answer.
pub(super) trait Dns: Send + Sync + 'static {
    /// The MX records of a domain, in any order.
    fn mx(&self, domain: &Domain) -> impl Future<Output = Result<Vec<Mx>, DnsError>> + Send;

    /// The addresses of a host, at least one.
    fn addresses(&self, host: &str) -> impl Future<Output = Result<Vec<IpAddr>, DnsError>> + Send;
}

/// One MX record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mx {
    /// Lower is tried earlier.
    pub(super) preference: u16,
    /// Lower case, without a final dot; empty for the root, which says that there is no mail (RFC 7505).
    pub(super) host: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DnsError {
    #[error("there is no such domain")]
    UnknownName,
    #[error("the domain has no such record")]
    NoRecord,
    #[error("the DNS did not answer: {0}")]
    Silent(String),
}

/// The resolver of the system, `/etc/resolv.conf`.
pub(super) struct SystemDns(Result<TokioResolver, String>);

impl SystemDns {
    /// Reads the system's configuration. A node without one starts all the same; its mail waits.
    pub(super) fn open() -> Self {
        let resolver = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        Self(resolver.map_err(|error| format!("the system's resolver cannot be used: {error}")))
    }

    fn resolver(&self) -> Result<&TokioResolver, DnsError> {
        self.0.as_ref().map_err(|why| DnsError::Silent(why.clone()))
    }
}

impl Dns for SystemDns {
    async fn mx(&self, domain: &Domain) -> Result<Vec<Mx>, DnsError> {
        let answer = self.resolver()?.mx_lookup(absolute(domain.as_str())?).await?;
        let found = answer.answers().iter().filter_map(|record| match &record.data {
            RData::MX(mx) => Some(Mx { preference: mx.preference, host: plain(&mx.exchange) }),
            _ => None,
        });
        some(found.collect())
    }

    /// The two kinds of address are asked for one by one: if one does not exist and the other is not answered, that is not the
    /// end of the mail, as hickory's `lookup_ip` would make it.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsError> {
        let (resolver, name) = (self.resolver()?, absolute(host)?);
        let ask = async |kind| match resolver.lookup(name.clone(), kind).await {
            Ok(answer) => some(answer.answers().iter().filter_map(|record| record.data.ip_addr()).collect()),
            Err(error) => Err(DnsError::from(error)),
        };
        let (six, four) = tokio::join!(ask(RecordType::AAAA), ask(RecordType::A));
        both(six, four)
    }
}

fn both(
    six: Result<Vec<IpAddr>, DnsError>,
    four: Result<Vec<IpAddr>, DnsError>,
) -> Result<Vec<IpAddr>, DnsError> {
    match (six, four) {
        (Ok(six), Ok(four)) => Ok([six, four].concat()),
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        (Err(silent @ DnsError::Silent(_)), Err(_)) | (Err(_), Err(silent)) => Err(silent),
    }
}

impl From<NetError> for DnsError {
    fn from(error: NetError) -> Self {
        if error.is_nx_domain() {
            Self::UnknownName
        } else if error.is_no_records_found() {
            Self::NoRecord
        } else {
            Self::Silent(error.to_string())
        }
    }
}

impl std::fmt::Debug for SystemDns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SystemDns").field(&self.0.as_ref().map(|_| "resolver")).finish()
    }
}

/// The name from the root on, so that no search list of the machine is applied; letters beyond ASCII as IDNA has them.
fn absolute(name: &str) -> Result<Name, DnsError> {
    Name::from_str_relaxed(format!("{name}.")).map_err(|_| DnsError::UnknownName)
}

fn plain(name: &Name) -> String {
    let text = name.to_ascii().to_lowercase();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

fn some<T>(found: Vec<T>) -> Result<Vec<T>, DnsError> {
    if found.is_empty() { Err(DnsError::NoRecord) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use tokio::net::UdpSocket;

    use super::*;

    #[test]
    fn names_are_absolute_and_in_the_letters_of_the_dns() {
        for (name, wire) in
            [("a.test", "a.test"), ("exämple.test", "xn--exmple-cua.test"), ("_x.test", "_x.test")]
        {
            assert_eq!(plain(&absolute(name).unwrap()), wire);
            assert!(absolute(name).unwrap().is_fqdn());
        }
        assert_eq!(plain(&Name::root()), "");
    }

    const NO_ERROR: u8 = 0;
    const SERVER_FAILURE: u8 = 2;
    const NO_SUCH_NAME: u8 = 3;
    const MX: u8 = 15;
    const A: u8 = 1;
    const AAAA: u8 = 28;

    /// What the name server answers: to which question, how, and the data of each record.
    type Answer = (&'static str, u8, u8, &'static [&'static [u8]]);

    /// A name server on loopback that knows a table. RFC 1035 section 4.
    async fn serve(table: &'static [Answer]) -> SystemDns {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut query = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut query).await {
                let query = &query[..length];
                let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
                let (mut name, mut at) = (String::new(), 12);
                while query[at] != 0 {
                    let label = &query[at + 1..=at + usize::from(query[at])];
                    name += &format!("{}.", String::from_utf8_lossy(label).to_lowercase());
                    at += label.len() + 1;
                }
                let known = table.iter().find(|(known, kind, ..)| *known == name && *kind == query[end - 3]);
                let (code, records) =
                    known.map_or((NO_SUCH_NAME, &[][..]), |(_, _, code, records)| (*code, *records));
                let count = u8::try_from(records.len()).unwrap();
                let mut answer = query[..2].to_vec();
                answer.extend([0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
                answer.extend(&query[12..end]);
                for data in records {
                    answer.extend([
                        0xc0,
                        12,
                        0,
                        query[end - 3],
                        0,
                        1,
                        0,
                        0,
                        0,
                        60,
                        0,
                        u8::try_from(data.len()).unwrap(),
                    ]);
                    answer.extend(*data);
                }
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        let mut connection = ConnectionConfig::udp();
        connection.port = port;
        let mut server = NameServerConfig::udp(Ipv4Addr::LOCALHOST.into());
        server.connections = vec![connection];
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let resolver = TokioResolver::builder_with_config(config, Default::default()).build();
        SystemDns(resolver.map_err(|error| error.to_string()))
    }

    #[tokio::test]
    async fn answers_are_told_apart() {
        let dns = serve(&[
            ("two.test.", MX, NO_ERROR, &[b"\x00\x0a\x01a\xc0\x0c", b"\x00\x14\x01B\xc0\x0c"]),
            ("null.test.", MX, NO_ERROR, &[b"\x00\x00\x00"]),
            ("none.test.", MX, NO_ERROR, &[]),
            ("broken.test.", MX, SERVER_FAILURE, &[]),
            ("host.test.", A, NO_ERROR, &[&[192, 0, 2, 1]]),
            ("host.test.", AAAA, NO_ERROR, &[]),
            ("half.test.", A, SERVER_FAILURE, &[]),
            ("half.test.", AAAA, NO_ERROR, &[]),
            ("empty.test.", A, NO_ERROR, &[]),
            ("empty.test.", AAAA, NO_ERROR, &[]),
        ])
        .await;
        let mx = async |name| dns.mx(&Domain::new(name).unwrap()).await;
        let record = |preference, host: &str| Mx { preference, host: host.to_owned() };
        assert_eq!(mx("two.test").await.unwrap(), [record(10, "a.two.test"), record(20, "b.two.test")]);
        assert_eq!(mx("null.test").await.unwrap(), [record(0, "")]);
        assert_eq!(mx("none.test").await, Err(DnsError::NoRecord));
        assert_eq!(mx("absent.test").await, Err(DnsError::UnknownName));
        assert!(matches!(mx("broken.test").await, Err(DnsError::Silent(_))));
        assert_eq!(dns.addresses("host.test").await.unwrap(), [IpAddr::from([192, 0, 2, 1])]);
        assert!(matches!(dns.addresses("half.test").await, Err(DnsError::Silent(_))));
        assert_eq!(dns.addresses("empty.test").await, Err(DnsError::NoRecord));
        assert_eq!(dns.addresses("absent.test").await, Err(DnsError::UnknownName));
    }
}
