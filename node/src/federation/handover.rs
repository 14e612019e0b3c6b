//! What the papers of a move need of the federation: this node's signature, and what the directory knows of the other hoster.

use essaim_identity::account::{Acceptance, AcceptanceCode, MoveAccept};
use essaim_identity::{Cosigning, Keyring, PublicKey};
use essaim_types::{ListingId, Timestamp};

use super::Federation;
use crate::failure::Failure;

/// Another hoster, as the directory has it.
#[derive(Debug, Clone)]
pub(crate) struct KnownHoster {
    pub(crate) keyring: Keyring,
    /// Its domain, or the id of its listing.
    pub(crate) name: String,
}

impl Federation {
    /// A code by which whoever has it may bring one account here.
    pub(crate) async fn accept(
        &self,
        nonce: [u8; 16],
        quota: u64,
        expires: Timestamp,
    ) -> Result<AcceptanceCode, Failure> {
        let running = self.running()?;
        if running.network.is_none() {
            return Err(super::no_network());
        }
        let node = running.claim(&self.own_keyring().await?)?;
        AcceptanceCode::sign(&Acceptance { node, nonce, quota, expires }, &running.key)
            .map_err(|error| Failure::caused("the acceptance code cannot be written", &error))
    }

    /// A hoster of the directory; `None` if it is not known.
    pub(crate) async fn known(&self, listing: ListingId) -> Result<Option<KnownHoster>, Failure> {
        self.look(move |directory, _| {
            let hoster = directory.hoster(listing)?;
            let name = hoster.listing().domain.as_deref().map_or_else(|| listing.to_string(), str::to_owned);
            Some(KnownHoster { keyring: hoster.keyring().clone(), name })
        })
        .await
    }

    /// The key of this node.
    pub(crate) fn node_key(&self) -> Result<PublicKey, Failure> {
        Ok(self.running()?.key.public())
    }

    /// Adds this node's signature to the promise to take an account.
    pub(crate) fn countersign(&self, accept: &mut Cosigning<MoveAccept>) -> Result<(), Failure> {
        accept
            .sign(&self.running()?.key)
            .map_err(|error| Failure::caused("the promise cannot be signed", &error))
    }
}
