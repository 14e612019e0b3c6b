//! Sockets that wait for connections. The loops here accept, bound and hand over; what is said on a connection is decided in the
//! protocol crates, and what is done about it in `essaim-mail` and `essaim-accounts`.

pub(crate) mod channel;
mod crowd;
mod http;
mod imap;
mod login;
mod rate;
mod residence;
mod smtp;
pub(crate) mod tls;
mod wire;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::{Instrument, debug, info_span, warn};

pub(crate) use crowd::Crowd;
pub(crate) use http::Http;
pub(crate) use imap::Imap;
pub(crate) use login::PlainLogin;
pub(crate) use rate::{Neighbourhood, Rate};
pub(crate) use smtp::{Clients, Pace, Smtp, Visitor};

use crate::config::{IpRange, LimitsConfig};
use crate::failure::Failure;
use crate::shutdown::Stop;
use crate::stream::Stream;
use crowd::Seat;

/// A socket that was bound for one of the names of `[listen]`.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) name: &'static str,
    socket: TcpListener,
    address: SocketAddr,
}

/// How the connections of a listener begin.
#[derive(Clone)]
pub(crate) enum Opening {
    Clear,
    /// TLS from the first byte (RFC 8314).
    Encrypted(TlsAcceptor),
}

/// What is spoken on a listener.
pub(crate) trait Protocol: Send + Sync + 'static {
    /// What is said, in clear, to somebody from whose network there are too many connections already.
    fn busy(&self) -> Bytes;

    /// One connection, to its end. When `stop` is requested it says goodbye at the next moment at which nothing is half done.
    fn serve(&self, stream: Stream, peer: IpAddr, stop: Stop) -> impl Future<Output = io::Result<()>> + Send;
}

/// The bounds that all connections have in common.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    connections: usize,
    handshake: Duration,
    write: Duration,
    exempt: Arc<[IpRange]>,
    crowd: Arc<Crowd>,
    rate: Arc<Rate>,
}

/// Why somebody is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TurnedAway {
    /// Too many connections of their network are open.
    Crowded,
    /// Too many came from their neighbourhood in a short time.
    TooFast,
}

/// What `/metrics` tells of one listener.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) name: &'static str,
    accepted: AtomicU64,
    crowded: AtomicU64,
    too_fast: AtomicU64,
    places: Arc<Semaphore>,
    connections_max: usize,
}

impl Listener {
    /// Binds, and says in one sentence why not.
    pub(crate) fn bind(name: &'static str, address: SocketAddr) -> Result<Self, Failure> {
        let bound = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // Connections of a node that was just stopped must not keep its successor from starting.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?;
            let address = socket.local_addr()?;
            Ok(Self { name, socket, address })
        };
        bound().map_err(|error| refusal(name, address, &error))
    }

    /// Where it listens, with the port that the system chose.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts until `stop`, then waits at most `linger` for the connections that are open.
    pub(crate) async fn run<P: Protocol>(
        self,
        protocol: Arc<P>,
        opening: Opening,
        bounds: Bounds,
        counters: Arc<Counters>,
        stop: Stop,
        linger: Duration,
    ) {
        tokio::select! {
            () = self.accept(&protocol, &opening, &bounds, &counters, &stop) => {}
            () = stop.requested() => {}
        }
        drop(self.socket);
        let all = u32::try_from(bounds.connections).unwrap_or(u32::MAX);
        if timeout(linger, counters.places.acquire_many(all)).await.is_err() {
            warn!(
                listener = self.name,
                open = counters.open(),
                "connections were still open when the node stopped"
            );
        }
    }

    async fn accept<P: Protocol>(
        &self,
        protocol: &Arc<P>,
        opening: &Opening,
        bounds: &Bounds,
        counters: &Arc<Counters>,
        stop: &Stop,
    ) {
        loop {
            // No place, no accept: the others wait in the system's queue.
            let Ok(place) = Arc::clone(&counters.places).acquire_owned().await else { return };
            let (socket, peer) = match self.socket.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(
                        listener = self.name,
                        error = &error as &dyn std::error::Error,
                        "could not accept a connection"
                    );
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let peer = peer.ip().to_canonical();
            let seat = match bounds.admit(peer, Instant::now()) {
                Ok(seat) => seat,
                Err(why) => {
                    counters.turned_away(why).fetch_add(1, Ordering::Relaxed);
                    debug!(listener = self.name, %peer, "turned away: {why:?}");
                    turn_away(&socket, opening, protocol.as_ref());
                    continue;
                }
            };
            counters.accepted.fetch_add(1, Ordering::Relaxed);
            let conn = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
            let span = info_span!("connection", conn, protocol = self.name, account = tracing::field::Empty);
            span.in_scope(|| debug!(%peer, "accepted"));
            let (protocol, opening, bounds, stop) =
                (Arc::clone(protocol), opening.clone(), bounds.clone(), stop.clone());
            let connection = async move {
                if let Err(error) = converse(socket, peer, protocol.as_ref(), opening, &bounds, stop).await {
                    debug!(error = &error as &dyn std::error::Error, "connection ended early");
                }
                drop((seat, place));
            };
            tokio::spawn(connection.instrument(span));
        }
    }
}

