//! What the queue needs from whoever has the sockets.

use bytes::Bytes;
use essaim_smtp::{EntryName, Needs};
use essaim_store::{ReadError, Store};
use essaim_types::{Address, BlobId, ByteSize, Domain, Timestamp};
use serde::{Deserialize, Serialize};

use super::course::Course;
use super::key::QueueId;
use super::reply::Outcome;
use super::scheduler::Route;

/// Carries messages to other hosts.
pub trait Transport: Send + Sync + 'static {
    /// One connection, for several messages one after another.
    type Session: Session;

    /// Which connections can carry mail for a domain.
    fn route(&self, domain: &Domain) -> Route;

    /// A session that is not connected yet.
    fn session(&self, route: &Route) -> Self::Session;
}

/// A connection for messages of one route. Dropping it closes it at once.
pub trait Session: Send {
    /// Connects if it has to, and hands over a message. Always answers, within its timeouts: one outcome for each recipient, in
    /// their order. What is not delivered may be tried again; what is, is not.
    fn deliver(&mut self, letter: Letter) -> impl Future<Output = Attempt> + Send;

    /// Takes leave.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// What came of handing over a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The way it took.
    pub way: Way,
    /// One for each recipient, in their order.
    pub outcomes: Vec<Outcome>,
}

/// Which way a message takes to a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Way {
    /// The channel of the federation, to a node of the hoster.
    Peer,
    /// A host that the operator has named for the domain.
    Route,
    /// The smart host.
    Relay,
    /// The hosts that the DNS names.
    Mx,
}

impl Way {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Peer, Self::Route, Self::Relay, Self::Mx];

    /// In answers of commands, in metrics and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Route => "route",
            Self::Relay => "relay",
            Self::Mx => "mx",
        }
    }
}

/// A message, for the recipients of one domain that have not got it yet.
#[derive(Debug, Clone)]
pub struct Letter {
    pub id: QueueId,
    /// What it is called here at each attempt, and never again.
    pub name: EntryName,
    /// Why it goes to the domain.
    pub course: Course,
    /// How often it was sent elsewhere instead.
    pub turns: u8,
    /// Where it goes: of the recipients, unless the course says otherwise.
    pub domain: Domain,
    /// `None` is the null reverse-path.
    pub sender: Option<Address>,
    /// At least one.
    pub recipients: Vec<Address>,
    /// Bytes of the message.
    pub size: ByteSize,
    /// Since when it waits.
    pub queued: Timestamp,
    /// What a host must offer to be given it, apart from what the addresses need.
    pub needs: Needs,
    pub body: Body,
}

/// The bytes of a message, read a blob at a time.
#[derive(Debug, Clone)]
pub struct Body {
    store: Store,
    blobs: Vec<BlobId>,
    next: usize,
    /// Bytes that are left out before the next.
    skip: usize,
}

impl Body {
    /// From its beginning, but for so many bytes.
    pub(super) fn new(store: Store, blobs: Vec<BlobId>, skip: u32) -> Self {
        Self { store, blobs, next: 0, skip: usize::try_from(skip).unwrap_or(usize::MAX) }
    }

    /// The next bytes, some MiB at most; `None` after the last. Reads the disk.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>, ReadError> {
        loop {
            let Some(id) = self.blobs.get(self.next) else { return Ok(None) };
            self.next += 1;
            let mut blob = self.store.blob(id)?;
            let left_out = self.skip.min(blob.len());
            self.skip -= left_out;
            if left_out < blob.len() || left_out == 0 {
                return Ok(Some(blob.split_off(left_out)));
            }
        }
    }
}
