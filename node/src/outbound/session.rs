//! One connection of the queue: finds the host, falls back to the next one, and keeps the connection for the next message.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use essaim_mail::queue::{Attempt, Course, Diagnosis, Letter, Outcome, Session, Way};
use essaim_smtp::EnhancedStatus;
use essaim_smtp::client::{self, Cause, Config, Delivery, Encryption, Failure, Report, Stage, ToHoster};
use essaim_types::Domain;
use rustls::ClientConfig;
use tracing::{debug, warn};

use super::hosts::{self, Nobody};
use super::peer::{Handed, PeerLine};
use super::talk::Talk;
use super::way::{Otherwise, PEER_PATIENCE, Plan};
use super::{Elsewhere, Relay, SMTP_PORT, Shared};
use crate::config::HostPort;
use crate::federation::Correspondent;

/// A connection for messages of one route. To a hoster of the federation it may be two: one over the channel, and one for what
/// cannot go there.
#[derive(Debug)]
pub(crate) struct SmtpSession {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: PeerLine,
    talk: Option<Talk>,
    /// Nobody could be reached a moment ago: messages that wait for the same route are not kept waiting for the same timeouts.
    nobody: Option<Nobody>,
}

/// Somebody to try.
#[derive(Debug)]
struct Target {
    host: String,
    address: SocketAddr,
}

impl SmtpSession {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, peer: PeerLine::default(), talk: None, nobody: None }
    }

    /// Over the channel; elsewhere if the hoster declines, or is away for too long.
    pub(super) async fn settle_with(
        &mut self,
        to: &Correspondent,
        otherwise: Otherwise,
        letter: &Letter,
        by_others: &Letter,
    ) -> Attempt {
        let recipients = letter.recipients.len();
        let waits =
            |why: Diagnosis| Attempt { way: Way::Peer, outcomes: vec![Outcome::Deferred(why); recipients] };
        let shared = Arc::clone(&self.shared);
        let declined = matches!(otherwise, Otherwise::Now(_) | Otherwise::Later(_))
            && shared.declined.holds(to.listing, Instant::now());
        let handed = if declined {
            Handed::Declined("it has declined a moment ago".to_owned())
        } else {
            self.peer.hand_over(&shared, to, letter).await
        };
        let (why, way) = match (handed, otherwise) {
            (Handed::Report { host, report }, _) => {
                let outcomes = self.follow_all(to, letter, &host, report).await;
                return Attempt { way: Way::Peer, outcomes };
            }
            (Handed::Away(why), Otherwise::Never) => return waits(away(to, &why)),
            (Handed::Away(why), Otherwise::Later(way)) => return waits(away_for_now(to, &why, way)),
            (Handed::Away(why), Otherwise::Now(way)) => (away(to, &why), way),
            (Handed::Declined(why), Otherwise::Never) => return waits(no_mail(to, &why)),
            (Handed::Declined(why), Otherwise::Now(way) | Otherwise::Later(way)) => {
                shared.declined.note(to.listing, Instant::now());
                (no_mail(to, &why), way)
            }
        };
        match self.settle(by_others).await {
            // There is hope as long as the hoster is in the directory.
            Settled::Nobody(Nobody::Now(also) | Nobody::Ever(also)) => {
                let text = format!("{}; {} was tried too: {}", why.text, way.name(), also.text);
                waits(Diagnosis::local(why.status, text))
            }
            settled => Attempt { way, outcomes: settled.outcomes(recipients) },
        }
    }

    /// The way that is planned now; `by_others` is what goes where the channel does not.
    pub(super) async fn send(&mut self, letter: &Letter, by_others: &Letter) -> Attempt {
        match self.shared.plan(letter) {
            Plan::Peer(to, otherwise) => self.settle_with(&to, otherwise, letter, by_others).await,
            Plan::Elsewhere(way) => {
                let outcomes = self.settle(by_others).await.outcomes(letter.recipients.len());
                Attempt { way, outcomes }
            }
            Plan::Nobody => deferred(letter, "no mail is exchanged with the hoster where it goes"),
        }
    }

    pub(super) async fn settle(&mut self, letter: &Letter) -> Settled {
        if let Some(nobody) = &self.nobody {
            return Settled::Nobody(nobody.clone());
        }
        if let Some(talk) = self.talk.take() {
            let settled = self.hand_over(talk, letter).await;
            // A host that grew tired of waiting between two messages is called again.
            if !settled.was_lost_between() {
                return settled;
            }
        }
        let settled = self.find_somebody(letter).await;
        if let Settled::Nobody(nobody) = &settled {
            self.nobody = Some(nobody.clone());
        }
        settled
    }

    async fn find_somebody(&mut self, letter: &Letter) -> Settled {
        let targets = match self.shared.targets(&letter.domain).await {
            Ok(targets) => targets,
            Err(nobody) => return Settled::Nobody(nobody),
        };
        let mut last = Settled::Nobody(Nobody::Now(unreachable("there is nobody to try")));
        for target in targets {
            last = self.call(&target, letter).await;
            if !last.is_about_the_host() {
                break;
            }
        }
        last
    }

    async fn call(&mut self, target: &Target, letter: &Letter) -> Settled {
        let shared = Arc::clone(&self.shared);
        if let Elsewhere::Relay(relay) = shared.elsewhere(&letter.domain) {
            return match shared.customer(relay) {
                Ok(config) => self.attempt(target, letter, config, Arc::clone(&shared.verified)).await,
                Err(error) => {
                    warn!("mail for the smart host waits: {}", error.message);
                    let why = Diagnosis::local(OUR_FAULT, "this node cannot log in to its smart host");
                    Settled::Nobody(Nobody::Now(why))
                }
            };
        }
        let opportunistic = shared.stranger(Encryption::Opportunistic);
        let settled = self.attempt(target, letter, opportunistic, Arc::clone(&shared.anybody)).await;
        if settled.is_broken_tls() {
            debug!(host = target.host, "once more in clear");
            let in_clear = shared.stranger(Encryption::Never);
            return self.attempt(target, letter, in_clear, Arc::clone(&shared.anybody)).await;
        }
        settled
    }

    async fn attempt(
        &mut self,
        target: &Target,
        letter: &Letter,
        config: Arc<Config>,
        tls: Arc<ClientConfig>,
    ) -> Settled {
        match Talk::open(&target.host, target.address, config, tls).await {
            Ok(talk) => self.hand_over(talk, letter).await,
            Err(error) => {
                let why = format!("could not connect to {} [{}]: {error}", target.host, target.address.ip());
                Settled::Nobody(Nobody::Now(unreachable(&why)))
            }
        }
    }

    /// Hands over a message, and keeps the connection if it can take another.
    async fn hand_over(&mut self, mut talk: Talk, letter: &Letter) -> Settled {
        let report = talk.deliver(delivery(letter, None), letter.body.clone()).await;
        let host = talk.host().to_owned();
        self.talk = Some(talk).filter(Talk::is_open);
        Settled::Report { host, report }
    }
}

