//! One document of one hoster as a set of signed changes. What it says is a function of the set, not of the order in which
//! the changes came: see `specs/09-directory.md`, "Acceptance".

mod held;
mod top;
mod vet;

use std::collections::{BTreeMap, BTreeSet};

use essaim_identity::keyring::ActorId;
use essaim_identity::{Keyring, RecordHash};

use crate::document::{Document, Edit, Fields};
use crate::envelope::{DocumentKind, Epoch, ForkPlace, ForkProof};
use crate::guard::ChangeHash;
use crate::refusal::Refusal;

pub(crate) use held::{Held, Life};
pub use top::Top;
pub(crate) use vet::{Vetted, vet};

/// The accepted changes of the present epoch of one document.
#[derive(Debug, Clone)]
pub struct Log {
    kind: DocumentKind,
    top: Option<Top>,
    /// Boxed: most logs hold a few changes, and a node of the map has room for eleven.
    held: BTreeMap<ChangeHash, Box<Held>>,
    cuts: BTreeMap<[u8; 16], Cut>,
    /// What it says, until somebody has read it: ten thousand of them are not kept beside what is made of them.
    fields: Option<Fields>,
}

/// Where an actor stopped to count, and why.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    /// The number of its first change that does not count.
    pub(crate) from: u64,
    pub(crate) proof: ForkProof,
}

/// What taking something in did.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// The document says something new.
    Changed,
    /// The change began an epoch; all before is gone.
    Began,
    /// It contradicts what the same actor said before: here is the proof.
    Forked(Box<ForkProof>),
}

impl Log {
    /// A document that was never written.
    pub fn new(kind: DocumentKind) -> Self {
        Self { kind, top: None, held: BTreeMap::new(), cuts: BTreeMap::new(), fields: None }
    }

    /// What the document says, read from its changes: milliseconds.
    pub fn fields(&self) -> Fields {
        self.fields.clone().unwrap_or_else(|| self.document().fields())
    }

    /// The same, once, without reading the changes again if something has just changed.
    pub(crate) fn take_fields(&mut self) -> Fields {
        self.fields.take().unwrap_or_else(|| self.document().fields())
    }

    /// The present epoch; `None` if there is none.
    pub fn top(&self) -> Option<Top> {
        self.top
    }

    /// The hashes of the changes that count, ascending: equal at two nodes exactly if the documents are.
    pub fn heads(&self) -> impl Iterator<Item = &ChangeHash> {
        self.held.iter().filter(|(_, held)| held.life == Life::Counts).map(|(hash, _)| hash)
    }

    /// The cuts, for comparing two nodes.
    pub fn cuts(&self) -> impl Iterator<Item = (&[u8; 16], u64)> {
        self.cuts.iter().map(|(actor, cut)| (actor, cut.from))
    }

    /// The changes that count, each after what it follows.
    pub(crate) fn counting(&self) -> Vec<&Held> {
        self.ordered(&self.heads().copied().collect())
    }

    /// The proofs of the cuts.
    pub(crate) fn proofs(&self) -> impl Iterator<Item = &ForkProof> {
        self.cuts.values().map(|cut| &cut.proof)
    }

