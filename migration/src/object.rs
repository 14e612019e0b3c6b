//! An object on its way: what the store of one hoster has, so that the store of another has the same.

use essaim_types::{BlobId, ByteSize, Lsn, ObjectKind};

/// An object with its place and its number, verbatim.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object {
    /// What it is; numbers that this version does not know travel like all others.
    pub kind: ObjectKind,
    /// Its key within the account and kind.
    pub key: Vec<u8>,
    /// The account's LSN at its last change: MODSEQ, ETags and sync-tokens are made of it.
    pub lsn: Lsn,
    /// What it counts against the quota.
    pub charge: ByteSize,
    /// The blobs that it names, in order.
    pub blobs: Vec<BlobId>,
    /// Bytes that only the layer above understands; they begin with a version.
    pub value: Vec<u8>,
}
