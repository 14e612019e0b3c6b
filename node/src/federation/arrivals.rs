//! Hosters that can be reached again. What waits for one of them need not wait for its next attempt.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use essaim_types::Domain;
use tokio::sync::Notify;

/// Domains of hosters with whom mail is exchanged and of whom a node has just become connected, until somebody takes them. As many as there
/// are such hosters at most. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrivals(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waiting: Mutex<BTreeSet<Domain>>,
    more: Notify,
}

impl Arrivals {
    /// Somebody has come.
    pub(super) fn note(&self, domain: Domain) {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(domain);
        self.0.more.notify_one();
    }

    /// Everybody who has come since the last time; waits for the first.
    pub(crate) async fn next(&self) -> BTreeSet<Domain> {
        loop {
            let waiting = std::mem::take(&mut *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            if !waiting.is_empty() {
                return waiting;
            }
            self.0.more.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_came_is_told_once() {
        let (arrivals, a) = (Arrivals::default(), "a.test".parse::<Domain>().unwrap());
        arrivals.note(a.clone());
        arrivals.note(a.clone());
        assert_eq!(arrivals.next().await, BTreeSet::from([a.clone()]));
        let later = arrivals.clone();
        let waits = tokio::spawn(async move { later.next().await });
        arrivals.note(a.clone());
        assert_eq!(waits.await.unwrap(), BTreeSet::from([a]));
    }
}
