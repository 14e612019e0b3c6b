//! What a hoster's node says about itself wherever it is asked: which listing it belongs to and how it is reached.
//! The node's own key signs it, so it proves itself; that the hoster agrees, its keyring says.

use essaim_types::ListingId;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::key::PublicKey;
use crate::keyring::{Keyring, Role};
use crate::signed::RecordHash;

/// A node's place in the federation. Part of a card and of an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct NodeClaim {
    /// The hoster.
    #[cbor(n(0), with = "crate::cbor::with::listing")]
    pub listing: ListingId,
    /// The last entry of the hoster's keyring when this was signed: who shows a keyring without it shows an old one.
    #[n(1)]
    pub head: RecordHash,
    /// The node's key, which signs the whole.
    #[n(2)]
    pub key: PublicKey,
    /// Where the node is reached: at most [`ADDRESSES_MAX`].
    #[n(3)]
    pub addresses: Vec<NodeAddress>,
}

/// A multiaddr in its binary form, 1 to [`ADDRESS_BYTES_MAX`] bytes. What is in it, the network layer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAddress(Box<[u8]>);

/// Why a keyring does not bear out what a node says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimFault {
    /// The keyring is of another hoster.
    #[error("the node says it belongs to {claimed}; this is the keyring of {keyring}")]
    OtherListing {
        /// What the node says.
        claimed: ListingId,
        /// Whose keyring it was held against.
        keyring: ListingId,
    },
    /// The node has seen an entry that is not in the keyring. Worth another try with a newer one.
    #[error("the keyring has no entry {head}: it is older than what the node says")]
    KeyringIsBehind {
        /// The entry that the node names.
        head: RecordHash,
    },
    /// Root keys have signed two entries of one number, so nobody knows which keys count.
    #[error("the keyring of {listing} is frozen by a fork")]
    Frozen {
        /// The hoster.
        listing: ListingId,
    },
    /// The head of the keyring does not name the key as a node's.
    #[error("{key} is not the key of a node of this hoster")]
    NotANode {
        /// The key that signed.
        key: PublicKey,
    },
}

impl NodeClaim {
    /// Whether the hoster's keyring says the same.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, keyring: &Keyring) -> Result<(), ClaimFault> {
        let listing = keyring.listing();
        if self.listing != listing {
            return Err(ClaimFault::OtherListing { claimed: self.listing, keyring: listing });
        }
        if !keyring.holds(&self.head) {
            return Err(ClaimFault::KeyringIsBehind { head: self.head });
        }
        if !keyring.is_settled() {
            return Err(ClaimFault::Frozen { listing });
        }
        if !keyring.head().has_role(&self.key, Role::Node) {
            return Err(ClaimFault::NotANode { key: self.key });
        }
        Ok(())
    }
}

impl NodeAddress {
    /// A binary multiaddr; `None` if it is empty or too long.
    pub fn new(multiaddr: &[u8]) -> Option<Self> {
        (1..=ADDRESS_BYTES_MAX).contains(&multiaddr.len()).then(|| Self(multiaddr.into()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<C> Encode<C> for NodeAddress {
    fn encode<W: encode::Write>(
        &self,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        to.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for NodeAddress {
    fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = from.position();
        Self::new(from.bytes()?).ok_or_else(|| decode::Error::message("not an address").at(at))
    }
}

/// The most addresses of a node.
pub const ADDRESSES_MAX: usize = 3;
/// The most bytes of one address.
pub const ADDRESS_BYTES_MAX: usize = 128;
