//! What this node says itself: its own listing, statements, signs of life.

use std::collections::BTreeMap;

use essaim_identity::keyring::{ActorId, Draft, DraftError, EntryNumber, KeyringEntry, Missing, Role};
use essaim_identity::{Cosigned, RecordHash, Signed, SigningKey};
use essaim_types::{ListingId, Timestamp};

use super::{Directory, Output, Row, RowKey, take};
use crate::beat::Beat;
use crate::document::{Document, Edit, EditError, Fields, Value};
use crate::envelope::{Change, DocumentKind, Epoch};
use crate::guard::CHANGE_BYTES_MAX;
use crate::log::{EPOCH_BYTES_MAX, EPOCH_CHANGES_MAX, Log};
use crate::refusal::Refusal;
use crate::{listing, wire};

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// This node has no listing yet.
    #[error("this node has no listing; make one or join first")]
    NoListing,
    /// Peers are being asked for what we published before; try again in a moment.
    #[error("this node was started again and first asks its peers for what it published before")]
    Restoring,
    /// The node's key may not do this in the present keyring.
    #[error("the key of this node may not do this: its role in the keyring is another")]
    NotAllowed,
    /// The keyring allows no such entry.
    #[error(transparent)]
    Keyring(#[from] DraftError),
    /// The keyring asks for other root keys, or for more of them.
    #[error("this root key alone cannot change the keyring")]
    Roots,
    /// A field is not possible.
    #[error(transparent)]
    Field(#[from] listing::SchemaFault),
    /// The edit is not possible.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Our own record was refused.
    #[error("our own record was refused: {0}")]
    Refused(#[from] Refusal),
    /// A record could not be written within its bounds.
    #[error("the record cannot be written")]
    Encode,
}

impl Directory {
    /// Takes in our own keyring entry, made with the root keys, and publishes it. The documents begin new epochs under it at once: nothing of
    /// a revoked key stands in their way, and operators who are elsewhere go on from one beginning.
    pub fn publish_keyring(
        &mut self,
        now: Timestamp,
        entry: &Cosigned<KeyringEntry>,
    ) -> Result<Vec<Output>, CommandError> {
        let listing = self.own_listing().ok_or(CommandError::NoListing)?;
        self.publish(now, wire::keyring(listing, &entry.to_wire()), entry.hash())?;
        if !self.is_restoring() {
            for kind in [DocumentKind::Profile, DocumentKind::Statements] {
                self.begin_under_new_keyring(now, kind)?;
            }
        }
        Ok(std::mem::take(&mut self.outputs))
    }

    /// The next entry of our keyring, signed by a root key. Two changes never become a fork of it: each is made on what is known now.
    pub fn change_keyring(
        &mut self,
        now: Timestamp,
        root: &SigningKey,
        change: impl FnOnce(Draft) -> Draft,
    ) -> Result<Vec<Output>, CommandError> {
        let own = self.own_listing().and_then(|own| self.hoster(own)).ok_or(CommandError::NoListing)?;
        let keyring = own.keyring();
        let draft = keyring.draft().ok_or(Refusal::Disputed)?;
        let mut proposal = change(draft).propose(keyring)?;
        proposal.sign(root).map_err(|_| CommandError::Roots)?;
        if keyring.missing(&proposal) != Missing::default() {
            return Err(CommandError::Roots);
        }
        let entry = proposal.verify().map_err(|_| CommandError::Roots)?;
        self.publish_keyring(now, &entry)
    }

    /// It outranks whatever a revoked key has begun or will begin.
    fn begin_under_new_keyring(&mut self, now: Timestamp, kind: DocumentKind) -> Result<(), CommandError> {
        let empty = self.own_fields(kind)?.is_empty();
        match self.signer(role(kind)) {
            Ok(_) if !empty => self.begin(now, kind, &[]),
            // Another operator's key does it with its next edit.
            _ => Ok(()),
        }
    }

    /// Edits our own listing. Everything is checked before anything is written.
    pub fn edit(&mut self, now: Timestamp, edits: &[Edit]) -> Result<Vec<Output>, CommandError> {
        let mut after = self.own_fields(DocumentKind::Profile)?;
        edits.iter().cloned().for_each(|edit| after.edit(edit));
        listing::check(&after)?;
        self.write(now, DocumentKind::Profile, edits)?;
        Ok(std::mem::take(&mut self.outputs))
    }

    /// Says something of another hoster, or withdraws it: edits made by [`crate::statement::Statement::edit`], [`crate::statement::withdraw`].
    pub fn state(&mut self, now: Timestamp, edits: &[Edit]) -> Result<Vec<Output>, CommandError> {
        self.write(now, DocumentKind::Statements, edits)?;
        Ok(std::mem::take(&mut self.outputs))
    }

    /// Shows a listing no more on this node, or again; nobody else is told, and no update brings it back.
    pub fn hide(&mut self, listing: ListingId, hidden: Hidden) -> Vec<Output> {
        match hidden {
            Hidden::Yes if self.view.hidden.insert(listing) => {
                self.emit_store(RowKey::hidden(listing), Vec::new())
            }
            Hidden::No if self.view.hidden.remove(&listing) => {
                self.outputs.push(Output::Delete(RowKey::hidden(listing)))
            }
            _ => {}
        }
        self.outputs.push(Output::Changed(listing));
        std::mem::take(&mut self.outputs)
    }

    /// An epoch of another operator has replaced `log` without these edits of ours: they are written again.
    pub(super) fn write_again(
        &mut self,
        now: Timestamp,
        kind: DocumentKind,
        log: &Log,
        covers: &BTreeMap<ActorId, u64>,
    ) {
        let Ok((_, _, actor)) = self.signer(role(kind)) else { return };
        let Ok(shown) = self.own_fields(kind) else { return };
        let mut wanted = shown.clone();
        self.unsaid(kind, log, actor, covers).into_iter().for_each(|edit| wanted.edit(edit));
        for portion in portions(shown.edits_to(&wanted)) {
            if self.write(now, kind, &portion).is_err() {
                self.count(&Refusal::Misplaced);
            }
        }
    }

    /// What we have edited that a new epoch does not know. `covers` counts our changes in the epoch before the new one.
    fn unsaid(
        &self,
        kind: DocumentKind,
        log: &Log,
        actor: ActorId,
        covers: &BTreeMap<ActorId, u64>,
    ) -> Vec<Edit> {
        let covered = covers.get(&actor).copied().unwrap_or(0);
        let (Some(ours), Some(new)) = (log.top(), self.own_log(kind).and_then(Log::top)) else {
            return Vec::new();
        };
        if ours.epoch != new.epoch {
            return log.edits_after(actor.0, covered);
        }
        // Both began the same epoch, so the one before is that of both.
        match self.bases.get(&kind).filter(|(start, _)| *start == ours.start) {
            Some((_, base)) => {
                let since = base.fields().edits_to(&log.fields());
                [base.edits_after(actor.0, covered), since].concat()
            }
            // Who has begun it has forgotten since what was before: all that its epoch says is said again.
            None => log.edits_after(actor.0, 0),
        }
    }

    pub(super) fn beat(&mut self, now: Timestamp) {
        let Ok((keyring, operator, _)) = self.signer(Role::Beat) else { return };
        let Some((listing, seq)) = self.own_listing().map(|listing| (listing, self.next_seq())) else {
            return;
        };
        let Some(hoster) = self.hoster(listing) else { return };
        let state = hoster.digest().first_chunk::<16>().copied().unwrap_or_default();
        let beat = Beat { listing, keyring, operator, seq, time: now, state };
        let signed = self.key().and_then(|key| Signed::sign(&beat, key).ok());
        if let Some(signed) = signed {
            // A beat that is lost is followed by another: it needs no outbox.
            let bytes = wire::of_beat(&signed.to_wire());
            if self.take(now, &bytes, take::From::Own).is_ok() {
                self.gossip_out(bytes);
            }
        }
    }

    fn write(&mut self, now: Timestamp, kind: DocumentKind, edits: &[Edit]) -> Result<(), CommandError> {
        if self.is_restoring() {
            return Err(CommandError::Restoring);
        }
        let (keyring, _, actor) = self.signer(role(kind))?;
        let listing = self.own_listing().ok_or(CommandError::NoListing)?;
        let log = self.view.hoster(listing).ok_or(CommandError::NoListing)?.log(kind);
        let Some(top) = log.top().filter(|top| top.epoch.keyring == keyring && continues(log, &actor)) else {
            return self.begin(now, kind, edits);
        };
        let prev = log.all().filter(|held| held.actor == actor.0).max_by_key(|held| held.number);
        let prev = prev.map(|held| held.hash);
        let live = self.live.take((listing, kind)).unwrap_or_else(|| log.document());
        let change = live.edit(actor.0, edits);
        self.live.keep((listing, kind), live);
        self.sign_and_publish(
            now,
            kind,
            Place { epoch: top.epoch, start: Some(top.start), prev, covers: None },
            change?,
        )
    }

    /// A new epoch that says what the document says now, and the edits.
    fn begin(&mut self, now: Timestamp, kind: DocumentKind, edits: &[Edit]) -> Result<(), CommandError> {
        let (keyring, _, actor) = self.signer(role(kind))?;
        let listing = self.own_listing().ok_or(CommandError::NoListing)?;
        let log = self.hoster(listing).ok_or(CommandError::NoListing)?.log(kind);
        let epoch = match log.top() {
            Some(top) if top.epoch.keyring == keyring => {
                Epoch { keyring, number: top.epoch.number.saturating_add(1) }
            }
            _ => Epoch::first(keyring),
        };
        let mut wanted = log.fields();
        edits.iter().cloned().for_each(|edit| wanted.edit(edit));
        let covers = Some(log.covers()).filter(|covers| !covers.is_empty());
        let mut portions = portions(Fields::default().edits_to(&wanted)).into_iter();
        let change = Document::empty().edit(actor.0, &portions.next().unwrap_or_default())?;
        let base = log.clone();
        self.sign_and_publish(now, kind, Place { epoch, start: None, prev: None, covers }, change)?;
        if let Some(top) = self.own_log(kind).and_then(Log::top) {
            self.bases.insert(kind, (top.start, base));
        }
        portions.try_for_each(|portion| self.write(now, kind, &portion))
    }

    fn sign_and_publish(
        &mut self,
        now: Timestamp,
        kind: DocumentKind,
        place: Place,
        change: Vec<u8>,
    ) -> Result<(), CommandError> {
        let (keyring, operator, _) = self.signer(role(kind))?;
        let listing = self.own_listing().ok_or(CommandError::NoListing)?;
        let Place { epoch, start, prev, covers } = place;
        let seq = self.next_seq();
        let record = Change {
            listing,
            document: kind,
            epoch,
            start,
            keyring,
            operator,
            seq,
            prev,
            time: now,
            change,
            covers,
        };
        let key = self.key().ok_or(CommandError::NoListing)?;
        let signed = Signed::sign(&record, key).map_err(|_| CommandError::Encode)?;
        self.publish(now, wire::of_change(&signed.to_wire()), signed.hash())
    }

    /// Keeps, then gossips until somebody has it.
    fn publish(&mut self, now: Timestamp, bytes: Vec<u8>, record: RecordHash) -> Result<(), CommandError> {
        self.take(now, &bytes, take::From::Own)?;
        self.emit_store(RowKey::outbox(&record), bytes.clone());
        self.outbox.insert(record, bytes.clone());
        self.outputs.push(Output::Gossip { record, topic: wire::topic_of(&bytes), bytes });
        Ok(())
    }

    /// Gossips something that is not ours, or not worth an outbox.
    pub(super) fn gossip_out(&mut self, bytes: Vec<u8>) {
        let record = RecordHash::from_bytes(*blake3::hash(&bytes).as_bytes());
        self.outputs.push(Output::Gossip { record, topic: wire::topic_of(&bytes), bytes });
    }

    fn own_log(&self, kind: DocumentKind) -> Option<&Log> {
        let hoster = self.own_listing().and_then(|listing| self.hoster(listing));
        hoster.map(|hoster| hoster.log(kind))
    }

    fn own_fields(&self, kind: DocumentKind) -> Result<Fields, CommandError> {
        self.own_log(kind).map(Log::fields).ok_or(CommandError::NoListing)
    }

    /// Entry, place and actor of our key in the present keyring.
    fn signer(&self, role: Role) -> Result<(EntryNumber, u8, ActorId), CommandError> {
        let own = self.own.as_ref().ok_or(CommandError::NoListing)?;
        let hoster = self.hoster(own.listing).ok_or(CommandError::NoListing)?;
        let (head, key) = (hoster.keyring.head(), own.key.public());
        let place = head.operators.keys().position(|known| *known == key).ok_or(CommandError::NotAllowed)?;
        let operator = head.operators.get(&key).filter(|operator| operator.roles.contains(role));
        let actor = operator.ok_or(CommandError::NotAllowed)?.actor;
        Ok((head.number, u8::try_from(place).map_err(|_| CommandError::NotAllowed)?, actor))
    }

    /// The next number of our key; it is stored before anything that carries it leaves.
    fn next_seq(&mut self) -> u64 {
        let Some(own) = &self.own else { return 1 };
        let key = own.key.public();
        let known = self.hoster(own.listing).map_or(0, |hoster| hoster.last_seq(&key));
        let last = self.own_seqs.entry(*key.as_bytes()).or_insert(0);
        *last = (*last).max(known).saturating_add(1);
        let seq = *last;
        self.outputs
            .push(Output::Store(Row { key: RowKey::own_seq(&key), value: seq.to_be_bytes().to_vec() }));
        seq
    }
}

/// Whether a listing is shown on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// It is not.
    Yes,
    /// It is.
    No,
}

/// Where a change of ours stands.
struct Place {
    epoch: Epoch,
    start: Option<RecordHash>,
    prev: Option<RecordHash>,
    covers: Option<BTreeMap<ActorId, u64>>,
}

/// Whether the next change still fits the epoch, and the actor may go on in it.
fn continues(log: &Log, actor: &ActorId) -> bool {
    let (changes, bytes) = log.weight();
    let clean = log.cuts().all(|(cut, _)| *cut != actor.0) && log.all().count() == log.heads().count();
    clean
        && log.heads().next().is_some()
        && changes < EPOCH_CHANGES_MAX
        && bytes + CHANGE_BYTES_MAX <= EPOCH_BYTES_MAX
}

/// Edits in portions that fit one change each.
fn portions(edits: Vec<Edit>) -> Vec<Vec<Edit>> {
    let mut portions: Vec<Vec<Edit>> = Vec::new();
    let mut weight = PIECE_BYTES_MAX;
    for edit in edits {
        let more = edit.key.len() + edit.value.as_ref().map_or(0, Value::weight) + 8;
        weight += more;
        match portions.last_mut() {
            Some(portion) if weight <= PIECE_BYTES_MAX => portion.push(edit),
            _ => {
                portions.push(vec![edit]);
                weight = more;
            }
        }
    }
    portions
}

fn role(kind: DocumentKind) -> Role {
    match kind {
        DocumentKind::Profile => Role::Edit,
        DocumentKind::Statements => Role::Endorse,
    }
}

/// Less than a change may weigh, so that its head fits too.
const PIECE_BYTES_MAX: usize = 7 * 1024;
