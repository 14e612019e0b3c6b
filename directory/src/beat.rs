//! Signs of life and of leaving: small records outside the documents. Of each kind the latest counts.

use std::time::Duration;

use essaim_identity::Record;
use essaim_identity::cbor::Bounded;
use essaim_identity::keyring::EntryNumber;
use essaim_types::{ListingId, Timestamp};
use minicbor::{Decode, Encode};
use serde::Serialize;

/// "We are here", every six hours or so. Not part of any document: a year of them would be forty kilobytes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Beat {
    /// Who.
    #[cbor(n(0), with = "essaim_identity::cbor::with::listing")]
    pub listing: ListingId,
    /// The entry of the keyring in which the key stands.
    #[n(1)]
    pub keyring: EntryNumber,
    /// The place of the key among that entry's operators.
    #[n(2)]
    pub operator: u8,
    /// The number of this record among all that the key has signed.
    #[n(3)]
    pub seq: u64,
    /// When, by the writer's clock. The latest counts.
    #[cbor(n(4), with = "essaim_identity::cbor::with::timestamp")]
    pub time: Timestamp,
    /// Sixteen bytes of the digest of its own keyring and documents: who knows less asks.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub state: [u8; 16],
}

/// "We have left": signed by the root keys. Whoever gets it forgets what the hoster said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Tombstone {
    /// Who.
    #[cbor(n(0), with = "essaim_identity::cbor::with::listing")]
    pub listing: ListingId,
    /// The entry of the keyring that it ends. Only a later entry brings the listing back.
    #[n(1)]
    pub keyring: EntryNumber,
    /// When.
    #[cbor(n(2), with = "essaim_identity::cbor::with::timestamp")]
    pub time: Timestamp,
}

/// How long ago a hoster was heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freshness {
    /// Within 24 hours.
    Fresh,
    /// Within 72 hours.
    Seen,
    /// Longer than 72 hours: shown in grey.
    Quiet,
    /// Longer than 14 days: not shown unless asked for, not passed on.
    Stale,
    /// Longer than 180 days: forgotten.
    Lost,
}

impl Freshness {
    /// By the time since the last sign of life.
    pub fn of(age: Duration) -> Self {
        match age {
            age if age <= FRESH => Self::Fresh,
            age if age <= SEEN => Self::Seen,
            age if age <= QUIET => Self::Quiet,
            age if age <= STALE => Self::Stale,
            _ => Self::Lost,
        }
    }
}

impl Bounded for Beat {
    const BYTES_MAX: usize = 128;
    const DEPTH_MAX: usize = 1;
}

impl Record for Beat {
    const NAME: &'static str = "beat/1";
}

impl Bounded for Tombstone {
    const BYTES_MAX: usize = 64;
    const DEPTH_MAX: usize = 1;
}

impl Record for Tombstone {
    const NAME: &'static str = "tombstone/1";
}

/// The latest sign of life is at most this old: fresh.
pub const FRESH: Duration = Duration::from_secs(24 * 3600);
/// At most this old: seen.
pub const SEEN: Duration = Duration::from_secs(72 * 3600);
/// At most this old: quiet.
pub const QUIET: Duration = Duration::from_secs(14 * 86_400);
/// At most this old: stale. After that it is forgotten.
pub const STALE: Duration = Duration::from_secs(180 * 86_400);
