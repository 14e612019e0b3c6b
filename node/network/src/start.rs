//! Bringing the network up: ports, transports, tasks.

use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::num::NonZeroUsize;
use std::sync::Arc;

use libp2p::{Swarm, SwarmBuilder, noise, tcp, yamux};
use tokio::sync::mpsc;

use crate::actor::{Actor, Setup};
use crate::address::{Transport, multiaddr};
use crate::behaviour::Behaviour;
use crate::bulk::{Bulk, IncomingStream};
use crate::command::Kept;
use crate::config::NetworkConfig;
use crate::counters::Counters;
use crate::error::StartError;
use crate::event::Event;
use crate::handle::Handle;
use crate::key::NodeSecret;
use crate::label::{Service, Topic};
use crate::limits::Limits;

/// What a node brings to the network.
#[derive(Debug, Clone)]
pub struct Node {
    /// `listen.peer`: UDP for QUIC and TCP on the same port. Port 0: a free one.
    pub listen: SocketAddr,
    /// `[network]`.
    pub config: NetworkConfig,
    /// The bounds.
    pub limits: Limits,
    /// Who it is.
    pub secret: NodeSecret,
    /// What it gossips about.
    pub topics: Vec<Topic>,
    /// What it answers.
    pub services: Vec<Service>,
}

/// A network that runs. It ends with `Handle::shutdown`, or when the last handle is dropped.
#[derive(Debug)]
pub struct Network {
    /// To ask it.
    pub handle: Handle,
    /// What it tells. Must be read; see [`Event`].
    pub events: mpsc::Receiver<Event>,
    /// Bulk streams that peers open. At most `Limits::bulk_waiting` wait.
    pub streams: mpsc::Receiver<IncomingStream>,
    /// Where it listens, with the port that was chosen.
    pub listening: SocketAddr,
}

impl Network {
    /// Listens and begins to dial the seeds. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running.
    pub async fn start(node: Node) -> Result<Self, StartError> {
        let Node { listen, config, limits, secret, topics, services } = node;
        refuse_key_log(std::env::var_os("SSLKEYLOGFILE").as_deref())?;
        let limits = Arc::new(config.apply(limits));
        let counters = Arc::new(Counters::default());

        let mut swarm = swarm(&secret, &topics, &limits)?;
        let listening = listen_on(&mut swarm, listen)?;
        let (send_streams, streams) = mpsc::channel(limits.bulk_waiting);
        let socket = bulk_socket(listen, listening, &config)?;
        let bulk = Bulk::start(socket, &secret, &config, &limits, &counters, send_streams)?;
        let bulk_port = config.bulk_announce_port.unwrap_or_else(|| bulk.local_address().port());

        let (commands, receive_commands) = mpsc::channel(limits.commands);
        let (send_events, events) = mpsc::channel(limits.events);
        let actor = Actor::new(Setup {
            swarm,
            commands: receive_commands,
            events: send_events,
            limits: Arc::clone(&limits),
            counters: Arc::clone(&counters),
            topics,
            services,
            announce: config.announce,
            bulk: bulk.clone(),
            bulk_port,
        });
        tokio::spawn(actor.run());

        let handle = Handle { commands, bulk, counters, limits, me: secret.public() };
        for seed in config.seeds.into_iter().filter(|seed| seed.peer != handle.me) {
            if handle.keep(seed.peer, vec![seed.address]).await == Ok(Kept::Full) {
                tracing::warn!("there are more seeds than can be kept; the others are left out");
                break;
            }
        }
        Ok(Self { handle, events, streams, listening })
    }
}

/// libp2p-tls writes session keys there, and libp2p-quic gives no way to forbid it. (Bulk forbids it for itself.)
fn refuse_key_log(file: Option<&OsStr>) -> Result<(), StartError> {
    match file {
        Some(_) => Err(StartError::KeyLog),
        None => Ok(()),
    }
}

fn swarm(secret: &NodeSecret, topics: &[Topic], limits: &Limits) -> Result<Swarm<Behaviour>, StartError> {
    let transport = |error: &dyn std::error::Error| StartError::Transport(error.to_string());
    let streams = limits.requests_in_per_peer + limits.requests_out_per_peer + STREAMS_OF_LIBP2P;
    let behaviour = Behaviour::new(secret.pair(), topics, limits)?;
    let builder = SwarmBuilder::with_existing_identity(secret.pair().clone())
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, move || {
            let mut yamux = yamux::Config::default();
            yamux.set_max_num_streams(streams);
            yamux
        })
        .map_err(|error| transport(&error))?
        .with_quic_config(move |mut quic| {
            quic.max_concurrent_stream_limit = u32::try_from(streams).unwrap_or(u32::MAX);
            quic.max_stream_data = QUIC_STREAM_WINDOW;
            quic.max_connection_data = QUIC_CONNECTION_WINDOW;
            quic
        })
        .with_behaviour(move |_| behaviour);
    let Ok(builder) = builder;
    let swarm = builder.with_swarm_config(|config| {
        config
            .with_idle_connection_timeout(limits.connection_idle)
            .with_notify_handler_buffer_size(NOTIFY_BUFFER)
            .with_per_connection_event_buffer_size(EVENT_BUFFER)
            .with_max_negotiating_inbound_streams(streams)
            .with_smart_dial()
    });
    Ok(swarm.with_connection_timeout(limits.connection_setup).build())
}

