//! How an operator changes a keyring: a draft of the next entry, turned into a proposal that root keys sign.

use essaim_types::Domain;

use super::entry::{ActorId, Cut, EntryNumber, KeyringEntry, Operator, Past, Roles};
use super::history::{Keyring, Status};
use super::refusal::Refusal;
use crate::cbor::CborError;
use crate::cosigned::Cosigning;
use crate::key::PublicKey;
use crate::keys::{KeyMap, KeySet};
use crate::signed::RecordHash;

/// The next entry of a keyring, while it is being thought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    entry: KeyringEntry,
}

/// Why a draft cannot become a proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// The keyring would refuse it, however many sign.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be written within the bounds of an entry.
    #[error("the entry cannot be encoded")]
    Encode(#[from] CborError),
}

/// What a proposal still lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missing {
    /// Signatures by root keys of the entry before.
    pub of_before: usize,
    /// Signatures by root keys that the entry itself names.
    pub of_its_own: usize,
}

impl Draft {
    /// The first entry of a new hoster.
    pub fn genesis(roots: KeySet, threshold: u8) -> Self {
        let entry = KeyringEntry {
            number: EntryNumber(0),
            past: Past::None,
            domain: None,
            roots,
            threshold,
            operators: KeyMap::default(),
            revoked: KeyMap::default(),
        };
        Self { entry }
    }

    /// Says which domain is the hoster's.
    #[must_use]
    pub fn domain(mut self, domain: Option<Domain>) -> Self {
        self.entry.domain = domain;
        self
    }

    /// Adds an operator key, or gives one other roles. A key that changes its actor starts a new sequence of changes.
    #[must_use]
    pub fn operator(mut self, key: PublicKey, roles: Roles, actor: ActorId) -> Self {
        self.entry.operators.insert(key, Operator { roles, actor });
        self
    }

    /// Takes an operator key out. What it signed after the cut is void for everybody.
    #[must_use]
    pub fn revoke(mut self, key: PublicKey, cut: Cut) -> Self {
        self.entry.operators.remove(&key);
        self.entry.revoked.insert(key, cut);
        self
    }

    /// Other root keys, or another number of them that must sign. The new ones sign too: a key that nobody holds cannot lock
    /// the hoster out.
    #[must_use]
    pub fn roots(mut self, roots: KeySet, threshold: u8) -> Self {
        self.entry.roots = roots;
        self.entry.threshold = threshold;
        self
    }

    /// What is drafted.
    pub fn entry(&self) -> &KeyringEntry {
        &self.entry
    }

    /// The first entry, ready to be signed by its root keys.
    ///
    /// # Errors
    /// It breaks a rule, or is no first entry.
    pub fn propose_genesis(self) -> Result<Cosigning<KeyringEntry>, DraftError> {
        self.entry.check().map_err(Refusal::from)?;
        Ok(Cosigning::propose(&self.entry)?)
    }

    /// The next entry of `keyring`, ready to be signed: exported with `to_wire`, signed by one holder after another,
    /// merged, and given to [`Keyring::accept`].
    ///
    /// # Errors
    /// The keyring would refuse it, whoever signs.
    pub fn propose(self, keyring: &Keyring) -> Result<Cosigning<KeyringEntry>, DraftError> {
        keyring.check(&self.entry, &RecordHash::from_bytes([0; 32]))?;
        Ok(Cosigning::propose(&self.entry)?)
    }
}

impl Keyring {
    /// A draft that changes nothing yet: the next entry, with the keys of the head. If the keyring is forked it names two
    /// branches and so ends the fork; what the branches said is not taken over. `None` if it is ruined.
    pub fn draft(&self) -> Option<Draft> {
        let top = self.levels.last().map(|level| level.0.as_slice()).unwrap_or_default();
        let past = match (self.status(), top) {
            (Status::Ruined { .. }, _) | (_, []) => return None,
            (_, [only]) => Past::One(only.hash),
            (_, [one, other, ..]) => Past::both(one.hash, other.hash)?,
        };
        let number = EntryNumber(u32::try_from(self.levels.len()).ok()?);
        Some(Draft {
            entry: KeyringEntry { number, past, revoked: KeyMap::default(), ..self.head().clone() },
        })
    }

    /// What a proposal still lacks to be accepted here; signatures are counted, not checked.
    pub fn missing(&self, proposal: &Cosigning<KeyringEntry>) -> Missing {
        let own = proposal.claims();
        let at = usize::try_from(own.number.0).unwrap_or(usize::MAX);
        let before = self.settled(at.max(1)).record();
        let lacks = |rule: &KeyringEntry| {
            let (found, needed) = rule.counted(proposal.signers());
            needed.saturating_sub(found)
        };
        let of_its_own = if own.has_rule_of(before) { 0 } else { lacks(own) };
        Missing { of_before: lacks(before), of_its_own }
    }
}
