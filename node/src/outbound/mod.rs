//! Mail to other hosts: what carries the queue's messages. When and in which order is the queue's affair.

mod dns;
mod hosts;
pub(crate) mod moved;
mod peer;
mod proof;
mod session;
mod talk;
mod tls;
mod way;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use essaim_accounts::Accounts;
use essaim_mail::queue::{Letter, Route, Transport};
use essaim_smtp::client::{Config, Encryption, Limits, Login};
use essaim_smtp::srs::Srs;
use essaim_types::{Domain, Secret};
use rustls::ClientConfig;

use crate::config::{self, HostPort, RelayTls};
use crate::failure::Failure;
use crate::federation::Federation;
use crate::services::Services;
use crate::vitals::now;
use dns::SystemDns;
use peer::Declined;
use way::{Facts, Ways};

pub(crate) use session::SmtpSession;
pub(crate) use tls::anybody;
pub(crate) use way::{Plan, plan};

/// How this node reaches other hosts. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Outbound(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    hostname: Domain,
    limits: Limits,
    dns: SystemDns,
    /// Whoever answers: that nobody can listen is better than nothing (RFC 7435).
    anybody: Arc<ClientConfig>,
    /// Whoever proves to have the name.
    verified: Arc<ClientConfig>,
    relay: Option<Relay>,
    routes: BTreeMap<Domain, HostPort>,
    federation: Federation,
    /// Where accounts live that have moved.
    accounts: Accounts,
    srs: Arc<Srs>,
    /// Hosters that do not take our mail over the channel.
    declined: Declined,
}

/// The smart host that takes everything.
#[derive(Debug)]
struct Relay {
    to: HostPort,
    encryption: Encryption,
    /// User, and the file with the password.
    login: Option<(String, PathBuf)>,
}

/// Where mail for a domain goes that does not go over the federation's channel.
#[derive(Debug, Clone, Copy)]
enum Elsewhere<'a> {
    /// What the operator wrote down for this domain: a lab, an internal host.
    Written(&'a HostPort),
    Relay(&'a Relay),
    Mx,
}

impl Outbound {
    /// Reads what it needs: the system's name servers; whether the smart host's password can be read.
    pub(crate) fn open(node: &Services) -> Result<Self, Failure> {
        let config = &node.config;
        let relay = config.mail.relay.as_ref().map(|to| Relay::new(to, &config.mail));
        if let Some((_, file)) = relay.as_ref().and_then(|relay| relay.login.as_ref()) {
            password(file)?;
        }
        Ok(Self(Arc::new(Shared {
            hostname: config.hoster.hostname().clone(),
            limits: Limits::default(),
            dns: SystemDns::open(),
            anybody: anybody(),
            verified: tls::verified(tls::public_roots()),
            relay,
            routes: config.mail.routes.clone(),
            federation: node.federation.clone(),
            accounts: node.accounts.clone(),
            srs: Arc::clone(&node.srs),
            declined: Declined::default(),
        })))
    }
}

impl Shared {
    fn elsewhere(&self, domain: &Domain) -> Elsewhere<'_> {
        match (self.routes.get(domain), &self.relay) {
            (Some(to), _) => Elsewhere::Written(to),
            (None, Some(relay)) => Elsewhere::Relay(relay),
            (None, None) => Elsewhere::Mx,
        }
    }

    /// Which way a message takes now.
    fn plan(&self, letter: &Letter) -> Plan {
        let correspondents = self.federation.correspondents();
        let ways =
            Ways { routes: &self.routes, has_relay: self.relay.is_some(), correspondents: &correspondents };
        let Letter { domain, sender, course, queued, .. } = letter;
        ways.plan(Facts { domain, sender: sender.as_ref(), course: *course, age: now().since(*queued) })
    }

    /// How to speak to a host that does not know us.
    fn stranger(&self, encryption: Encryption) -> Arc<Config> {
        let (hostname, limits) = (self.hostname.clone(), self.limits.clone());
        Arc::new(Config { hostname, encryption, login: None, limits })
    }

    /// How to speak to the smart host. The password is read anew for each connection, so that it can be changed.
    fn customer(&self, relay: &Relay) -> Result<Arc<Config>, Failure> {
        let login =
            relay.login.as_ref().map(|(user, file)| Ok::<_, Failure>((user.clone(), password(file)?)));
        let login = login.transpose()?.map(|(user, password)| Login { user, password });
        let (hostname, limits) = (self.hostname.clone(), self.limits.clone());
        Ok(Arc::new(Config { hostname, encryption: relay.encryption, login, limits }))
    }
}

impl Relay {
    fn new(to: &HostPort, mail: &config::MailConfig) -> Self {
        let encryption = match mail.relay_tls {
            RelayTls::Starttls => Encryption::Required,
            RelayTls::Tls => Encryption::Implicit,
            RelayTls::Off => Encryption::Never,
        };
        let login = mail.relay_user.clone().zip(mail.relay_password_file.clone());
        Self { to: to.clone(), encryption, login }
    }
}

impl Transport for Outbound {
    type Session = SmtpSession;

    fn route(&self, domain: &Domain) -> Route {
        let name = || Route(domain.to_ascii().as_ref().unwrap_or(domain).to_string());
        match self.0.elsewhere(domain) {
            Elsewhere::Written(to) => Route(to.to_string()),
            // Mail that cannot go over the channel finds its way from there.
            _ if self.0.federation.correspondents().of_domain(domain).is_some() => name(),
            Elsewhere::Relay(Relay { to, .. }) => Route(to.to_string()),
            Elsewhere::Mx => name(),
        }
    }

    fn session(&self, _route: &Route) -> SmtpSession {
        SmtpSession::new(Arc::clone(&self.0))
    }
}

fn password(file: &Path) -> Result<Secret, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let what = format_args!("the smart host's password in {} cannot be read", file.display());
        Failure::caused(what, &error).hint("correct mail.relay_password_file or the file's owner")
    })?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(Failure::new(format!("{} holds no password", file.display()))
            .hint("it is expected on the first line")),
    }
}

/// RFC 5321 section 4.5.3.2 leaves it open; a host that has not answered by then rarely does.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
const SMTP_PORT: u16 = 25;

#[cfg(test)]
mod tests;
