//! Peers that the node stays connected to, and peers that were disconnected because they never told their topics.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use libp2p::PeerId;

use crate::address::Address;
use crate::command::Kept;

/// Whom to dial, and when. At most `limit`.
#[derive(Debug)]
pub(super) struct KeptPeers {
    limit: usize,
    first: Duration,
    last: Duration,
    peers: HashMap<PeerId, KeptPeer>,
}

#[derive(Debug)]
struct KeptPeer {
    addresses: Vec<Address>,
    failures: u32,
    next: Instant,
}

impl KeptPeers {
    pub(super) fn new(limit: usize, first: Duration, last: Duration) -> Self {
        Self { limit, first, last, peers: HashMap::new() }
    }

    pub(super) fn keep(&mut self, peer: PeerId, addresses: Vec<Address>, now: Instant) -> Kept {
        if self.peers.len() >= self.limit && !self.peers.contains_key(&peer) {
            return Kept::Full;
        }
        self.peers.insert(peer, KeptPeer { addresses, failures: 0, next: now });
        Kept::Yes
    }

    pub(super) fn release(&mut self, peer: &PeerId) {
        self.peers.remove(peer);
    }

    pub(super) fn connected(&mut self, peer: &PeerId) {
        if let Some(kept) = self.peers.get_mut(peer) {
            kept.failures = 0;
        }
    }

    /// The connection went: try again after the first pause.
    pub(super) fn disconnected(&mut self, peer: &PeerId, now: Instant) {
        if let Some(kept) = self.peers.get_mut(peer) {
            kept.next = now + pause(self.first, self.last, 0, peer);
        }
    }

    /// Whom to dial now. Each is put off as if it failed; `connected` takes that back.
    pub(super) fn due(
        &mut self,
        now: Instant,
        is_connected: impl Fn(&PeerId) -> bool,
    ) -> Vec<(PeerId, Vec<Address>)> {
        let waiting = self.peers.iter_mut().filter(|(peer, kept)| kept.next <= now && !is_connected(peer));
        waiting
            .map(|(peer, kept)| {
                kept.next = now + pause(self.first, self.last, kept.failures, peer);
                kept.failures = kept.failures.saturating_add(1);
                (*peer, kept.addresses.clone())
            })
            .collect()
    }
}

/// Peers that were disconnected because they had no topics. At most `MUTE_MAX`, the oldest go.
#[derive(Debug, Default)]
pub(super) struct Bounced(HashMap<PeerId, (u32, Instant)>);

impl Bounced {
    /// Whether to disconnect it now. The pause doubles each time.
    pub(super) fn bounce(&mut self, peer: PeerId, cooldown: Duration, now: Instant) -> bool {
        let count = match self.0.get(&peer) {
            Some((count, last)) => {
                let wait = cooldown.saturating_mul(1 << (count - 1).min(DOUBLINGS_MAX));
                if now.saturating_duration_since(*last) < wait {
                    return false;
                }
                count.saturating_add(1)
            }
            None => 1,
        };
        self.make_room();
        self.0.insert(peer, (count, now));
        true
    }

    /// It told its topics.
    pub(super) fn forgive(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    fn make_room(&mut self) {
        if self.0.len() < MUTE_MAX {
            return;
        }
        let oldest = self.0.iter().min_by_key(|(_, (_, last))| *last).map(|(peer, _)| *peer);
        if let Some(oldest) = oldest {
            self.0.remove(&oldest);
        }
    }
}

/// Doubles from `first` to `last`, and up to a quarter more: differently for each peer, so that not all nodes call at
/// the same moment after a partition.
fn pause(first: Duration, last: Duration, failures: u32, peer: &PeerId) -> Duration {
    let pause = first.saturating_mul(1 << failures.min(DOUBLINGS_MAX)).min(last);
    let hash = blake3::hash(&[&peer.to_bytes()[..], &failures.to_be_bytes()].concat());
    let part = u32::from(hash.as_bytes()[0]);
    pause + pause * part / 1024
}

const DOUBLINGS_MAX: u32 = 10;
const MUTE_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::secret;

    const SECOND: Duration = Duration::from_secs(1);

    fn peer(byte: u8) -> PeerId {
        secret(byte).public().peer_id()
    }

    #[test]
    fn pauses_double_up_to_the_last() {
        let mut kept = KeptPeers::new(4, SECOND, SECOND * 60);
        let mut now = Instant::now();
        kept.keep(peer(1), Vec::new(), now);
        let mut waits = Vec::new();
        for _ in 0..9 {
            assert_eq!(kept.due(now, |_| false).len(), 1);
            assert!(kept.due(now, |_| false).is_empty());
            let next = kept.peers[&peer(1)].next;
            waits.push((next - now).as_secs());
            now = next;
        }
        assert!(waits[..7].is_sorted() && waits[0] == 1, "{waits:?}");
        assert!((60..=75).contains(&waits[8]), "{waits:?}");
        kept.connected(&peer(1));
        kept.disconnected(&peer(1), now);
        assert!(kept.peers[&peer(1)].next - now < SECOND * 2);
    }

    #[test]
    fn kept_peers_bounds_the_table_and_the_connected_are_left_alone() {
        let mut kept = KeptPeers::new(1, SECOND, SECOND);
        let now = Instant::now();
        assert_eq!(kept.keep(peer(1), Vec::new(), now), Kept::Yes);
        assert_eq!(kept.keep(peer(1), Vec::new(), now), Kept::Yes);
        assert_eq!(kept.keep(peer(2), Vec::new(), now), Kept::Full);
        assert!(kept.due(now, |_| true).is_empty());
        kept.release(&peer(1));
        assert!(kept.due(now, |_| false).is_empty());
    }

    #[test]
    fn a_mute_peer_is_bounced_ever_more_rarely() {
        let mut bounced = Bounced::default();
        let start = Instant::now();
        assert!(bounced.bounce(peer(1), SECOND, start));
        assert!(!bounced.bounce(peer(1), SECOND, start));
        assert!(bounced.bounce(peer(1), SECOND, start + SECOND));
        assert!(!bounced.bounce(peer(1), SECOND, start + SECOND * 2));
        assert!(bounced.bounce(peer(1), SECOND, start + SECOND * 3));
        bounced.forgive(&peer(1));
        assert!(bounced.bounce(peer(1), SECOND, start + SECOND * 3));
    }
}
