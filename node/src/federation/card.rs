//! The card that the web server of this node shows: signed anew each day, and when the keyring has a new entry.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use essaim_directory::View;
use essaim_identity::domain::Card;
use essaim_identity::keyring::Role;
use essaim_identity::{RecordHash, SigningKey};
use essaim_network::Address;
use essaim_types::{Domain, ListingId, Timestamp};
use tracing::error;

use super::invitation;

/// The card as it is shown now. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown(Arc<Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    issued: Timestamp,
    head: RecordHash,
    domain: Domain,
    bytes: Vec<u8>,
}

impl Shown {
    /// Makes the card if there is none, or none of today and of this keyring.
    pub(super) fn note(
        &self,
        directory: &View,
        listing: ListingId,
        key: &SigningKey,
        addresses: &[String],
        now: Timestamp,
    ) {
        let keyring = directory.hoster(listing).map(|hoster| hoster.keyring());
        // An operator's own machine has no card: it is none of the hoster's nodes.
        let keyring = keyring.filter(|keyring| keyring.head().has_role(&key.public(), Role::Node));
        let Some((keyring, domain)) = keyring.and_then(|keyring| Some((keyring, keyring.domain()?))) else {
            return;
        };
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let head = keyring.head_hash();
        let good = |kept: &Kept| {
            kept.head == head
                && kept.domain == *domain
                && now.since(kept.issued) < SIGNED_EVERY
                && kept.issued <= now
        };
        if shown.as_ref().is_some_and(good) {
            return;
        }
        let addresses: Vec<Address> = addresses.iter().filter_map(|text| text.parse().ok()).collect();
        let node = invitation::claim(listing, head, key.public(), &addresses);
        let issued = Timestamp(now.0.div_euclid(1_000) * 1_000);
        match (Card { domain: domain.clone(), node, issued }).sign(key) {
            Ok(bytes) => *shown = Some(Kept { issued, head, domain: domain.clone(), bytes }),
            Err(error) => error!(error = &error as &dyn std::error::Error, "the card could not be signed"),
        }
    }

    pub(super) fn read(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|kept| kept.bytes.clone())
    }
}

/// Others take one that is at most seven days old.
const SIGNED_EVERY: Duration = Duration::from_secs(86_400);
