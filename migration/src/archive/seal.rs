//! The seal: who says that this is the whole of it.

use essaim_identity::cbor::{Bounded, with};
use essaim_identity::{PublicKey, Record};
use essaim_types::AccountId;
use minicbor::{Decode, Encode};

use super::manifest::Root;

/// The last file of an archive, signed by the key of the account's hoster: specs/15-archive.md.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Seal {
    /// Whose.
    #[cbor(n(0), with = "with::account")]
    pub account: AccountId,
    /// The epoch of the account log in which the signer was its hoster; 0 before it has a log.
    #[n(1)]
    pub epoch: u32,
    /// Changes after this one are inside; 0 of a full archive.
    #[n(2)]
    pub lsn_from: u64,
    /// The state inside is that after this change.
    #[n(3)]
    pub lsn_to: u64,
    /// The root of the last segment.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub root: Root,
    /// How many segments there are.
    #[n(5)]
    pub segments: u32,
    /// How many files, but for manifest and seal.
    #[n(6)]
    pub files: u64,
    /// How many objects and tombstones.
    #[n(7)]
    pub objects: u64,
    /// Bytes of those files.
    #[n(8)]
    pub bytes: u64,
    /// Who signs.
    #[n(9)]
    pub key: PublicKey,
    /// Of an archive that goes on where another ended: the root in that one's seal.
    #[cbor(n(10), with = "minicbor::bytes")]
    pub base_root: Option<Root>,
    /// The hash of the last entry of the account log; absent before it has a log.
    #[cbor(n(11), with = "minicbor::bytes")]
    pub log_head: Option<Root>,
    /// The BLAKE3 of all frames before the one of the seal, compressed as they are: that no bit of the file was changed.
    #[cbor(n(12), with = "minicbor::bytes")]
    pub frames: Root,
}

impl Bounded for Seal {
    const BYTES_MAX: usize = 360;
    const DEPTH_MAX: usize = 1;
}

impl Record for Seal {
    const NAME: &'static str = "archive/1";
}
