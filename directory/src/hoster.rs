//! All that a node holds of one hoster.

use std::time::Duration;

use essaim_identity::cbor;
use essaim_identity::keyring::{Accepted, Cut, KeyringEntry, Refusal as KeyringRefusal, Role, Standing};
use essaim_identity::{Cosigned, Keyring, PublicKey, Unverified};
use essaim_types::{ListingId, Timestamp};

use crate::beat::{Beat, Freshness};
use crate::document::Document;
use crate::envelope::{self, Change, DocumentKind, ForkProof};
use crate::listing::Listing;
use crate::log::{self, Log, Taken, Vetted};
use crate::refusal::Refusal;
use crate::statement::{self, Statement};
use crate::wire;

/// All that a node holds of one hoster, and what it makes of it.
#[derive(Debug, Clone)]
pub struct Hoster {
    pub(crate) keyring: Keyring,
    profile: Log,
    statements: Log,
    pub(crate) beat: Option<HeldBeat>,
    /// What this node, or somebody it believes, found when asking the domain.
    pub(crate) domain: DomainState,
    pub(crate) first_seen: Timestamp,
    /// The latest date on anything it signed.
    last_word: Option<Timestamp>,
    listing: Listing,
    said: Vec<(ListingId, Statement)>,
    digest: [u8; 32],
}

/// The latest sign of life.
#[derive(Debug, Clone)]
pub(crate) struct HeldBeat {
    pub(crate) beat: Beat,
    pub(crate) wire: Box<[u8]>,
}

/// Whether a domain says that the listing is its own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, minicbor::Encode, minicbor::Decode, serde::Serialize,
)]
#[cbor(map)]
pub struct DomainState {
    /// When it said so last, in milliseconds since 1970.
    #[n(0)]
    pub proven: Option<i64>,
    /// Since when it has not said so, if it did not the last time.
    #[n(1)]
    pub failing: Option<i64>,
    /// When it was asked last.
    #[n(2)]
    pub asked: Option<i64>,
    /// When the listing came here first.
    #[n(3)]
    pub first_seen: Option<i64>,
}

impl cbor::Bounded for DomainState {
    const BYTES_MAX: usize = 64;
    const DEPTH_MAX: usize = 1;
}

impl Hoster {
    /// The hoster that a first entry founds.
    pub(crate) fn found(genesis: Cosigned<KeyringEntry>, now: Timestamp) -> Result<Self, Refusal> {
        let keyring = Keyring::found(genesis).map_err(|refusal| keyring_refusal(&refusal))?;
        let mut hoster = Self {
            keyring,
            profile: Log::new(DocumentKind::Profile),
            statements: Log::new(DocumentKind::Statements),
            beat: None,
            domain: DomainState::default(),
            first_seen: now,
            last_word: None,
            listing: Listing::default(),
            said: Vec::new(),
            digest: [0; 32],
        };
        hoster.derive(DocumentKind::Profile);
        Ok(hoster)
    }

    /// Its id.
    pub fn id(&self) -> ListingId {
        self.keyring.listing()
    }

    /// What it says of itself.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Its keys.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// One of its documents.
    pub fn log(&self, kind: DocumentKind) -> &Log {
        match kind {
            DocumentKind::Profile => &self.profile,
            DocumentKind::Statements => &self.statements,
        }
    }

    /// The digest of keyring and documents: equal at two nodes exactly if they hold the same of it.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The last sign of life; when it came here, if it never said anything with a date.
    pub fn last_seen(&self) -> Timestamp {
        self.last_word.unwrap_or(self.first_seen)
    }