    /// Every change that is held, whatever its life.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Held> {
        self.held.values().map(Box::as_ref)
    }

    /// How many changes of each actor count.
    pub(crate) fn covers(&self) -> BTreeMap<ActorId, u64> {
        let mut covers = BTreeMap::new();
        for held in self.held.values().filter(|held| held.life == Life::Counts) {
            let last = covers.entry(ActorId(held.actor)).or_insert(0);
            *last = held.number.max(*last);
        }
        covers
    }

    /// What an actor has edited after its change `covered`, in the order in which it did.
    pub(crate) fn edits_after(&self, actor: [u8; 16], covered: u64) -> Vec<Edit> {
        let own = |held: &&Held| held.actor == actor && held.number > covered && held.life == Life::Counts;
        let mut edits = Vec::new();
        for held in self.counting().into_iter().filter(own) {
            let before = self.build(&self.closure(&held.deps));
            if let Some(Ok((_, after))) = held.change_of().map(|change| before.apply(&change)) {
                edits.extend(before.fields().edits_to(&after));
            }
        }
        edits
    }

    /// How many changes and how many bytes of changes the epoch has: when it is time for the next.
    pub fn weight(&self) -> (usize, usize) {
        (self.held.len(), self.held.values().map(|held| held.change_bytes).sum())
    }

    /// Whether an actor has forked in this epoch.
    pub fn is_forked(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// The live document, made anew. Milliseconds; what it says is in [`Self::fields`].
    pub fn document(&self) -> Document {
        self.build(&self.heads().copied().collect())
    }

    /// Takes in a change. `live` is [`Self::document`] if the caller has kept it, and is brought up to date.
    pub(crate) fn offer(&mut self, vetted: Vetted, live: &mut Option<Document>) -> Result<Taken, Refusal> {
        if self.held.get(&vetted.held.change).is_some_and(|held| held.hash == vetted.held.hash) {
            return Err(Refusal::Known);
        }
        match vetted.start {
            None => self.begin(vetted, live),
            Some(start) => self.follow(vetted, start, live),
        }
    }

    /// Takes in a proof whose two changes were both vetted.
    pub(crate) fn offer_proof(&mut self, proof: ForkProof) -> Result<(), Refusal> {
        let place = proof.place();
        self.check_epoch(place.epoch, place.start)?;
        if self.cuts.get(&place.actor).is_some_and(|cut| cut.from <= place.number) {
            return Err(Refusal::Known);
        }
        self.cut(proof);
        Ok(())
    }

    /// The keyring has changed: what its keys may not say any more does not count.
    pub(crate) fn settle(&mut self, keyring: &Keyring) {
        let role = vet::role(self.kind);
        let start = self.top.map(|top| top.start);
        if self.all().any(|held| Some(held.hash) == start && !held.stands(keyring, role)) {
            // As if it had never begun: who hears of the revocation first does not take the start in, and keeps the epoch before.
            *self = Self::new(self.kind);
            return;
        }
        let mut changed = false;
        for held in self.held.values_mut() {
            if held.life == Life::Counts && !held.stands(keyring, role) {
                held.life = Life::Void;
                changed = true;
            }
        }
        if changed {
            self.refresh();
        }
    }

    fn begin(&mut self, vetted: Vetted, live: &mut Option<Document>) -> Result<Taken, Refusal> {
        let top = Top { epoch: vetted.epoch, start: vetted.held.hash };
        if self.top.is_some_and(|now| !top.replaces(&now)) {
            return Err(Refusal::OldEpoch);
        }
        let (document, fields) = Document::empty().apply(&vetted.change)?;
        self.check_schema(&fields)?;
        (self.top, self.fields, *live) = (Some(top), Some(fields), Some(document));
        self.cuts.clear();
        self.held = BTreeMap::from([(vetted.held.change, Box::new(vetted.held))]);
        Ok(Taken::Began)
    }

    fn follow(
        &mut self,
        vetted: Vetted,
        start: RecordHash,
        live: &mut Option<Document>,
    ) -> Result<Taken, Refusal> {
        self.check_epoch(vetted.epoch, start)?;
        let (actor, number) = (vetted.held.actor, vetted.held.number);
        if self.cuts.get(&actor).is_some_and(|cut| cut.from <= number) {
            return Err(Refusal::Forked);
        }
        if let Some(rival) = self.held.values().find(|held| (held.actor, held.number) == (actor, number)) {
            let proof = ForkProof::of(&rival.wire, &vetted.held.wire)?;
            self.cut(proof.clone());
            *live = None;
            return Ok(Taken::Forked(Box::new(proof)));
        }
        let past = self.past(&vetted)?;
        let fault = self.try_out(&vetted, &past, live).err();
        let mut held = vetted.held;
        if fault.is_some() {
            // It keeps its place: had it come after its rival, it would have been half of a proof.
            held.life = Life::Void;
        }
        self.held.insert(held.change, Box::new(held));
        fault.map_or(Ok(Taken::Changed), Err)
    }

    fn check_epoch(&self, epoch: Epoch, start: RecordHash) -> Result<(), Refusal> {
        let theirs = Top { epoch, start };
        match self.top {
            Some(now) if now == theirs => Ok(()),
            Some(now) if !theirs.replaces(&now) => Err(Refusal::OldEpoch),
            _ => Err(Refusal::UnknownPast),
        }
    }

    /// Everything that a change follows, if all of it is here.
    fn past(&self, vetted: &Vetted) -> Result<BTreeSet<ChangeHash>, Refusal> {
        if vetted.held.deps.iter().any(|dep| !self.held.contains_key(dep)) {
            return Err(Refusal::UnknownPast);
        }
        let past = self.closure(&vetted.held.deps);
        let before = |held: &&Held| held.actor == vetted.held.actor && held.number + 1 == vetted.held.number;
        let before = self.all().find(before).map(|held| (held.hash, held.change));
        match (vetted.prev, before) {
            (None, _) => Ok(past),
            (Some(prev), Some((hash, change))) if prev == hash && past.contains(&change) => Ok(past),
            (Some(prev), Some((hash, _))) if prev == hash => Err(Refusal::Misplaced),
            _ => Err(Refusal::UnknownPast),
        }
    }

    /// Whether the change is right as its writer saw the document, and what all changes together say then.
    fn try_out(
        &mut self,
        vetted: &Vetted,
        past: &BTreeSet<ChangeHash>,
        live: &mut Option<Document>,
    ) -> Result<(), Refusal> {
        let known: Vec<&Held> = past.iter().filter_map(|hash| self.held.get(hash)).map(Box::as_ref).collect();
        if known.iter().any(|held| held.life == Life::Void) {
            return Err(Refusal::VoidPast);
        }
        let last_op =
            vetted.held.deps.iter().filter_map(|hash| self.held.get(hash)).map(|held| held.max_op).max();
        let own = known.iter().filter(|held| held.actor == vetted.held.actor).count();
        let bytes: usize = known.iter().map(|held| held.change_bytes).sum();
        let fits = last_op.is_some_and(|last| last.checked_add(1) == Some(vetted.start_op))
            && u64::try_from(own).ok() == vetted.held.number.checked_sub(1)
            && known.len() < EPOCH_CHANGES_MAX
            && bytes.saturating_add(vetted.change.len()) <= EPOCH_BYTES_MAX;
        if !fits {
            return Err(Refusal::Misplaced);
        }
        let now = live.take().unwrap_or_else(|| self.document());
        let whole = self.heads().count() == past.len();
        let (document, fields) =
            if whole { now.apply(&vetted.change)? } else { self.build(past).apply(&vetted.change)? };
        self.check_schema(&fields)?;
        if whole {
            (*live, self.fields) = (Some(document), Some(fields));
        } else if let Ok((document, fields)) = now.apply(&vetted.change) {
            (*live, self.fields) = (Some(document), Some(fields));
        }
        Ok(())
    }

    fn closure(&self, deps: &[ChangeHash]) -> BTreeSet<ChangeHash> {
        let (mut past, mut open) = (BTreeSet::new(), deps.to_vec());
        while let Some(held) = open.pop().and_then(|hash| self.held.get(&hash)) {
            if past.insert(held.change) {
                open.extend(held.deps.iter().copied());
            }
        }
        past
    }

    fn check_schema(&self, fields: &Fields) -> Result<(), Refusal> {
        let right = match self.kind {
            DocumentKind::Profile => crate::listing::check(fields).is_ok(),
            DocumentKind::Statements => crate::statement::check(fields).is_ok(),
        };
        (right && fields.weight() <= DOCUMENT_BYTES_MAX).then_some(()).ok_or(Refusal::Schema)
    }

    fn cut(&mut self, proof: ForkProof) {
        let ForkPlace { actor, number, .. } = proof.place();
        self.cuts.insert(actor, Cut { from: number, proof });
        self.refresh();
    }

    /// What is cut goes, and what follows it; then the document is read anew.
    fn refresh(&mut self) {
        let cuts = &self.cuts;
        self.held.retain(|_, held| cuts.get(&held.actor).is_none_or(|cut| held.number < cut.from));
        loop {
            let lost = |held: &Held| held.deps.iter().any(|dep| !self.counts(dep));
            let dependants: Vec<ChangeHash> = self
                .held
                .iter()
                .filter(|(_, held)| held.life == Life::Counts && lost(held))
                .map(|(hash, _)| *hash)
                .collect();
            if dependants.is_empty() {
                break;
            }
            for hash in dependants {
                self.held.entry(hash).and_modify(|held| held.life = Life::Void);
            }
        }
        self.fields = None;
    }

    fn counts(&self, hash: &ChangeHash) -> bool {
        self.held.get(hash).is_some_and(|held| held.life == Life::Counts)
    }

    fn build(&self, these: &BTreeSet<ChangeHash>) -> Document {
        self.ordered(these).iter().fold(Document::empty(), |document, held| {
            held.change_of()
                .and_then(|change| document.apply(&change).ok())
                .map_or(document, |(next, _)| next)
        })
    }

    /// Each after what it follows; among equals by hash.
    fn ordered(&self, these: &BTreeSet<ChangeHash>) -> Vec<&Held> {
        let mut open: Vec<&Held> =
            these.iter().filter_map(|hash| self.held.get(hash)).map(Box::as_ref).collect();
        // A change's first operation comes after the last of everything it follows.
        open.sort_by_key(|held| (held.start_op, held.change));
        open
    }
}

/// Most changes that one change may have behind it in its epoch: then a new epoch begins.
pub const EPOCH_CHANGES_MAX: usize = 32;
/// Most bytes of changes that one change may have behind it, itself among them.
pub const EPOCH_BYTES_MAX: usize = 32 * 1024;
/// Most bytes of keys and values: what a new epoch can say in four changes.
pub const DOCUMENT_BYTES_MAX: usize = 20 * 1024;
