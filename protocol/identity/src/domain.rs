//! How a domain and a hoster show that they belong together, from both sides.
//!
//! The hoster's keyring names the domain. The domain names the hoster: by a TXT record, by a card at
//! `https://<domain>/.well-known/essaim`, or by both. Fetching them is for others; what they mean is decided here.

use std::fmt;
use std::time::Duration;

use essaim_types::{Domain, ListingId, Timestamp};
use minicbor::{Decode, Encode};

use crate::cbor::{Bounded, CborError};
use crate::invitation::CLOCK_SKEW_MAX;
use crate::key::{BadSignature, PublicKey, SigningKey};
use crate::keyring::Keyring;
use crate::node::{ADDRESSES_MAX, ClaimFault, NodeClaim};
use crate::signed::{OVERHEAD_MAX, Record, Signed, Unverified};

/// What the TXT record at `_essaim.<domain>` says: `v=essaim1; id=<listing>; k=<root key>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxtRecord {
    /// The hoster.
    pub listing: ListingId,
    /// One of the hoster's root keys.
    pub root: PublicKey,
}

/// Why TXT records name no hoster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TxtError {
    /// None that begins with `v=essaim1`.
    #[error("no TXT record begins with v=essaim1")]
    Missing,
    /// More than one: nobody can say which counts.
    #[error("{found} TXT records begin with v=essaim1; there must be exactly one")]
    Several {
        /// How many.
        found: usize,
    },
    /// Longer than one string of a TXT record.
    #[error("the TXT record has {len} bytes; at most {TXT_BYTES_MAX} are read")]
    TooLong {
        /// Of the record.
        len: usize,
    },
    /// A part that is not `name=value`, or the same name twice.
    #[error("the TXT record is not a list of different name=value, separated by semicolons")]
    Grammar,
    /// No `id=`, or not a listing id.
    #[error("the TXT record has no id= with a listing id")]
    Id,
    /// No `k=`, or not a public key.
    #[error("the TXT record has no k= with a public key")]
    Key,
}

/// What is served at `https://<domain>/.well-known/essaim`, signed by the node's key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Card {
    /// The domain it is served for.
    #[cbor(n(0), with = "crate::cbor::with::domain")]
    pub domain: Domain,
    /// The hoster and its node.
    #[n(1)]
    pub node: NodeClaim,
    /// When it was signed, in whole seconds. A node signs it anew each day.
    #[cbor(n(2), with = "crate::cbor::with::seconds")]
    pub issued: Timestamp,
}

/// Why bytes are not a card that counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Not a card.
    #[error("not a card")]
    Content(#[from] CborError),
    /// More than [`ADDRESSES_MAX`].
    #[error("{found} addresses; a card has at most {ADDRESSES_MAX}")]
    TooManyAddresses {
        /// How many.
        found: usize,
    },
    /// The node did not sign it.
    #[error("the card is not genuine")]
    Signature(#[from] BadSignature),
    /// Older than [`CARD_AGE_MAX`]: a file that was left behind.
    #[error("the card is older than a card may be")]
    Stale,
    /// Signed in the future.
    #[error("the card is from the future; a clock is wrong")]
    TooEarly,
}

/// Why a domain is not shown to belong to a hoster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// Neither record nor card.
    #[error("{domain} names no hoster, neither by TXT record nor by card")]
    NoProof {
        /// The domain that was asked.
        domain: Domain,
    },
    /// The hoster does not say that the domain is its own.
    #[error("the keyring of {listing} does not name {domain}")]
    NotClaimed {
        /// The hoster.
        listing: ListingId,
        /// The domain.
        domain: Domain,
    },
    /// The keyring is frozen by a fork.
    #[error("the keyring of {listing} is frozen by a fork")]
    Frozen {
        /// The hoster.
        listing: ListingId,
    },
    /// The TXT record names another hoster.
    #[error("the TXT record names {found}")]
    TxtNamesOther {
        /// Whom it names.
        found: ListingId,
    },
    /// The TXT record names a key that is not a root key now: after a change of root keys it must be changed too.
    #[error("the TXT record names {found}, which is not a root key now")]
    TxtNamesOtherRoot {
        /// The key it names.
        found: PublicKey,
    },
    /// The card is of another domain.
    #[error("the card is for {found}")]
    CardOfOtherDomain {
        /// Which.
        found: Domain,
    },
    /// The card does not fit the keyring.
    #[error("the card does not fit the keyring")]
    Card(#[source] ClaimFault),
}

/// Whether `domain` and the hoster of `keyring` name each other. What was found is checked, all of it; a contradiction is a
/// failure even if the other half fits.
///
/// # Errors
/// The first thing that does not fit.
pub fn prove(
    domain: &Domain,
    keyring: &Keyring,
    txt: Option<&TxtRecord>,
    card: Option<&Signed<Card>>,
) -> Result<(), ProofFault> {
    let listing = keyring.listing();
    if !keyring.is_settled() {
        return Err(ProofFault::Frozen { listing });
    }
    if keyring.domain() != Some(domain) {
        return Err(ProofFault::NotClaimed { listing, domain: domain.clone() });
    }
    if txt.is_none() && card.is_none() {
        return Err(ProofFault::NoProof { domain: domain.clone() });
    }
    if let Some(txt) = txt {
        if txt.listing != listing {
            return Err(ProofFault::TxtNamesOther { found: txt.listing });
        }
        if !keyring.head().roots.contains(&txt.root) {
            return Err(ProofFault::TxtNamesOtherRoot { found: txt.root });
        }
    }
    if let Some(card) = card.map(Signed::record) {
        if card.domain != *domain {
            return Err(ProofFault::CardOfOtherDomain { found: card.domain.clone() });
        }
        card.node.check(keyring).map_err(ProofFault::Card)?;
    }
    Ok(())
}

impl TxtRecord {
    /// The name that the record stands at.
    pub fn name(domain: &Domain) -> String {
        format!("_essaim.{domain}")
    }

    /// The one record among all TXT records of that name; each with its strings joined.
    ///
    /// # Errors
    /// There is not exactly one that begins with `v=essaim1`, or it is not well-formed.
    pub fn find<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, TxtError> {
        let mut ours = records.into_iter().filter(|record| is_ours(record));
        let record = ours.next().ok_or(TxtError::Missing)?;
        match ours.count() {
            0 => Self::parse(record),
            others => Err(TxtError::Several { found: others + 1 }),
        }
    }

    fn parse(record: &[u8]) -> Result<Self, TxtError> {
        if record.len() > TXT_BYTES_MAX {
            return Err(TxtError::TooLong { len: record.len() });
        }
        let text = std::str::from_utf8(record).map_err(|_| TxtError::Grammar)?;
        let (mut id, mut key, mut names) = (None, None, Vec::new());
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(TxtError::Grammar)?;
            if names.contains(&name) {
                return Err(TxtError::Grammar);
            }
            names.push(name);
            match name {
                "id" => id = value.parse().ok(),
                "k" => key = value.parse().ok(),
                _ => {} // for later versions that older ones may still read
            }
        }
        Ok(Self { listing: id.ok_or(TxtError::Id)?, root: key.ok_or(TxtError::Key)? })
    }
}

