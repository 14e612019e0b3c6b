//! What a hoster's web server tells of the whole directory, and what it means when two of them tell other things than our peers.
//!
//! A newcomer knows the directory by its peers. If all of them are one stranger's, it knows what that stranger wants it to know, and nothing that
//! it sees is false: hosters are only missing. So it asks the web servers of hosters that it heard of elsewhere: there a certificate says
//! who answers, and no peer stands between.

use std::collections::{BTreeMap, BTreeSet};

use essaim_identity::cbor::{self, Bounded};
use essaim_types::{Domain, ListingId, base32};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::message::Name;
use crate::trust::registrable;
use crate::wire::Wire;

pub use crate::message::PAGE_BYTES_MAX;

/// A part of a bundle, ascending by listing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Page {
    /// Which format it is: [`VERSION`].
    #[n(0)]
    pub version: u8,
    /// Records of whole listings, as they are gossiped.
    #[n(1)]
    pub records: Vec<ByteVec>,
    /// The listing with which the next page begins; absent: this is the last.
    #[n(2)]
    pub next: Option<Name>,
}

/// What one source tells: of each listing a digest of each of its records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told(BTreeMap<ListingId, BTreeSet<Digest>>);

/// The BLAKE3-256 of a record; base32 as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Digest([u8; 32]);

/// A page that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Not as specified.
    #[error("it is no page of a bundle")]
    Unreadable,
    /// Of a format that is not known here.
    #[error("it is a bundle of another version of the format")]
    Version,
    /// The next page would begin where this or an earlier one began.
    #[error("it does not go on")]
    Backward,
    /// More listings than a directory can have.
    #[error("it tells of more than {LISTINGS_MAX} listings")]
    TooLong,
}

/// What came out of comparing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Domains that told, one for each owner of a domain.
    pub witnesses: Vec<String>,
    /// Listings that a witness tells of and we have not heard of: our peers may keep them from us.
    pub missing: Vec<Difference>,
    /// Listings of which a witness tells something that we do not hold: either of us may be behind.
    pub differing: Vec<Difference>,
    /// Listings that we hold and no witness tells of: our peers may have made them up.
    pub unheard: Vec<ListingId>,
}

/// A listing that witnesses tell of, and which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which.
    pub listing: ListingId,
    /// Who tells.
    pub told_by: Vec<String>,
}

/// What the findings mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Fewer than two independent domains have told: nothing is known.
    TooFew,
    /// The same as here.
    Same,
    /// Small differences, as they are while news is on its way.
    News,
    /// Listings are missing here: our peers keep them from us, or we have just arrived.
    Kept,
}

impl Page {
    /// As it is served.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads a page that began with `from`.
    ///
    /// # Errors
    /// It is none, or its next page would not be further on.
    pub fn parse(bytes: &[u8], from: ListingId) -> Result<Self, PageError> {
        let page: Self = cbor::decode(bytes).map_err(|_| PageError::Unreadable)?;
        if page.version != VERSION {
            return Err(PageError::Version);
        }
        match page.next {
            Some(Name(next)) if next <= from => Err(PageError::Backward),
            _ => Ok(page),
        }
    }
}

impl Told {
    /// What a page tells. Signs of life do not count, they are other at every moment; what is no record tells nothing.
    ///
    /// # Errors
    /// It was too much.
    pub fn add(&mut self, page: &Page) -> Result<(), PageError> {
        page.records.iter().try_for_each(|record| self.record(record))
    }

    pub(crate) fn record(&mut self, bytes: &[u8]) -> Result<(), PageError> {
        let listing = match Wire::parse(bytes) {
            Ok(Wire::Beat(_)) | Err(_) => return Ok(()),
            Ok(wire) => wire.listing(),
        };
        if self.0.len() >= LISTINGS_MAX && !self.0.contains_key(&listing) {
            return Err(PageError::TooLong);
        }
        let told = self.0.entry(listing).or_default();
        if told.len() < RECORDS_MAX {
            told.insert(Digest(*blake3::hash(bytes).as_bytes()));
        }
        Ok(())
    }

    /// How many listings.
    pub fn listings(&self) -> usize {
        self.0.len()
    }
}

/// Compares what we hold with what was told. Domains of one owner (the last two labels) are one witness: what one of them tells, all tell.
pub fn compare(ours: &Told, told: &[(Domain, Told)]) -> Findings {
    let mut witnesses: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut missing, mut differing) = (BTreeMap::<ListingId, BTreeSet<&str>>::new(), BTreeMap::new());
    for (domain, told) in told {
        let witness = *witnesses.entry(registrable(domain.as_str())).or_insert(domain.as_str());
        for (listing, records) in &told.0 {
            let found: &mut BTreeMap<_, BTreeSet<&str>> = match ours.0.get(listing) {
                None => &mut missing,
                Some(held) if records.is_subset(held) => continue,
                Some(_) => &mut differing,
            };
            found.entry(*listing).or_default().insert(witness);
        }
    }
    let heard = |listing: &&ListingId| told.iter().any(|(_, told)| told.0.contains_key(listing));
    Findings {
        witnesses: witnesses.into_values().map(str::to_owned).collect(),
        missing: missing.into_iter().map(Difference::of).collect(),
        differing: differing.into_iter().map(Difference::of).collect(),
        unheard: ours.0.keys().filter(|listing| !heard(listing)).copied().collect(),
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        base32::encode(&digest.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        base32::decode(&text).map(Self).ok_or("no digest")
    }
}

impl Difference {
    fn of((listing, told_by): (ListingId, BTreeSet<&str>)) -> Self {
        Self { listing, told_by: told_by.into_iter().map(str::to_owned).collect() }
    }
}

impl Findings {
    /// What they mean.
    pub fn outcome(&self) -> Outcome {
        if self.witnesses.len() < WITNESSES_MIN {
            Outcome::TooFew
        } else if !self.missing.is_empty() {
            Outcome::Kept
        } else if self.differing.is_empty() && self.unheard.is_empty() {
            Outcome::Same
        } else {
            Outcome::News
        }
    }
}

impl Bounded for Page {
    const BYTES_MAX: usize = PAGE_BYTES_MAX;
    const DEPTH_MAX: usize = 3;
}

/// The format of pages.
pub const VERSION: u8 = 1;
/// Where it is served.
pub const PATH: &str = "/directory/bundle";
/// RFC 8949.
pub const MEDIA_TYPE: &str = "application/cbor";
/// Independent domains below which a comparison says nothing.
pub const WITNESSES_MIN: usize = 2;
/// Most pages of a bundle: what a directory has at most fills half of them.
pub const PAGES_MAX: usize = 4096;
/// Most listings of a bundle, as of a directory.
const LISTINGS_MAX: usize = 20_000;
/// Most records of a listing that are told apart.
const RECORDS_MAX: usize = 128;
