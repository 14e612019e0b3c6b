//! One change as it is kept.

use essaim_identity::keyring::{EntryNumber, Keyring, Role, Standing};
use essaim_identity::{PublicKey, RecordHash, Unverified};
use essaim_types::Timestamp;

use crate::envelope::Change;
use crate::guard::ChangeHash;

/// A change whose signature was checked: what is asked of it often, and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) hash: RecordHash,
    pub(crate) change: ChangeHash,
    pub(crate) actor: [u8; 16],
    /// Among the actor's changes in this epoch, from 1.
    pub(crate) number: u64,
    pub(crate) start_op: u64,
    pub(crate) max_op: u64,
    pub(crate) deps: Box<[ChangeHash]>,
    pub(crate) key: PublicKey,
    pub(crate) keyring: EntryNumber,
    /// Among all that the key has signed.
    pub(crate) seq: u64,
    pub(crate) time: Timestamp,
    pub(crate) change_bytes: usize,
    pub(crate) wire: Box<[u8]>,
    pub(crate) life: Life,
}

/// Whether a change is part of what the document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// It is.
    Counts,
    /// It keeps its place and says nothing: it broke a rule, follows one that did, or its key was revoked.
    Void,
}

impl Held {
    /// Whether its key may still say this.
    pub(crate) fn stands(&self, keyring: &Keyring, role: Role) -> bool {
        keyring.has_role(self.keyring, &self.key, role)
            && keyring.standing(&self.key, self.seq, &self.hash) != Standing::Void
    }

    pub(crate) fn unverified(&self) -> Option<Unverified<Change>> {
        Unverified::parse(&self.wire).ok()
    }

    /// The automerge change inside.
    pub(crate) fn change_of(&self) -> Option<Vec<u8>> {
        self.unverified().map(|unverified| unverified.claims().change.clone())
    }
}
