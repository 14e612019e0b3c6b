//! Peers that are away are called where their listing says that they are now, too: the network itself knows only the addresses at which
//! they were met.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use essaim_identity::PublicKey;
use essaim_network::Address;
use essaim_types::Timestamp;
use tracing::debug;

use super::address::{dialled, in_numbers};
use super::driver::Driver;
use crate::vitals::now;

/// Where a peer was called last beside the addresses at which it was met, and when. At most one entry for each peer.
#[derive(Debug, Default)]
pub(super) struct Sought(BTreeMap<PublicKey, (Timestamp, Vec<Address>)>);

impl Sought {
    /// Whether it is time to call there: at once where a listing says something new, else now and then, for a name may lead elsewhere by now.
    fn is_due(&mut self, key: PublicKey, there: &[Address], now: Timestamp) -> bool {
        let due = self.0.get(&key).is_none_or(|(at, last)| last != there || now.since(*at) >= SEEK_EVERY);
        if due {
            self.0.insert(key, (now, there.to_vec()));
        }
        due
    }
}

impl Driver {
    /// Calls peers that are away where their hosters' listings say. What a peer signs leads no further inside than what a stranger does.
    pub(super) fn follow_peers(&mut self) {
        let Some(network) = self.network.clone() else { return };
        let (now, neighbours) = (now(), self.neighbours());
        self.sought.0.retain(|key, _| self.peers.contains_key(key));
        for (key, peer) in self.peers.iter().filter(|(key, _)| !self.connected.contains_key(key)) {
            let Some(hoster) = self.directory.hoster(peer.listing) else { continue };
            let said = hoster.listing().addresses.iter().filter_map(|text| text.parse().ok());
            let met = peer.addresses();
            let there = dialled(said, neighbours).into_iter().filter(|address| !met.contains(address));
            let there: Vec<Address> = there.collect();
            if there.is_empty() || !self.sought.is_due(*key, &there, now) {
                continue;
            }
            let (key, network, names) = (*key, network.clone(), Arc::clone(&self.names));
            tokio::spawn(async move {
                let there = in_numbers(&there, &*names).await;
                if let Err(error) = network.dial(key.into(), &there).await {
                    let error: &dyn std::error::Error = &error;
                    debug!(error, peer = key.to_peer_id(), "a peer is not where its listing says");
                }
            });
        }
    }
}

const SEEK_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_listing_says_something_new_is_called_at_once() {
        let key = essaim_identity::SigningKey::from_seed(&[7; 32]).public();
        let (old, new) = ("/ip4/1.0.0.1/tcp/1".parse().unwrap(), "/ip4/1.0.0.2/tcp/1".parse().unwrap());
        let (old, new): ([Address; 1], [Address; 1]) = ([old], [new]);
        let at = Timestamp::from_seconds(1_800_000_000);
        let mut sought = Sought::default();
        assert!(sought.is_due(key, &old, at));
        assert!(!sought.is_due(key, &old, at.after(SEEK_EVERY / 2)));
        assert!(sought.is_due(key, &new, at.after(SEEK_EVERY / 2)));
        assert!(!sought.is_due(key, &new, at.after(SEEK_EVERY)));
        assert!(sought.is_due(key, &new, at.after(SEEK_EVERY * 2)));
    }
}
