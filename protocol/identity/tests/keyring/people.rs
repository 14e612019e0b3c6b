//! Keys with names, so that the tests read as stories.

use essaim_identity::keyring::{ActorId, Draft, KeyringEntry, Role, Roles};
use essaim_identity::{Cosigned, Cosigning, KeySet, Keyring, PublicKey, SigningKey};

/// The key number `n`; always the same.
pub(crate) fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

pub(crate) fn public(n: u8) -> PublicKey {
    key(n).public()
}

pub(crate) fn keys(numbers: &[u8]) -> KeySet {
    numbers.iter().map(|n| public(*n)).collect()
}

pub(crate) fn actor(n: u8) -> ActorId {
    ActorId([n; 16])
}

pub(crate) fn roles(list: &[Role]) -> Roles {
    Roles::of(list).unwrap()
}

/// Signed by these and checked.
pub(crate) fn signed(mut proposal: Cosigning<KeyringEntry>, by: &[u8]) -> Cosigned<KeyringEntry> {
    for n in by {
        proposal.sign(&key(*n)).unwrap();
    }
    proposal.verify().unwrap()
}

/// Roots 1, 2, 3, of which two must sign; operator 10 edits.
pub(crate) fn coop() -> Keyring {
    let draft = Draft::genesis(keys(&[1, 2, 3]), 2).domain(Some("coop.example".parse().unwrap())).operator(
        public(10),
        roles(&[Role::Edit]),
        actor(10),
    );
    Keyring::found(signed(draft.propose_genesis().unwrap(), &[1, 2])).unwrap()
}
/// An entry as somebody writes it who does not ask whether it would be accepted.
pub(crate) fn forced(entry: &KeyringEntry, by: &[u8]) -> Cosigned<KeyringEntry> {
    signed(Cosigning::propose(entry).unwrap(), by)
}
