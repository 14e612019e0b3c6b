//! Bulk data between two nodes, past the swarm: a QUIC endpoint of its own, on which both sides prove their keys.
//!
//! Each stream opens with what it is for and where it goes on; then bytes flow in both directions, each with the
//! back-pressure of QUIC, a rate cap, and limits of silence and length. What the bytes mean is the owner's business.

mod connect;
mod error;
mod locate;
mod opening;
mod registry;
mod serve;
mod stream;
mod tls;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use quinn::{Endpoint, EndpointConfig, TokioRuntime, VarInt};
use tokio::sync::{Semaphore, mpsc};

use crate::config::NetworkConfig;
use crate::counters::Counters;
use crate::error::StartError;
use crate::key::{NodeSecret, PeerKey};
use crate::limits::Limits;
use crate::rate::Pipe;

pub use error::OpenError;
pub(crate) use locate::{locate_service, read_location, write_location};
pub use opening::Opening;
pub use serve::IncomingStream;
pub use stream::{BulkStream, Progress};

use connect::Turns;
use registry::Registry;

/// The bulk endpoint. Clones are the same endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Bulk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    endpoint: Endpoint,
    local: SocketAddr,
    secret: NodeSecret,
    limits: Arc<Limits>,
    counters: Arc<Counters>,
    registry: Mutex<Registry>,
    turns: Turns,
    handshakes: Arc<Semaphore>,
    incoming: mpsc::Sender<IncomingStream>,
    upload: Pipe,
    download: Pipe,
}

impl Bulk {
    /// Listens on this socket; streams of peers come out of `incoming`.
    pub(crate) fn start(
        socket: std::net::UdpSocket,
        secret: &NodeSecret,
        config: &NetworkConfig,
        limits: &Arc<Limits>,
        counters: &Arc<Counters>,
        incoming: mpsc::Sender<IncomingStream>,
    ) -> Result<Self, StartError> {
        let transport = |error: &dyn std::error::Error| StartError::Transport(error.to_string());
        let mut endpoint_config = EndpointConfig::default();
        endpoint_config.supported_versions(vec![QUIC_V1]);
        let server = tls::server_config(secret, limits).map_err(|error| transport(&*error))?;
        let local = socket.local_addr().map_err(|error| transport(&error))?;
        let endpoint = Endpoint::new(endpoint_config, Some(server), socket, Arc::new(TokioRuntime))
            .map_err(|error| transport(&error))?;
        let now = Instant::now();
        let bulk = Self(Arc::new(Inner {
            endpoint,
            local,
            secret: secret.clone(),
            limits: Arc::clone(limits),
            counters: Arc::clone(counters),
            registry: Mutex::new(Registry::new(limits)),
            turns: Turns::default(),
            handshakes: Arc::new(Semaphore::new(limits.bulk_handshakes)),
            incoming,
            upload: Pipe::new(config.bulk_upload_per_second, now),
            download: Pipe::new(config.bulk_download_per_second, now),
        }));
        tokio::spawn(serve::accept(Arc::downgrade(&bulk.0), bulk.0.endpoint.clone()));
        Ok(bulk)
    }

    pub(crate) fn local_address(&self) -> SocketAddr {
        self.0.local
    }

    pub(crate) fn block(&self, peer: PeerKey) {
        self.0.registry().block(peer);
    }

    pub(crate) fn unblock(&self, peer: PeerKey) {
        self.0.registry().unblock(peer);
    }

    pub(crate) fn retire(&self, peer: PeerKey) {
        self.0.registry().retire(peer);
    }

    pub(crate) fn disconnect(&self, peer: PeerKey) {
        self.0.registry().disconnect(peer);
    }

    /// Streams that are open are broken off.
    pub(crate) async fn shutdown(&self) {
        self.0.endpoint.close(CODE_GOODBYE, b"goodbye");
        // What was said above goes out; a peer that does not answer is not waited for.
        let _ = tokio::time::timeout(GOODBYE, self.0.endpoint.wait_idle()).await;
    }
}

impl Inner {
    fn registry(&self) -> std::sync::MutexGuard<'_, Registry> {
        // Nothing panics while it is held; if something did, the table is still whole.
        self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.endpoint.close(CODE_GOODBYE, b"goodbye");
    }
}

/// RFC 9000.
const QUIC_V1: u32 = 1;
/// This node stops.
const CODE_GOODBYE: VarInt = VarInt::from_u32(0);
/// Blocked, or told to disconnect.
const CODE_UNWANTED: VarInt = VarInt::from_u32(1);
/// A limit of connections.
const CODE_FULL: VarInt = VarInt::from_u32(2);
/// A stream that was not ended in order: what came is not all.
const CODE_BROKEN_OFF: VarInt = VarInt::from_u32(3);
/// What opened the stream could not be read.
const CODE_MALFORMED: VarInt = VarInt::from_u32(4);
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(1);
