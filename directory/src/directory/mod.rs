//! The directory as one node has it: a value that takes inputs and answers with outputs.
//!
//! The caller carries bytes, keeps rows, asks domains and reads the clock; nothing here does. The same value runs in the node
//! and, a thousand times, in the simulator.

mod io;
mod own;
mod restore;
mod rows;
mod sync;
mod take;
mod tick;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Deref;
use std::time::Duration;

use essaim_identity::{PublicKey, RecordHash, SigningKey};
use essaim_types::{ListingId, Timestamp};

use crate::dice::Dice;
use crate::document::Document;
use crate::envelope::DocumentKind;
use crate::log::Log;
use crate::pace::{Pace, Paces};
use crate::parking::Parking;
use crate::refusal::{Refusal, Verdict};
use crate::statement::Statement;
use crate::view::View;

pub use io::{Alert, DomainOutcome, Input, Numbers, Output};
pub use own::{CommandError, Hidden};
pub use restore::Origin;
pub use rows::{Row, RowKey};

/// The directory as one node has it.
#[derive(Debug)]
pub struct Directory {
    view: View,
    dice: Dice,
    /// Whose domain was not proven when last looked at: for the caps, which are asked for with every record.
    quarantine: BTreeSet<ListingId>,
    parking: Parking,
    live: Live,
    own: Option<restore::Own>,
    /// The epochs before those that we began last, by the change that began them: another operator may begin the same one.
    bases: BTreeMap<DocumentKind, (RecordHash, Log)>,
    outbox: BTreeMap<RecordHash, Vec<u8>>,
    sync: sync::Sync,
    peers: BTreeSet<PublicKey>,
    by_listing: Paces<ListingId>,
    by_peer: Paces<PublicKey>,
    refusals: BTreeMap<&'static str, u64>,
    clocks: tick::Clocks,
    /// The last number that each key of ours has used.
    own_seqs: BTreeMap<[u8; 32], u64>,
    next_tick_work: Timestamp,
    outputs: Vec<Output>,
}

/// What this node decides for itself.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whom it believes to begin with. Empty: only itself.
    pub seeds: BTreeSet<ListingId>,
    /// How many peers must have told what they know of our own listing before a node that was started again publishes.
    pub restore_peers: usize,
    /// Most listings whose domain is not proven.
    pub quarantine_max: usize,
    /// Most bytes of listings whose domain is not proven.
    pub quarantine_bytes_max: usize,
    /// Most listings.
    pub listings_max: usize,
}

