//! What has been accepted of one hoster's chain, and whose signature counts by it.

use essaim_types::{Domain, ListingId};

use super::entry::{Cut, EntryNumber, KeyringEntry, Operator, Role};
use crate::cosigned::Cosigned;
use crate::key::PublicKey;
use crate::signed::{Record, RecordHash};

/// The keyring of one hoster. Made by [`Keyring::found`], changed only by [`Keyring::accept`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    pub(super) listing: ListingId,
    /// By number. The first has exactly one entry.
    pub(super) levels: Vec<Level>,
}

/// The entries of one number, lowest hash first: one, or the branches of a fork. Never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Level(pub(super) Vec<Branch>);

/// An entry that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Branch {
    pub(super) hash: RecordHash,
    pub(super) entry: Cosigned<KeyringEntry>,
}

/// Whether a keyring can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// One chain, no open question.
    Settled,
    /// Root keys have signed several entries of this number. Frozen until an entry with the next number names two of them
    /// and is signed by root keys of the entry before the fork.
    Forked {
        /// The last number that is disputed.
        at: EntryNumber,
    },
    /// [`BRANCHES_MAX`] entries of this number: frozen for ever.
    Ruined {
        /// The number.
        at: EntryNumber,
    },
}

/// What a revocation says about one signed record of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The key is not revoked.
    Uncut,
    /// Before the cut. It counts if the key's own chain leads from the cut back to it.
    Before,
    /// The last one that counts.
    Last,
    /// After the cut, or in its place: void for everybody, whatever its date.
    Void,
}

impl Keyring {
    /// The id of the listing: the hash of the first entry.
    pub fn listing(&self) -> ListingId {
        self.listing
    }

    /// The last entry that is not disputed. While the keyring is frozen this is the one before the fork.
    pub fn head(&self) -> &KeyringEntry {
        self.settled(self.levels.len()).record()
    }

    /// The hash of [`Self::head`].
    pub fn head_hash(&self) -> RecordHash {
        self.settled(self.levels.len()).hash()
    }

    /// Whether what [`Self::head`] says is the whole truth.
    pub fn status(&self) -> Status {
        let top = self.levels.len().saturating_sub(1);
        let at = EntryNumber(u32::try_from(top).unwrap_or(u32::MAX));
        match self.levels.last().map_or(0, |level| level.0.len()) {
            0 | 1 => Status::Settled,
            BRANCHES_MAX.. => Status::Ruined { at },
            _ => Status::Forked { at },
        }
    }

    /// Whether [`Self::status`] is [`Status::Settled`].
    pub fn is_settled(&self) -> bool {
        self.status() == Status::Settled
    }

    /// The entry of that number; `None` if there is none or several.
    pub fn entry(&self, number: EntryNumber) -> Option<&KeyringEntry> {
        let level = self.levels.get(usize::try_from(number.0).ok()?)?;
        level.only().map(|branch| branch.entry.record())
    }

    /// Every entry that is held, branches of forks too, in an order in which another keyring accepts them.
    pub fn entries(&self) -> impl Iterator<Item = &Cosigned<KeyringEntry>> {
        self.levels.iter().flat_map(|level| level.0.iter().map(|branch| &branch.entry))
    }

    /// Whether an entry is held, in the chain or as a branch of a fork.
    pub fn holds(&self, entry: &RecordHash) -> bool {
        self.levels.iter().any(|level| level.holds(entry))
    }

    /// The domain that the hoster says is its own.
    pub fn domain(&self) -> Option<&Domain> {
        self.head().domain.as_ref()
    }

    /// Roles and actor of a key as of an entry; `None` if it was no operator's, or the number is disputed or unknown.
    pub fn operator(&self, number: EntryNumber, key: &PublicKey) -> Option<&Operator> {
        self.entry(number)?.operators.get(key)
    }

    /// Whether `key` held `role` as of that entry. Whether it was revoked later, [`Self::standing`] says.
    pub fn has_role(&self, number: EntryNumber, key: &PublicKey, role: Role) -> bool {
        self.entry(number).is_some_and(|entry| entry.has_role(key, role))
    }

    /// Where the records of a key end, if it was revoked in an entry that is not disputed.
    pub fn cut(&self, key: &PublicKey) -> Option<&Cut> {
        self.settled_entries(self.levels.len()).find_map(|entry| entry.revoked.get(key))
    }

    /// Whether record `seq` with this hash, in `key`'s own sequence, still counts.
    pub fn standing(&self, key: &PublicKey, seq: u64, hash: &RecordHash) -> Standing {
        match self.cut(key) {
            None => Standing::Uncut,
            Some(cut) if seq < cut.last_seq => Standing::Before,
            Some(cut) if seq == cut.last_seq && seq != 0 && *hash == cut.last_hash => Standing::Last,
            Some(_) => Standing::Void,
        }
    }

    /// Whether enough root keys of the head have signed some other record of the hoster, such as its farewell. Signatures of
    /// others beside them do no harm.
    pub fn is_signed_by_roots<T: Record>(&self, record: &Cosigned<T>) -> bool {
        let (found, needed) = self.head().counted(record.signers());
        found >= needed
    }

    /// The last undisputed entry with a number below `len`.
    pub(super) fn settled(&self, len: usize) -> &Cosigned<KeyringEntry> {
        self.levels
            .iter()
            .take(len)
            .rev()
            .find_map(Level::only)
            .map(|branch| &branch.entry)
            .expect("the first level has one entry, and no other can come there")
    }

    /// Every undisputed entry with a number below `len`, oldest first.
    pub(super) fn settled_entries(&self, len: usize) -> impl Iterator<Item = &KeyringEntry> {
        self.levels.iter().take(len).filter_map(Level::only).map(|branch| branch.entry.record())
    }
}

impl Level {
    /// The entry, if it is the only one.
    pub(super) fn only(&self) -> Option<&Branch> {
        match self.0.as_slice() {
            [branch] => Some(branch),
            _ => None,
        }
    }

    pub(super) fn holds(&self, hash: &RecordHash) -> bool {
        self.0.iter().any(|branch| branch.hash == *hash)
    }
}

/// With this many entries of one number a keyring is frozen for ever, and those with the lowest hashes are kept as the proof.
pub const BRANCHES_MAX: usize = 4;