impl Shared {
    async fn targets(&self, domain: &Domain) -> Result<Vec<Target>, Nobody> {
        match self.elsewhere(domain) {
            Elsewhere::Written(to) | Elsewhere::Relay(Relay { to, .. }) => known_targets(to).await,
            Elsewhere::Mx => {
                let found = hosts::find(domain, &self.hostname, &self.dns).await?;
                let target = |found: hosts::Candidate| Target {
                    address: SocketAddr::new(found.ip, SMTP_PORT),
                    host: found.host,
                };
                Ok(found.into_iter().map(target).collect())
            }
        }
    }
}

/// The operator's choice: it may be on this machine, and in its hosts file.
async fn known_targets(to: &HostPort) -> Result<Vec<Target>, Nobody> {
    let target = |address| Target { host: to.host.clone(), address };
    if let Ok(ip) = to.host.parse::<IpAddr>() {
        return Ok(vec![target(SocketAddr::new(ip, to.port))]);
    }
    match tokio::net::lookup_host((to.host.as_str(), to.port)).await {
        Ok(addresses) => Ok(addresses.map(target).collect()),
        Err(error) => Err(Nobody::Now(unreachable(&format!("{} has no address: {error}", to.host)))),
    }
}

impl Session for SmtpSession {
    async fn deliver(&mut self, letter: Letter) -> Attempt {
        match letter.course {
            Course::Straight => self.send(&letter, &letter).await,
            Course::Forward { account } => self.forward(letter, account).await,
            Course::Follow { home } => self.follow(letter, home).await,
            Course::Through { hoster } => self.through(letter, hoster).await,
        }
    }

    async fn close(self) {
        self.peer.close().await;
        if let Some(talk) = self.talk {
            talk.quit().await;
        }
    }
}

/// What came of trying.
#[derive(Debug)]
pub(super) enum Settled {
    Nobody(Nobody),
    Report { host: String, report: Report },
}

impl Settled {
    /// Another host of the domain may do better.
    fn is_about_the_host(&self) -> bool {
        match self {
            Self::Nobody(nobody) => matches!(nobody, Nobody::Now(_)),
            Self::Report { report, .. } => all_failed(report, |failure| is_before_mail(failure.stage)),
        }
    }

