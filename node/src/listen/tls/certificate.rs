//! What stands in a certificate: for `doctor`, and to see whether ours must be made again.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::failure::Failure;

/// The part of a certificate that operators care about. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CertificateFacts {
    /// DNS names and addresses that it is for.
    pub(crate) names: Vec<String>,
    pub(crate) issuer: String,
    pub(crate) serial: String,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
}

impl CertificateFacts {
    pub(crate) fn of(der: &CertificateDer<'_>) -> Result<Self, Failure> {
        let (_, cert) = X509Certificate::from_der(der)
            .map_err(|error| Failure::caused("the certificate cannot be read", &error))?;
        let names = cert.subject_alternative_name().ok().flatten();
        let names = names.map(|names| names.value.general_names.iter().filter_map(name).collect());
        Ok(Self {
            names: names.unwrap_or_default(),
            issuer: cert.issuer().to_string(),
            serial: cert.raw_serial_as_string(),
            not_before: cert.validity().not_before.timestamp(),
            not_after: cert.validity().not_after.timestamp(),
        })
    }

    /// Whole days from `now` until it ends; negative after that.
    pub(crate) fn days_left(&self, now: i64) -> i64 {
        (self.not_after - now).div_euclid(86_400)
    }

    /// Whether it is for this host, by name or by one wildcard label (RFC 9525 section 6.3).
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.names.iter().any(|name| {
            name.eq_ignore_ascii_case(host)
                || name.strip_prefix("*.").zip(parent).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let facts = CertificateFacts {
            names: vec!["coop.example".to_owned(), "*.coop.example".to_owned()],
            issuer: String::new(),
            serial: String::new(),
            not_before: 0,
            not_after: 3 * 86_400 + 5,
        };
        assert!(facts.is_for("coop.example") && facts.is_for("Mail.coop.example"));
        assert!(!facts.is_for("a.mail.coop.example") && !facts.is_for("example"));
        assert_eq!((facts.days_left(0), facts.days_left(4 * 86_400)), (3, -1));
    }
}
