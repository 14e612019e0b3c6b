//! Waking whoever waits for changes of an account.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use essaim_types::{AccountId, Lsn};
use tokio::sync::watch;

/// A channel for each account that somebody watches, and for no other.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    channels: Mutex<HashMap<AccountId, watch::Sender<Lsn>>>,
}

impl Watchers {
    /// The receiver sees every later LSN; it begins with what `current` finds once the channel is there.
    pub(crate) fn subscribe(
        &self,
        account: AccountId,
        current: impl FnOnce() -> Lsn,
    ) -> watch::Receiver<Lsn> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.entry(account).or_insert_with(|| watch::Sender::new(current())).subscribe()
    }

    /// Tells those who watch; forgets accounts that nobody watches any more.
    pub(crate) fn publish(&self, changes: &[(AccountId, Lsn)]) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if channels.is_empty() {
            return;
        }
        for (account, lsn) in changes {
            if let Some(channel) = channels.get(account) {
                channel.send_replace(*lsn);
            }
        }
        channels.retain(|_, channel| channel.receiver_count() > 0);
    }
}
