//! What the directory is told, and what it asks of its caller.

use std::collections::BTreeMap;

use essaim_identity::{PublicKey, RecordHash};
use essaim_types::{Domain, ListingId};

use super::{Row, RowKey};
use crate::envelope::ForkPlace;
use crate::refusal::Verdict;
use crate::wire::Topic;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Gossip came; answered with [`Output::Verdict`].
    Gossip {
        /// The peer who brought it; not who wrote it.
        from: PublicKey,
        /// The caller's name for the message.
        ticket: u64,
        /// The message.
        bytes: Vec<u8>,
    },
    /// A record of ours was handed to at least one peer.
    Published {
        /// As in [`Output::Gossip`].
        record: RecordHash,
    },
    /// There is a connection to a peer.
    Connected(PublicKey),
    /// There is none any more.
    Disconnected(PublicKey),
    /// A peer asks; answered with [`Output::Answer`].
    Asked {
        /// Who.
        from: PublicKey,
        /// The caller's name for the question.
        ticket: u64,
        /// What.
        request: Vec<u8>,
    },
    /// A peer answers what we asked with [`Output::Ask`].
    Answered {
        /// The name of the question.
        ask: u64,
        /// The answer.
        answer: Vec<u8>,
    },
    /// What we asked is not answered.
    Unanswered {
        /// The name of the question.
        ask: u64,
    },
    /// The domain was asked, as [`Output::CheckDomain`] wished.
    DomainChecked {
        /// Whose it should be.
        listing: ListingId,
        /// Which was asked; an answer of another than the listing's present one says nothing.
        domain: Domain,
        /// What it says.
        outcome: DomainOutcome,
    },
    /// Time has passed; wanted at least every 10 seconds.
    Tick,
}

/// What a domain says about a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainOutcome {
    /// It names the listing.
    Proven,
    /// It names another, or none, or does not answer.
    Failed,
}

/// What the caller does next, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Keep this row; after that, later outputs may rely on it.
    Store(Row),
    /// Forget this row.
    Delete(RowKey),
    /// Gossip a record. If it is ours it is in the outbox until [`Input::Published`].
    Gossip {
        /// The name of the record.
        record: RecordHash,
        /// Where.
        topic: Topic,
        /// The message.
        bytes: Vec<u8>,
    },
    /// What the network does with a gossiped message.
    Verdict {
        /// The caller's name for it.
        ticket: u64,
        /// What.
        verdict: Verdict,
    },
    /// Ask a peer.
    Ask {
        /// Whom.
        peer: PublicKey,
        /// The name of the question.
        ask: u64,
        /// The question.
        request: Vec<u8>,
    },
    /// Answer a peer.
    Answer {
        /// The caller's name for the question.
        ticket: u64,
        /// The answer.
        answer: Vec<u8>,
    },
    /// Ask the domain (TXT record and well-known address) whether the listing is its own.
    CheckDomain {
        /// Whose it should be.
        listing: ListingId,
        /// Which.
        domain: Domain,
    },
    /// What is known of a listing has changed.
    Changed(ListingId),
    /// An operator should know.
    Alert(Alert),
}

/// What an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    /// A hoster's operator key contradicted itself.
    Fork(ForkPlace),
    /// The root keys of a hoster contradict each other.
    KeyringFork(ListingId),
    /// Something of our own listing came that we did not know: the data directory is older than what we published.
    OwnListingBehind,
    /// A hoster that ours vouches for has lost its domain: for three days the domain has not said that the listing is its own.
    DomainLost(ListingId),
    /// Most peers have a clock that differs from ours by so many milliseconds.
    ClockOff(i64),
}

/// Numbers for metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// Listings held, proven or not.
    pub listings: usize,
    /// Of them those whose domain is not proven.
    pub quarantined: usize,
    /// Records that wait for their past.
    pub parked: usize,
    /// Own records that no peer has yet.
    pub outbox: usize,
    /// Refused records by reason.
    pub refusals: BTreeMap<&'static str, u64>,
}