    /// How long ago it was heard of.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        Freshness::of(now.since(self.last_seen()))
    }

    /// Whether its domain was proven, and has not failed for three days.
    pub fn is_proven(&self, now: Timestamp) -> bool {
        let failing = self.domain.failing.is_some_and(|since| now.since(Timestamp(since)) >= DOMAIN_GRACE);
        self.domain.proven.is_some() && !failing
    }

    pub(crate) fn offer_keyring(&mut self, entry: Cosigned<KeyringEntry>) -> Result<(), Refusal> {
        let domain = self.keyring.domain().cloned();
        let accepted = self.keyring.accept(entry).map_err(|refusal| keyring_refusal(&refusal))?;
        if accepted == Accepted::Known {
            return Err(Refusal::Known);
        }
        if self.keyring.domain() != domain.as_ref() {
            // What one domain said proves nothing about another.
            self.domain = DomainState { first_seen: self.domain.first_seen, ..DomainState::default() };
        }
        self.profile.settle(&self.keyring);
        self.statements.settle(&self.keyring);
        self.derive(DocumentKind::Profile);
        self.derive(DocumentKind::Statements);
        Ok(())
    }

    /// Vets a change against the keyring.
    pub(crate) fn vet(&self, wire: &[u8], change: Unverified<Change>) -> Result<Vetted, Refusal> {
        log::vet(wire, change, &self.keyring)
    }

    pub(crate) fn offer_change(
        &mut self,
        kind: DocumentKind,
        vetted: Vetted,
        live: &mut Option<Document>,
    ) -> Result<Taken, Refusal> {
        let time = vetted.held.time;
        let taken = self.log_mut(kind).offer(vetted, live);
        if taken.is_ok() {
            self.last_word = self.last_word.max(Some(time));
            self.derive(kind);
        }
        taken
    }

    pub(crate) fn offer_fork(&mut self, proof: ForkProof) -> Result<(), Refusal> {
        for half in [&proof.one, &proof.other] {
            match log::vet(half, envelope::read(half)?, &self.keyring) {
                // A key that was revoked since has contradicted itself all the same.
                Ok(_) | Err(Refusal::Revoked) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let kind = proof.place().document;
        self.log_mut(kind).offer_proof(proof)?;
        self.derive(kind);
        Ok(())
    }

    /// Whether a sign of life is its own, and later than the one that is known.
    pub(crate) fn check_beat(&self, wire: &[u8], beat: Unverified<Beat>) -> Result<HeldBeat, Refusal> {
        let record = beat.claims().clone();
        let entry = self.keyring.entry(record.keyring).ok_or(Refusal::UnknownKeyring)?;
        let operator = entry.operators.iter().nth(usize::from(record.operator)).ok_or(Refusal::NotAllowed)?;
        let key = *operator.0;
        if !operator.1.roles.contains(Role::Beat) {
            return Err(Refusal::NotAllowed);
        }
        let signed = beat.verify(&key).map_err(|_| Refusal::BadSignature)?;
        if self.keyring.standing(&key, record.seq, &signed.hash()) == Standing::Void {
            return Err(Refusal::Revoked);
        }
        let rank = |beat: &Beat, wire: &[u8]| (beat.time, *blake3::hash(wire).as_bytes());
        let news = rank(&record, wire);
        if let Some(known) = &self.beat {
            match rank(&known.beat, &known.wire) {
                old if old == news => return Err(Refusal::Known),
                old if old > news => return Err(Refusal::Outdated),
                _ => {}
            }
        }
        Ok(HeldBeat { beat: record, wire: wire.into() })
    }

    /// Keeps a sign of life that was checked.
    pub(crate) fn hold_beat(&mut self, held: HeldBeat) {
        self.last_word = self.last_word.max(Some(held.beat.time));
        self.beat = Some(held);
    }

    /// Everything that another node needs, in an order in which it can take it in.
    pub fn records(&self) -> Vec<Vec<u8>> {
        let id = self.id();
        let entries = self.keyring.entries().map(|entry| wire::keyring(id, &entry.to_wire()));
        let logs = [&self.profile, &self.statements];
        let changes = logs.iter().flat_map(|log| log.counting()).map(|held| wire::of_change(&held.wire));
        let proofs = logs.iter().flat_map(|log| log.proofs()).map(wire::of_fork);
        let beat = self.beat.iter().map(|beat| wire::of_beat(&beat.wire));
        entries.chain(changes).chain(proofs).chain(beat).collect()
    }

    /// The highest number that a key has used, as far as is known here.
    pub(crate) fn last_seq(&self, key: &PublicKey) -> u64 {
        let logs = [&self.profile, &self.statements];
        let changes =
            logs.iter().flat_map(|log| log.all()).filter(|held| held.key == *key).map(|held| held.seq);
        changes.chain(self.beat.iter().map(|beat| beat.beat.seq)).max().unwrap_or(0)
    }

    /// A cut after the last change of a key that is known here: all that is known counts, and nothing after it.
    pub fn cut_here(&self, key: &PublicKey) -> Cut {
        let logs = [&self.profile, &self.statements];
        let changes = logs.iter().flat_map(|log| log.all()).filter(|held| held.key == *key);
        let last = changes.max_by_key(|held| held.seq);
        last.map_or(Cut::NOTHING, |held| Cut { last_seq: held.seq, last_hash: held.hash })
    }

    /// When a key has edited last, by its own clock, as far as the present epochs tell.
    pub fn last_edit(&self, key: &PublicKey) -> Option<Timestamp> {
        let logs = [&self.profile, &self.statements];
        logs.iter().flat_map(|log| log.all()).filter(|held| held.key == *key).map(|held| held.time).max()
    }

    /// Bytes of records: what the hoster costs.
    pub(crate) fn weight(&self) -> usize {
        let logs = [&self.profile, &self.statements];
        logs.iter().flat_map(|log| log.all()).map(|held| held.wire.len()).sum()
    }

    /// Everything it says of others, also what has expired.
    pub(crate) fn said(&self) -> &[(ListingId, Statement)] {
        &self.said
    }

    pub(crate) fn log_mut(&mut self, kind: DocumentKind) -> &mut Log {
        match kind {
            DocumentKind::Profile => &mut self.profile,
            DocumentKind::Statements => &mut self.statements,
        }
    }

    /// Reads anew what a document says.
    fn derive(&mut self, kind: DocumentKind) {
        match kind {
            DocumentKind::Profile => self.listing = Listing::read(&self.profile.take_fields()),
            DocumentKind::Statements => {
                self.said = statement::read(&self.statements.take_fields()).collect();
                self.said.shrink_to_fit();
            }
        }
        // The keyring says which domain is asked for a proof; no document says another.
        let domain = self.keyring.domain().and_then(|domain| crate::listing::to_ascii(domain.as_str()));
        self.listing.domain = domain.map(|domain| domain.as_str().into());
        self.digest = self.compute_digest();
    }

    fn compute_digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(DIGEST_NAME);
        for entry in self.keyring.entries() {
            hasher.update(entry.hash().as_bytes());
        }
        for log in [&self.profile, &self.statements] {
            hasher.update(&[0xff; 32]);
            if let Some(top) = log.top() {
                hasher.update(top.start.as_bytes());
            }
            log.heads().for_each(|head| {
                hasher.update(&head.0);
            });
            for (actor, from) in log.cuts() {
                hasher.update(actor).update(&from.to_be_bytes());
            }
        }
        *hasher.finalize().as_bytes()
    }
}

/// A refusal by the keyring, as one of ours.
pub(crate) fn keyring_refusal(refusal: &KeyringRefusal) -> Refusal {
    match refusal {
        refusal if refusal.may_pass_later() => Refusal::UnknownPast,
        KeyringRefusal::OneBranch { .. } | KeyringRefusal::Ruined { .. } => Refusal::Disputed,
        _ => Refusal::Keyring,
    }
}

/// Before what is hashed for a hoster's digest.
const DIGEST_NAME: &[u8] = b"essaim/digest/1\0";
/// A domain that has failed for this long is not proven any more.
pub const DOMAIN_GRACE: Duration = Duration::from_secs(3 * 86_400);
