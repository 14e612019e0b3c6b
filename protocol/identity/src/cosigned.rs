//! Records that several people sign, perhaps one after another on machines without a network.
//!
//! On the wire: a CBOR array of the record's bytes and a map from public key to signature, ordered by key; an empty map is
//! a record that nobody has signed yet. The same bytes are signed as in [`crate::signed`]. How many signatures are enough,
//! and whose, is for the reader of the record to say.

use minicbor::{Decode, Encode};

use crate::cbor::{self, CborError};
use crate::key::{BadSignature, PublicKey, Signature, SigningKey};
use crate::keys::KeyMap;
use crate::signed::{Content, Record, RecordHash};

/// A record and the signatures gathered so far. Nothing is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigning<T> {
    content: Content<T>,
    signatures: KeyMap<Signature>,
}

/// A record all of whose signatures have been checked. There may be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned<T>(Cosigning<T>);

/// Why two sets of signatures cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// They are signatures of different bytes.
    #[error("signatures of {theirs}, not of {ours}")]
    OtherRecord {
        /// What we hold.
        ours: RecordHash,
        /// What was to be added.
        theirs: RecordHash,
    },
    /// More than [`SIGNATURES_MAX`].
    #[error("more than {SIGNATURES_MAX} signatures")]
    TooMany,
}

impl<T: Record> Cosigning<T> {
    /// A record that nobody has signed.
    ///
    /// # Errors
    /// The record is one that [`Self::parse`] would refuse.
    pub fn propose(record: &T) -> Result<Self, CborError> {
        Ok(Self { content: Content::parse(&cbor::encode(record))?, signatures: KeyMap::default() })
    }

    /// Reads a record and what signatures it has.
    ///
    /// # Errors
    /// Too large, too deep, too many signatures, not a `T`, not the one spelling.
    pub fn parse(wire: &[u8]) -> Result<Self, CborError> {
        let Wire { bytes, signatures } = cbor::decode_within(wire, T::BYTES_MAX + OVERHEAD_MAX, 2)?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(CborError::Form(format!("more than {SIGNATURES_MAX} signatures")));
        }
        Ok(Self { content: Content::parse(bytes)?, signatures })
    }

    /// What the record says, if it is genuine. What a holder of a key reads before signing.
    pub fn claims(&self) -> &T {
        &self.content.record
    }

    /// The hash of what is signed. Who has signed does not change it.
    pub fn hash(&self) -> RecordHash {
        self.content.hash()
    }

    /// Those whose signatures are there, genuine or not.
    pub fn signers(&self) -> impl Iterator<Item = &PublicKey> {
        self.signatures.keys()
    }

    /// Adds the signature of a key.
    ///
    /// # Errors
    /// There are [`SIGNATURES_MAX`] of other keys.
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), MergeError> {
        let signer = key.public();
        if self.signatures.len() >= SIGNATURES_MAX && !self.signatures.contains_key(&signer) {
            return Err(MergeError::TooMany);
        }
        self.signatures.insert(signer, key.sign(&self.content.message()));
        Ok(())
    }

    /// Adds what others have signed of the same record. Their signatures win over ours of the same key.
    ///
    /// # Errors
    /// Another record, or more signatures than a record may have; nothing was added.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        if self.content.bytes != other.content.bytes {
            return Err(MergeError::OtherRecord { ours: self.hash(), theirs: other.hash() });
        }
        let mut merged = self.signatures.clone();
        merged.extend(other.signatures.iter().map(|(key, signature)| (*key, *signature)));
        if merged.len() > SIGNATURES_MAX {
            return Err(MergeError::TooMany);
        }
        self.signatures = merged;
        Ok(())
    }

    /// Checks every signature.
    ///
    /// # Errors
    /// One of them is not genuine: whoever sent this made it up, so nothing of it is taken.
    pub fn verify(self) -> Result<Cosigned<T>, BadSignature> {
        let message = self.content.message();
        self.signatures.iter().try_for_each(|(key, signature)| key.verify(&message, signature))?;
        Ok(Cosigned(self))
    }

    /// As it is stored, sent, or carried to the next holder of a key; [`Self::parse`] reads it.
    pub fn to_wire(&self) -> Vec<u8> {
        cbor::encode(&Wire { bytes: &self.content.bytes, signatures: self.signatures.clone() })
    }
}

impl<T: Record> Cosigned<T> {
    /// What it says.
    pub fn record(&self) -> &T {
        &self.0.content.record
    }

    /// Who has signed.
    pub fn signers(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.signers()
    }

    /// The exact bytes that were signed, without the name before them.
    pub fn bytes(&self) -> &[u8] {
        &self.0.content.bytes
    }

    /// The hash of what was signed.
    pub fn hash(&self) -> RecordHash {
        self.0.hash()
    }

    /// As it is stored and sent; [`Cosigning::parse`] reads it.
    pub fn to_wire(&self) -> Vec<u8> {
        self.0.to_wire()
    }

    /// As others see it who have not checked it yet.
    pub fn into_unverified(self) -> Cosigning<T> {
        self.0
    }
}

#[derive(Encode, Decode)]
struct Wire<'b> {
    #[cbor(n(0), with = "minicbor::bytes")]
    bytes: &'b [u8],
    #[n(1)]
    signatures: KeyMap<Signature>,
}

/// The most signatures of one record.
pub const SIGNATURES_MAX: usize = 10;
/// What a record costs above its bytes when everybody has signed.
pub const OVERHEAD_MAX: usize = 1 + 5 + 1 + SIGNATURES_MAX * (34 + 66);
