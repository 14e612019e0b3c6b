//! What is remembered of an account against rollback, and the fence behind which a node starts.

use minicbor::{Decode, Encode};

use super::entry::AccountEntry;
use super::log::AccountLog;
use super::values::{Epoch, Seq};
use crate::cbor::Bounded;
use crate::cosigned::Cosigned;
use crate::signed::RecordHash;

/// The highest head that was ever seen of an account. Kept on disk by everybody who asks for accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Highest {
    /// Its epoch: compared first.
    #[n(0)]
    pub epoch: Epoch,
    /// Its number.
    #[n(1)]
    pub seq: Seq,
    /// Its hash.
    #[n(2)]
    pub head: RecordHash,
}

/// Somebody shows a log that lacks what was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this log ends at epoch {} entry {}, but epoch {} entry {} was seen before: it is old, or something is held back",
    shown.epoch, shown.seq, seen.epoch, seen.seq
)]
pub struct RolledBack {
    /// What was seen before.
    pub seen: Highest,
    /// What was shown.
    pub shown: Highest,
}

/// How far a node may serve an account after it has started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// Nobody has confirmed our epoch yet: read only, and mail is spooled.
    Closed,
    /// A peer knows of nothing newer: serve.
    Open,
    /// A peer knows of something newer, which is to be fetched first. With a higher epoch the account may be at another host.
    Behind(Highest),
}

/// The fence of one account on a node that has just started, perhaps from an old image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootFence {
    own: Highest,
    fence: Fence,
}

impl Highest {
    /// What is remembered of this head.
    pub fn of(head: &Cosigned<AccountEntry>) -> Self {
        let entry = head.record();
        Self { epoch: entry.epoch, seq: entry.seq, head: head.hash() }
    }

    /// Holds a log and its head against what was seen before, and says what is remembered from now on. A lower head is believed
    /// only from a log that has the entry that was seen, and so knows why that does not stand any more.
    ///
    /// # Errors
    /// The log is old, or something is held back.
    pub fn advance(&self, log: &AccountLog, head: &Cosigned<AccountEntry>) -> Result<Self, RolledBack> {
        let shown = Self::of(head);
        let goes_on = shown.is_above(self) || log.get(&self.head).is_some();
        if goes_on { Ok(shown) } else { Err(RolledBack { seen: *self, shown }) }
    }

    fn is_above(&self, other: &Self) -> bool {
        (self.epoch, self.seq) > (other.epoch, other.seq)
    }
}

impl BootFence {
    /// The fence of an account whose head on this disk is `own`: closed.
    pub const fn closed(own: Highest) -> Self {
        Self { own, fence: Fence::Closed }
    }

    /// How the account may be served.
    pub const fn fence(&self) -> Fence {
        self.fence
    }

    /// A peer says what it has seen of the account. `None`: it does not know it, which confirms nothing. Who is behind stays
    /// so, whatever peers that are behind too say.
    pub fn hear(&mut self, peer: Option<Highest>) -> Fence {
        let Some(theirs) = peer else { return self.fence };
        let known = match self.fence {
            Fence::Behind(known) => known,
            Fence::Closed | Fence::Open => self.own,
        };
        if theirs.is_above(&known) {
            self.fence = Fence::Behind(theirs);
        } else if self.fence == Fence::Closed {
            self.fence = Fence::Open;
        }
        self.fence
    }

    /// The hoster has no peers at all: nobody else can have the account.
    pub fn alone(&mut self) -> Fence {
        if self.fence == Fence::Closed {
            self.fence = Fence::Open;
        }
        self.fence
    }

    /// The log was fetched, and `own` is our head now. What made us fall behind is confirmed by it.
    pub fn caught_up(&mut self, own: Highest) -> Fence {
        let confirmed = match self.fence {
            Fence::Behind(known) => !known.is_above(&own),
            Fence::Closed => false,
            Fence::Open => true,
        };
        self.own = own;
        if confirmed {
            self.fence = Fence::Open;
        }
        self.fence
    }
}

impl Bounded for Highest {
    const BYTES_MAX: usize = 64;
    const DEPTH_MAX: usize = 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_serves_when_a_peer_knows_of_nothing_newer() {
        let mut fence = BootFence::closed(at(2, 7));
        assert_eq!(fence.hear(None), Fence::Closed, "who does not know the account confirms nothing");
        assert_eq!(fence.hear(Some(at(2, 6))), Fence::Open);
        assert_eq!(BootFence::closed(at(2, 7)).alone(), Fence::Open);
    }

    #[test]
    fn a_node_from_an_old_image_stays_behind_the_fence() {
        let mut fence = BootFence::closed(at(2, 7));
        assert_eq!(fence.hear(Some(at(3, 8))), Fence::Behind(at(3, 8)));
        assert_eq!(
            fence.hear(Some(at(2, 7))),
            Fence::Behind(at(3, 8)),
            "a peer that is behind too opens nothing"
        );
        assert_eq!(fence.alone(), Fence::Behind(at(3, 8)));
        assert_eq!(fence.caught_up(at(2, 9)), Fence::Behind(at(3, 8)));
        assert_eq!(fence.caught_up(at(3, 8)), Fence::Open);
    }

    #[test]
    fn news_closes_a_fence_that_was_open() {
        let mut fence = BootFence::closed(at(2, 7));
        fence.hear(Some(at(2, 7)));
        assert_eq!(fence.hear(Some(at(3, 0))), Fence::Behind(at(3, 0)));
    }

    fn at(epoch: u32, seq: u64) -> Highest {
        Highest { epoch: Epoch(epoch), seq: Seq(seq), head: RecordHash::from_bytes([9; 32]) }
    }
}
