//! Which epoch is the present one.

use essaim_identity::RecordHash;

use crate::envelope::Epoch;

/// The present epoch and the change that began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Top {
    /// Which epoch.
    pub epoch: Epoch,
    /// Of two changes that began the same epoch the one with the lower hash.
    pub start: RecordHash,
}

impl Top {
    /// Whether this start takes the place of that one: a later epoch, or the lower hash of the same.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        (self.epoch, std::cmp::Reverse(self.start)) > (other.epoch, std::cmp::Reverse(other.start))
    }
}
