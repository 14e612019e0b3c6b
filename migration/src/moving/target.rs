//! The side that gets the account. It answers; only once it has promised to take over, and does not hear what became of it, it
//! asks.
//!
//! Before the promise it may give up by itself. After it, only the source's word counts: what the source has committed is moved,
//! however long the word takes.

use essaim_identity::cbor::Bounded;
use essaim_types::{BlobId, Lsn, ObjectKind, Timestamp};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::batch::{Batch, Place};
use super::limits::{LOOSE_BYTES_MAX, SILENCE_MAX};
use super::message::{Message, Offer, Reason, Standing};
use super::progress::Phase;
use super::summary::{KeyRange, Page, Summary, differing_ranges};
use super::wire;
use crate::object::Object;

mod hear;

/// What the target keeps on the disk, each in the same transaction as what it says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct TargetRecord {
    /// Where it is.
    #[n(0)]
    pub step: Step,
    /// The offer that was accepted.
    #[n(1)]
    pub offer: Option<Offer>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Step {
    /// An acceptance code was given out; nobody has used it.
    #[n(0)]
    Invited,
    /// COPY to VERIFY: it has everything up to a place.
    #[n(1)]
    Adopting(#[n(0)] Adopted),
    /// FENCE: promised, in this round.
    #[n(2)]
    Prepared(#[n(0)] Adopted, #[n(1)] u32),
    /// ACTIVATE is done: it serves.
    #[n(3)]
    Active {
        /// The entry that moved the account here.
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        entry: Vec<u8>,
        /// What it signed: its part of the receipt.
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        receipt: Vec<u8>,
        /// The member's address here, as it was then.
        #[n(2)]
        address: String,
    },
    /// Given up; what there was is deleted.
    #[n(4)]
    Aborted(#[n(0)] Reason),
}

/// An account that is being adopted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Adopted {
    /// The LSN before the first change of its log here.
    #[n(0)]
    #[cbor(with = "wire::lsn")]
    pub base: Lsn,
    /// How far it is.
    #[n(1)]
    pub place: Place,
    /// Blobs of the next object or change. The record names them, so that they stay.
    #[n(2)]
    #[cbor(with = "wire::blobs")]
    pub staged: Vec<BlobId>,
}

/// What the caller does next, in this order. If one fails, nothing after it is done, and the caller makes a new machine from the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make the record durable.
    Save(TargetRecord),
    /// Tell the source. It is lost if there is no stream.
    Send(Message),
    /// Check consent, acceptance, account log and room. Answered by [`Event::Checked`].
    Examine(Offer),
    /// Make an empty account whose log begins after an LSN, and make the record durable, in one transaction.
    Begin(Lsn, TargetRecord),
    /// Put blobs.
    StoreBlobs(Vec<ByteVec>),
    /// Apply a batch and make the record durable, in one transaction.
    Adopt(Box<Batch>, TargetRecord),
    /// Replace all objects of a range.
    Repair(KeyRange, Vec<Object>),
    /// Make the summary of the account. Answered by [`Event::Summarized`].
    Summarize,
    /// List the pages of a kind. Answered by [`Event::Paged`].
    ListPages(ObjectKind, u8),
    /// Make the record durable, and sign the summary. Answered by [`Event::Signed`].
    Promise(u32, Summary, TargetRecord),
    /// Check the entry that moves the account here; if it does, make the account writable with the addresses it has here, and make the record
    /// durable, in one transaction. Answered by [`Event::Activated`], or by [`Event::Forged`].
    Activate(Vec<u8>),
    /// Make the record durable; then delete the account that was being adopted, if there is one. That may take many transactions: a caller that
    /// was stopped meanwhile goes on with it when it starts.
    Discard(TargetRecord),
}

/// What the machine is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// First of all.
    Started,
    /// There is a new stream to the source.
    Connected,
    /// It has ended.
    Disconnected,
    /// The source said something.
    Received(Message),
    /// Time has come: see [`Target::deadline`].
    Tick,
    /// The operator gives up.
    Abort(Reason),
    /// What became of an offer.
    Checked(Result<(), Reason>),
    /// A summary.
    Summarized(Summary),
    /// Pages of a kind.
    Paged(Vec<Page>),
    /// The target's signature over the summary.
    Signed(Vec<u8>),
    /// It is on the disk that the account lives here.
    Activated(TargetRecord),
    /// The entry does not move this account here.
    Forged,
}

/// One move, at the side that gets the account. See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    record: TargetRecord,
    connected: bool,
    /// The offer was examined since this machine began.
    examined: bool,
    /// Bytes of blobs that no batch has named yet.
    loose: u64,
    /// What was asked of the caller.
    pending: Pending,
    heard: Timestamp,
}

/// Why the caller was asked for a summary, pages or a signature.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Pending {
    Nothing,
    Examine(Offer),
    Check(Summary),
    Prepare(u32, Summary),
    Sign(u32, Lsn),
    Pages(Lsn, ObjectKind, Vec<Page>),
}

impl TargetRecord {
    /// Where the move is, as far as this side knows.
    pub fn phase(&self) -> Phase {
        match &self.step {
            Step::Invited => Phase::Preflight,
            Step::Adopting(adopted) if adopted.place.lsn().is_some() => Phase::Catchup,
            Step::Adopting(_) => Phase::Copy,
            Step::Prepared(..) => Phase::Fence,
            Step::Active { .. } => Phase::Drain,
            Step::Aborted(_) => Phase::Aborted,
        }
    }
}

impl Bounded for TargetRecord {
    const BYTES_MAX: usize = 1 << 20;
    const DEPTH_MAX: usize = 12;
}

