//! The records of the directory as they are gossiped, asked for and stored: one byte that says which, then the record.

use essaim_identity::keyring::{ENTRY_BYTES_MAX, KeyringEntry};
use essaim_identity::{Cosigning, Unverified};
use essaim_types::ListingId;
use minicbor::{Decoder, Encoder};

use crate::beat::{Beat, Tombstone};
use crate::envelope::{self, Change, ForkProof};
use crate::refusal::Refusal;

/// A record as it came. Nothing is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wire {
    /// An entry of a keyring, and whose.
    Keyring(ListingId, Box<Cosigning<KeyringEntry>>),
    /// A change of a document.
    Change(Box<Unverified<Change>>),
    /// The proof that an actor contradicted itself.
    Fork(Box<ForkProof>),
    /// A sign of life.
    Beat(Box<Unverified<Beat>>),
    /// A farewell.
    Tombstone(Box<Cosigning<Tombstone>>),
}

/// What is gossiped where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Keyrings and changes.
    Changes,
    /// Signs of life.
    Beats,
    /// Proofs of forks, farewells.
    Alerts,
}

impl Wire {
    /// Reads a record.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let (kind, rest) = bytes.split_first().ok_or(Refusal::Malformed)?;
        if rest.len() > WIRE_BYTES_MAX {
            return Err(Refusal::Malformed);
        }
        match *kind {
            KEYRING => {
                let (listing, entry) = rest.split_first_chunk::<32>().ok_or(Refusal::Malformed)?;
                let entry = Cosigning::parse(entry).map_err(|_| Refusal::Malformed)?;
                Ok(Self::Keyring(ListingId::from_bytes(*listing), Box::new(entry)))
            }
            CHANGE => envelope::read(rest).map(Box::new).map(Self::Change),
            FORK => fork(rest).map(Box::new).map(Self::Fork),
            BEAT => Unverified::parse(rest).map(Box::new).map(Self::Beat).map_err(|_| Refusal::Malformed),
            TOMBSTONE => {
                Cosigning::parse(rest).map(Box::new).map(Self::Tombstone).map_err(|_| Refusal::Malformed)
            }
            _ => Err(Refusal::Malformed),
        }
    }

    /// Whose record it says it is.
    pub fn listing(&self) -> ListingId {
        match self {
            Self::Keyring(listing, _) => *listing,
            Self::Change(change) => change.claims().listing,
            Self::Fork(proof) => proof.place().listing,
            Self::Beat(beat) => beat.claims().listing,
            Self::Tombstone(tombstone) => tombstone.claims().listing,
        }
    }

    /// Where it is gossiped.
    pub fn topic(&self) -> Topic {
        topic(match self {
            Self::Keyring(..) => KEYRING,
            Self::Change(_) => CHANGE,
            Self::Fork(_) => FORK,
            Self::Beat(_) => BEAT,
            Self::Tombstone(_) => TOMBSTONE,
        })
    }
}

/// The bytes of a keyring's entry.
pub fn keyring(listing: ListingId, entry: &[u8]) -> Vec<u8> {
    [&[KEYRING], listing.as_bytes().as_slice(), entry].concat()
}

/// The bytes of a signed change.
pub fn of_change(wire: &[u8]) -> Vec<u8> {
    [&[CHANGE], wire].concat()
}

/// The bytes of a signed beat.
pub fn of_beat(wire: &[u8]) -> Vec<u8> {
    [&[BEAT], wire].concat()
}

/// The bytes of a tombstone.
pub fn of_tombstone(wire: &[u8]) -> Vec<u8> {
    [&[TOMBSTONE], wire].concat()
}

/// The bytes of a proof: the two signed changes as byte strings in an array, lower hash first.
pub fn of_fork(proof: &ForkProof) -> Vec<u8> {
    let mut out = Encoder::new(vec![FORK]);
    let written = out
        .array(2)
        .and_then(|out| out.bytes(&proof.one))
        .and_then(|out| out.bytes(&proof.other))
        .map(|_| ());
    written.expect("writing to memory does not fail");
    out.into_writer()
}

/// Where a record with these bytes is gossiped.
pub fn topic_of(bytes: &[u8]) -> Topic {
    topic(bytes.first().copied().unwrap_or(CHANGE))
}

fn topic(kind: u8) -> Topic {
    match kind {
        BEAT => Topic::Beats,
        FORK | TOMBSTONE => Topic::Alerts,
        _ => Topic::Changes,
    }
}

fn fork(bytes: &[u8]) -> Result<ForkProof, Refusal> {
    let mut from = Decoder::new(bytes);
    if from.array().map_err(|_| Refusal::Malformed)? != Some(2) {
        return Err(Refusal::Malformed);
    }
    let one = from.bytes().map_err(|_| Refusal::Malformed)?;
    let other = from.bytes().map_err(|_| Refusal::Malformed)?;
    let proof = ForkProof::of(one, other)?;
    let same = of_fork(&proof).get(1..) == Some(bytes);
    same.then_some(proof).ok_or(Refusal::Malformed)
}

const KEYRING: u8 = 1;
const CHANGE: u8 = 2;
const FORK: u8 = 3;
const BEAT: u8 = 4;
const TOMBSTONE: u8 = 5;
/// The largest record: a proof of two changes.
pub const WIRE_BYTES_MAX: usize = 18 * 1024;
const _: () = assert!(ENTRY_BYTES_MAX < WIRE_BYTES_MAX);
