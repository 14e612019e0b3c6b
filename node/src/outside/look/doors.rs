//! Doors: how far one gets at a port, in what language, under which certificate. Never further than RCPT.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Instant;

use essaim_directory::observation::{Reach, Service, Sight, Text, Tls, TlsVerdict};
use essaim_types::Domain;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::hosts::Target;
use super::talk::Talk;
use super::witness::{Witness, Witnesses};
use super::{CONNECT_WITHIN, DOOR_WITHIN, Looker, Plan, quic};

/// All doors at one time, in the order of the targets.
pub(super) async fn all(looker: &Looker, plan: &Plan, targets: Vec<Target>) -> Vec<Sight> {
    let mut looks = JoinSet::new();
    for (at, target) in targets.into_iter().enumerate() {
        let visit = Visit {
            witnesses: looker.witnesses.clone(),
            hostname: looker.hostname.clone(),
            domain: plan.domain.clone(),
        };
        looks.spawn(async move { (at, visit.look(&target).await) });
    }
    let mut sights = looks.join_all().await;
    sights.sort_by_key(|(at, _)| *at);
    sights.into_iter().map(|(_, sight)| sight).collect()
}

/// Who goes to a door.
struct Visit {
    witnesses: Witnesses,
    hostname: Domain,
    domain: Domain,
}

/// What was learned until the conversation ended, however it ended.
#[derive(Default)]
struct Notes {
    answers: bool,
    said: Option<Text>,
    tls: Option<Tls>,
    postmaster: Option<u16>,
}

impl Visit {
    async fn look(&self, target: &Target) -> Sight {
        let (began, mut notes) = (Instant::now(), Notes::default());
        let outcome = timeout(DOOR_WITHIN, self.go(target, &mut notes)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(Lost::Strange(ErrorKind::TimedOut.into())));
        let reach = match &outcome {
            _ if notes.answers => Reach::Answers,
            Ok(()) => Reach::Strange,
            Err(Lost::Before(error)) => reach(error),
            Err(Lost::Strange(error)) => {
                notes.said = notes.said.or_else(|| Text::of(&error.to_string()));
                Reach::Strange
            }
        };
        Sight {
            host: target.host,
            ip: target.at.ip(),
            door: target.door,
            reach,
            said: notes.said,
            tls: notes.tls,
            postmaster: notes.postmaster,
            milliseconds: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
        }
    }

    async fn go(&self, target: &Target, notes: &mut Notes) -> Result<(), Lost> {
        let port = target.door.port;
        if target.door.service == Service::PeerQuic {
            notes.answers = quic::speaks(target.at.port(port), CONNECT_WITHIN).await.map_err(Lost::Before)?;
            return Ok(());
        }
        let socket = target.at.connect(port, CONNECT_WITHIN).await.map_err(Lost::Before)?;
        match target.door.service {
            Service::Smtp | Service::Submission => self.smtp(socket, target, notes).await?,
            Service::Submissions => {
                let mut talk = Talk::new(self.encrypt(socket, target, notes).await?);
                notes.greeted(&talk.reply().await?);
                let _ = talk.ask("QUIT").await;
            }
            Service::Imap => self.imap(socket, target, notes).await?,
            Service::Imaps => {
                let mut talk = Talk::new(self.encrypt(socket, target, notes).await?);
                notes.imap_greeted(&talk.line().await?);
                let _ = talk.say("a LOGOUT").await;
            }
            Service::Https => {
                self.encrypt(socket, target, notes).await?;
                notes.answers = true;
            }
            // A node speaks multistream-select first: https://github.com/multiformats/multistream-select
            Service::PeerTcp => {
                let mut talk = Talk::new(socket);
                talk.send(b"\x13/multistream/1.0.0\n").await?;
                notes.answers = talk.line().await?.contains("/multistream/1.0.0");
            }
            Service::PeerQuic => {}
        }
        Ok(())
    }

