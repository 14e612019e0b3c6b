//! What the two sides of a move say to each other.

use std::fmt;

use essaim_identity::account::MoveId;
use essaim_types::{AccountId, Lsn, ObjectKind};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::batch::{Batch, Place};
use super::limits::REASON_BYTES_MAX;
use super::summary::{KeyRange, Page, Summary};
use super::wire;
use crate::object::Object;

/// A message with what it is about. One that is about another account or move is refused before anything is done.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Frame {
    /// The account.
    #[n(0)]
    #[cbor(with = "essaim_identity::cbor::with::account")]
    pub account: AccountId,
    /// The move.
    #[n(1)]
    pub id: MoveId,
    /// What is said.
    #[n(2)]
    pub message: Message,
}

/// What the target is asked to take.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Offer {
    /// The member's signed consent.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub consent: Vec<u8>,
    /// What the target signed when it made the acceptance code.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub acceptance: Vec<u8>,
    /// The account log up to now, each entry as signed.
    #[n(2)]
    pub log: Vec<ByteVec>,
    /// What the account's objects are charged, in bytes.
    #[n(3)]
    pub bytes: u64,
    /// How many objects it has.
    #[n(4)]
    pub objects: u64,
}

/// Where the target stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Standing {
    /// It accepts, and has nothing yet.
    #[n(0)]
    Ready,
    /// It has everything up to a place, for an account whose log begins after `base`.
    #[n(1)]
    At {
        /// The LSN before its first change.
        #[n(0)]
        #[cbor(with = "wire::lsn")]
        base: Lsn,
        /// How far it is.
        #[n(1)]
        place: Place,
    },
    /// It has promised to take over and waits for the commit.
    #[n(2)]
    Prepared {
        /// In which round.
        #[n(0)]
        round: u32,
    },
    /// It has given up, and deleted what it had.
    #[n(3)]
    Aborted,
}

/// What is said. In the order of a move; T: the target says it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Message {
    /// Take this account? Also said whenever the source wants to know where the target stands.
    #[n(0)]
    Offer(#[n(0)] Offer),
    /// T: where it stands. Whatever the source sent since, it is not there.
    #[n(1)]
    Standing(#[n(0)] Standing),
    /// The log begins after this.
    #[n(2)]
    Begin(
        #[n(0)]
        #[cbor(with = "wire::lsn")]
        Lsn,
    ),
    /// Blobs for the batch that follows, each a record of the store (`specs/01-store.md`): packed as the source has it.
    #[n(3)]
    Blobs(#[n(0)] Vec<ByteVec>),
    /// A step.
    #[n(4)]
    Batch(#[n(0)] Box<Batch>),
    /// T: everything up to here is durable.
    #[n(5)]
    Stored(#[n(0)] Place),
    /// Are you the same? The target must be exactly there.
    #[n(6)]
    Check(#[n(0)] Summary),
    /// T: the same.
    #[n(7)]
    Agreed(
        #[n(0)]
        #[cbor(with = "wire::lsn")]
        Lsn,
    ),
    /// T: these kinds differ; show their pages.
    #[n(8)]
    Differs(
        #[n(0)]
        #[cbor(with = "wire::lsn")]
        Lsn,
        #[n(1)]
        #[cbor(with = "kinds")]
        Vec<ObjectKind>,
    ),
    /// The pages of a kind, now or at the LSN that was checked: what is newer will come again with the log.
    #[n(9)]
    Pages(
        #[n(0)]
        #[cbor(with = "wire::lsn")]
        Lsn,
        #[n(1)]
        #[cbor(with = "wire::kind")]
        ObjectKind,
        /// See [`super::summary::Pager::new`].
        #[n(2)]
        u8,
        #[n(3)] Vec<Page>,
    ),
    /// T: what it wants again, of one kind.
    #[n(10)]
    Wanted(
        #[n(0)]
        #[cbor(with = "wire::lsn")]
        Lsn,
        #[n(1)] Vec<KeyRange>,
    ),
    /// All objects of a range, as they are now; the blobs were sent before.
    #[n(11)]
    Repair(
        #[n(0)]
        #[cbor(with = "wire::lsn")]
        Lsn,
        #[n(1)] KeyRange,
        #[n(2)]
        #[cbor(with = "wire::objects")]
        Vec<Object>,
    ),
    /// T: that range is repaired, and durable.
    #[n(12)]
    Repaired(
        #[n(0)]
        #[cbor(with = "wire::lsn")]
        Lsn,
        #[n(1)] KeyRange,
    ),
    /// Writes are held; this is the last state. Promise to take over.
    #[n(13)]
    Prepare(#[n(0)] u32, #[n(1)] Summary),
    /// T: promised, in this round, with its signature. From now on it waits, however long.
    #[n(14)]
    Prepared(
        #[n(0)] u32,
        #[n(1)]
        #[cbor(with = "wire::lsn")]
        Lsn,
        #[n(2)]
        #[cbor(with = "minicbor::bytes")]
        Vec<u8>,
    ),
    /// Up to this round nothing was committed: writes went on.
    #[n(15)]
    Unfenced(#[n(0)] u32),
    /// Committed: the signed entry that moves the account.
    #[n(16)]
    Moved(
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        Vec<u8>,
    ),
    /// T: it serves; its part of the receipt, and the member's address there.
    #[n(17)]
    Active(
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        Vec<u8>,
        #[n(1)] String,
    ),
    /// T: promised, and in doubt. What became of it?
    #[n(18)]
    Ask,
    /// T: it would like to give up; the source decides.
    #[n(19)]
    Withdraw(#[n(0)] Reason),
    /// Given up, before the commit.
    #[n(20)]
    Aborted(#[n(0)] Reason),
}

/// Why a move was given up, for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Reason(#[n(0)] String);

impl Reason {
    /// Text of others or of our own, on one line and not longer than [`REASON_BYTES_MAX`].
    pub fn new(text: &str) -> Self {
        let mut line = text.replace(|c: char| c.is_control(), " ");
        while line.len() > REASON_BYTES_MAX {
            line.pop();
        }
        Self(line)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Kinds of objects: one byte each.
mod kinds {
    use essaim_types::ObjectKind;
    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    pub(super) fn encode<C, W: Write>(
        kinds: &[ObjectKind],
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        let bytes: Vec<u8> = kinds.iter().map(|kind| kind.0).collect();
        to.bytes(&bytes)?.ok()
    }

    pub(super) fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<Vec<ObjectKind>, Unread> {
        Ok(from.bytes()?.iter().map(|byte| ObjectKind(*byte)).collect())
    }
}
