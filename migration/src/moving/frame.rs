//! Messages as bytes: four bytes of length, big-endian, then one value in deterministic CBOR (`essaim_identity::cbor`).

use essaim_identity::account::MoveId;
use essaim_identity::cbor::{self, Bounded, CborError};
use essaim_types::AccountId;

use super::limits::{
    ADDRESS_BYTES_MAX, BATCH_OBJECTS_MAX, FRAME_BYTES_MAX, PAGES_MAX, REASON_BYTES_MAX, REPAIR_OBJECTS_MAX,
    STAGED_MAX, TEXT_BYTES_MAX,
};
use super::message::{Frame, Message};

/// Why bytes are not a message of this move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length says more than any message has; nothing was read.
    #[error("a message of {len} bytes; at most {FRAME_BYTES_MAX} are read")]
    TooLong {
        /// What was announced.
        len: usize,
    },
    /// Not a message.
    #[error("a message that cannot be read")]
    Unreadable(#[source] CborError),
    /// It is about another account or another move.
    #[error("a message about account {account}, move {id}")]
    Elsewhere {
        /// The account it names.
        account: AccountId,
        /// The move it names.
        id: MoveId,
    },
    /// One of its parts is larger than it may be.
    #[error("{what}: {len}, and at most {max} are allowed")]
    Excess {
        /// Which part.
        what: &'static str,
        /// How much there was.
        len: usize,
        /// The limit.
        max: usize,
    },
}

impl Bounded for Frame {
    const BYTES_MAX: usize = FRAME_BYTES_MAX;
    const DEPTH_MAX: usize = 12;
}

/// A message with its length before it.
pub fn write(account: AccountId, id: MoveId, message: Message) -> Vec<u8> {
    let body = cbor::encode(&Frame { account, id, message });
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&len.to_be_bytes(), body.as_slice()].concat()
}

/// The length that four bytes announce.
///
/// # Errors
/// More than [`FRAME_BYTES_MAX`]. A smaller one is a promise only: memory is to be taken as bytes arrive.
pub fn length(head: [u8; 4]) -> Result<usize, FrameError> {
    let len = u32::from_be_bytes(head) as usize;
    if len > FRAME_BYTES_MAX { Err(FrameError::TooLong { len }) } else { Ok(len) }
}

/// The message in exactly these bytes, if it is about this account and this move.
///
/// # Errors
/// Anything else. Limits of single parts are checked here, so that the machines need not.
pub fn read(account: AccountId, id: MoveId, body: &[u8]) -> Result<Message, FrameError> {
    let frame: Frame = cbor::decode(body).map_err(FrameError::Unreadable)?;
    if (frame.account, frame.id) != (account, id) {
        return Err(FrameError::Elsewhere { account: frame.account, id: frame.id });
    }
    check(&frame.message)?;
    Ok(frame.message)
}

fn check(message: &Message) -> Result<(), FrameError> {
    let text = |bytes: &[u8]| within("bytes of a signed text", bytes.len(), TEXT_BYTES_MAX);
    match message {
        Message::Offer(offer) => {
            text(&offer.consent)?;
            text(&offer.acceptance)?;
            within("entries of the account log", offer.log.len(), LOG_MAX)?;
            offer.log.iter().try_for_each(|entry| text(entry))
        }
        Message::Batch(batch) => {
            within("objects", batch.objects.len(), BATCH_OBJECTS_MAX)?;
            within("changes", batch.changes.len(), BATCH_OBJECTS_MAX)?;
            within("blobs", batch.blobs.len(), STAGED_MAX)
        }
        Message::Check(summary) | Message::Prepare(_, summary) => {
            within("kinds", summary.kinds.len(), KINDS_MAX)
        }
        Message::Differs(_, kinds) => within("kinds", kinds.len(), KINDS_MAX),
        Message::Pages(_, _, _, pages) => within("pages", pages.len(), PAGES_MAX),
        Message::Wanted(_, ranges) => within("ranges", ranges.len(), PAGES_MAX),
        Message::Repair(_, _, objects) => within("objects", objects.len(), REPAIR_OBJECTS_MAX),
        Message::Prepared(_, _, bytes) | Message::Moved(bytes) => text(bytes),
        Message::Active(receipt, address) => {
            within("bytes of an address", address.len(), ADDRESS_BYTES_MAX)?;
            text(receipt)
        }
        Message::Withdraw(reason) | Message::Aborted(reason) => {
            within("bytes of a reason", reason.as_str().len(), REASON_BYTES_MAX)
        }
        Message::Standing(_)
        | Message::Begin(_)
        | Message::Blobs(_)
        | Message::Stored(_)
        | Message::Agreed(_)
        | Message::Repaired(..)
        | Message::Unfenced(_)
        | Message::Ask => Ok(()),
    }
}

fn within(what: &'static str, len: usize, max: usize) -> Result<(), FrameError> {
    if len > max { Err(FrameError::Excess { what, len, max }) } else { Ok(()) }
}

/// Kinds are one byte.
const KINDS_MAX: usize = 256;
/// The account log that travels with an offer.
const LOG_MAX: usize = 1024;