impl Bounds {
    pub(crate) fn of(limits: &LimitsConfig, crowd: Arc<Crowd>) -> Self {
        Self {
            connections: limits.connections_per_listener.min(Semaphore::MAX_PERMITS),
            handshake: limits.handshake_timeout,
            write: limits.write_timeout,
            exempt: limits.exempt_networks.clone().into(),
            crowd,
            rate: Arc::new(Rate::per_minute(0)),
        }
    }

    /// The same, and only so many new connections in a minute from each neighbourhood.
    pub(crate) fn paced(&self, per_minute: u32) -> Self {
        Self { rate: Arc::new(Rate::per_minute(per_minute)), ..self.clone() }
    }

    /// Whether a connection may come in; a place for it, if it is of those that are counted.
    fn admit(&self, peer: IpAddr, now: Instant) -> Result<Option<Seat>, TurnedAway> {
        if self.exempt.iter().any(|range| range.contains(peer)) {
            return Ok(None);
        }
        if !self.rate.admits(peer, now) {
            return Err(TurnedAway::TooFast);
        }
        self.crowd.enter(peer).map(Some).ok_or(TurnedAway::Crowded)
    }
}

impl Counters {
    pub(crate) fn new(name: &'static str, bounds: &Bounds) -> Arc<Self> {
        Arc::new(Self {
            name,
            accepted: AtomicU64::new(0),
            crowded: AtomicU64::new(0),
            too_fast: AtomicU64::new(0),
            places: Arc::new(Semaphore::new(bounds.connections)),
            connections_max: bounds.connections,
        })
    }

    /// Connections accepted since the node started.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections turned away because their network had too many open.
    pub(crate) fn crowded(&self) -> u64 {
        self.crowded.load(Ordering::Relaxed)
    }

    /// Connections turned away because too many had come from their neighbourhood.
    pub(crate) fn too_fast(&self) -> u64 {
        self.too_fast.load(Ordering::Relaxed)
    }

    fn turned_away(&self, why: TurnedAway) -> &AtomicU64 {
        match why {
            TurnedAway::Crowded => &self.crowded,
            TurnedAway::TooFast => &self.too_fast,
        }
    }

    /// Connections open now. The place that the next one will take is not counted.
    pub(crate) fn open(&self) -> usize {
        (self.connections_max - self.places.available_permits()).saturating_sub(1)
    }
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Clear => "Clear",
            Self::Encrypted(_) => "Encrypted",
        })
    }
}

async fn converse<P: Protocol>(
    socket: TcpStream,
    peer: IpAddr,
    protocol: &P,
    opening: Opening,
    bounds: &Bounds,
    stop: Stop,
) -> io::Result<()> {
    let stream = Stream::new(socket, bounds.write);
    let stream = match opening {
        Opening::Clear => stream,
        Opening::Encrypted(acceptor) => stream.encrypt(&acceptor, bounds.handshake).await?,
    };
    protocol.serve(stream, peer, stop).await
}

/// One write into the empty buffer of a new socket; whoever cannot take even that gets nothing.
fn turn_away<P: Protocol>(socket: &TcpStream, opening: &Opening, protocol: &P) {
    if matches!(opening, Opening::Clear) {
        let _ = socket.try_write(&protocol.busy());
    }
}

fn refusal(name: &str, address: SocketAddr, error: &io::Error) -> Failure {
    let variable = format!("ESSAIM_LISTEN__{}", name.to_uppercase());
    let change = format!(
        "choose another with listen.{name} in essaim.toml or with {variable}={}:0",
        shown_ip(address.ip())
    );
    match error.kind() {
        io::ErrorKind::AddrInUse => Failure::new(format!("{address} (listen.{name}) is in use by another program"))
            .hint(format!("stop that program, or {change} (0: any free port)")),
        io::ErrorKind::PermissionDenied => Failure::new(format!("port {} (listen.{name}) is reserved for privileged programs", address.port()))
            .hint(format!("start essaim with its systemd unit, which has the right to it (CAP_NET_BIND_SERVICE), or {change}")),
        io::ErrorKind::AddrNotAvailable => Failure::new(format!("{} (listen.{name}) is not an address of this machine", address.ip()))
            .hint("use one of its addresses, or 0.0.0.0 and [::] for all of them"),
        _ => Failure::caused(format_args!("could not listen on {address} (listen.{name})"), error).hint(change),
    }
}

fn shown_ip(ip: IpAddr) -> String {
    if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }
}

/// Numbers the connections of this process, for the log.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);
/// Connections that the system holds until they are accepted.
const BACKLOG: u32 = 1024;
/// Accepting fails when the process is out of file descriptors; others need time to close theirs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
