//! This node as a witness of account logs: whose word counts, and how it gives its own.

use std::sync::Arc;

use essaim_accounts::Signer;
use essaim_identity::Signed;
use essaim_identity::account::{WitnessReceipt, Witnesses};

use super::Federation;
use crate::failure::Failure;

impl Federation {
    /// The hosters whose receipts count here: those with whom mail is exchanged, and this one.
    pub(crate) fn witnesses(&self) -> Witnesses {
        let own = self.0.running.get().map(|running| running.listing);
        self.correspondents().all().map(|hoster| hoster.listing).chain(own).collect()
    }

    /// Signs receipts with this node's key.
    pub(crate) fn signer(&self) -> Result<Signer, Failure> {
        let running = self.running()?;
        let (listing, node, inner) = (running.listing, running.key.public(), Arc::clone(&self.0));
        let sign = move |said: &WitnessReceipt| {
            let running = inner.running.get().expect("the node runs: it did when this was made");
            Signed::sign(said, &running.key).expect("ids, keys and a time are within the bounds")
        };
        Ok(Signer { listing, node, sign: Arc::new(sign) })
    }
}
