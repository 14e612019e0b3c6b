//! What this node keeps of accounts of other hosters, and what it knows of their logs; and how it asks others for the same
//! (`specs/17-recovery.md`). `essaim-migration` has the messages and says who may have what.

mod answer;
mod archives;
mod ask;
mod link;
mod papers;
mod presence;
mod send;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use essaim_migration::replica::message::Papers;
use essaim_types::ListingId;

pub(crate) use answer::serve;
pub(crate) use archives::{Archives, Kept, read};
pub(crate) use ask::{AskError, Asked, fetch, know, known_to, list, tell};
pub(crate) use papers::take_in;
pub(crate) use presence::{Presence, silence, silence_needed, watch};
pub(crate) use send::send;

use crate::services::Services;

/// Streams about replicas that are open, and who was heard of when. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replicas(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    open: Mutex<HashMap<ListingId, usize>>,
    presence: Presence,
}

/// The place of one stream; dropping it makes room.
#[derive(Debug)]
struct Place {
    of: Replicas,
    hoster: ListingId,
}

impl Replicas {
    pub(crate) fn presence(&self) -> &Presence {
        &self.0.presence
    }

    /// `None` if as many are open as there may be.
    fn enter(&self, hoster: ListingId) -> Option<Place> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let count = open.entry(hoster).or_default();
        if all >= STREAMS_MAX || *count >= STREAMS_PER_HOSTER {
            return None;
        }
        *count += 1;
        Some(Place { of: self.clone(), hoster })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.of.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.hoster) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.hoster);
            }
        }
    }
}

/// What this node keeps.
pub(crate) fn archives(node: &Services) -> Archives {
    Archives {
        store: node.store.clone(),
        hoster: node.accounts.hoster(),
        dir: node.config.data_dir.join(DIRECTORY),
        bytes_per_hoster: node.config.limits.replica_bytes_per_hoster.0,
    }
}

/// Below the data directory.
const DIRECTORY: &str = "replicas";
/// Streams about replicas that are served at a time.
const STREAMS_MAX: usize = 16;
/// The same of one hoster.
const STREAMS_PER_HOSTER: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hoster_does_not_take_the_places_of_others() {
        let (replicas, listing) = (Replicas::default(), |n| ListingId::from_bytes([n; 32]));
        let mut places: Vec<_> = (0..STREAMS_PER_HOSTER).filter_map(|_| replicas.enter(listing(1))).collect();
        assert!(places.len() == STREAMS_PER_HOSTER && replicas.enter(listing(1)).is_none());
        for n in 2..=4 {
            places.extend((0..STREAMS_PER_HOSTER).filter_map(|_| replicas.enter(listing(n))));
        }
        assert!(places.len() == STREAMS_MAX && replicas.enter(listing(9)).is_none());
        places.pop();
        assert!(replicas.enter(listing(9)).is_some());
        places.clear();
        assert!(replicas.0.open.lock().unwrap().is_empty());
    }
}
