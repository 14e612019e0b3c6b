//! A certificate of our own making, kept in the data directory so that clients that trust it once need not be asked again.

use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use super::certificate::CertificateFacts;
use super::read_chain;
use crate::config::Config;
use crate::failure::Failure;

/// What the certificate is for: the host, the domains, and this machine by its usual names.
pub(super) fn names(config: &Config) -> Vec<String> {
    let mut names = vec![config.hoster.hostname().to_string()];
    names.extend(config.hoster.all_domains().map(ToString::to_string));
    names.extend(["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string(), Ipv6Addr::LOCALHOST.to_string()]);
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Makes the two files unless they are there, for these names, and last for another month.
pub(super) fn ensure(cert: &Path, key: &Path, names: &[String]) -> Result<(), Failure> {
    if key.is_file() && is_current(cert, names) {
        return Ok(());
    }
    let (cert_pem, key_pem) =
        make(names).map_err(|error| Failure::caused("could not make a certificate", &error))?;
    let write = || {
        if let Some(dir) = cert.parent() {
            fs::create_dir_all(dir)?;
        }
        write_private(key, &key_pem)?;
        write_private(cert, &cert_pem)
    };
    write().map_err(|error| Failure::caused(format_args!("could not write {}", cert.display()), &error))
}

fn is_current(cert: &Path, names: &[String]) -> bool {
    let facts = read_chain(cert).ok().and_then(|chain| CertificateFacts::of(chain.first()?).ok());
    facts.is_some_and(|facts| {
        facts.days_left(Timestamp::now().as_second()) > RENEW_BEFORE_DAYS
            && names.iter().all(|name| facts.names.contains(name))
    })
}

fn make(names: &[String]) -> Result<(String, String), rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, names.first().map_or("essaim", String::as_str));
    params.distinguished_name.push(DnType::OrganizationName, "essaim, self-signed");
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = |date: Date| {
        let [month, day] = [date.month(), date.day()].map(|number| u8::try_from(number).unwrap_or(1));
        rcgen::date_time_ymd(i32::from(date.year()), month, day)
    };
    // A clock that is a day behind still takes it.
    let from = today.yesterday().unwrap_or(today);
    params.not_before = day(from);
    params.not_after = day(from.saturating_add(Span::new().years(LIFETIME_YEARS)));
    let key = KeyPair::generate()?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("new");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, path)
}

const LIFETIME_YEARS: i16 = 10;
const RENEW_BEFORE_DAYS: i64 = 30;
