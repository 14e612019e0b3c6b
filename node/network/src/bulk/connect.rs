//! Opening streams: on a connection that exists, or on a new one.

use std::net::SocketAddr;
use std::sync::Arc;

use quinn::Connection;
use tokio::io::AsyncWriteExt;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use super::opening::Answer;
use super::registry::NotAdmitted;
use super::stream::BulkStream;
use super::{Bulk, CODE_FULL, CODE_UNWANTED, Inner, OpenError, Opening, serve, tls};
use crate::key::PeerKey;

impl Bulk {
    /// On the connection that there is, else on a new one, at one of the places that `locate` finds.
    pub(crate) async fn open(
        &self,
        peer: PeerKey,
        opening: Opening,
        locate: impl Future<Output = Result<Vec<SocketAddr>, OpenError>>,
    ) -> Result<BulkStream, OpenError> {
        let existing = self.0.registry().of(peer);
        if let Some(connection) = existing {
            let opened = tokio::select! {
                opened = self.0.open(&connection, peer, opening.clone()) => Some(opened),
                () = self.0.silence(&connection) => None,
            };
            match opened {
                // The peer may have crashed; it will not answer on this one any more.
                None => self.0.registry().retire_one(&connection),
                Some(opened) => {
                    let failed = matches!(opened, Err(OpenError::Failed { .. } | OpenError::Closed(_)));
                    if !failed || connection.close_reason().is_none() {
                        return opened;
                    }
                }
            }
        }
        let connection = self.connection(peer, locate).await?;
        self.0.open(&connection, peer, opening).await
    }

    /// On a new connection, at the first of these places where the peer is found.
    pub(crate) async fn open_at(
        &self,
        peer: PeerKey,
        places: &[SocketAddr],
        opening: Opening,
    ) -> Result<BulkStream, OpenError> {
        let connection = self.0.connect_at(peer, places).await?;
        self.0.open(&connection, peer, opening).await
    }

    /// Many streams that are opened at once make one connection.
    async fn connection(
        &self,
        peer: PeerKey,
        locate: impl Future<Output = Result<Vec<SocketAddr>, OpenError>>,
    ) -> Result<Connection, OpenError> {
        let _turn = self.0.turns.of(peer).await;
        let made_meanwhile = self.0.registry().of(peer);
        match made_meanwhile {
            Some(connection) => Ok(connection),
            None => self.0.connect_at(peer, &locate.await?).await,
        }
    }
}

/// Calls to one peer are made one after another. A few locks for all peers: two peers that share one wait for each other
/// now and then, and no table grows.
#[derive(Debug, Default)]
pub(super) struct Turns([Mutex<()>; 16]);

impl Turns {
    async fn of(&self, peer: PeerKey) -> MutexGuard<'_, ()> {
        let [first, ..] = *peer.public().as_bytes();
        let lock = self.0.iter().cycle().nth(usize::from(first)).expect("a cycle does not end");
        lock.lock().await
    }
}

impl Inner {
    async fn connect_at(
        self: &Arc<Self>,
        peer: PeerKey,
        places: &[SocketAddr],
    ) -> Result<Connection, OpenError> {
        let mut outcome = Err(OpenError::NoBulk { peer });
        for place in places.iter().take(self.limits.addresses_per_peer) {
            outcome = self.connect(peer, *place).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    async fn connect(self: &Arc<Self>, peer: PeerKey, place: SocketAddr) -> Result<Connection, OpenError> {
        self.registry().may_have_another(peer).map_err(|why| not_admitted(peer, why))?;
        let config = tls::client_config(&self.secret, peer, &self.limits)
            .map_err(|error| OpenError::Failed { peer, source: std::io::Error::other(error.to_string()) })?;
        let connecting = self.endpoint.connect_with(config, place, tls::SERVER_NAME);
        let connecting = connecting.map_err(|error| OpenError::connecting(peer, error))?;
        let connection =
            timeout(self.limits.bulk_setup, connecting).await.map_err(|_| OpenError::late(peer))?;
        let connection = connection.map_err(|error| OpenError::connection(peer, error))?;
        let admitted = self.registry().admit(&connection);
        match admitted {
            Ok(proven) if proven == peer => {}
            Ok(_) => {
                // TLS has seen to it; this is the second look.
                self.registry().forget(&connection);
                connection.close(CODE_UNWANTED, b"another node");
                return Err(OpenError::WrongPeer { peer });
            }
            Err(why) => {
                connection.close(CODE_FULL, b"too many");
                return Err(not_admitted(peer, why));
            }
        }
        // The peer may open streams on it too: that is how a node behind a router is reached.
        tokio::spawn(serve::streams(Arc::downgrade(self), connection.clone(), peer));
        Ok(connection)
    }

    /// Ready when nothing at all has come on a connection for a while in which an answer was due. A peer that only thinks sends
    /// acknowledgements.
    async fn silence(&self, connection: &Connection) {
        let heard = |connection: &Connection| connection.stats().udp_rx.datagrams;
        let before = heard(connection);
        tokio::time::sleep(self.limits.bulk_silence).await;
        if heard(connection) != before {
            std::future::pending::<()>().await;
        }
    }

    async fn open(
        &self,
        connection: &Connection,
        peer: PeerKey,
        opening: Opening,
    ) -> Result<BulkStream, OpenError> {
        let limits = &self.limits;
        let (size, limit) = (opening.subject.len(), limits.bulk_subject);
        let wire = opening.encode(limit).ok_or(OpenError::SubjectTooLarge { size, limit })?;
        let exchange = async {
            let (mut send, mut receive) =
                connection.open_bi().await.map_err(|error| OpenError::connection(peer, error))?;
            let failed = |source| OpenError::Failed { peer, source };
            send.write_all(&wire).await.map_err(|error| failed(error.into()))?;
            send.flush().await.map_err(failed)?;
            let answer = Answer::read(&mut receive).await.map_err(failed)?;
            Ok((send, receive, answer))
        };
        let patience = limits.bulk_setup + limits.bulk_decision;
        let exchanged = timeout(patience, exchange).await.map_err(|_| OpenError::late(peer))?;
        let (send, receive, answer) = exchanged.map_err(|error| better(connection, peer, error))?;
        match answer {
            Answer::Accepted(offset) => Ok(self.stream(peer, Opening { offset, ..opening }, send, receive)),
            Answer::Refused => Err(OpenError::Refused { peer, purpose: opening.purpose }),
            Answer::Busy => Err(OpenError::Busy { peer }),
        }
    }

    pub(super) fn stream(
        &self,
        peer: PeerKey,
        opening: Opening,
        send: quinn::SendStream,
        receive: quinn::RecvStream,
    ) -> BulkStream {
        let pipes = (self.upload.clone(), self.download.clone());
        BulkStream::new(peer, opening, send, receive, &self.limits, pipes)
    }
}

/// A stream fails because its connection does; the connection knows why.
fn better(connection: &Connection, peer: PeerKey, error: OpenError) -> OpenError {
    match connection.close_reason() {
        Some(reason) if matches!(error, OpenError::Failed { .. }) => OpenError::connection(peer, reason),
        _ => error,
    }
}

const fn not_admitted(peer: PeerKey, why: NotAdmitted) -> OpenError {
    match why {
        NotAdmitted::Unknown => OpenError::WrongPeer { peer },
        NotAdmitted::Blocked => OpenError::Blocked { peer },
        NotAdmitted::Full => OpenError::Busy { peer },
    }
}