    fn is_broken_tls(&self) -> bool {
        matches!(self, Self::Report { report, .. } if all_failed(report, |failure| failure.cause == Cause::TlsFailed))
    }

    fn was_lost_between(&self) -> bool {
        matches!(self, Self::Report { report, .. } if was_lost_between(report))
    }

    pub(super) fn outcomes(self, recipients: usize) -> Vec<Outcome> {
        match self {
            Self::Nobody(Nobody::Now(why)) => vec![Outcome::Deferred(why); recipients],
            Self::Nobody(Nobody::Ever(why)) => vec![Outcome::Refused(why); recipients],
            Self::Report { host, report } => translate_all(&host, &report),
        }
    }
}

/// The connection was found closed when the next message was begun.
pub(super) fn was_lost_between(report: &Report) -> bool {
    let is_lost = |failure: &Failure| {
        let is_end = failure.reply().map_or(failure.cause == Cause::Lost, |reply| reply.code() == 421);
        failure.stage == Stage::Sender && is_end
    };
    all_failed(report, is_lost)
}

pub(super) fn translate_all(host: &str, report: &Report) -> Vec<Outcome> {
    report.recipients.iter().map(|(_, outcome)| translate(host, outcome)).collect()
}

/// What the conversation says about a recipient, as the queue keeps it. A refusal before MAIL is about the host or about us:
/// somebody will repair it before the message is too old.
fn translate(host: &str, outcome: &client::Outcome) -> Outcome {
    let diagnosis = |failure: &Failure| match failure.reply() {
        Some(reply) => Diagnosis::remote(host, outcome.status(), reply.to_string()),
        None => Diagnosis::local(outcome.status(), format!("{host}: {failure}")),
    };
    match outcome {
        client::Outcome::Delivered(reply) => {
            Outcome::Delivered(Diagnosis::remote(host, reply.status(), reply.to_string()))
        }
        client::Outcome::Temporary(failure) => Outcome::Deferred(diagnosis(failure)),
        client::Outcome::Permanent(failure) if is_before_mail(failure.stage) => {
            Outcome::Deferred(diagnosis(failure).temporary())
        }
        client::Outcome::Permanent(failure) => Outcome::Refused(diagnosis(failure)),
    }
}

pub(super) fn delivery(letter: &Letter, hoster: Option<ToHoster>) -> Delivery {
    Delivery {
        hoster,
        sender: letter.sender.clone(),
        recipients: letter.recipients.clone(),
        size: letter.size,
        body: letter.needs.body,
        smtputf8: letter.needs.smtputf8,
    }
}

pub(super) fn is_before_mail(stage: Stage) -> bool {
    matches!(stage, Stage::Greeting | Stage::Hello | Stage::StartTls | Stage::Login)
}

pub(super) fn all_failed(report: &Report, test: impl Fn(&Failure) -> bool) -> bool {
    report.recipients.iter().all(|(_, outcome)| match outcome {
        client::Outcome::Delivered(_) => false,
        client::Outcome::Temporary(failure) | client::Outcome::Permanent(failure) => test(failure),
    })
}

pub(super) fn away(to: &Correspondent, why: &str) -> Diagnosis {
    unreachable(&format!("{} is in the federation, and none of its nodes takes mail now: {why}", to.domain))
}

fn away_for_now(to: &Correspondent, why: &str, then: Way) -> Diagnosis {
    let minutes = PEER_PATIENCE.as_secs() / 60;
    let text = away(to, why).text;
    unreachable(&format!("{text}; {} is tried too when the message is {minutes} minutes old", then.name()))
}

fn no_mail(to: &Correspondent, why: &str) -> Diagnosis {
    unreachable(&format!(
        "{} is in the federation, and takes no mail from here over its channel: {why}",
        to.domain
    ))
}

/// Nothing was tried: everybody waits.
pub(super) fn deferred(letter: &Letter, why: &str) -> Attempt {
    let outcome = Outcome::Deferred(unreachable(why));
    Attempt { way: Way::Peer, outcomes: vec![outcome; letter.recipients.len()] }
}

/// RFC 3463: X.4.1, no answer from host.
pub(super) fn unreachable(why: &str) -> Diagnosis {
    Diagnosis::local(EnhancedStatus::new(4, 4, 1).expect("4.4.1 is a status"), why)
}

/// RFC 3463: X.3.5, system incorrectly configured.
const OUR_FAULT: EnhancedStatus = EnhancedStatus::new(4, 3, 5).expect("4.3.5 is a status");
