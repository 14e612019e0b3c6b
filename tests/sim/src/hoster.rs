//! Keys of hosters that exist only here.

use essaim_identity::keyring::{ActorId, Draft, KeyringEntry, Role, Roles};
use essaim_identity::{Cosigned, Keyring, SigningKey};
use essaim_types::ListingId;

/// The key of node `at`.
pub fn node_key(at: usize) -> SigningKey {
    SigningKey::from_seed(blake3::hash(format!("node {at}").as_bytes()).as_bytes())
}

/// The first entry of the keyring of node `at`, and its listing.
///
/// # Panics
/// Never: what is made here is right.
#[expect(clippy::unwrap_used, reason = "a test's keys are right")]
pub fn genesis(at: usize) -> (ListingId, Cosigned<KeyringEntry>) {
    let root = SigningKey::from_seed(blake3::hash(format!("root {at}").as_bytes()).as_bytes());
    let actor = *blake3::hash(format!("actor {at}").as_bytes()).as_bytes().first_chunk().unwrap();
    let mut entry = Draft::genesis([root.public()].into(), 1)
        .domain(Some(format!("h{at}.test").parse().unwrap()))
        .operator(node_key(at).public(), Roles::of(&Role::ALL).unwrap(), ActorId(actor))
        .propose_genesis()
        .unwrap();
    entry.sign(&root).unwrap();
    let entry = entry.verify().unwrap();
    (Keyring::found(entry.clone()).unwrap().listing(), entry)
}
