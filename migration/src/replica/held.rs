//! What a replica says of itself, whatever its form.

use std::io::Read;

use essaim_identity::cbor::CborError;
use essaim_identity::{BadSignature, Signed, Unverified};
use essaim_types::{AccountId, Timestamp};
use minicbor::{Decode, Encode};

use crate::archive::{Root, Seal};

/// How the bytes of a replica are to be read. A form that is not known here is left where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Form {
    /// A full archive as it is: its holder can read it.
    #[n(0)]
    ArchiveInTheClear,
}

/// One replica, as its holder tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Held {
    /// How its bytes are read.
    #[n(0)]
    pub form: Form,
    /// A signed [`Seal`]: account, epoch, LSN, root, head of the account log.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub seal: Vec<u8>,
    /// Its bytes.
    #[n(2)]
    pub length: u64,
    /// Since when it is kept, by the holder's clock.
    #[n(3)]
    #[cbor(with = "essaim_identity::cbor::with::timestamp")]
    pub since: Timestamp,
}

/// Somebody who keeps replicas: archives in files today, packs of a backup tomorrow.
pub trait Replicas {
    /// Why something could not be read.
    type Error;
    /// The bytes of one, from some offset on.
    type Bytes: Read;

    /// All that is kept of an account, in no order.
    ///
    /// # Errors
    /// It could not be read.
    fn held(&self, account: AccountId) -> Result<Vec<Held>, Self::Error>;

    /// The bytes of the replica with this root from `offset` on, and how many these are; `None` if there is no such one or it is shorter.
    ///
    /// # Errors
    /// It could not be read.
    fn open(
        &self,
        account: AccountId,
        root: &Root,
        offset: u64,
    ) -> Result<Option<(Self::Bytes, u64)>, Self::Error>;
}

/// Why a seal says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// Not a seal.
    #[error("its seal cannot be read")]
    Unreadable(#[from] CborError),
    /// Not signed by the key that it names.
    #[error("its seal is not genuine")]
    Signature(#[from] BadSignature),
}

impl Held {
    /// The seal, signed by the key that it names. Whose key that is, the account log says.
    pub(super) fn seal(&self) -> Result<Signed<Seal>, SealFault> {
        let seal = Unverified::<Seal>::parse(&self.seal)?;
        let key = seal.claims().key;
        Ok(seal.verify(&key)?)
    }
}

/// The most bytes of a seal as it is sent.
pub(super) const SEAL_WIRE_MAX: usize =
    <Seal as essaim_identity::cbor::Bounded>::BYTES_MAX + essaim_identity::signed::OVERHEAD_MAX;
