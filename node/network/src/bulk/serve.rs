//! Being called: handshakes within their limits, then streams that are handed to the owner.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use quinn::{Connection, Endpoint, Incoming, RecvStream, SendStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;

use super::opening::Answer;
use super::registry::NotAdmitted;
use super::stream::BulkStream;
use super::{CODE_BROKEN_OFF, CODE_FULL, CODE_MALFORMED, CODE_UNWANTED, Inner, Opening};
use crate::key::PeerKey;

/// A stream that a peer has opened, and that waits for yes or no. Dropped: no.
#[derive(Debug)]
pub struct IncomingStream {
    peer: PeerKey,
    opening: Opening,
    parts: Option<(Arc<Inner>, SendStream, RecvStream)>,
}

impl IncomingStream {
    /// Who opened it; proven by the handshake.
    pub const fn peer(&self) -> PeerKey {
        self.peer
    }

    /// What for, and where it would go on.
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Takes it. The transfer goes on at `offset`, whatever was proposed: this side knows what it has.
    ///
    /// # Errors
    /// If the peer is gone.
    pub async fn accept(mut self, offset: u64) -> io::Result<BulkStream> {
        let (inner, mut send, receive) = self.parts.take().ok_or(io::ErrorKind::NotConnected)?;
        send.write_all(&Answer::Accepted(offset).encode()).await?;
        let opening = Opening { offset, ..self.opening.clone() };
        Ok(inner.stream(self.peer, opening, send, receive))
    }

    /// Says no.
    pub fn refuse(mut self) {
        self.answer(Answer::Refused);
    }

    fn answer(&mut self, answer: Answer) {
        if let Some((_, send, receive)) = self.parts.take() {
            tokio::spawn(turn_away(send, receive, answer));
        }
    }
}

impl Drop for IncomingStream {
    fn drop(&mut self) {
        // Outside of a runtime nobody can be told; the stream ends with the connection.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.answer(Answer::Refused);
        }
    }
}

/// Until the endpoint closes. Holds nothing of the owner's: when the last handle goes, this ends.
pub(super) async fn accept(bulk: Weak<Inner>, endpoint: Endpoint) {
    while let Some(incoming) = endpoint.accept().await {
        let Some(inner) = bulk.upgrade() else { return };
        // Where half of the places are taken, an address must be real before it takes another.
        let crowded = inner.handshakes.available_permits() <= inner.limits.bulk_handshakes / 2;
        if crowded && !incoming.remote_address_validated() && incoming.may_retry() {
            // `Err` is: cannot be retried; asked above.
            let _ = incoming.retry();
            continue;
        }
        let permit = Arc::clone(&inner.handshakes).try_acquire_owned().ok();
        let place = Place::take(&inner, incoming.remote_address().ip());
        if let (Some(permit), Some(place)) = (permit, place) {
            tokio::spawn(called(inner, incoming, permit, place));
        } else {
            inner.counters.bulk_connections_refused.add();
            incoming.refuse();
        }
    }
}

/// One of `Limits::bulk_connections_per_host`, until it is dropped.
struct Place {
    bulk: Weak<Inner>,
    host: IpAddr,
}

impl Place {
    fn take(inner: &Arc<Inner>, host: IpAddr) -> Option<Self> {
        inner.registry().enter(host).ok()?;
        Some(Self { bulk: Arc::downgrade(inner), host })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(inner) = self.bulk.upgrade() {
            inner.registry().leave(self.host);
        }
    }
}

/// The handshake, then the connection.
async fn called(inner: Arc<Inner>, incoming: Incoming, permit: OwnedSemaphorePermit, place: Place) {
    let connection = handshake(&inner, incoming).await;
    drop(permit);
    let Some(connection) = connection else { return inner.counters.bulk_connections_refused.add() };
    let admitted = inner.registry().admit(&connection);
    let peer = match admitted {
        Ok(peer) => peer,
        Err(why) => {
            let code = match why {
                NotAdmitted::Full => CODE_FULL,
                NotAdmitted::Blocked | NotAdmitted::Unknown => CODE_UNWANTED,
            };
            connection.close(code, b"not admitted");
            return inner.counters.bulk_connections_refused.add();
        }
    };
    let bulk = Arc::downgrade(&inner);
    drop(inner);
    streams(bulk, connection, peer).await;
    drop(place);
}

async fn handshake(inner: &Inner, incoming: Incoming) -> Option<Connection> {
    timeout(inner.limits.bulk_setup, incoming.accept().ok()?).await.ok()?.ok()
}

/// The streams that the peer opens, until the connection ends.
pub(super) async fn streams(bulk: Weak<Inner>, connection: Connection, peer: PeerKey) {
    // The transport lets the peer have at most `Limits::bulk_streams` of them.
    while let Ok((send, receive)) = connection.accept_bi().await {
        let Some(inner) = bulk.upgrade() else { return };
        tokio::spawn(stream(inner, peer, send, receive));
    }
    if let Some(inner) = bulk.upgrade() {
        inner.registry().forget(&connection);
    }
}

async fn stream(inner: Arc<Inner>, peer: PeerKey, mut send: SendStream, mut receive: RecvStream) {
    let limits = &inner.limits;
    let opening = timeout(limits.bulk_setup, Opening::read(&mut receive, limits.bulk_subject)).await;
    let Ok(Ok(opening)) = opening else {
        // Both fail only if the stream has ended already.
        let _ = send.reset(CODE_MALFORMED);
        let _ = receive.stop(CODE_MALFORMED);
        return;
    };
    let incoming = IncomingStream { peer, opening, parts: Some((Arc::clone(&inner), send, receive)) };
    if let Err(TrySendError::Full(mut incoming) | TrySendError::Closed(mut incoming)) =
        inner.incoming.try_send(incoming)
    {
        inner.counters.bulk_streams_busy.add();
        incoming.answer(Answer::Busy);
    }
}

/// The peer that is gone need not hear it.
async fn turn_away(mut send: SendStream, mut receive: RecvStream, answer: Answer) {
    let _ = receive.stop(CODE_BROKEN_OFF);
    let _ = send.write_all(&answer.encode()).await;
    let _ = send.finish();
}