impl Target {
    /// Goes on where the record is; the first event is [`Event::Started`].
    pub fn new(record: TargetRecord) -> Self {
        Self {
            record,
            connected: false,
            examined: false,
            loose: 0,
            pending: Pending::Nothing,
            heard: Timestamp(0),
        }
    }

    /// What stands on the disk, once all actions are performed.
    pub fn record(&self) -> &TargetRecord {
        &self.record
    }

    /// Whether it has promised, and does not know what became of it. Then the caller calls the source where it can.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self.record.step, Step::Prepared(..))
    }

    /// Where the move is, as far as this side knows.
    pub fn phase(&self) -> Phase {
        self.record.phase()
    }

    /// When [`Event::Tick`] is due, if nothing else happens.
    pub fn deadline(&self) -> Option<Timestamp> {
        (self.connected && self.is_in_doubt()).then(|| self.heard.after(SILENCE_MAX))
    }

    /// Tells the machine; it says what to do.
    pub fn handle(&mut self, now: Timestamp, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Started => self.heard = now,
            Event::Connected => {
                self.connected = true;
                self.loose = 0;
                self.ask(now, &mut actions);
            }
            Event::Disconnected => self.connected = false,
            Event::Received(message) => {
                self.heard = now;
                self.hear(message, &mut actions);
            }
            Event::Tick => {
                if now >= self.heard.after(SILENCE_MAX) {
                    self.ask(now, &mut actions);
                }
            }
            Event::Abort(reason) => self.abort(reason, &mut actions),
            Event::Checked(verdict) => self.checked(verdict, &mut actions),
            Event::Summarized(summary) => self.summarized(&summary, &mut actions),
            Event::Paged(pages) => self.paged(&pages, &mut actions),
            Event::Signed(promise) => self.signed(promise, &mut actions),
            Event::Activated(record) => {
                self.record = record;
                self.tell_standing(&mut actions);
            }
            Event::Forged => {}
        }
        actions
    }

    fn ask(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        self.heard = now;
        if self.is_in_doubt() {
            actions.push(Action::Send(Message::Ask));
        }
    }

    fn abort(&mut self, reason: Reason, actions: &mut Vec<Action>) {
        match self.record.step {
            Step::Invited | Step::Adopting(_) => {
                self.give_up(reason.clone(), actions);
                actions.push(Action::Send(Message::Aborted(reason)));
            }
            Step::Prepared(..) => actions.push(Action::Send(Message::Withdraw(reason))),
            Step::Active { .. } | Step::Aborted(_) => {}
        }
    }

    fn give_up(&mut self, reason: Reason, actions: &mut Vec<Action>) {
        self.record = TargetRecord { step: Step::Aborted(reason), offer: None };
        self.pending = Pending::Nothing;
        actions.push(Action::Discard(self.record.clone()));
    }

    /// Says where it stands.
    fn tell_standing(&self, actions: &mut Vec<Action>) {
        let standing = match &self.record.step {
            Step::Invited if self.examined => Standing::Ready,
            Step::Invited => return,
            Step::Adopting(Adopted { base, place, .. }) => Standing::At { base: *base, place: place.clone() },
            Step::Prepared(_, round) => Standing::Prepared { round: *round },
            Step::Active { receipt, address, .. } => {
                return actions.push(Action::Send(Message::Active(receipt.clone(), address.clone())));
            }
            Step::Aborted(_) => Standing::Aborted,
        };
        actions.push(Action::Send(Message::Standing(standing)));
    }

    fn checked(&mut self, verdict: Result<(), Reason>, actions: &mut Vec<Action>) {
        let Pending::Examine(offer) = std::mem::replace(&mut self.pending, Pending::Nothing) else { return };
        match verdict {
            Ok(()) => {
                self.examined = true;
                self.record.offer = Some(offer);
                self.tell_standing(actions);
            }
            Err(reason) => self.abort(reason, actions),
        }
    }

    fn summarized(&mut self, ours: &Summary, actions: &mut Vec<Action>) {
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Check(theirs) => actions.push(Action::Send(compare(ours, &theirs))),
            Pending::Prepare(round, theirs) if *ours == theirs => {
                let Step::Adopting(adopted) = &self.record.step else { return };
                self.record.step = Step::Prepared(adopted.clone(), round);
                self.pending = Pending::Sign(round, theirs.at);
                actions.push(Action::Promise(round, theirs, self.record.clone()));
            }
            Pending::Prepare(_, theirs) => actions.push(Action::Send(compare(ours, &theirs))),
            _ => {}
        }
    }

    fn paged(&mut self, ours: &[Page], actions: &mut Vec<Action>) {
        if let Pending::Pages(at, kind, theirs) = std::mem::replace(&mut self.pending, Pending::Nothing) {
            let mut ranges = differing_ranges(kind, ours, &theirs);
            ranges.truncate(super::limits::PAGES_MAX);
            actions.push(Action::Send(Message::Wanted(at, ranges)));
        }
    }

    fn signed(&mut self, promise: Vec<u8>, actions: &mut Vec<Action>) {
        if let Pending::Sign(round, at) = std::mem::replace(&mut self.pending, Pending::Nothing) {
            actions.push(Action::Send(Message::Prepared(round, at, promise)));
        }
    }

    /// Blobs come before what names them, and not more than the window and one.
    fn takes_blobs(&mut self, blobs: &[ByteVec]) -> bool {
        let bytes: u64 = blobs.iter().map(|blob| blob.len() as u64).sum();
        self.loose = self.loose.saturating_add(bytes);
        self.loose <= LOOSE_BYTES_MAX
    }
}

fn compare(ours: &Summary, theirs: &Summary) -> Message {
    if ours == theirs {
        Message::Agreed(ours.at)
    } else {
        Message::Differs(theirs.at, ours.differing(theirs))
    }
}
