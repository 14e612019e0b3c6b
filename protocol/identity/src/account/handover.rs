//! What the two hosters of a move sign for each other: that the target has everything, and in the end the receipt.

use essaim_types::{AccountId, ListingId, Lsn, Timestamp};
use minicbor::{Decode, Encode};

use super::entry::Host;
use super::intent::MoveIntent;
use super::values::{MoveId, StateRoot};
use crate::cbor::Bounded;
use crate::cosigned::{Cosigned, Cosigning};
use crate::key::{BadSignature, PublicKey};
use crate::keyring::{Keyring, Role};
use crate::keys::KeySet;
use crate::signed::{Record, RecordHash};

/// The target has everything up to `lsn`, and takes over when the source commits. Signed by both of the target's keys that it
/// names: whoever shows it has the one, and the hoster's keyring knows the other.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MoveAccept {
    /// Whose account.
    #[cbor(n(0), with = "crate::cbor::with::account")]
    pub account: AccountId,
    /// Which move.
    #[n(1)]
    pub mid: MoveId,
    /// The target, with the key that it made for this account.
    #[n(2)]
    pub host: Host,
    /// Its node's key.
    #[n(3)]
    pub node: PublicKey,
    /// The last change of the source that it has: f.
    #[cbor(n(4), with = "crate::cbor::with::lsn")]
    pub lsn: Lsn,
    /// What it holds at that change.
    #[n(5)]
    pub root: StateRoot,
}

/// Both hosters say what was handed over. Signed with their keys for the account.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MoveReceipt {
    /// Whose account.
    #[cbor(n(0), with = "crate::cbor::with::account")]
    pub account: AccountId,
    /// Which move.
    #[n(1)]
    pub mid: MoveId,
    /// The entry that committed it.
    #[n(2)]
    pub entry: RecordHash,
    /// Who gave.
    #[n(3)]
    pub source: Host,
    /// Who took.
    #[n(4)]
    pub target: Host,
    /// The last change that was handed over.
    #[cbor(n(5), with = "crate::cbor::with::lsn")]
    pub lsn: Lsn,
    /// What the source held at that change.
    #[n(6)]
    pub source_root: StateRoot,
    /// What the target held.
    #[n(7)]
    pub target_root: StateRoot,
    /// When, in whole seconds.
    #[cbor(n(8), with = "crate::cbor::with::seconds")]
    pub at: Timestamp,
}

/// Why an accept or a receipt does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandoverFault {
    /// Somebody made it up, or it was damaged.
    #[error("it is not genuine")]
    Signature(#[from] BadSignature),
    /// Not signed by the two keys that it names, and by nobody else.
    #[error("it is not signed by just the two keys that it names")]
    Signers,
    /// Of another account or move, or by another target, than the consent.
    #[error("it is not of the move that the member consented to")]
    OtherMove,
    /// A key has two roles in it.
    #[error("{key} is used for two things")]
    OneKey {
        /// The key.
        key: PublicKey,
    },
    /// The hoster's keyring does not know the node, or is another's.
    #[error("{node} is not the key of a node of {listing}")]
    NotANode {
        /// The key.
        node: PublicKey,
        /// The hoster that it says it belongs to.
        listing: ListingId,
    },
    /// Source and target did not hold the same.
    #[error("source and target do not hold the same")]
    RootsDiffer,
}

impl MoveAccept {
    /// Checks an accept against the consent of the member.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn check(accept: &Cosigning<Self>, intent: &MoveIntent) -> Result<Cosigned<Self>, HandoverFault> {
        let accept = accept.clone().verify()?;
        let said = accept.record();
        let meant = (intent.account, intent.mid, intent.target);
        if (said.account, said.mid, said.host.listing) != meant {
            return Err(HandoverFault::OtherMove);
        }
        check_signers(&accept, said.host.key, said.node)?;
        Ok(accept)
    }

    /// Whether the target's keyring knows the node that signed: asked by those who have the directory.
    ///
    /// # Errors
    /// It does not.
    pub fn check_node(&self, keyring: &Keyring) -> Result<(), HandoverFault> {
        let known = keyring.listing() == self.host.listing
            && keyring.is_settled()
            && keyring.head().has_role(&self.node, Role::Node);
        let fault = HandoverFault::NotANode { node: self.node, listing: self.host.listing };
        if known { Ok(()) } else { Err(fault) }
    }
}

impl MoveReceipt {
    /// Checks a receipt by itself: signed by both, and both held the same. That `entry` is the move of the account's log and
    /// names these hosts, [`super::AccountLog::get`] says.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn check(receipt: &Cosigning<Self>) -> Result<Cosigned<Self>, HandoverFault> {
        let receipt = receipt.clone().verify()?;
        let said = receipt.record();
        if said.source_root != said.target_root {
            return Err(HandoverFault::RootsDiffer);
        }
        check_signers(&receipt, said.source.key, said.target.key)?;
        Ok(receipt)
    }
}

impl Bounded for MoveAccept {
    const BYTES_MAX: usize = 248;
    const DEPTH_MAX: usize = 2;
}

impl Record for MoveAccept {
    const NAME: &'static str = "move-accept/1";
}

impl Bounded for MoveReceipt {
    const BYTES_MAX: usize = 400;
    const DEPTH_MAX: usize = 2;
}

impl Record for MoveReceipt {
    const NAME: &'static str = "move-receipt/1";
}

/// Signed by these two and nobody else, and they are two.
fn check_signers<T: Record>(
    signed: &Cosigned<T>,
    one: PublicKey,
    other: PublicKey,
) -> Result<(), HandoverFault> {
    if one == other {
        return Err(HandoverFault::OneKey { key: one });
    }
    let signers: KeySet = signed.signers().copied().collect();
    if signers == KeySet::from([one, other]) { Ok(()) } else { Err(HandoverFault::Signers) }
}
