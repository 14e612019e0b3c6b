//! What can go wrong, one enum for each operation, and whether trying again can help.

use std::io;
use std::net::SocketAddr;

use crate::key::PeerKey;
use crate::label::{Service, Topic};

/// The network did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// libp2p would write the keys of every session into that file.
    #[error(
        "the environment variable SSLKEYLOGFILE is set; unset it, or all traffic between nodes can be read"
    )]
    KeyLog,
    /// The address is taken, reserved, or not of this machine.
    #[error("could not listen on {address} ({what})")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// For what.
        what: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no port after the last one.
    #[error("there is no port after {0} for bulk data; set network.bulk_port")]
    NoPortAfter(u16),
    /// The transports could not be set up.
    #[error("could not set up the transports between nodes: {0}")]
    Transport(String),
    /// The settings of gossip contradict each other.
    #[error("the limits of gossip do not fit together: {0}")]
    Gossip(String),
}

/// The network has been shut down. Nothing more will come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the network has been shut down")]
pub struct Closed;

/// A message was not published. What was not published must be kept by the caller and tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Nobody who is connected wants this topic. Try again after the next `Event::Subscribed`.
    #[error("no connected peer wants messages of {topic}")]
    NoPeers {
        /// Which.
        topic: Topic,
    },
    /// Every peer's queue is full. gossip has noted the message and may still offer it to peers that ask; publishing
    /// the same bytes again within ten minutes says `Duplicate`.
    #[error("the queues of all {peers} peers are full")]
    QueuesFull {
        /// How many.
        peers: usize,
    },
    /// The same bytes went out or came in within the last ten minutes. Nothing needs to be done.
    #[error("the same message has been seen already")]
    Duplicate,
    /// It can never be published.
    #[error("a message of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Bytes that it has.
        size: usize,
        /// `Limits::gossip_bytes`.
        limit: usize,
    },
    /// Not one of the topics that the network was started with.
    #[error("{topic} is not a topic of this node")]
    UnknownTopic {
        /// Which.
        topic: Topic,
    },
    /// The network has been shut down.
    #[error(transparent)]
    Closed(#[from] Closed),
}

impl PublishError {
    /// Whether the same call can succeed later.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::NoPeers { .. } | Self::QueuesFull { .. })
    }
}

/// A request was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// `dial` or `keep` first.
    #[error("not connected to {peer}")]
    NotConnected {
        /// Whom.
        peer: PeerKey,
    },
    /// It can never be sent.
    #[error("a request of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Bytes that it has.
        size: usize,
        /// `Limits::request_bytes`.
        limit: usize,
    },
    /// Too many requests of ours wait for answers.
    #[error("too many requests to {peer} wait for their answers")]
    Busy {
        /// Whose.
        peer: PeerKey,
    },
    /// The peer has too much to do.
    #[error("{peer} is busy")]
    PeerBusy {
        /// Who.
        peer: PeerKey,
    },
    /// The peer said no, or dropped the request.
    #[error("{peer} refused the request for {service}")]
    Refused {
        /// Who.
        peer: PeerKey,
        /// What.
        service: Service,
    },
    /// The peer has no such service, or does not speak this protocol at all.
    #[error("{peer} does not know the service {service}")]
    UnknownService {
        /// Who.
        peer: PeerKey,
        /// What.
        service: Service,
    },
    /// No answer in time. The peer may have acted on the request.
    #[error("{peer} did not answer in time")]
    TimedOut {
        /// Who.
        peer: PeerKey,
    },
    /// The connection broke, or the answer could not be read. The peer may have acted on the request.
    #[error("the request to {peer} failed: {detail}")]
    Failed {
        /// Whom.
        peer: PeerKey,
        /// In words of the transport.
        detail: String,
    },
    /// The network has been shut down.
    #[error(transparent)]
    Closed(#[from] Closed),
}

impl RequestError {
    /// Whether the same call can succeed later.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::NotConnected { .. }
            | Self::Busy { .. }
            | Self::PeerBusy { .. }
            | Self::TimedOut { .. }
            | Self::Failed { .. } => true,
            Self::TooLarge { .. } | Self::Refused { .. } | Self::UnknownService { .. } | Self::Closed(_) => {
                false
            }
        }
    }
}

/// A peer could not be connected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// It is this node.
    #[error("{peer} is this node itself")]
    Myself {
        /// Who.
        peer: PeerKey,
    },
    /// `unblock` first.
    #[error("{peer} is blocked")]
    Blocked {
        /// Who.
        peer: PeerKey,
    },
    /// None was given, or no name was found.
    #[error("no address of {peer} could be found")]
    NoAddress {
        /// Whose.
        peer: PeerKey,
    },
    /// Another node answered there.
    #[error("the node at {peer}'s address has another key")]
    WrongPeer {
        /// Who was expected.
        peer: PeerKey,
    },
    /// A limit of ours.
    #[error("{peer} was not called: {limit}")]
    Limit {
        /// Whom.
        peer: PeerKey,
        /// Which.
        limit: String,
    },
    /// Nobody answered, or the handshake failed.
    #[error("{peer} could not be reached: {detail}")]
    Unreachable {
        /// Who.
        peer: PeerKey,
        /// In words of the transport.
        detail: String,
    },
    /// The network has been shut down.
    #[error(transparent)]
    Closed(#[from] Closed),
}

impl DialError {
    /// Whether the same call can succeed later.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::NoAddress { .. } | Self::Limit { .. } | Self::Unreachable { .. })
    }
}