impl Directory {
    /// An empty directory. The seed makes choices (whom to ask, when) that need not be secret but must differ between nodes.
    pub fn new(policy: Policy, seed: [u8; 32]) -> Self {
        Self {
            view: View::new(policy),
            dice: Dice::new(seed),
            quarantine: BTreeSet::new(),
            parking: Parking::default(),
            live: Live::default(),
            own: None,
            bases: BTreeMap::new(),
            outbox: BTreeMap::new(),
            sync: sync::Sync::default(),
            peers: BTreeSet::new(),
            by_listing: Paces::new(LISTING_PACE),
            by_peer: Paces::new(PEER_PACE),
            refusals: BTreeMap::new(),
            clocks: tick::Clocks::default(),
            own_seqs: BTreeMap::new(),
            next_tick_work: Timestamp(i64::MIN),
            outputs: Vec::new(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        match input {
            Input::Gossip { from, ticket, bytes } => self.gossip(now, from, ticket, &bytes),
            Input::Published { record } => self.published(record),
            Input::Connected(peer) => self.connected(now, peer),
            Input::Disconnected(peer) => self.disconnected(now, peer),
            Input::Asked { from, ticket, request } => self.asked(now, from, ticket, &request),
            Input::Answered { ask, answer } => self.answered(now, ask, &answer),
            Input::Unanswered { ask } => self.unanswered(now, ask),
            Input::DomainChecked { listing, domain, outcome } => {
                self.domain_checked(now, listing, &domain, outcome);
            }
            Input::Tick => self.tick(now),
        }
        std::mem::take(&mut self.outputs)
    }

    /// As it is now, to be read elsewhere: a pointer for each listing.
    pub fn view(&self) -> View {
        self.view.clone()
    }

    /// Numbers for metrics.
    pub fn numbers(&self, now: Timestamp) -> Numbers {
        Numbers {
            listings: self.hosters.len(),
            quarantined: self.hosters().filter(|hoster| !hoster.is_proven(now)).count(),
            parked: self.parking.len(),
            outbox: self.outbox.len(),
            refusals: self.refusals.clone(),
        }
    }

    fn gossip(&mut self, now: Timestamp, from: PublicKey, ticket: u64, bytes: &[u8]) {
        let cost = u32::try_from(bytes.len() / 1024 + 1).unwrap_or(u32::MAX);
        let result = if self.by_peer.allow(&from, cost, now) {
            self.take(now, bytes, take::From::Gossip(from))
        } else {
            self.count(&Refusal::TooOften);
            Err(Refusal::TooOften)
        };
        let verdict = match result {
            // What nobody has proven is kept, but not passed on.
            Ok(listing) if !self.is_relayed(listing, now) => Verdict::Ignore,
            Ok(_) => Verdict::Accept,
            Err(refusal) => refusal.verdict(),
        };
        self.outputs.push(Output::Verdict { ticket, verdict });
    }

    fn published(&mut self, record: RecordHash) {
        if self.outbox.remove(&record).is_some() {
            self.outputs.push(Output::Delete(RowKey::outbox(&record)));
        }
    }

    fn is_relayed(&self, listing: ListingId, now: Timestamp) -> bool {
        let gone = self.gone.contains_key(&listing);
        gone || self.hoster(listing).is_some_and(|hoster| hoster.is_proven(now))
    }

    /// Looks whether a listing is in quarantine now.
    fn sort(&mut self, now: Timestamp, listing: ListingId) {
        match self.hoster(listing) {
            Some(hoster) if !hoster.is_proven(now) => {
                let was_proven = hoster.domain.proven.is_some();
                if self.quarantine.insert(listing) && was_proven && self.vouches_for(now, listing) {
                    self.outputs.push(Output::Alert(Alert::DomainLost(listing)));
                }
            }
            _ => drop(self.quarantine.remove(&listing)),
        }
    }

    /// Whether our own hoster vouches for another.
    fn vouches_for(&self, now: Timestamp, listing: ListingId) -> bool {
        let own = self.own_listing().and_then(|own| self.hoster(own));
        own.is_some_and(|own| {
            own.statements(now).any(|(of, said)| *of == listing && matches!(said, Statement::Vouch(_)))
        })
    }

    fn count(&mut self, refusal: &Refusal) {
        *self.refusals.entry(refusal.name()).or_insert(0) += 1;
    }

    fn emit_store(&mut self, key: RowKey, value: Vec<u8>) {
        self.outputs.push(Output::Store(Row { key, value }));
    }

    fn key(&self) -> Option<&SigningKey> {
        self.own.as_ref().map(|own| &own.key)
    }
}

/// Everything that there is to read.
impl Deref for Directory {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            seeds: BTreeSet::new(),
            restore_peers: 3,
            quarantine_max: 2_000,
            quarantine_bytes_max: 16 * 1024 * 1024,
            listings_max: 20_000,
        }
    }
}

/// The few documents that are kept alive, latest used last.
#[derive(Debug, Default)]
struct Live(VecDeque<((ListingId, DocumentKind), Document)>);

impl Live {
    fn take(&mut self, key: (ListingId, DocumentKind)) -> Option<Document> {
        let at = self.0.iter().position(|(known, _)| *known == key)?;
        self.0.remove(at).map(|(_, document)| document)
    }

    fn keep(&mut self, key: (ListingId, DocumentKind), document: Document) {
        if self.0.len() >= LIVE_MAX {
            self.0.pop_front();
        }
        self.0.push_back((key, document));
    }

    fn forget(&mut self, listing: ListingId) {
        self.0.retain(|((known, _), _)| *known != listing);
    }
}

/// Live documents, of about 50 KiB each.
const LIVE_MAX: usize = 32;
/// Changes, keyring entries and proofs of one hoster by gossip: 8 at once, 6 an hour.
const LISTING_PACE: Pace = Pace { burst: 8, refill: Duration::from_secs(4_800) };
/// Kilobytes of gossip, begun ones counted whole, that one peer may bring: 640 at once, 64 a second.
const PEER_PACE: Pace = Pace { burst: 640, refill: Duration::from_secs(10) };
