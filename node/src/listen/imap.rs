//! IMAP connections: the loop around a conversation that decides nothing.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use essaim_accounts::{Accounts, Authenticated};
use essaim_imap::{Action, Connection, Limits, Outcome, Reply, ResponseCode, Settings, Tag, Transport};
use essaim_mail::Mail;
use essaim_mail::imap::{Append, Gone, Removals, Session, Sink};
use essaim_migration::leading::Service;
use essaim_types::{Lsn, Secret};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tracing::{Span, debug, error};

use super::wire::Wire;
use super::{PlainLogin, Protocol, login};
use crate::config::LimitsConfig;
use crate::leading;
use crate::services::Services;
use crate::shutdown::Stop;
use crate::stream::{Read, Stream};
use crate::vitals::now;

/// What all connections of an IMAP listener share.
#[derive(Clone)]
pub(crate) struct Imap {
    node: Services,
    limits: Limits,
    /// `None`: nothing is encrypted here.
    tls: Option<TlsAcceptor>,
    handshake: Duration,
    plain_login: PlainLogin,
}

/// Somebody who has logged in.
struct Member {
    session: Session,
    proof: Authenticated,
    accounts: Accounts,
    /// Wakes when something in the account changes.
    log: watch::Receiver<Lsn>,
    append: Option<Append>,
    idling: bool,
}

impl Imap {
    pub(crate) fn new(node: &Services, tls: Option<TlsAcceptor>, plain_login: PlainLogin) -> Self {
        let limits = &node.config.limits;
        Self {
            node: node.clone(),
            limits: bounds(limits, &node.mail),
            tls,
            handshake: limits.handshake_timeout,
            plain_login,
        }
    }

    fn settings(&self, stream: &Stream, peer: IpAddr) -> Settings {
        let transport = match (stream.is_encrypted(), &self.tls) {
            (true, _) => Transport::Tls,
            (false, None) => Transport::Clear,
            (false, Some(_)) if self.plain_login.is_for(peer) => Transport::StartTlsOffered,
            (false, Some(_)) => Transport::StartTlsRequired,
        };
        Settings {
            limits: self.limits,
            transport,
            id: vec![("name", "Essaim"), ("version", env!("CARGO_PKG_VERSION"))],
        }
    }

    async fn converse(&self, stream: Stream, peer: IpAddr, stop: &Stop) -> io::Result<()> {
        let imap = Connection::new(self.settings(&stream, peer));
        self.go_on((imap, Wire::new(stream)), None, peer, stop).await
    }

    /// A session that the old hoster of an account has led here, from the answer to a login that is good. The conversation to its end.
    pub(crate) async fn take_over(
        &self,
        stream: Stream,
        (tag, proof): (Tag, Authenticated),
        peer: IpAddr,
        stop: &Stop,
    ) -> io::Result<()> {
        let mut imap = Connection::taken_over(self.settings(&stream, peer), tag);
        let member = match self.enter(proof).await {
            Ok(member) => {
                imap.answer_login(Ok(()));
                Some(member)
            }
            Err(reply) => {
                imap.bye(&reply);
                None
            }
        };
        self.go_on((imap, Wire::new(stream)), member, peer, stop).await
    }

    async fn go_on(
        &self,
        (mut imap, mut wire): (Connection, Wire),
        mut member: Option<Member>,
        peer: IpAddr,
        stop: &Stop,
    ) -> io::Result<()> {
        loop {
            while let Some(action) = imap.next_action() {
                match action {
                    Action::Send(bytes) => wire.put(bytes).await?,
                    Action::StartTls => wire = wire.encrypt(self.acceptor()?, self.handshake).await?,
                    Action::Authenticate { tag, user, password } => {
                        let service = Service::Imap { tag: tag.to_string() };
                        match leading::lead(&self.node, (&user, &password), peer, service).await {
                            None => {
                                let entered = self.log_in(&user, &password, peer).await;
                                imap.answer_login(entered.map(|entered| member = Some(entered)));
                            }
                            Some(Ok(way)) => {
                                return way.carry(wire.into_stream().await?, imap.hand_over(), stop).await;
                            }
                            Some(Err(error)) => imap.answer_login(Err(login::imap(&error))),
                        }
                    }
                    Action::Close => return wire.close().await,
                    action => match &mut member {
                        Some(member) => member.act(action, &mut imap, &mut wire).await.map_err(gone)?,
                        None => return Err(io::Error::other("a command before login")),
                    },
                }
            }
            wire.write_out().await?;
            wait(&mut imap, &mut wire, member.as_mut(), stop).await?;
        }
    }

    async fn log_in(&self, user: &str, password: &Secret, peer: IpAddr) -> Result<Member, Reply> {
        let proof = self
            .node
            .accounts
            .authenticate(user, password, peer, now())
            .await
            .map_err(|error| login::imap(&error))?;
        Span::current().record("account", tracing::field::display(proof.account));
        debug!("logged in");
        self.enter(proof).await
    }

    async fn enter(&self, proof: Authenticated) -> Result<Member, Reply> {
        let mail = &self.node.mail;
        let log = mail.store.watch(proof.account);
        let session = Session::open(mail.clone(), proof.account).await.map_err(|outcome| match outcome {
            Outcome::No(reply) | Outcome::Bad(reply) | Outcome::Bye(reply) | Outcome::Ok(reply) => reply,
            Outcome::Selected { text, .. } => Reply::new(text),
        })?;
        Ok(Member { session, proof, accounts: self.node.accounts.clone(), log, append: None, idling: false })
    }

