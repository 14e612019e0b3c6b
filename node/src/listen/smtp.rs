//! SMTP connections: the loop around a conversation. What it asks is answered by [`Desk`].

mod desk;
mod errand;
mod message;
mod pace;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use essaim_accounts::Authenticated;
use essaim_smtp::server::{
    Action, Config, Connection, Encryption, Limits, LoginVerdict, PlaintextLogin, Role,
};
use tokio_rustls::TlsAcceptor;

use super::channel::Caller;
use super::wire::Wire;
use super::{PlainLogin, Protocol, Rate, login};
use crate::services::Services;
use crate::shutdown::Stop;
use crate::stream::{Read, Stream};
use desk::Desk;
pub(crate) use pace::Pace;

/// What all connections of an SMTP listener share.
pub(crate) struct Smtp {
    node: Services,
    /// How it speaks to anybody, and to this machine.
    anybody: Arc<Config>,
    this_machine: Arc<Config>,
    pace: Arc<Pace>,
    /// How fast other servers may send.
    rate: Rate,
    tls: Option<TlsAcceptor>,
    handshake: Duration,
}

/// Who is at the other end.
#[derive(Debug, Clone)]
pub(crate) enum Visitor {
    /// Somebody at this address.
    Address(IpAddr),
    /// A node of the federation.
    Node(Caller),
}

/// Who connects to a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clients {
    /// Other mail servers, with mail for addresses that live here.
    Servers,
    /// Nodes of other hosters, with mail from their domain for addresses that live here.
    Hosters,
    /// Members, with mail for anybody.
    Members(PlainLogin),
}

impl Smtp {
    pub(crate) fn new(
        node: &Services,
        clients: Clients,
        encryption: Encryption,
        tls: Option<TlsAcceptor>,
        pace: Arc<Pace>,
    ) -> Self {
        let speak = |plaintext_login| {
            Arc::new(Config {
                hostname: node.config.hoster.hostname().clone(),
                role: match clients {
                    Clients::Servers => Role::Receiving,
                    Clients::Hosters => Role::Hosters,
                    Clients::Members(_) => Role::Submission { plaintext_login },
                },
                encryption,
                limits: bounds(node),
            })
        };
        let local = match clients {
            Clients::Members(PlainLogin::ThisMachine) => PlaintextLogin::Allow,
            _ => PlaintextLogin::Refuse,
        };
        // Without a certificate something in front of the node does TLS: see tls.mode.
        let (anybody, this_machine) = match encryption {
            Encryption::Unavailable => (PlaintextLogin::Allow, PlaintextLogin::Allow),
            Encryption::StartTls | Encryption::Implicit => (PlaintextLogin::Refuse, local),
        };
        Self {
            node: node.clone(),
            anybody: speak(anybody),
            this_machine: speak(this_machine),
            pace,
            rate: Rate::per_minute(node.config.limits.messages_per_minute),
            tls,
            handshake: node.config.limits.handshake_timeout,
        }
    }

    /// One conversation, to its end.
    pub(super) async fn converse(&self, stream: Stream, visitor: Visitor, stop: &Stop) -> io::Result<()> {
        let config = match &visitor {
            Visitor::Address(ip) if ip.is_loopback() => &self.this_machine,
            Visitor::Address(_) | Visitor::Node(_) => &self.anybody,
        };
        let smtp = Connection::new(Arc::clone(config), Instant::now());
        let mut desk = Desk::new(&self.node, config.role, visitor, &self.pace, &self.rate);
        desk.encrypted(stream.tls_name());
        self.go_on(smtp, desk, Wire::new(stream), stop).await
    }

    /// A submission that the old hoster of an account has led here, from the answer to a login that is good: of a client that has given a name there
    /// and is encrypted in some way, as this login and this member. The conversation to its end.
    pub(crate) async fn take_over(
        &self,
        stream: Stream,
        (hello, tls): (String, Option<String>),
        (login, member): (String, Authenticated),
        client: IpAddr,
        stop: &Stop,
    ) -> io::Result<()> {
        let config = &self.anybody;
        let mut smtp = Connection::taken_over(Arc::clone(config), hello, Instant::now());
        let mut desk = Desk::new(&self.node, config.role, Visitor::Address(client), &self.pace, &self.rate);
        desk.encrypted(tls);
        desk.enter(member);
        smtp.answer_login(LoginVerdict::Accept { login });
        self.go_on(smtp, desk, Wire::new(stream), stop).await
    }

    async fn go_on(
        &self,
        mut smtp: Connection,
        mut desk: Desk<'_>,
        mut wire: Wire,
        stop: &Stop,
    ) -> io::Result<()> {
        loop {
            while let Some(action) = smtp.next_action() {
                match action {
                    Action::Send(bytes) => wire.put(bytes).await?,
                    Action::StartTls => {
                        wire = wire.encrypt(self.acceptor()?, self.handshake).await?;
                        desk.encrypted(wire.tls_name());
                    }
                    Action::CheckSender(sender, options) => {
                        desk.tells_moved(options.moved);
                        smtp.answer_sender(desk.sender(sender.as_ref()));
                    }
                    Action::CheckRecipient(recipient) => smtp.answer_recipient(desk.recipient(&recipient)),
                    Action::Authenticate(login) => match desk.lead(&login, &smtp).await {
                        None => smtp.answer_login(desk.log_in(login).await),
                        Some(Err(refused)) => smtp.answer_login(login::smtp(&refused)),
                        Some(Ok(way)) => {
                            // What was answered before the login.
                            while let Some(Action::Send(bytes)) = smtp.next_action() {
                                wire.put(bytes).await?;
                            }
                            return way.carry(wire.into_stream().await?, smtp.hand_over(), stop).await;
                        }
                    },
                    Action::Begin(envelope) => desk.begin(&envelope),
                    Action::Spool(piece) => desk.spool(piece),
                    Action::Commit(envelope) => smtp.answer_committed(desk.commit(envelope).await),
                    Action::Abort => desk.abort(),
                    Action::Close => return wire.close().await,
                }
            }
            wire.write_out().await?;
            tokio::select! {
                read = wire.read_before(smtp.deadline(), |bytes| smtp.receive(bytes)) => match read? {
                    Read::Some => {}
                    Read::TimedOut => smtp.on_timeout(Instant::now()),
                    Read::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
                },
                () = stop.requested() => smtp.shut_down(),
            }
        }
    }

    /// What is said to a node with which no mail is exchanged.
    pub(super) fn unwelcome(&self, why: &'static str) -> Bytes {
        Connection::unwelcome(&self.anybody, why)
    }

    fn acceptor(&self) -> io::Result<&TlsAcceptor> {
        self.tls.as_ref().ok_or_else(|| io::Error::other("STARTTLS without a certificate"))
    }
}

impl Protocol for Smtp {
    fn busy(&self) -> Bytes {
        Connection::too_busy(&self.anybody)
    }

    async fn serve(&self, stream: Stream, peer: IpAddr, stop: Stop) -> io::Result<()> {
        self.converse(stream, Visitor::Address(peer), &stop).await
    }
}

fn bounds(node: &Services) -> Limits {
    let (limits, mail) = (&node.config.limits, &node.config.mail);
    Limits {
        message_size: mail.max_message_size,
        received_fields: mail.max_received_headers,
        recipients: limits.recipients_per_message,
        idle_timeout: limits.smtp_timeout,
        ..Limits::default()
    }
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp").field("config", &self.anybody).finish_non_exhaustive()
    }
}