    /// RFC 5321, RFC 3207. On port 25 up to RCPT for the postmaster, whom every domain must have (RFC 5321 section 4.5.1); never DATA.
    async fn smtp(&self, socket: TcpStream, target: &Target, notes: &mut Notes) -> Result<(), Lost> {
        let hello = format!("EHLO {}", self.hostname);
        let mut talk = Talk::new(socket);
        notes.greeted(&talk.reply().await?);
        if !talk.ask(&hello).await?.offers("STARTTLS") {
            notes.tls = Some(Tls { verdict: TlsVerdict::Absent, ends: None, issuer: None });
            return self.postmaster(talk, target, notes).await;
        }
        let ready = talk.ask("STARTTLS").await?;
        if ready.code != 220 {
            notes.tls = Some(Tls { verdict: TlsVerdict::Failed, ends: None, issuer: None });
            notes.said = ready.text();
            return Ok(());
        }
        let mut talk = Talk::new(self.encrypt(talk.into_clear()?, target, notes).await?);
        talk.ask(&hello).await?;
        self.postmaster(talk, target, notes).await
    }

    async fn postmaster<Io: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut talk: Talk<Io>,
        target: &Target,
        notes: &mut Notes,
    ) -> Result<(), Lost> {
        if target.door.service == Service::Smtp {
            let mut reply = talk.ask("MAIL FROM:<>").await?;
            if reply.is_positive() {
                reply = talk.ask(&format!("RCPT TO:<postmaster@{}>", self.domain)).await?;
            }
            notes.postmaster = Some(reply.code);
            notes.said = reply.text();
        }
        let _ = talk.ask("QUIT").await;
        Ok(())
    }

    /// RFC 9051 sections 7.1 and 6.2.1.
    async fn imap(&self, socket: TcpStream, target: &Target, notes: &mut Notes) -> Result<(), Lost> {
        let mut talk = Talk::new(socket);
        notes.imap_greeted(&talk.line().await?);
        talk.say("a STARTTLS").await?;
        loop {
            let line = talk.line().await?;
            match line.strip_prefix("a ") {
                None => {}
                Some(answer) if answer.to_ascii_uppercase().starts_with("OK") => break,
                Some(_) => {
                    notes.tls = Some(Tls { verdict: TlsVerdict::Absent, ends: None, issuer: None });
                    return Ok(());
                }
            }
        }
        let mut talk = Talk::new(self.encrypt(talk.into_clear()?, target, notes).await?);
        let _ = talk.say("b LOGOUT").await;
        Ok(())
    }

    /// Takes every certificate and notes what is to be thought of it.
    async fn encrypt(
        &self,
        socket: TcpStream,
        target: &Target,
        notes: &mut Notes,
    ) -> Result<TlsStream<TcpStream>, Lost> {
        let (config, witness): (_, Arc<Witness>) = self.witnesses.one();
        let name =
            ServerName::try_from(target.name.clone()).unwrap_or_else(|_| ServerName::from(target.at.ip()));
        let outcome = TlsConnector::from(config).connect(name, socket).await;
        notes.tls = Some(witness.tells());
        if outcome.is_err() {
            notes.tls.as_mut().into_iter().for_each(|tls| tls.verdict = TlsVerdict::Failed);
        }
        outcome.map_err(Lost::Strange)
    }
}

impl Notes {
    fn greeted(&mut self, reply: &super::talk::Reply) {
        self.answers = reply.code == 220;
        self.said = reply.text();
    }

    fn imap_greeted(&mut self, line: &str) {
        self.answers = line.to_ascii_uppercase().starts_with("* OK");
        self.said = Text::of(line);
    }
}

/// Where it ended.
enum Lost {
    /// There was no connection.
    Before(io::Error),
    /// There was one.
    Strange(io::Error),
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Self::Strange(error)
    }
}

fn reach(error: &io::Error) -> Reach {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Reach::Closed,
        ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable | ErrorKind::Unsupported => {
            Reach::NoRoute
        }
        _ => Reach::Silent,
    }
}