    fn acceptor(&self) -> io::Result<&TlsAcceptor> {
        self.tls.as_ref().ok_or_else(|| io::Error::other("STARTTLS without a certificate"))
    }
}

impl Protocol for Imap {
    fn busy(&self) -> Bytes {
        Bytes::from_static(b"* BYE [UNAVAILABLE] too many connections from your network\r\n")
    }

    async fn serve(&self, stream: Stream, peer: IpAddr, stop: Stop) -> io::Result<()> {
        self.converse(stream, peer, &stop).await
    }
}

impl Member {
    async fn act(&mut self, action: Action, imap: &mut Connection, wire: &mut Wire) -> Result<(), Gone> {
        if let Some(reply) = self.expelled() {
            imap.bye(&reply);
            return Ok(());
        }
        let session = &mut self.session;
        session.set_enabled(imap.enabled());
        match action {
            Action::RunAccount { command, condstore, .. } => {
                imap.answer_done(session.account_command(command, condstore, wire).await?);
            }
            Action::RunMailbox { tag, command, condstore } => {
                imap.answer_done(session.mailbox_command(&tag, command, condstore, wire).await?);
            }
            Action::AppendBegin { mailbox, .. } => {
                let begun = session.append(&mailbox);
                imap.answer_append(begun.map(|append| self.append = Some(append)));
            }
            Action::AppendMessage(message) => match &mut self.append {
                Some(append) => imap.answer_append(append.message(session, &message)),
                None => imap.answer_append(Err(Reply::new("nothing was begun"))),
            },
            Action::AppendPiece(bytes) => {
                if let Some(append) = &mut self.append {
                    append.piece(&bytes);
                }
            }
            Action::AppendMessageEnd => {
                if let Some(append) = &mut self.append {
                    append.message_end();
                }
            }
            Action::AppendCommit => match self.append.take() {
                Some(append) => imap.answer_done(session.append_commit(append, wire).await?),
                None => imap.answer_done(Outcome::no("nothing was begun")),
            },
            Action::AppendAbort => self.append = None,
            Action::Idle { .. } => {
                self.idling = true;
                self.tell_news(wire).await?;
            }
            Action::IdleDone => {
                self.idling = false;
                session.announce(Removals::Tell, wire).await?;
                imap.answer_done(Outcome::ok("Done"));
            }
            Action::Send(_) | Action::StartTls | Action::Authenticate { .. } | Action::Close => {}
        }
        Ok(())
    }

    /// Why the session cannot go on, if something in the account has changed.
    fn expelled(&mut self) -> Option<Reply> {
        if !self.log.has_changed().unwrap_or(true) {
            return None;
        }
        self.log.mark_unchanged();
        match self.accounts.is_current(&self.proof) {
            Ok(true) => None,
            Ok(false) => Some(match self.accounts.departure(self.proof.account) {
                // The next session is led on.
                Ok(Some(_)) => {
                    Reply::new("the account has moved: connect again, with the settings as they are")
                }
                _ => Reply::coded(
                    ResponseCode::AuthorizationFailed,
                    "the account is closed, or its password was changed",
                ),
            }),
            Err(error) => {
                error!(
                    error = &error as &dyn std::error::Error,
                    "could not see whether a session is still allowed"
                );
                Some(Reply::coded(ResponseCode::Unavailable, "the server cannot read its store"))
            }
        }
    }

    async fn tell_news(&mut self, wire: &mut Wire) -> Result<(), Gone> {
        self.session.announce(Removals::Tell, wire).await?;
        wire.flush().await
    }
}

/// Until the client says something, its account changes (which may have expelled it, and is news if it idles), it is silent for too long, or the node stops.
async fn wait(
    imap: &mut Connection,
    wire: &mut Wire,
    member: Option<&mut Member>,
    stop: &Stop,
) -> io::Result<()> {
    let deadline = imap.deadline(Instant::now());
    let log = member.as_ref().map(|member| member.log.clone());
    tokio::select! {
        read = wire.read_before(deadline, |bytes| imap.receive(bytes)) => match read? {
            Read::Some => {}
            Read::TimedOut => imap.on_timeout(Instant::now()),
            Read::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
        },
        () = changed(log) => if let Some(member) = member {
            match member.expelled() {
                Some(reply) => imap.bye(&reply),
                None if member.idling => member.tell_news(wire).await.map_err(gone)?,
                None => {}
            }
        },
        () = stop.requested() => imap.bye(&Reply::new("the server is stopping; connect again in a moment")),
    }
    Ok(())
}

async fn changed(log: Option<watch::Receiver<Lsn>>) {
    if let Some(mut log) = log
        && log.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

fn gone(gone: Gone) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, gone)
}

fn bounds(limits: &LimitsConfig, mail: &Mail) -> Limits {
    Limits {
        message: mail.config.max_message_size,
        login_timeout: limits.imap_login_timeout,
        idle_timeout: limits.imap_timeout,
        ..Limits::default()
    }
}

impl std::fmt::Debug for Imap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Imap").field("limits", &self.limits).finish_non_exhaustive()
    }
}
