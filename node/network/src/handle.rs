//! The owner's side: asks the actor and waits for its answers. Cheap to clone.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::address::Address;
use crate::bulk::{Bulk, BulkStream, OpenError, Opening};
use crate::command::{Answer, Command, Kept, PeerInfo};
use crate::counters::{Counters, Counts};
use crate::error::{Closed, DialError, PublishError, RequestError};
use crate::event::{Judged, Ticket, Verdict};
use crate::key::PeerKey;
use crate::label::{Service, Topic};
use crate::limits::Limits;

/// Talks to the network. When the last one is dropped, the network shuts down.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) bulk: Bulk,
    pub(crate) counters: Arc<Counters>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) me: PeerKey,
}

impl Handle {
    /// This node's key.
    pub const fn me(&self) -> PeerKey {
        self.me
    }

    /// Sends a message to everybody who wants its topic.
    ///
    /// # Errors
    /// See [`PublishError`]; what is temporary must be tried again by the caller.
    pub async fn publish(&self, topic: Topic, bytes: Bytes) -> Result<(), PublishError> {
        self.ask(|answer| Command::Publish { topic, bytes, answer }).await?
    }

    /// Says what becomes of a message. At most about 12 s (12 heartbeats) after it came; later it is too late.
    ///
    /// # Errors
    /// If the network has been shut down.
    pub async fn verdict(&self, ticket: Ticket, verdict: Verdict) -> Result<Judged, Closed> {
        self.ask(|answer| Command::Judge { ticket, verdict, answer }).await
    }

    /// Asks a connected peer, and waits at most `Limits::request_timeout`.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn request(&self, peer: PeerKey, service: Service, body: Bytes) -> Result<Bytes, RequestError> {
        self.request_within(peer, service, body, self.limits.request_timeout).await
    }

    /// The same with a shorter time.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn request_within(
        &self,
        peer: PeerKey,
        service: Service,
        body: Bytes,
        wait: Duration,
    ) -> Result<Bytes, RequestError> {
        let limit = self.limits.request_bytes;
        if body.len() > limit {
            return Err(RequestError::TooLarge { size: body.len(), limit });
        }
        // Ours, whatever libp2p does: its own timeout has been seen not to come (polkadot-sdk 7222).
        let asked = self.ask(|answer| Command::Request { peer, service, body, answer });
        let wait = wait.min(self.limits.request_timeout);
        timeout(wait, asked).await.map_err(|_| RequestError::TimedOut { peer })??
    }

    /// Connects to a peer at one of its addresses; at once if it is connected.
    ///
    /// # Errors
    /// See [`DialError`].
    pub async fn dial(&self, peer: PeerKey, addresses: &[Address]) -> Result<(), DialError> {
        let wait = self.limits.connection_setup.saturating_mul(2);
        let dialled = async {
            let limit = self.limits.addresses_per_peer;
            let addresses = crate::address::resolve_all(addresses, limit).await;
            self.ask(|answer| Command::Dial { peer, addresses, answer }).await?
        };
        let late = || DialError::Unreachable { peer, detail: "no answer in time".to_owned() };
        timeout(wait, dialled).await.map_err(|_| late())?
    }

    /// Stays connected to a peer: dials it now, and whenever it is not connected, with growing pauses.
    ///
    /// # Errors
    /// If the network has been shut down.
    pub async fn keep(&self, peer: PeerKey, addresses: Vec<Address>) -> Result<Kept, Closed> {
        self.ask(|answer| Command::Keep { peer, addresses, answer }).await
    }

    /// Ends what `keep` began. The connection stays.
    ///
    /// # Errors
    /// If the network has been shut down.
    pub async fn release(&self, peer: PeerKey) -> Result<(), Closed> {
        self.ask(|answer| Command::Release { peer, answer }).await
    }

    /// Ends all connections with a peer. A kept one is dialled again.
    ///
    /// # Errors
    /// If the network has been shut down.
    pub async fn disconnect(&self, peer: PeerKey) -> Result<(), Closed> {
        self.bulk.disconnect(peer);
        self.ask(|answer| Command::Disconnect { peer, answer }).await
    }

    /// Ends all connections with a peer and lets it make no other, bulk included.
    ///
    /// # Errors
    /// If the network has been shut down.
    pub async fn block(&self, peer: PeerKey) -> Result<(), Closed> {
        self.bulk.block(peer);
        self.ask(|answer| Command::Block { peer, answer }).await
    }

    /// Ends what `block` began.
    ///
    /// # Errors
    /// If the network has been shut down.
    pub async fn unblock(&self, peer: PeerKey) -> Result<(), Closed> {
        self.bulk.unblock(peer);
        self.ask(|answer| Command::Unblock { peer, answer }).await
    }

    /// Adds the owner's opinion of a connected peer to gossip's: above 0 for those it trusts (20 for a vouched hoster),
    /// below for those it does not. Forgotten some time after the peer has gone, so to be said at each `Connected`.
    ///
    /// # Errors
    /// If the network has been shut down.
    pub async fn esteem(&self, peer: PeerKey, points: f64) -> Result<(), Closed> {
        self.ask(|answer| Command::Esteem { peer, points, answer }).await
    }

    /// The connected peers.
    ///
    /// # Errors
    /// If the network has been shut down.
    pub async fn peers(&self) -> Result<Vec<PeerInfo>, Closed> {
        self.ask(|answer| Command::Peers { answer }).await
    }

    /// The addresses to tell others: those of the configuration, else those that are listened on.
    ///
    /// # Errors
    /// If the network has been shut down.
    pub async fn listen_addresses(&self) -> Result<Vec<Address>, Closed> {
        self.ask(|answer| Command::Listening { answer }).await
    }

    /// Opens a bulk stream to a connected peer. Where its bulk endpoint is, is asked over the connection.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_stream(&self, peer: PeerKey, opening: Opening) -> Result<BulkStream, OpenError> {
        self.bulk.open(peer, opening, self.bulk_place(peer)).await
    }

    /// Opens a bulk stream at a known place, on a connection of its own. Whoever is there must prove to be `peer`.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_stream_at(
        &self,
        peer: PeerKey,
        place: SocketAddr,
        opening: Opening,
    ) -> Result<BulkStream, OpenError> {
        self.bulk.open_at(peer, &[place], opening).await
    }

    /// Where this node's bulk endpoint listens.
    pub fn bulk_address(&self) -> SocketAddr {
        self.bulk.local_address()
    }

    /// Numbers for metrics.
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    /// Closes all connections and ends. The event channel then closes.
    pub async fn shutdown(&self) {
        self.bulk.shutdown().await;
        // Closed already: that is what was wanted.
        let _ = self.ask(|answer| Command::Shutdown { answer }).await;
    }

    /// The port from the peer itself, the host from its connection.
    async fn bulk_place(&self, peer: PeerKey) -> Result<Vec<SocketAddr>, OpenError> {
        let failed = |source| OpenError::Locate { peer, source };
        let answer = self.request(peer, crate::bulk::locate_service(), Bytes::new()).await.map_err(failed)?;
        let port = crate::bulk::read_location(&answer).ok_or(OpenError::NoBulk { peer })?;
        let hosts: Vec<IpAddr> = self.ask(|answer| Command::HostsOf { peer, answer }).await?;
        Ok(hosts.into_iter().map(|host| SocketAddr::new(host, port)).collect())
    }

    async fn ask<T>(&self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T, Closed> {
        let (answer, wait) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| Closed)?;
        wait.await.map_err(|_| Closed)
    }
}
