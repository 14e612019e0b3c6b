//! Why a bulk stream was not opened.

use std::io;

use quinn::{ConnectError, ConnectionError, TransportErrorCode, VarInt};

use crate::error::{Closed, RequestError};
use crate::key::PeerKey;
use crate::label::Purpose;

use super::{CODE_FULL, CODE_UNWANTED};

/// A bulk stream was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The peer did not say where its bulk endpoint is.
    #[error("could not ask {peer} where its bulk endpoint is")]
    Locate {
        /// Whom.
        peer: PeerKey,
        /// Why not.
        #[source]
        source: RequestError,
    },
    /// The peer has none.
    #[error("{peer} has no bulk endpoint")]
    NoBulk {
        /// Who.
        peer: PeerKey,
    },
    /// Whoever is there has another key.
    #[error("another node is where {peer} should be")]
    WrongPeer {
        /// Who was expected.
        peer: PeerKey,
    },
    /// Blocked here.
    #[error("{peer} is blocked")]
    Blocked {
        /// Who.
        peer: PeerKey,
    },
    /// The peer wants no connection with us.
    #[error("{peer} refuses connections from here")]
    Unwanted {
        /// Who.
        peer: PeerKey,
    },
    /// Too many connections, here or there, or too many streams wait there.
    #[error("too many bulk transfers with {peer}")]
    Busy {
        /// With whom.
        peer: PeerKey,
    },
    /// The peer said no to this transfer.
    #[error("{peer} refused the stream for {purpose}")]
    Refused {
        /// Who.
        peer: PeerKey,
        /// What.
        purpose: Purpose,
    },
    /// It does not fit into the opening.
    #[error("a subject of {size} bytes is over the limit of {limit}")]
    SubjectTooLarge {
        /// Bytes that it has.
        size: usize,
        /// `Limits::bulk_subject`.
        limit: usize,
    },
    /// Nobody answered, or not in time, or the connection broke.
    #[error("no bulk stream with {peer}")]
    Failed {
        /// Whom.
        peer: PeerKey,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The network has been shut down.
    #[error(transparent)]
    Closed(#[from] Closed),
}

impl OpenError {
    /// Whether the same call can succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Locate { source, .. } => source.is_temporary(),
            Self::Busy { .. } | Self::Failed { .. } => true,
            Self::NoBulk { .. }
            | Self::WrongPeer { .. }
            | Self::Blocked { .. }
            | Self::Unwanted { .. }
            | Self::Refused { .. }
            | Self::SubjectTooLarge { .. }
            | Self::Closed(_) => false,
        }
    }

    pub(super) fn connecting(peer: PeerKey, error: ConnectError) -> Self {
        match error {
            ConnectError::EndpointStopping => Self::Closed(Closed),
            error => Self::Failed { peer, source: io::Error::other(error) },
        }
    }

    pub(super) fn connection(peer: PeerKey, error: ConnectionError) -> Self {
        let closed_with = |code: VarInt| matches!(&error, ConnectionError::ApplicationClosed(close) if close.error_code == code);
        match &error {
            ConnectionError::TransportError(failure)
                if failure.code == TransportErrorCode::crypto(ACCESS_DENIED) =>
            {
                Self::WrongPeer { peer }
            }
            ConnectionError::LocallyClosed => Self::Closed(Closed),
            _ if closed_with(CODE_UNWANTED) => Self::Unwanted { peer },
            _ if closed_with(CODE_FULL) => Self::Busy { peer },
            ConnectionError::ConnectionClosed(close)
                if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
            {
                Self::Busy { peer }
            }
            _ => Self::Failed { peer, source: error.into() },
        }
    }

    pub(super) fn late(peer: PeerKey) -> Self {
        Self::Failed { peer, source: io::ErrorKind::TimedOut.into() }
    }
}

/// TLS alert `access_denied`: libp2p-tls found another key in the certificate.
const ACCESS_DENIED: u8 = 49;
