//! What the handle asks of the actor. Each command carries the place for its answer.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use libp2p::Multiaddr;
use tokio::sync::oneshot;

use crate::address::Address;
use crate::error::{DialError, PublishError, RequestError};
use crate::event::{Direction, Judged, Ticket, Verdict};
use crate::key::PeerKey;
use crate::label::{Service, Topic};

/// The place for an answer. A caller that went away is no failure.
pub(crate) type Answer<T> = oneshot::Sender<T>;

#[derive(Debug)]
pub(crate) enum Command {
    Publish { topic: Topic, bytes: Bytes, answer: Answer<Result<(), PublishError>> },
    Judge { ticket: Ticket, verdict: Verdict, answer: Answer<Judged> },
    Request { peer: PeerKey, service: Service, body: Bytes, answer: Answer<Result<Bytes, RequestError>> },
    Dial { peer: PeerKey, addresses: Vec<Multiaddr>, answer: Answer<Result<(), DialError>> },
    Keep { peer: PeerKey, addresses: Vec<Address>, answer: Answer<Kept> },
    Release { peer: PeerKey, answer: Answer<()> },
    Disconnect { peer: PeerKey, answer: Answer<()> },
    Block { peer: PeerKey, answer: Answer<()> },
    Unblock { peer: PeerKey, answer: Answer<()> },
    Esteem { peer: PeerKey, points: f64, answer: Answer<()> },
    Peers { answer: Answer<Vec<PeerInfo>> },
    HostsOf { peer: PeerKey, answer: Answer<Vec<IpAddr>> },
    Listening { answer: Answer<Vec<Address>> },
    Shutdown { answer: Answer<()> },
}

/// What `Handle::keep` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The peer will be dialled whenever it is not connected.
    Yes,
    /// `Limits::kept_peers` others are kept already.
    Full,
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerInfo {
    /// Who.
    pub peer: PeerKey,
    /// Where its first connection goes.
    pub address: Option<Address>,
    /// Who called.
    pub direction: Direction,
    /// Connections, normally one.
    pub connections: usize,
    /// For how long it has been connected.
    pub connected_for: Duration,
    /// Topics that it wants.
    pub topics: Vec<Topic>,
    /// gossip's opinion of it; below 0 it did something wrong.
    pub score: f64,
    /// The last ping.
    pub round_trip: Option<Duration>,
    /// What it says that it is. At most 64 characters, only printable ASCII.
    pub agent: String,
}
