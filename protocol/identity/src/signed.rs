//! Records with one signature. What is signed is the exact bytes, with the record's name before them:
//! `essaim/<record>/<version>`, one zero byte, the deterministic CBOR of the record.
//!
//! On the wire: a CBOR array of two byte strings, the record's bytes and the 64 bytes of the signature.
//! [`Unverified`] is what came; [`Signed`] is what was checked. Only checking turns the one into the other.
//!
//! ```
//! use essaim_identity::cbor::Bounded;
//! use essaim_identity::{Record, Signed, SigningKey, Unverified};
//! use minicbor::{Decode, Encode};
//!
//! /// A hoster says whether it takes new members.
//! #[derive(Encode, Decode)]
//! #[cbor(map)]
//! struct Doors {
//!     #[n(0)]
//!     open: bool,
//! }
//!
//! impl Bounded for Doors {
//!     const BYTES_MAX: usize = 8;
//!     const DEPTH_MAX: usize = 1;
//! }
//!
//! impl Record for Doors {
//!     const NAME: &'static str = "doors/1";
//! }
//!
//! let key = SigningKey::from_seed(&[7; 32]); // 32 bytes that the caller drew
//! let wire = Signed::sign(&Doors { open: true }, &key)?.to_wire();
//!
//! let came = Unverified::<Doors>::parse(&wire)?;
//! let doors = came.verify(&key.public())?;
//! assert!(doors.record().open);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use minicbor::{Decode, Encode};

use crate::cbor::{self, Bounded, CborError, with};
use crate::key::{BadSignature, PublicKey, Signature, SigningKey};

/// A kind of record that is signed.
pub trait Record: Bounded {
    /// Its name and version in what is signed: `keyring/1`. Never used again for other bytes or another meaning.
    const NAME: &'static str;
}

/// The BLAKE3-256 of what is signed (name, zero byte, exact bytes), without the signature: signing again does not change it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordHash([u8; 32]);

/// A record as it came: well-formed, and nothing about it believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified<T> {
    content: Content<T>,
    signature: Signature,
}

/// A record that `signer` has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<T> {
    content: Content<T>,
    signature: Signature,
    signer: PublicKey,
}

impl<T: Record> Unverified<T> {
    /// Reads a record and its signature.
    ///
    /// # Errors
    /// Too large, too deep, not a `T`, not the one spelling.
    pub fn parse(wire: &[u8]) -> Result<Self, CborError> {
        let Wire { bytes, signature } = cbor::decode_within(wire, T::BYTES_MAX + OVERHEAD_MAX, 1)?;
        Ok(Self { content: Content::parse(bytes)?, signature })
    }

    /// What the record says, if it is genuine: to find the key that must have signed it.
    pub fn claims(&self) -> &T {
        &self.content.record
    }

    /// The hash of what was signed.
    pub fn hash(&self) -> RecordHash {
        self.content.hash()
    }

    /// The bytes it was read from.
    pub fn to_wire(&self) -> Vec<u8> {
        cbor::encode(&Wire { bytes: &self.content.bytes, signature: self.signature })
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// `key` did not sign these bytes.
    pub fn verify(self, key: &PublicKey) -> Result<Signed<T>, BadSignature> {
        key.verify(&self.content.message(), &self.signature)?;
        Ok(Signed { content: self.content, signature: self.signature, signer: *key })
    }
}

impl<T: Record> Signed<T> {
    /// Signs a record.
    ///
    /// # Errors
    /// The record is one that [`Unverified::parse`] would refuse.
    pub fn sign(record: &T, key: &SigningKey) -> Result<Self, CborError> {
        let content = Content::<T>::parse(&cbor::encode(record))?;
        let signature = key.sign(&content.message());
        Ok(Self { content, signature, signer: key.public() })
    }

    /// What it says.
    pub fn record(&self) -> &T {
        &self.content.record
    }

    /// Who signed it.
    pub fn signer(&self) -> &PublicKey {
        &self.signer
    }

    /// The signature itself.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The exact bytes that were signed, without the name before them.
    pub fn bytes(&self) -> &[u8] {
        &self.content.bytes
    }

    /// The hash of what was signed.
    pub fn hash(&self) -> RecordHash {
        self.content.hash()
    }

    /// Record and signature as they are stored and sent; [`Unverified::parse`] reads them.
    pub fn to_wire(&self) -> Vec<u8> {
        cbor::encode(&Wire { bytes: &self.content.bytes, signature: self.signature })
    }

    /// As others see it who have not checked it yet.
    pub fn into_unverified(self) -> Unverified<T> {
        Unverified { content: self.content, signature: self.signature }
    }

    /// The record, without the proof.
    pub fn into_record(self) -> T {
        self.content.record
    }
}

impl RecordHash {
    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, as they are stored and sent.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&essaim_types::base32::encode(&self.0))
    }
}

impl fmt::Debug for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = essaim_types::base32::encode(&self.0);
        write!(f, "RecordHash({}..)", text.get(..8).unwrap_or(&text))
    }
}

with::byte_string!(RecordHash);

/// A record and the exact bytes it was read from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Content<T> {
    pub(crate) record: T,
    pub(crate) bytes: Box<[u8]>,
}

impl<T: Record> Content<T> {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, CborError> {
        Ok(Self { record: cbor::decode(bytes)?, bytes: bytes.into() })
    }

    /// What is signed.
    pub(crate) fn message(&self) -> Vec<u8> {
        [DOMAIN.as_bytes(), T::NAME.as_bytes(), &[0], &self.bytes].concat()
    }

    pub(crate) fn hash(&self) -> RecordHash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(DOMAIN.as_bytes()).update(T::NAME.as_bytes()).update(&[0]).update(&self.bytes);
        RecordHash(*hasher.finalize().as_bytes())
    }
}

impl<T: fmt::Debug> fmt::Debug for Content<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.record.fmt(f)
    }
}

#[derive(Encode, Decode)]
struct Wire<'b> {
    #[cbor(n(0), with = "minicbor::bytes")]
    bytes: &'b [u8],
    #[n(1)]
    signature: Signature,
}

/// What a record costs above its bytes: array head, string head, signature.
pub const OVERHEAD_MAX: usize = 1 + 5 + 2 + 64;
/// Before the record's name.
const DOMAIN: &str = "essaim/";
