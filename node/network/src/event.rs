//! What the network tells its owner.

use bytes::Bytes;
use libp2p::PeerId;
use libp2p::gossipsub::MessageId;
use tokio::sync::oneshot;

use crate::address::Address;
use crate::key::PeerKey;
use crate::label::{Service, Topic};
use crate::request::{Charge, Response, Status};

/// News, in the order in which they happened. News of peers are never lost; gossip and requests are when the owner
/// does not keep up.
#[derive(Debug)]
pub enum Event {
    /// A peer is connected now. Comes once, however many connections there are.
    Connected {
        /// Who.
        peer: PeerKey,
        /// Where it was reached, or comes from.
        address: Option<Address>,
        /// Who called.
        direction: Direction,
    },
    /// The last connection with a peer is gone.
    Disconnected {
        /// Who.
        peer: PeerKey,
    },
    /// A peer wants messages of a topic: what is published now reaches somebody.
    Subscribed {
        /// Who.
        peer: PeerKey,
        /// What.
        topic: Topic,
    },
    /// A peer no longer wants them.
    Unsubscribed {
        /// Who.
        peer: PeerKey,
        /// What.
        topic: Topic,
    },
    /// This node can be reached here.
    Listening {
        /// With the port that was chosen.
        address: Address,
    },
    /// Gossip. It is passed on only after `Handle::verdict`.
    Message(Message),
    /// A request that waits for its answer.
    Request(Request),
}

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// We did.
    Outgoing,
    /// The peer did.
    Incoming,
}

/// One gossip message. `from` brought it; who wrote it is for its own signature to say.
#[derive(Debug)]
pub struct Message {
    /// The peer that brought it first.
    pub from: PeerKey,
    /// What it is about.
    pub topic: Topic,
    /// Not looked at, but at most `Limits::gossip_bytes`.
    pub bytes: Bytes,
    /// To be given back with the verdict. Dropped: as if ignored.
    pub ticket: Ticket,
}

/// A message that waits for its verdict. There is one for each message, and it is used once.
#[derive(Debug)]
pub struct Ticket {
    pub(crate) id: MessageId,
    pub(crate) from: PeerId,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Pass it on.
    Accept,
    /// Do not, and hold it against those who brought it. Only for what is the sender's fault whoever looks: a wrong
    /// signature, bytes that cannot be read. Never for a rule of our own, or honest nodes shut each other out.
    Reject,
    /// Do not, and hold it against nobody: over a limit, not known yet, our disk is full.
    Ignore,
}

/// What a verdict did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// It was done.
    Done,
    /// The message had been forgotten; it was not passed on. Whoever lacks it must ask.
    TooLate,
}

/// A request of a peer. Dropped without an answer, the peer is told that it was refused.
#[derive(Debug)]
pub struct Request {
    /// Who asks; proven by the connection.
    pub peer: PeerKey,
    /// Whom it asks.
    pub service: Service,
    /// At most `Limits::request_bytes`.
    pub body: Bytes,
    /// For the answer.
    pub reply: Reply,
}

/// Answers one request.
#[derive(Debug)]
pub struct Reply {
    pub(crate) answer: oneshot::Sender<Response>,
    pub(crate) limit: usize,
    /// Held until answered, so that what waits here is counted.
    pub(crate) charge: Charge,
}

/// The answer was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// It does not fit; the peer was told that its request was refused.
    #[error("an answer of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Bytes that it has.
        size: usize,
        /// `Limits::response_bytes`.
        limit: usize,
    },
    /// The peer is gone or no longer waits.
    #[error("the peer no longer waits for the answer")]
    Gone,
}

impl Reply {
    /// Answers.
    ///
    /// # Errors
    /// If it is too large, or nobody waits any more.
    pub fn send(self, body: Bytes) -> Result<(), ReplyError> {
        if body.len() > self.limit {
            let error = ReplyError::TooLarge { size: body.len(), limit: self.limit };
            self.refuse();
            return Err(error);
        }
        self.answer.send(Response { status: Status::Ok, body }).map_err(|_| ReplyError::Gone)?;
        drop(self.charge);
        Ok(())
    }

    /// Says no. The reason, if any is owed, belongs into an answer of the service's own.
    pub fn refuse(self) {
        // The peer may be gone; then nobody needs to hear it.
        let _ = self.answer.send(Response::empty(Status::Refused));
    }
}
