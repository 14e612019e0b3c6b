//! One outgoing connection: the loop around a conversation that decides nothing.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use essaim_mail::queue::Body;
use essaim_network::BulkStream;
use essaim_smtp::client::{Action, Config, Connection, Delivery, Encryption, Report};
use essaim_store::ReadError;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tracing::{debug, error};

use super::{CONNECT_TIMEOUT, HANDSHAKE_TIMEOUT};
use crate::stream::{Read, Stream};

/// A conversation with a host that answers.
#[derive(Debug)]
pub(super) struct Talk {
    smtp: Connection,
    /// Gone when the connection is closed.
    stream: Option<Stream>,
    /// How to begin TLS, and with whom; absent where the stream is one between two nodes.
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// By name and address, for diagnoses.
    host: String,
}

impl Talk {
    /// Connects, and begins to listen for the greeting.
    pub(super) async fn open(
        host: &str,
        address: SocketAddr,
        config: Arc<Config>,
        tls: Arc<ClientConfig>,
    ) -> io::Result<Self> {
        let socket = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await??;
        let mut stream = Stream::new(socket, config.limits.timeouts.body);
        let name = ServerName::try_from(host.to_owned()).unwrap_or_else(|_| ServerName::from(address.ip()));
        if config.encryption == Encryption::Implicit {
            stream = stream
                .encrypt_to(&TlsConnector::from(Arc::clone(&tls)), name.clone(), HANDSHAKE_TIMEOUT)
                .await?;
        }
        let smtp = Connection::new(config, Instant::now());
        let host = format!("{host} [{}]", address.ip());
        Ok(Self { smtp, stream: Some(stream), tls: Some((tls, name)), host })
    }

    /// Begins to listen for the greeting of a node of another hoster.
    pub(super) fn with_node(stream: BulkStream, host: String, config: Arc<Config>) -> Self {
        let stream = Stream::to_node(stream, config.limits.timeouts.body);
        let smtp = Connection::new(config, Instant::now());
        Self { smtp, stream: Some(stream), tls: None, host }
    }

    /// Who it is, for diagnoses.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Whether another message can be given.
    pub(super) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Hands over one message; always comes back, within the timeouts of the conversation.
    pub(super) async fn deliver(&mut self, delivery: Delivery, body: Body) -> Report {
        self.smtp.deliver(delivery);
        let mut pieces = Pieces { body, rest: Bytes::new() };
        self.go_on(Some(&mut pieces)).await.unwrap_or(Report { recipients: Vec::new() })
    }

    /// Says QUIT and waits for the answer, but not for long: everything is settled.
    pub(super) async fn quit(mut self) {
        self.smtp.quit();
        let _ = timeout(GOODBYE_TIMEOUT, self.go_on(None)).await;
    }

    /// Goes on until a message is settled, or the conversation ends.
    async fn go_on(&mut self, mut pieces: Option<&mut Pieces>) -> Option<Report> {
        let mut report = None;
        loop {
            while let Some(action) = self.smtp.next_action() {
                match action {
                    Action::Send(bytes) => self.send(&bytes).await,
                    Action::StartTls => self.encrypt().await,
                    Action::WantBody => self.feed(pieces.as_deref_mut()),
                    Action::Report(settled) => report = Some(settled),
                    Action::Close => {
                        self.close().await;
                        return report;
                    }
                }
            }
            if report.is_some() {
                return report;
            }
            self.listen().await;
        }
    }

    fn feed(&mut self, pieces: Option<&mut Pieces>) {
        match pieces.map(Pieces::next) {
            Some(Ok(Some(piece))) => self.smtp.body(&piece),
            Some(Ok(None)) => self.smtp.body_end(),
            Some(Err(error)) => {
                error!(error = &error as &dyn Error, "a message of the queue cannot be read");
                self.smtp.body_failed();
            }
            None => self.smtp.body_failed(),
        }
    }

    async fn listen(&mut self) {
        let smtp = &mut self.smtp;
        let Some(stream) = &mut self.stream else { return smtp.on_closed() };
        match stream.read_before(smtp.deadline(), |bytes| smtp.receive(bytes)).await {
            Ok(Read::Some) => {}
            Ok(Read::TimedOut) => smtp.on_timeout(Instant::now()),
            Ok(Read::Closed) | Err(_) => smtp.on_closed(),
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        let Some(stream) = &mut self.stream else { return };
        let write = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        let deadline = self.smtp.deadline().unwrap_or_else(Instant::now);
        match timeout_at(deadline.into(), write).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => self.hear_last_words().await,
            Err(_) => self.smtp.on_closed(),
        }
    }

    /// A host that closes while it is written to may have said why: that the message is too large, for example.
    async fn hear_last_words(&mut self) {
        let (smtp, deadline) = (&mut self.smtp, Instant::now() + GOODBYE_TIMEOUT);
        let Some(stream) = &mut self.stream else { return smtp.on_closed() };
        let heard = stream.read_before(Some(deadline), |bytes| smtp.receive(bytes)).await;
        if !matches!(heard, Ok(Read::Some)) {
            smtp.on_closed();
        }
    }

    async fn encrypt(&mut self) {
        let (Some(stream), Some((tls, name))) = (self.stream.take(), &self.tls) else {
            return self.smtp.tls_failed();
        };
        let connector = TlsConnector::from(Arc::clone(tls));
        match stream.encrypt_to(&connector, name.clone(), HANDSHAKE_TIMEOUT).await {
            Ok(encrypted) => self.stream = Some(encrypted),
            Err(error) => {
                debug!(error = &error as &dyn Error, host = self.host, "no TLS with {}", self.host);
                self.smtp.tls_failed();
            }
        }
    }

    async fn close(&mut self) {
        if let Some(stream) = self.stream.take() {
            // What the host does with our goodbye is its own affair.
            let _ = timeout(GOODBYE_TIMEOUT, stream.close()).await;
        }
    }
}

/// The bytes of a message in pieces of a good size.
struct Pieces {
    body: Body,
    rest: Bytes,
}

impl Pieces {
    fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        if self.rest.is_empty() {
            // A slow disk does not hold up the other connections.
            match tokio::task::block_in_place(|| self.body.next_piece())? {
                Some(blob) => self.rest = blob,
                None => return Ok(None),
            }
        }
        Ok(Some(self.rest.split_to(self.rest.len().min(PIECE))))
    }
}

const PIECE: usize = 64 << 10;
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(10);
