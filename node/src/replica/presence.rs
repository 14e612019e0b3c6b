//! When each hoster was heard of last, by this node itself. Whoever says that a host is silent takes the wait from a recovery: so what is not known
//! counts as heard (`specs/17-recovery.md`, Silence).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use essaim_network::Opening;
use essaim_types::ListingId;
use tokio::time::{Instant, sleep};

use crate::federation::replica_purpose;
use crate::services::Services;
use crate::shutdown::Stop;

/// Who was heard of when.
#[derive(Debug)]
pub(crate) struct Presence {
    started: Instant,
    heard: Mutex<HashMap<ListingId, Instant>>,
    /// Who was called last, in vain. A call to somebody who is gone takes long, and strangers' questions must not make many.
    missed: Mutex<HashMap<ListingId, Instant>>,
}

impl Default for Presence {
    fn default() -> Self {
        Self { started: Instant::now(), heard: Mutex::default(), missed: Mutex::default() }
    }
}

impl Presence {
    /// Now.
    pub(crate) fn heard(&self, hoster: ListingId) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).insert(hoster, Instant::now());
    }

    /// It was called, and nobody answered.
    pub(crate) fn missed(&self, hoster: ListingId) {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner).insert(hoster, Instant::now());
    }

    /// Whether it was called in vain a moment ago, and not heard of since.
    pub(crate) fn was_missed(&self, hoster: &ListingId) -> bool {
        let missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner).get(hoster).copied();
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner).get(hoster).copied();
        missed.is_some_and(|missed| missed.elapsed() < CALL_AGAIN && heard.is_none_or(|heard| heard < missed))
    }

    /// Since when nothing was heard of it; a node that has just started has heard of everybody then.
    fn since(&self, hoster: &ListingId) -> Duration {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get(hoster).copied().unwrap_or(self.started).elapsed()
    }
}

/// For how long this node has heard nothing of a hoster. If that would be long enough to count, it is called first; zero if it cannot be.
pub(crate) async fn silence(node: &Services, hoster: ListingId) -> Duration {
    let presence = node.replicas.presence();
    note_connected(node).await;
    if Some(hoster) == node.accounts.listing() {
        return Duration::ZERO;
    }
    let since = presence.since(&hoster);
    if since < silence_needed() || presence.was_missed(&hoster) {
        return since;
    }
    let table = node.federation.correspondents();
    let Some(to) = table.of_listing(hoster) else { return Duration::ZERO };
    let opening = Opening { purpose: replica_purpose(), subject: Bytes::new(), offset: 0 };
    match node.federation.call(to, opening).await {
        Ok(_) => presence.heard(hoster),
        Err(_) => presence.missed(hoster),
    }
    presence.since(&hoster)
}

/// Notes each minute who is connected, until `stop`.
pub(crate) async fn watch(node: Services, stop: Stop) {
    loop {
        note_connected(&node).await;
        tokio::select! {
            () = sleep(WATCH_EVERY) => {}
            () = stop.requested() => return,
        }
    }
}

async fn note_connected(node: &Services) {
    let table = node.federation.correspondents();
    for peer in node.federation.connected().await {
        for hoster in table.of_node(&peer.peer.public()).unwrap_or_default() {
            node.replicas.presence().heard(hoster.listing);
        }
    }
}

/// How long a host must have been silent, so that a recovery need not wait: an hour. Tests of unoptimized builds may say less; a released node cannot
/// be told to.
pub(crate) fn silence_needed() -> Duration {
    #[cfg(debug_assertions)]
    if let Some(seconds) =
        std::env::var("ESSAIM_TEST_SILENCE_SECONDS").ok().and_then(|text| text.parse().ok())
    {
        return Duration::from_secs(seconds);
    }
    SILENCE_NEEDED
}

const SILENCE_NEEDED: Duration = Duration::from_hours(1);
const WATCH_EVERY: Duration = Duration::from_secs(60);
/// After so long somebody who did not answer is called again.
const CALL_AGAIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_was_not_heard_of_is_silent_since_the_start_and_no_longer() {
        let presence = Presence::default();
        let (a, b) = (ListingId::from_bytes([1; 32]), ListingId::from_bytes([2; 32]));
        tokio::time::advance(Duration::from_mins(59)).await;
        presence.heard(a);
        tokio::time::advance(Duration::from_mins(2)).await;
        assert_eq!(
            (presence.since(&a), presence.since(&b)),
            (Duration::from_mins(2), Duration::from_mins(61))
        );
    }
}
