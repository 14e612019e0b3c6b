//! Questions and answers about accounts of other hosters, and their bytes: four bytes of length, big-endian, then one value in
//! deterministic CBOR. One question and one answer on a stream; the bytes of a replica follow where they belong.

use essaim_identity::account::{ENTRY_WIRE_MAX, Highest, WitnessReceipt};
use essaim_identity::cbor::{self, Bounded, CborError};
use essaim_types::AccountId;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::access::Access;
use super::held::{Held, SEAL_WIRE_MAX};
use crate::archive::Root;
use crate::moving::limits::REASON_BYTES_MAX;
use crate::moving::message::Reason;

/// What somebody has of an account's log. Nothing of it is believed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Papers {
    /// Whose log.
    #[n(0)]
    #[cbor(with = "essaim_identity::cbor::with::account")]
    pub account: AccountId,
    /// Entries as they are stored, at most [`ENTRIES_MAX`].
    #[n(1)]
    pub entries: Vec<ByteVec>,
    /// Receipts as they are stored, at most [`RECEIPTS_MAX`].
    #[n(2)]
    pub receipts: Vec<ByteVec>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Question {
    /// What do you know of this account?
    #[n(0)]
    Know(
        #[n(0)]
        #[cbor(with = "essaim_identity::cbor::with::account")]
        AccountId,
    ),
    /// Here is something of an account's log: sign what is new, and say what you know.
    #[n(1)]
    Tell(#[n(0)] Papers),
    /// Keep this replica; its bytes come when you say from where.
    #[n(2)]
    Keep(#[n(0)] Held, #[n(1)] Papers),
    /// What do you keep? A signed [`Access`].
    #[n(3)]
    List(
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        Vec<u8>,
    ),
    /// The replica with this root, from this offset on. A signed [`Access`] first.
    #[n(4)]
    Fetch(
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        Vec<u8>,
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        Root,
        #[n(2)] u64,
    ),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// To Know and Tell.
    #[n(0)]
    Known(#[n(0)] Known),
    /// To Keep: send from here. To Fetch: the bytes follow from here.
    #[n(1)]
    From(#[n(0)] u64),
    /// To List.
    #[n(2)]
    Held(#[n(0)] Vec<Held>),
    /// To Keep, when the bytes have come: it is whole, and on the disk.
    #[n(3)]
    Kept,
    /// No.
    #[n(4)]
    Refused(#[n(0)] Reason),
}

/// What a hoster knows of an account.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Known {
    /// Its log.
    #[n(0)]
    pub papers: Papers,
    /// The highest head that it has ever seen.
    #[n(1)]
    pub highest: Option<Highest>,
    /// How many replicas it keeps.
    #[n(2)]
    pub replicas: u32,
    /// For how many seconds it has heard nothing of the account's host; 0 as well if it cannot know.
    #[n(3)]
    pub host_silent: u64,
}

/// Why bytes are no question, or no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The length says more than any message has; nothing was read.
    #[error("a message of {len} bytes; at most {MESSAGE_BYTES_MAX} are read")]
    TooLong {
        /// What was announced.
        len: usize,
    },
    /// Not a message.
    #[error("a message that cannot be read")]
    Unreadable(#[from] CborError),
    /// One of its parts is larger than it may be.
    #[error("too many or too long {what}: {len}, and at most {max} are allowed")]
    Excess {
        /// Which part.
        what: &'static str,
        /// How much there was.
        len: usize,
        /// The limit.
        max: usize,
    },
}

/// A question or an answer.
pub trait Message: Bounded {
    /// Limits of its parts, so that nobody else needs to check them.
    ///
    /// # Errors
    /// Which one is exceeded.
    fn check(&self) -> Result<(), MessageError>;
}

/// A message with its length before it.
pub fn write(message: &impl Message) -> Vec<u8> {
    let body = cbor::encode(message);
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&len.to_be_bytes(), body.as_slice()].concat()
}

/// The length that four bytes announce. It is a promise only: memory is to be taken as bytes arrive.
///
/// # Errors
/// More than [`MESSAGE_BYTES_MAX`].
pub fn length(head: [u8; 4]) -> Result<usize, MessageError> {
    let len = u32::from_be_bytes(head) as usize;
    if len > MESSAGE_BYTES_MAX { Err(MessageError::TooLong { len }) } else { Ok(len) }
}

/// The message in exactly these bytes.
///
/// # Errors
/// Not one, or beyond a limit.
pub fn read<M: Message>(body: &[u8]) -> Result<M, MessageError> {
    let message: M = cbor::decode(body)?;
    message.check()?;
    Ok(message)
}

impl Papers {
    /// Nothing of this account.
    pub const fn none(account: AccountId) -> Self {
        Self { account, entries: Vec::new(), receipts: Vec::new() }
    }

    fn check(&self) -> Result<(), MessageError> {
        within("entries", self.entries.len(), ENTRIES_MAX)?;
        within("receipts", self.receipts.len(), RECEIPTS_MAX)?;
        let longest = |all: &[ByteVec]| all.iter().map(|one| one.len()).max().unwrap_or(0);
        within("bytes of an entry", longest(&self.entries), ENTRY_WIRE_MAX)?;
        within("bytes of a receipt", longest(&self.receipts), RECEIPT_WIRE_MAX)
    }
}

impl Message for Question {
    fn check(&self) -> Result<(), MessageError> {
        match self {
            Self::Know(_) => Ok(()),
            Self::Tell(papers) => papers.check(),
            Self::Keep(held, papers) => {
                within("bytes of a seal", held.seal.len(), SEAL_WIRE_MAX)?;
                papers.check()
            }
            Self::List(access) | Self::Fetch(access, ..) => {
                within("bytes of an access", access.len(), ACCESS_WIRE_MAX)
            }
        }
    }
}

impl Message for Answer {
    fn check(&self) -> Result<(), MessageError> {
        match self {
            Self::Known(known) => known.papers.check(),
            Self::From(_) | Self::Kept => Ok(()),
            Self::Held(held) => {
                within("replicas", held.len(), HELD_MAX)?;
                let longest = held.iter().map(|one| one.seal.len()).max().unwrap_or(0);
                within("bytes of a seal", longest, SEAL_WIRE_MAX)
            }
            Self::Refused(reason) => within("bytes of a reason", reason.as_str().len(), REASON_BYTES_MAX),
        }
    }
}

impl Bounded for Question {
    const BYTES_MAX: usize = MESSAGE_BYTES_MAX;
    const DEPTH_MAX: usize = 6;
}

impl Bounded for Answer {
    const BYTES_MAX: usize = MESSAGE_BYTES_MAX;
    const DEPTH_MAX: usize = 6;
}

fn within(what: &'static str, len: usize, max: usize) -> Result<(), MessageError> {
    if len > max { Err(MessageError::Excess { what, len, max }) } else { Ok(()) }
}

/// The most bytes of a question or an answer.
pub const MESSAGE_BYTES_MAX: usize = 3 << 20;
/// The most entries that are told at once.
pub const ENTRIES_MAX: usize = 1024;
/// The most receipts that are told at once.
pub const RECEIPTS_MAX: usize = 2048;
/// The most replicas of one account that are told of.
pub const HELD_MAX: usize = 64;
const RECEIPT_WIRE_MAX: usize =
    <WitnessReceipt as Bounded>::BYTES_MAX + essaim_identity::signed::OVERHEAD_MAX;
const ACCESS_WIRE_MAX: usize = <Access as Bounded>::BYTES_MAX + essaim_identity::signed::OVERHEAD_MAX;
