//! What nodes ask each other, as bytes of a request of the network. A question and its answer; the asker pulls, nobody pushes.

use essaim_identity::cbor::{self, Bounded};
use essaim_types::ListingId;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Request {
    /// Do we hold the same? The asker's root digest.
    #[n(0)]
    Root(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// Which listings do you hold in these buckets, from this id on?
    #[n(1)]
    Summaries {
        /// 256 bits, lowest bucket in the highest bit of the first byte.
        #[cbor(n(0), with = "minicbor::bytes")]
        buckets: [u8; 32],
        /// The first id that is wanted.
        #[cbor(n(1), with = "essaim_identity::cbor::with::listing")]
        from: ListingId,
    },
    /// All records of these listings.
    #[n(2)]
    Records(#[n(0)] Vec<Name>),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// We hold the same.
    #[n(0)]
    Same,
    /// The digests of our 256 buckets, 8 bytes each.
    #[n(1)]
    Buckets(#[n(0)] ByteVec),
    /// Listings with their digests, ascending by id.
    #[n(2)]
    Summaries {
        /// At most [`SUMMARIES_MAX`].
        #[n(0)]
        summaries: Vec<Summary>,
        /// Where to go on; absent: there are no more.
        #[n(1)]
        next: Option<Name>,
    },
    /// Records of the first `complete` listings that were asked for.
    #[n(3)]
    Records {
        /// As they are gossiped.
        #[n(0)]
        records: Vec<ByteVec>,
        /// How many listings they are all of; at least one, or none is known.
        #[n(1)]
        complete: u32,
    },
}

/// The id of a listing in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Name(#[cbor(n(0), with = "essaim_identity::cbor::with::listing")] pub ListingId);

/// A listing and sixteen bytes of its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Summary {
    /// Which.
    #[cbor(n(0), with = "essaim_identity::cbor::with::listing")]
    pub listing: ListingId,
    /// See [`crate::Hoster::digest`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub digest: [u8; 16],
}

impl Request {
    /// As it is sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads what came; `None` if it is no question.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        cbor::decode(bytes).ok()
    }
}

impl Answer {
    /// As it is sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads what came; `None` if it is no answer.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        cbor::decode(bytes).ok()
    }
}

impl Bounded for Request {
    const BYTES_MAX: usize = 64 + RECORDS_ASKED_MAX * 34;
    const DEPTH_MAX: usize = 3;
}

impl Bounded for Answer {
    const BYTES_MAX: usize = PAGE_BYTES_MAX;
    const DEPTH_MAX: usize = 4;
}

/// The largest answer: a request of the network carries 256 KiB, heads of its own among them.
pub const PAGE_BYTES_MAX: usize = 240 * 1024;
/// Most listings of one answer: 53 bytes each.
pub const SUMMARIES_MAX: usize = 4_096;
/// Most listings whose records one question asks for.
pub const RECORDS_ASKED_MAX: usize = 256;
/// How many buckets the ids fall into, by their first byte.
pub const BUCKETS: usize = 256;
