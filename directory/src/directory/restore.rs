//! Who we are, and whether what we know of ourselves is the latest: a node that came back from an old copy must not publish
//! other things under numbers that it has used already.

use essaim_identity::{PublicKey, SigningKey};
use essaim_types::{ListingId, Timestamp};

use super::Directory;

/// Who we are.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) listing: ListingId,
    pub(super) key: SigningKey,
    pub(super) restore: Restore,
    pub(super) next_beat: Timestamp,
}

/// Whether our copy of our own listing can be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Restore {
    /// It was made here, or peers have told what they know.
    Done,
    /// These peers have told.
    Asking(Vec<PublicKey>),
}

/// Where our listing comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was just made: nobody else knows anything of it.
    New,
    /// It was published before.
    Existing,
}

impl Directory {
    /// Says who we are. A node that was started again asks its peers for its own records before it publishes: its data may be
    /// older than what it has said.
    pub fn adopt(&mut self, now: Timestamp, listing: ListingId, key: SigningKey, origin: Origin) {
        let restore = match origin {
            Origin::New => Restore::Done,
            Origin::Existing => Restore::Asking(Vec::new()),
        };
        self.view.own = Some(listing);
        self.own = Some(Own { listing, key, restore, next_beat: now });
        self.settle_restore(now);
    }

    /// Relies on our own copy although too few peers have told what they know: for an operator who knows that it is the latest.
    pub fn trust_own_copy(&mut self) {
        if let Some(own) = &mut self.own {
            own.restore = Restore::Done;
        }
    }

    /// Whether peers are still being asked for what we published before.
    pub fn is_restoring(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.restore != Restore::Done)
    }

    /// A peer has told all it knows of our own listing.
    pub(super) fn told(&mut self, now: Timestamp, peer: PublicKey) {
        if let Some(Own { restore: Restore::Asking(peers), .. }) = &mut self.own
            && !peers.contains(&peer)
        {
            peers.push(peer);
        }
        self.settle_restore(now);
    }

    /// Whether a peer has told.
    pub(super) fn has_told(&self, peer: &PublicKey) -> bool {
        let restore = self.own.as_ref().map(|own| &own.restore);
        matches!(restore, Some(Restore::Asking(peers)) if peers.contains(peer))
    }

    /// With fewer hosters than the policy's number, all of them are enough; a directory of one is its own witness.
    pub(super) fn settle_restore(&mut self, now: Timestamp) {
        let others = self.hosters().filter(|hoster| hoster.is_proven(now)).map(|hoster| hoster.id());
        let own = self.own_listing();
        let needed = others.filter(|id| Some(*id) != own).count().min(self.policy.restore_peers);
        if let Some(own) = &mut self.own
            && matches!(&own.restore, Restore::Asking(peers) if peers.len() >= needed)
        {
            own.restore = Restore::Done;
        }
    }
}
