//! When an entry becomes part of a keyring. A pure function of the entry and of what was accepted before it.

use essaim_types::ListingId;

use super::entry::{EntryNumber, KeyringEntry, Past};
use super::history::{BRANCHES_MAX, Branch, Keyring, Level};
use super::refusal::{EntryFault, Refusal};
use crate::cosigned::Cosigned;
use crate::signed::RecordHash;

/// What accepting an entry did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is the new head.
    Advanced,
    /// It was there already; its signatures may be other ones.
    Known,
    /// It stands where another stands. Everything from that number on is void, and the keyring is frozen.
    Forked,
    /// It is another branch of a fork, or yet another after the fork was settled. Nothing else changed.
    AnotherBranch,
    /// It ends a fork and is the new head.
    Thawed,
    /// One branch too many: frozen for ever.
    Ruined,
}

impl Keyring {
    /// The keyring that a first entry founds.
    ///
    /// # Errors
    /// Not a first entry, wrong in itself, or not signed by its own root keys.
    pub fn found(genesis: Cosigned<KeyringEntry>) -> Result<Self, Refusal> {
        let entry = genesis.record();
        entry.check()?;
        if entry.past != Past::None {
            return Err(EntryFault::PastOfNumber { number: entry.number }.into());
        }
        if let Some(key) = entry.revoked.keys().next() {
            return Err(Refusal::RevokedStranger { key: *key });
        }
        check_signatures(&genesis, None)?;
        let hash = genesis.hash();
        let listing = ListingId::from_bytes(*hash.as_bytes());
        Ok(Self { listing, levels: vec![Level(vec![Branch { hash, entry: genesis }])] })
    }

    /// Takes an entry in.
    ///
    /// # Errors
    /// What is wrong with it; the keyring is as it was.
    pub fn accept(&mut self, entry: Cosigned<KeyringEntry>) -> Result<Accepted, Refusal> {
        let hash = entry.hash();
        let at = index(entry.record().number);
        if self.levels.get(at).is_some_and(|level| level.holds(&hash)) {
            return Ok(Accepted::Known);
        }
        self.check(entry.record(), &hash)?;
        check_signatures(&entry, Some(self.settled(at).record()))?;
        self.insert(at, Branch { hash, entry })
    }

    /// Everything about a new entry but its signatures.
    pub(super) fn check(&self, entry: &KeyringEntry, hash: &RecordHash) -> Result<(), Refusal> {
        entry.check()?;
        self.check_past(entry, hash)?;
        self.check_keys(entry)
    }

    fn check_past(&self, entry: &KeyringEntry, hash: &RecordHash) -> Result<(), Refusal> {
        let at = index(entry.number);
        if at > self.levels.len() {
            let missing = u32::try_from(self.levels.len()).unwrap_or(u32::MAX);
            return Err(Refusal::Gap { number: EntryNumber(missing) });
        }
        let Some(before) = at.checked_sub(1).and_then(|before| self.levels.get(before)) else {
            let theirs = ListingId::from_bytes(*hash.as_bytes());
            return Err(Refusal::OtherListing { ours: self.listing, theirs });
        };
        let number = EntryNumber(entry.number.0 - 1);
        if before.0.len() >= BRANCHES_MAX {
            return Err(Refusal::Ruined { number });
        }
        let named = match entry.past {
            Past::None => return Err(EntryFault::PastOfNumber { number: entry.number }.into()),
            Past::One(one) => [Some(one), None],
            Past::Both(one, other) => [Some(one), Some(other)],
        };
        if let Some(hash) = named.into_iter().flatten().find(|hash| !before.holds(hash)) {
            return Err(Refusal::UnknownPast { hash });
        }
        if matches!(entry.past, Past::One(_)) && before.0.len() > 1 {
            return Err(Refusal::OneBranch { number });
        }
        Ok(())
    }

    /// Keys leave only with a cut, and what has left does not come back.
    fn check_keys(&self, entry: &KeyringEntry) -> Result<(), Refusal> {
        let at = index(entry.number);
        let before = self.settled(at).record();
        for key in before.operators.keys() {
            if !entry.operators.contains_key(key) && !entry.revoked.contains_key(key) {
                return Err(Refusal::LeftOutWithoutCut { key: *key });
            }
        }
        if let Some(key) = entry.revoked.keys().find(|key| !before.operators.contains_key(key)) {
            return Err(Refusal::RevokedStranger { key: *key });
        }
        for past in self.settled_entries(at) {
            let mut back = past.revoked.keys();
            if let Some(key) = back.find(|key| entry.operators.contains_key(key) || entry.roots.contains(key))
            {
                return Err(Refusal::RevokedKeyBack { key: *key });
            }
        }
        for (key, operator) in entry.operators.iter() {
            let kept = before.operators.get(key).is_some_and(|old| old.actor == operator.actor);
            let used = |past: &KeyringEntry| past.operators.values().any(|old| old.actor == operator.actor);
            if !kept && self.settled_entries(at).any(used) {
                return Err(Refusal::ActorUsedBefore { key: *key });
            }
        }
        Ok(())
    }

    /// Puts a checked entry in its place. What comes out depends only on which entries are there.
    fn insert(&mut self, at: usize, branch: Branch) -> Result<Accepted, Refusal> {
        let thaws = matches!(branch.entry.record().past, Past::Both(..));
        let Some(level) = self.levels.get_mut(at) else {
            self.levels.push(Level(vec![branch]));
            return Ok(if thaws { Accepted::Thawed } else { Accepted::Advanced });
        };
        let number = branch.entry.record().number;
        let hash = branch.hash;
        let before = level.0.len();
        let place = level.0.partition_point(|other| other.hash < hash);
        level.0.insert(place, branch);
        level.0.truncate(BRANCHES_MAX);
        let kept = level.holds(&hash);
        let now = level.0.len();
        // What stood on the only entry is void; what named two branches still names two.
        if before == 1 || now == BRANCHES_MAX {
            self.levels.truncate(at + 1);
        }
        match (before, now) {
            (BRANCHES_MAX, _) if !kept => Err(Refusal::Ruined { number }),
            (_, BRANCHES_MAX) => Ok(Accepted::Ruined),
            (1, _) => Ok(Accepted::Forked),
            _ => Ok(Accepted::AnotherBranch),
        }
    }
}

/// Enough of the right people have signed: the threshold of the entry before, and its own where it changes who they are.
fn check_signatures(signed: &Cosigned<KeyringEntry>, before: Option<&KeyringEntry>) -> Result<(), Refusal> {
    let own = signed.record();
    let is_root = |entry: Option<&KeyringEntry>, key| entry.is_some_and(|entry| entry.roots.contains(key));
    if let Some(key) = signed.signers().find(|key| !is_root(before, key) && !is_root(Some(own), key)) {
        return Err(Refusal::StrangerSigned { key: *key });
    }
    if let Some(before) = before {
        let (found, needed) = before.counted(signed.signers());
        if found < needed {
            return Err(Refusal::TooFewOfBefore { found, needed });
        }
    }
    let changes = before.is_none_or(|before| !own.has_rule_of(before));
    let (found, needed) = own.counted(signed.signers());
    if changes && found < needed {
        return Err(Refusal::TooFewOfItsOwn { found, needed });
    }
    Ok(())
}

fn index(number: EntryNumber) -> usize {
    usize::try_from(number.0).unwrap_or(usize::MAX)
}
