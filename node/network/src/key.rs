//! Who a node is on the wire: an Ed25519 key. libp2p writes the same key as a `PeerId`.

use std::fmt;
use std::str::FromStr;

use essaim_identity::{PublicKey, SigningKey};
use libp2p::PeerId;
use libp2p::identity::{self, Keypair, ed25519};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The public key of a node, as the name under which libp2p knows it: written `12D3KooW..`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey(PublicKey);

/// Text that is no node's key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a node; one begins with \"12D3KooW\"")]
pub struct PeerKeyError(String);

impl PeerKey {
    /// The key itself.
    pub const fn public(&self) -> PublicKey {
        self.0
    }

    pub(crate) fn peer_id(self) -> PeerId {
        let key =
            ed25519::PublicKey::try_from_bytes(self.0.as_bytes()).expect("a point, checked when it was made");
        PeerId::from_public_key(&identity::PublicKey::from(key))
    }

    /// `None` for an id that is not an Ed25519 key in full, or a key that cannot be trusted to be one person's (small
    /// order): such a peer can do nothing here.
    pub(crate) fn from_peer_id(id: &PeerId) -> Option<Self> {
        let hash = id.as_ref();
        if hash.code() != MULTIHASH_IDENTITY {
            return None;
        }
        let key = identity::PublicKey::try_decode_protobuf(hash.digest()).ok()?;
        PublicKey::from_bytes(key.try_into_ed25519().ok()?.to_bytes()).ok().map(Self)
    }
}

impl From<PublicKey> for PeerKey {
    fn from(key: PublicKey) -> Self {
        Self(key)
    }
}

impl FromStr for PeerKey {
    type Err = PeerKeyError;

    fn from_str(text: &str) -> Result<Self, PeerKeyError> {
        let wrong = |_| PeerKeyError(text.chars().take(TEXT_MAX).collect());
        PublicKey::from_peer_id(text).map(Self).map_err(wrong)
    }
}

impl fmt::Display for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.peer_id().fmt(f)
    }
}

impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerKey({self})")
    }
}

impl Serialize for PeerKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PeerKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The secret half, in the form that the transports need. `Debug` shows the public key only.
#[derive(Clone)]
pub struct NodeSecret(Keypair);

impl NodeSecret {
    /// The public half.
    pub fn public(&self) -> PeerKey {
        PeerKey::from_peer_id(&self.0.public().to_peer_id()).expect("made from an Ed25519 key")
    }

    pub(crate) fn pair(&self) -> &Keypair {
        &self.0
    }
}

impl From<&SigningKey> for NodeSecret {
    fn from(key: &SigningKey) -> Self {
        // libp2p wipes the bytes that it is given, and its own when they go.
        Self(Keypair::ed25519_from_bytes(key.to_seed()).expect("any 32 bytes are a secret key"))
    }
}

impl fmt::Debug for NodeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeSecret(of {})", self.public())
    }
}

/// multihash table: the digest is the key itself.
const MULTIHASH_IDENTITY: u64 = 0;
/// Characters of a `PeerId`, with room to spare.
const TEXT_MAX: usize = 80;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn secret(number: u8) -> NodeSecret {
        NodeSecret::from(&SigningKey::from_seed(&[number; 32]))
    }

    #[test]
    fn a_key_is_the_same_for_identity_and_libp2p() {
        let signing = SigningKey::from_seed(&[7; 32]);
        let key = NodeSecret::from(&signing).public();
        assert_eq!(key.public(), signing.public());
        assert_eq!(key, PeerKey::from(signing.public()));
        assert_eq!(key.to_string(), signing.public().to_peer_id());
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(PeerKey::from_peer_id(&key.peer_id()), Some(key));
    }

    #[test]
    fn what_is_no_ed25519_key_is_refused() {
        // The id of an RSA key, from the libp2p specification.
        let rsa = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n";
        assert!(rsa.parse::<PeerKey>().is_err());
        assert_eq!(PeerKey::from_peer_id(&rsa.parse().unwrap()), None);
        assert!("".parse::<PeerKey>().is_err());
        assert!("1".repeat(100_000).parse::<PeerKey>().is_err());
    }

    #[test]
    fn a_key_of_small_order_is_nobody() {
        // The neutral element: libp2p takes it, and a signature by it can be made by anybody.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let key = ed25519::PublicKey::try_from_bytes(&neutral).unwrap();
        let id = PeerId::from_public_key(&identity::PublicKey::from(key));
        assert_eq!(PeerKey::from_peer_id(&id), None);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = secret(7);
        assert_eq!(format!("{secret:?}"), format!("NodeSecret(of {})", secret.public()));
    }
}
