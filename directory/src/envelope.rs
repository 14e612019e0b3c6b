//! Changes on their way: who wrote what after what, signed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use essaim_identity::cbor::Bounded;
use essaim_identity::keyring::{ActorId, EntryNumber};
use essaim_identity::{Record, RecordHash, Unverified};
use essaim_types::{ListingId, Timestamp};
use minicbor::{Decode, Encode};

use crate::guard::CHANGE_BYTES_MAX;
use crate::refusal::Refusal;

/// One change of one document. On the wire, signed, about 200 bytes more than the change itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Change {
    /// Whose document.
    #[cbor(n(0), with = "essaim_identity::cbor::with::listing")]
    pub listing: ListingId,
    /// Which of the two.
    #[n(1)]
    pub document: DocumentKind,
    /// Which life of the document.
    #[n(2)]
    pub epoch: Epoch,
    /// The change that began this life; absent in that change itself.
    #[n(3)]
    pub start: Option<RecordHash>,
    /// The entry of the keyring in which the key stands.
    #[n(4)]
    pub keyring: EntryNumber,
    /// The place of the key among that entry's operators, which are ordered by key; from 0.
    #[n(5)]
    pub operator: u8,
    /// The number of this record among all that the key has signed, from 1: revocations cut here.
    #[n(6)]
    pub seq: u64,
    /// The change before by the same actor in this document and epoch.
    #[n(7)]
    pub prev: Option<RecordHash>,
    /// When it was written, by the writer's clock. Orders nothing.
    #[cbor(n(8), with = "essaim_identity::cbor::with::timestamp")]
    pub time: Timestamp,
    /// The automerge change: see [`crate::guard::scan`].
    #[cbor(n(9), with = "minicbor::bytes")]
    pub change: Vec<u8>,
    /// In a change that begins an epoch: how many changes of each actor it knew of the epoch before. Whoever finds changes of
    /// its own missing writes them again.
    #[n(10)]
    pub covers: Option<BTreeMap<ActorId, u64>>,
}

/// The documents of a hoster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum DocumentKind {
    /// What it says of itself.
    #[n(0)]
    Profile,
    /// What it says of others.
    #[n(1)]
    Statements,
}

/// One life of a document. A later one replaces an earlier one whole; so histories stay short, and what a stolen key wrote ends
/// with the next epoch under a keyring without it, however high the number that the thief chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(array)]
pub struct Epoch {
    /// The entry of the keyring under which it began: compared first.
    #[n(0)]
    pub keyring: EntryNumber,
    /// Its number among the epochs under that entry.
    #[n(1)]
    pub number: u32,
}

/// Two changes with which one actor contradicts itself: both are its `number`th in one epoch of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkProof {
    pub(crate) one: Box<[u8]>,
    pub(crate) other: Box<[u8]>,
    pub(crate) place: ForkPlace,
}

/// Where a fork is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForkPlace {
    /// Whose document.
    pub listing: ListingId,
    /// Which of the two.
    pub document: DocumentKind,
    /// In which life.
    pub epoch: Epoch,
    /// The change that began it.
    pub start: RecordHash,
    /// Who.
    pub actor: [u8; 16],
    /// The number that two changes have.
    pub number: u64,
}

impl Epoch {
    /// The first epoch under an entry of the keyring.
    pub fn first(keyring: EntryNumber) -> Self {
        Self { keyring, number: 0 }
    }
}

impl ForkProof {
    /// The proof that two signed changes make, in whichever order they are given.
    ///
    /// # Errors
    /// They cannot be read, are the same, or are not of one place. Whether the signatures are genuine is another question.
    pub fn of(one: &[u8], other: &[u8]) -> Result<Self, Refusal> {
        let (a, b) = (read(one)?, read(other)?);
        let place = place(a.claims())
            .filter(|place| Some(*place) == self::place(b.claims()))
            .ok_or(Refusal::NoProof)?;
        let (one, other) = match a.hash().cmp(&b.hash()) {
            Ordering::Less => (one, other),
            Ordering::Greater => (other, one),
            Ordering::Equal => return Err(Refusal::NoProof),
        };
        Ok(Self { one: one.into(), other: other.into(), place })
    }

    /// Where the fork is.
    pub fn place(&self) -> ForkPlace {
        self.place
    }
}

/// Reads a signed change.
pub(crate) fn read(wire: &[u8]) -> Result<Unverified<Change>, Refusal> {
    Unverified::parse(wire).map_err(|_| Refusal::Malformed)
}

fn place(change: &Change) -> Option<ForkPlace> {
    let seen = crate::guard::scan(&change.change).ok()?;
    Some(ForkPlace {
        listing: change.listing,
        document: change.document,
        epoch: change.epoch,
        start: change.start?,
        actor: seen.actor,
        number: seen.seq,
    })
}

impl Bounded for Change {
    const BYTES_MAX: usize = CHANGE_BYTES_MAX + 768;
    const DEPTH_MAX: usize = 2;
}

impl Record for Change {
    const NAME: &'static str = "change/1";
}
