//! Ed25519 keys and signatures (RFC 8032), and how a node's key is written as a libp2p peer id.
//!
//! No randomness is drawn here: a key is made from 32 bytes that the caller drew.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signer;
use essaim_types::base32;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use zeroize::Zeroizing;

use crate::cbor::with;

/// A key that signatures are checked with. It is a point of the curve, canonically spelled, and not of small order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// 64 bytes that claim to be a signature. Whether they are one, [`PublicKey::verify`] says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

/// A key that signs. Wiped when dropped; `Debug` prints nothing of it.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// Bytes or text that are not a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseKeyError {
    /// Not the right number of the right characters.
    #[error("not the text of an Ed25519 public key")]
    Text,
    /// Not a point of the curve, or not in its canonical spelling.
    #[error("not an Ed25519 public key")]
    NotAPoint,
    /// A point of small order: there are signatures that it accepts for every message.
    #[error("a weak Ed25519 key: anybody can sign for it")]
    Weak,
}

/// The signature was not made by this key over these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not one of {key} over these bytes")]
pub struct BadSignature {
    /// The key that was asked.
    pub key: PublicKey,
}

impl PublicKey {
    /// The key with these bytes (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// Not a canonical point, or one of small order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, ParseKeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| ParseKeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(ParseKeyError::Weak);
        }
        if key.to_edwards().compress().to_bytes() != bytes {
            return Err(ParseKeyError::NotAPoint);
        }
        Ok(Self(bytes))
    }

    /// The bytes, as they are stored and sent.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `signature` is this key's over exactly `message`.
    ///
    /// # Errors
    /// It is not. Strict: small-order points and non-canonical numbers are refused, so that all implementations agree.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        ed25519_dalek::VerifyingKey::from_bytes(&self.0)
            .and_then(|key| key.verify_strict(message, &signature))
            .map_err(|_| BadSignature { key: *self })
    }

    /// The name of the node that has this key, as libp2p writes it: base58btc of the identity multihash of the
    /// protobuf `PublicKey`. `12D3KooW...`
    pub fn to_peer_id(&self) -> String {
        let mut multihash = [0u8; PEER_ID_PREFIX.len() + 32];
        let (prefix, key) = multihash.split_at_mut(PEER_ID_PREFIX.len());
        prefix.copy_from_slice(&PEER_ID_PREFIX);
        key.copy_from_slice(&self.0);
        bs58::encode(multihash).into_string()
    }

    /// The key in the text of a peer id.
    ///
    /// # Errors
    /// Not base58btc, not of an Ed25519 key, or not a usable key.
    pub fn from_peer_id(text: &str) -> Result<Self, ParseKeyError> {
        let mut multihash = [0u8; PEER_ID_PREFIX.len() + 32];
        if text.len() > PEER_ID_CHARS_MAX {
            return Err(ParseKeyError::Text);
        }
        let len = bs58::decode(text).onto(&mut multihash).map_err(|_| ParseKeyError::Text)?;
        multihash
            .get(..len)
            .and_then(|bytes| bytes.strip_prefix(&PEER_ID_PREFIX))
            .and_then(|key| key.try_into().ok())
            .ok_or(ParseKeyError::Text)
            .and_then(Self::from_bytes)
    }
}

impl Signature {
    /// The signature with these bytes, unchecked.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The bytes, as they are stored and sent.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl SigningKey {
    /// The key of this seed (RFC 8032 section 5.1.5): 32 bytes from a cryptographic random source, or derived from a secret.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed, to be written where only the owner reads.
    pub fn to_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The half that others know.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs exactly `message`. Records are signed with [`crate::Signed::sign`], which separates the domains.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base32::encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = base32::encode(&self.0);
        write!(f, "PublicKey({}..)", text.get(..8).unwrap_or(&text))
    }
}

impl FromStr for PublicKey {
    type Err = ParseKeyError;
    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        base32::decode(text).ok_or(ParseKeyError::Text).and_then(Self::from_bytes)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl<C> Encode<C> for PublicKey {
    fn encode<W: encode::Write>(
        &self,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        to.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for PublicKey {
    fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = from.position();
        Self::from_bytes(with::byte_array(from)?).map_err(|error| decode::Error::message(error).at(at))
    }
}

with::byte_string!(Signature);

/// Multihash identity (0x00) of 36 bytes; protobuf field 1 = 1 (Ed25519), field 2 = 32 bytes. libp2p specs, peer-ids.
const PEER_ID_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
/// 38 bytes in base58 are at most this many characters.
const PEER_ID_CHARS_MAX: usize = 52;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_small_order_are_no_keys() {
        // The eight of them, in their canonical spellings: curve25519-dalek, constants EIGHT_TORSION.
        let order_8 = [
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ];
        for text in order_8 {
            assert_eq!(PublicKey::from_bytes(hex(text)), Err(ParseKeyError::Weak), "{text}");
        }
    }

    #[test]
    fn a_point_has_one_spelling() {
        // y + p instead of y fits 255 bits for y below 19.
        for low in 0xed..=0xffu8 {
            let mut bytes = [0xff; 32];
            bytes[0] = low;
            bytes[31] = 0x7f;
            assert!(PublicKey::from_bytes(bytes).is_err(), "{low:02x}");
        }
        assert_eq!(PublicKey::from_bytes([2; 32]), Err(ParseKeyError::NotAPoint));
    }

    #[test]
    fn a_key_reads_back_from_each_of_its_texts() {
        for seed in 0..32 {
            let key = SigningKey::from_seed(&[seed; 32]).public();
            assert_eq!(key.to_string().parse(), Ok(key));
            assert_eq!(PublicKey::from_peer_id(&key.to_peer_id()), Ok(key));
        }
    }

    #[test]
    fn texts_that_are_no_peer_ids_are_refused() {
        let good = SigningKey::from_seed(&[1; 32]).public().to_peer_id();
        let rsa = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
        for text in
            ["", "12D3KooW", rsa, &good[1..], &format!("{good}1"), &good.replace('D', "0"), &"1".repeat(5000)]
        {
            assert!(PublicKey::from_peer_id(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        assert_eq!(format!("{:?}", SigningKey::from_seed(&[0x5a; 32])), "SigningKey(..)");
    }

    fn hex(text: &str) -> [u8; 32] {
        let mut out = [0; 32];
        for (byte, at) in out.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        }
        out
    }
}
