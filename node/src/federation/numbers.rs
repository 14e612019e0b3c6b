//! Numbers of the federation, for `status` and `/metrics`.

use std::sync::{Arc, Mutex, PoisonError};

use essaim_directory::{Directory, Numbers};
use essaim_types::Timestamp;

/// The numbers of a moment ago.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts(Arc<Mutex<Option<Snapshot>>>);

#[derive(Debug)]
struct Snapshot {
    at: Timestamp,
    numbers: FederationNumbers,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FederationNumbers {
    pub(crate) directory: Numbers,
    /// Nodes that are connected.
    pub(crate) connected: usize,
    /// Our own records are being asked of peers before anything is published.
    pub(crate) restoring: bool,
}

impl Counts {
    /// Takes the numbers again if the last ones are old: counting walks all listings.
    pub(super) fn note(&self, directory: &Directory, connected: usize, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = known
            .as_ref()
            .is_some_and(|known| now.since(known.at) < EVERY && known.numbers.connected == connected);
        if !fresh {
            let numbers = FederationNumbers {
                directory: directory.numbers(now),
                connected,
                restoring: directory.is_restoring(),
            };
            *known = Some(Snapshot { at: now, numbers });
        }
    }

    pub(super) fn read(&self) -> Option<FederationNumbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|known| known.numbers.clone())
    }
}

const EVERY: std::time::Duration = std::time::Duration::from_secs(1);