/// TCP and UDP on one port, so that one number describes both.
fn listen_on(swarm: &mut Swarm<Behaviour>, wanted: SocketAddr) -> Result<SocketAddr, StartError> {
    let mut failure = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORT_ATTEMPTS {
        let listened = probe(wanted).and_then(|address| listen_on_both(swarm, address).map(|()| address));
        match listened {
            Ok(address) => return Ok(address),
            // Somebody was quicker, or has the other half of the port.
            Err(error) => failure = error,
        }
        if wanted.port() != 0 {
            break;
        }
    }
    Err(StartError::Listen { address: wanted, what: "other nodes", source: failure })
}

fn listen_on_both(swarm: &mut Swarm<Behaviour>, address: SocketAddr) -> io::Result<()> {
    let mut listeners = Vec::new();
    for socket in families(address) {
        for transport in [Transport::Quic, Transport::Tcp] {
            match swarm.listen_on(multiaddr(socket, transport)) {
                Ok(listener) => listeners.push(listener),
                Err(error) => {
                    for listener in listeners {
                        swarm.remove_listener(listener);
                    }
                    return Err(io::Error::other(error));
                }
            }
        }
    }
    Ok(())
}

/// libp2p's sockets are of one family; `[::]` means both.
fn families(address: SocketAddr) -> Vec<SocketAddr> {
    match address.ip() {
        IpAddr::V6(ip) if ip.is_unspecified() => {
            vec![address, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port())]
        }
        _ => vec![address],
    }
}

/// Asks the system, which answers in its own words; libp2p wraps them beyond recognition. Port 0 is chosen here.
fn probe(wanted: SocketAddr) -> io::Result<SocketAddr> {
    let udp = UdpSocket::bind(wanted)?;
    let address = udp.local_addr()?;
    TcpListener::bind(address).map(|_| address)
}

fn bulk_socket(
    wanted: SocketAddr,
    listening: SocketAddr,
    config: &NetworkConfig,
) -> Result<UdpSocket, StartError> {
    let next = listening.port().checked_add(1).ok_or_else(|| StartError::NoPortAfter(listening.port()));
    let port = match (config.bulk_port, wanted.port()) {
        (Some(port), _) => port,
        (None, 0) => 0,
        (None, _) => next?,
    };
    let address = SocketAddr::new(wanted.ip(), port);
    UdpSocket::bind(address).map_err(|source| StartError::Listen { address, what: "bulk data", source })
}

/// For ports that another program takes between looking and listening.
const PORT_ATTEMPTS: usize = 16;
/// Streams of gossip, identify and ping on one connection, both ways.
const STREAMS_OF_LIBP2P: usize = 16;
/// Bytes of one swarm stream that are sent before the reader has taken them; bulk has its own endpoint.
const QUIC_STREAM_WINDOW: u32 = 1 << 20;
const QUIC_CONNECTION_WINDOW: u32 = 2 << 20;
/// Messages between the swarm and one connection, as Lighthouse has them.
const NOTIFY_BUFFER: NonZeroUsize = NonZeroUsize::new(7).expect("7 is not 0");
const EVENT_BUFFER: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_log_stops_the_start() {
        assert!(refuse_key_log(None).is_ok());
        assert!(matches!(refuse_key_log(Some(OsStr::new("/tmp/keys"))), Err(StartError::KeyLog)));
    }

    #[test]
    fn the_bulk_port_is_the_next_one_unless_it_is_named() {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let none = NetworkConfig::default();
        assert!(matches!(
            bulk_socket(local(u16::MAX), local(u16::MAX), &none),
            Err(StartError::NoPortAfter(u16::MAX))
        ));
        let free = bulk_socket(local(0), local(4001), &none).unwrap().local_addr().unwrap();
        let named = NetworkConfig { bulk_port: Some(0), ..none };
        let other = bulk_socket(local(u16::MAX), local(u16::MAX), &named).unwrap().local_addr().unwrap();
        assert!(free.port() != 0 && other.port() != 0);
    }

    #[test]
    fn the_unspecified_ipv6_address_means_both_families() {
        assert_eq!(families("[::]:4001".parse().unwrap()).len(), 2);
        assert_eq!(families("[::1]:4001".parse().unwrap()).len(), 1);
        assert_eq!(families("0.0.0.0:4001".parse().unwrap()).len(), 1);
    }
}
