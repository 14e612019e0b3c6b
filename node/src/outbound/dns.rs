//! What the sender of mail asks the DNS.

use std::net::IpAddr;

use essaim_types::Domain;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{Name, RData};

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

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsError> {
        let answer = self.resolver()?.lookup_ip(absolute(host)?).await?;
        some(answer.iter().collect())
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
}