impl fmt::Display for TxtRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TXT_VERSION}; id={}; k={}", self.listing, self.root)
    }
}

impl Card {
    /// Where it is served.
    pub const PATH: &'static str = "/.well-known/essaim";
    /// The media type it is served with.
    pub const MEDIA_TYPE: &'static str = "application/cbor";

    /// The bytes to serve, signed with the node's key.
    ///
    /// # Errors
    /// It is one that [`Self::read`] would refuse.
    pub fn sign(&self, node_key: &SigningKey) -> Result<Vec<u8>, CardError> {
        self.check_addresses()?;
        Ok(Signed::sign(self, node_key)?.to_wire())
    }

    /// A card that was fetched, if it is genuine and of these days. Whether it fits domain and hoster, [`prove`] says.
    ///
    /// # Errors
    /// Not a card, not signed by the node it names, too old or from the future.
    pub fn read(bytes: &[u8], now: Timestamp) -> Result<Signed<Self>, CardError> {
        let card = Unverified::<Self>::parse(bytes)?;
        card.claims().check_addresses()?;
        let key = card.claims().node.key;
        let card = card.verify(&key)?;
        let issued = card.record().issued;
        if now.since(issued) > CARD_AGE_MAX {
            return Err(CardError::Stale);
        }
        if issued.since(now) > CLOCK_SKEW_MAX {
            return Err(CardError::TooEarly);
        }
        Ok(card)
    }

    fn check_addresses(&self) -> Result<(), CardError> {
        match self.node.addresses.len() {
            0..=ADDRESSES_MAX => Ok(()),
            found => Err(CardError::TooManyAddresses { found }),
        }
    }
}

impl Bounded for Card {
    const BYTES_MAX: usize = CARD_BYTES_MAX - OVERHEAD_MAX;
    const DEPTH_MAX: usize = 3;
}

impl Record for Card {
    const NAME: &'static str = "card/1";
}

/// Whether a record is meant for us, well-formed or not.
fn is_ours(record: &[u8]) -> bool {
    let Some(rest) = record.strip_prefix(TXT_VERSION.as_bytes()) else { return false };
    matches!(rest.first(), None | Some(b';' | b' '))
}

const TXT_VERSION: &str = "v=essaim1";
/// The most bytes of a TXT record: it fits one string (RFC 1035 section 3.3).
pub const TXT_BYTES_MAX: usize = 255;
/// The most bytes of a card; more are not fetched.
pub const CARD_BYTES_MAX: usize = 1024;
/// How old a card may be. A node signs a new one each day, and for three days a failure is forgiven.
pub const CARD_AGE_MAX: Duration = Duration::from_hours(7 * 24);
