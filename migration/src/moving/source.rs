//! The side that has the account. It drives: the target only answers, until it is in doubt and asks.
//!
//! It is never in doubt itself: its own record says whether the account has moved, and the entry that moves it, the seal and that
//! record are one commit.

use std::collections::VecDeque;

use essaim_identity::cbor::Bounded;
use essaim_types::{Lsn, ObjectKind, Timestamp};
use minicbor::{Decode, Encode};

use super::batch::{Batch, Place};
use super::limits::{FENCE_MAX, FENCE_PAUSE, FENCE_PAUSE_MAX, LAG_MAX, RETENTION, SILENCE_MAX, WINDOW_BYTES};
use super::message::{Message, Offer, Reason};
use super::progress::{Meter, Phase, Progress};
use super::summary::{KeyRange, Page, Summary};
use super::wire;
use crate::object::Object;

mod cutover;
mod hear;
mod verify;

/// What the source keeps on the disk: enough to go on after a crash at any place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct SourceRecord {
    /// Where it is.
    #[n(0)]
    pub step: Step,
    /// How many fences there were. A promise of the target counts only in its own.
    #[n(1)]
    pub round: u32,
    /// When it came to this step.
    #[n(2)]
    #[cbor(with = "essaim_identity::cbor::with::timestamp")]
    pub since: Timestamp,
}

/// A step that is on the disk before anything is done that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Step {
    /// PREFLIGHT.
    #[n(0)]
    Preflight,
    /// COPY. How far it is, the target knows.
    #[n(1)]
    Copy,
    /// CATCHUP.
    #[n(2)]
    Catchup,
    /// VERIFY.
    #[n(3)]
    Verify,
    /// FENCE. Only this is on the disk: a crash lets writes go on.
    #[n(4)]
    Fence,
    /// COMMIT is done and ACTIVATE begins: the account is sealed, and this is the signed entry that moved it.
    #[n(5)]
    Activate {
        /// The LSN of its last change here.
        #[n(0)]
        #[cbor(with = "wire::lsn")]
        last: Lsn,
        /// The entry of the account log.
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        entry: Vec<u8>,
    },
    /// DRAIN: the target serves. The sealed copy is kept.
    #[n(6)]
    Drain {
        /// The LSN of its last change here.
        #[n(0)]
        #[cbor(with = "wire::lsn")]
        last: Lsn,
        /// What the target signed.
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        receipt: Vec<u8>,
    },
    /// RELEASE: the copy is gone.
    #[n(7)]
    Release,
    /// Given up before the commit.
    #[n(8)]
    Aborted(#[n(0)] Reason),
}

/// What the caller does next, in this order. If one fails, nothing after it is done, and the caller makes a new machine from the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make the record durable.
    Save(SourceRecord),
    /// Tell the target. It is lost if there is no stream.
    Send(Message),
    /// Send the blobs of a batch, then the batch.
    SendBatch(Box<Batch>),
    /// Send these objects' blobs, then the objects as the repair of a range.
    SendRepair(Lsn, KeyRange, Vec<Object>),
    /// Read what comes after a place, of changes those up to `until`; answered by [`Event::Read`]. An upsert is superseded only by a change up to
    /// `until`, or where its blobs are gone: else the target would lack at `until` what the source had then.
    Read {
        /// The place.
        from: Place,
        /// The last change wanted.
        until: Lsn,
        /// The base of the target: where the copy goes over to the log.
        base: Lsn,
    },
    /// Make the summary of the account as it is. Answered by [`Event::Summarized`].
    Summarize,
    /// List the pages of a kind. Answered by [`Event::Paged`].
    ListPages(ObjectKind),
    /// Read the objects of a range, or the first of them. Answered by [`Event::RangeRead`].
    ReadRange(KeyRange),
    /// Hold new writes, wait for those that are on their way, then make the summary. Answered by [`Event::Fenced`], or by
    /// [`Event::FenceFailed`] after [`FENCE_MAX`].
    Fence,
    /// Let writes go on. Also said where they are not held.
    Unfence,
    /// COMMIT: check the target's signature over the summary; then, in one transaction, seal the account, write the signed entry that
    /// moves it, and the record with the step [`Step::Activate`]. Answered by [`Event::Committed`], or by [`Event::Forged`].
    Commit {
        /// The summary that both have.
        summary: Summary,
        /// The target's signature.
        promise: Vec<u8>,
        /// In which round.
        round: u32,
    },
    /// Delete the sealed copy and make the record durable, in one transaction.
    Erase(SourceRecord),
}

/// What the machine is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// First of all, with the LSN of the account.
    Started(Lsn),
    /// There is a new stream to the target.
    Connected,
    /// It has ended.
    Disconnected,
    /// The target said something.
    Received(Message),
    /// The account has a new change.
    Grown(Lsn),
    /// Time has come: see [`Source::deadline`].
    Tick,
    /// The member or an operator gives up.
    Abort(Reason),
    /// A batch, [`Batch::empty`] if there is nothing up to `until`.
    Read(Box<Batch>),
    /// A summary.
    Summarized(Summary),
    /// Pages of a kind, and how coarse they are.
    Paged(ObjectKind, u8, Vec<Page>),
    /// All objects of a range, which is the beginning of the one asked for.
    RangeRead(KeyRange, Vec<Object>),
    /// Writes are held. This is the account's last state.
    Fenced(Summary),
    /// Writers did not finish in time; nothing is held.
    FenceFailed,
    /// It is on the disk that the account has moved.
    Committed(SourceRecord),
    /// The target's promise is not signed as it must be; nothing was written.
    Forged,
}

/// One move, at the side that has the account. See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    offer: Offer,
    record: SourceRecord,
    /// The account's last change, as far as is known.
    lsn: Lsn,
    link: Link,
    /// When the target last said something, or was asked.
    heard: Timestamp,
    check: Check,
    /// Both had the same, since this machine began.
    verified: bool,
    repairs: u32,
    fence: Option<Fence>,
    /// No fence before this.
    fence_after: Timestamp,
    failed_fences: u32,
    meter: Meter,
    fenced_ms: Option<u64>,
    /// The target knows that the move was given up.
    told: bool,
}

/// The stream to the target, and what is on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Link {
    Down,
    /// It was asked where it stands.
    Asking,
    Up(Box<Flow>),
}

/// What was sent and what has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Flow {
    base: Lsn,
    acked: Place,
    sent: Place,
    /// On the way: where each ends, its bytes, its objects.
    waiting: VecDeque<(Place, u64, u64)>,
    /// A read has been asked for, up to this change.
    reading: Option<Lsn>,
    /// All changes up to this one are sent.
    idle_at: Option<Lsn>,
}

/// The comparison that is under way, in VERIFY.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Check {
    None,
    /// This is to be sent once the target is there; then its answer is awaited.
    Waiting(Summary, Sent),
    /// These kinds, then these ranges are being repaired.
    Repairing(Lsn, VecDeque<ObjectKind>, VecDeque<KeyRange>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sent {
    No,
    Yes,
}

/// Writes are held.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Fence {
    since: Timestamp,
    summary: Summary,
    asked: Sent,
}

impl Bounded for SourceRecord {
    const BYTES_MAX: usize = 64 << 10;
    const DEPTH_MAX: usize = 8;
}

impl SourceRecord {
    /// Of a move that begins.
    pub fn new(now: Timestamp) -> Self {
        Self { step: Step::Preflight, round: 0, since: now }
    }

    /// Where the move is.
    pub fn phase(&self) -> Phase {
        match &self.step {
            Step::Preflight => Phase::Preflight,
            Step::Copy => Phase::Copy,
            Step::Catchup => Phase::Catchup,
            Step::Verify => Phase::Verify,
            Step::Fence => Phase::Fence,
            Step::Activate { .. } => Phase::Activate,
            Step::Drain { .. } => Phase::Drain,
            Step::Release => Phase::Release,
            Step::Aborted(_) => Phase::Aborted,
        }
    }

    /// Whether the account has moved away: it is sealed here.
    pub fn is_committed(&self) -> bool {
        matches!(self.step, Step::Activate { .. } | Step::Drain { .. } | Step::Release)
    }
}

impl Source {
    /// Goes on where the record is; the first event is [`Event::Started`].
    pub fn new(offer: Offer, record: SourceRecord) -> Self {
        Self {
            offer,
            record,
            lsn: Lsn::ZERO,
            link: Link::Down,
            heard: Timestamp(0),
            check: Check::None,
            verified: false,
            repairs: 0,
            fence: None,
            fence_after: Timestamp(0),
            failed_fences: 0,
            meter: Meter::default(),
            fenced_ms: None,
            told: false,
        }
    }

    /// What stands on the disk, once all actions are performed.
    pub fn record(&self) -> &SourceRecord {
        &self.record
    }

    /// Whether there is nothing left to do with the target: no stream is needed.
    pub fn is_settled(&self) -> bool {
        match self.record.step {
            Step::Drain { .. } | Step::Release => true,
            Step::Aborted(_) => self.told,
            _ => false,
        }
    }

    /// Tells the machine; it says what to do.
    pub fn handle(&mut self, now: Timestamp, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Started(lsn) => self.start(now, lsn, &mut actions),
            Event::Connected => self.connect(now, &mut actions),
            Event::Disconnected => self.disconnect(),
            Event::Received(message) => self.hear(now, message, &mut actions),
            Event::Grown(lsn) => self.lsn = self.lsn.max(lsn),
            Event::Tick => self.tick(now, &mut actions),
            Event::Abort(reason) => self.abort(now, reason, &mut actions),
            Event::Read(batch) => self.send_batch(*batch, &mut actions),
            Event::Summarized(summary) => self.summarized(summary),
            Event::Paged(kind, coarse, pages) => self.paged(kind, coarse, pages, &mut actions),
            Event::RangeRead(range, objects) => self.range_read(range, objects, &mut actions),
            Event::Fenced(summary) => self.fenced(now, summary),
            Event::FenceFailed => self.unfence(now, &mut actions),
            Event::Committed(record) => self.committed(now, record, &mut actions),
            Event::Forged => {
                self.abort(now, Reason::new("the new hoster's promise is not signed by it"), &mut actions);
            }
        }
        self.advance(now, &mut actions);
        actions
    }

    /// When [`Event::Tick`] is due, if nothing else happens.
    pub fn deadline(&self) -> Option<Timestamp> {
        let fence = self.fence.as_ref().map(|fence| fence.since.after(FENCE_MAX));
        let silence = self.awaits_answer().then(|| self.heard.after(SILENCE_MAX));
        let pause = (self.record.step == Step::Catchup && self.verified && self.is_near())
            .then_some(self.fence_after);
        let release = match self.record.step {
            Step::Drain { .. } => Some(self.record.since.after(RETENTION)),
            _ => None,
        };
        [fence, silence, pause, release].into_iter().flatten().min()
    }

    /// The numbers, for people. The totals are the offer's.
    pub fn progress(&self, now: Timestamp) -> Progress {
        let acked = match &self.link {
            Link::Up(flow) => flow.acked.lsn(),
            _ => None,
        };
        Progress {
            phase: self.phase(),
            bytes: self.meter.bytes,
            bytes_total: self.offer.bytes,
            objects: self.meter.objects,
            objects_total: self.offer.objects,
            lag: acked.map_or(0, |acked| self.lsn.0.saturating_sub(acked.0)),
            eta: (self.record.step == Step::Copy).then(|| self.meter.eta(now, self.offer.bytes)).flatten(),
            fenced: self.fenced_ms.map(std::time::Duration::from_millis),
        }
    }

    /// Where the move is.
    pub fn phase(&self) -> Phase {
        self.record.phase()
    }

    fn start(&mut self, now: Timestamp, lsn: Lsn, actions: &mut Vec<Action>) {
        self.lsn = lsn;
        self.heard = now;
        // A fence does not outlive the machine that asked for it.
        if matches!(self.record.step, Step::Fence | Step::Verify) {
            actions.push(Action::Unfence);
            self.step(now, Step::Catchup, actions);
        }
    }

    fn connect(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        self.disconnect();
        self.link = Link::Asking;
        self.ask(now, actions);
    }

    /// What arrived is known again once the target was asked.
    fn disconnect(&mut self) {
        self.link = Link::Down;
        if let Check::Repairing(..) = self.check {
            self.check = Check::None;
        }
        if let Check::Waiting(_, sent) = &mut self.check {
            *sent = Sent::No;
        }
        if let Some(fence) = &mut self.fence {
            fence.asked = Sent::No;
        }
    }

    /// Asks where the target stands, or tells it what is decided.
    fn ask(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        self.heard = now;
        actions.push(Action::Send(match &self.record.step {
            Step::Activate { entry, .. } => Message::Moved(entry.clone()),
            Step::Aborted(reason) => Message::Aborted(reason.clone()),
            Step::Drain { .. } | Step::Release => return,
            _ => Message::Offer(self.offer.clone()),
        }));
    }

    fn awaits_answer(&self) -> bool {
        let waiting = match &self.link {
            Link::Down => return false,
            Link::Asking => true,
            Link::Up(flow) => {
                !flow.waiting.is_empty()
                    || !matches!(self.check, Check::None | Check::Waiting(_, Sent::No))
                    || self.fence.is_some()
            }
        };
        waiting && !self.is_settled() || matches!(self.record.step, Step::Activate { .. })
    }

    fn tick(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        if self.fence.as_ref().is_some_and(|fence| now >= fence.since.after(FENCE_MAX)) {
            self.unfence(now, actions);
        }
        if self.awaits_answer() && now >= self.heard.after(SILENCE_MAX) {
            self.connect(now, actions);
        }
        if matches!(self.record.step, Step::Drain { .. }) && now >= self.record.since.after(RETENTION) {
            self.record = SourceRecord { step: Step::Release, round: self.record.round, since: now };
            actions.push(Action::Erase(self.record.clone()));
        }
    }

    fn abort(&mut self, now: Timestamp, reason: Reason, actions: &mut Vec<Action>) {
        if self.record.is_committed() || matches!(self.record.step, Step::Aborted(_)) {
            return;
        }
        // First the record: after it, no crash takes the move up again. Then writes go on.
        self.step(now, Step::Aborted(reason.clone()), actions);
        self.fence = None;
        self.check = Check::None;
        actions.push(Action::Unfence);
        actions.push(Action::Send(Message::Aborted(reason)));
    }

    fn step(&mut self, now: Timestamp, step: Step, actions: &mut Vec<Action>) {
        self.record.step = step;
        self.record.since = now;
        actions.push(Action::Save(self.record.clone()));
    }

    fn send_batch(&mut self, batch: Batch, actions: &mut Vec<Action>) {
        let Link::Up(flow) = &mut self.link else { return };
        let until = flow.reading.take();
        if batch.from != flow.sent {
            return;
        }
        if batch.is_empty() {
            flow.idle_at = until;
            return;
        }
        flow.sent = batch.to.clone();
        let count = batch.objects.len() + batch.changes.iter().map(|change| change.ops.len()).sum::<usize>();
        flow.waiting.push_back((batch.to.clone(), batch.bytes, count as u64));
        actions.push(Action::SendBatch(Box::new(batch)));
    }

    /// Whether the target lacks few enough changes to hold writes for them.
    fn is_near(&self) -> bool {
        let Link::Up(flow) = &self.link else { return false };
        flow.acked.lsn().is_some_and(|acked| self.lsn.0.saturating_sub(acked.0) <= LAG_MAX)
    }

    /// Whatever can be done now, whoever said what.
    fn advance(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        self.advance_steps(now, actions);
        let until = match (&self.check, &self.fence) {
            (Check::Waiting(summary, _), _) => summary.at,
            (Check::Repairing(at, ..), _) => *at,
            (Check::None, Some(fence)) => fence.summary.at,
            (Check::None, None) => self.lsn,
        };
        let Link::Up(flow) = &mut self.link else { return };
        let streaming = matches!(self.record.step, Step::Copy | Step::Catchup | Step::Verify | Step::Fence);
        if streaming
            && flow.reading.is_none()
            && flow.has_room()
            && flow.idle_at.is_none_or(|idle| idle < until)
        {
            flow.reading = Some(until);
            actions.push(Action::Read { from: flow.sent.clone(), until, base: flow.base });
        }
    }
}

impl Flow {
    fn new(base: Lsn, place: Place) -> Self {
        let waiting = VecDeque::new();
        Self { base, acked: place.clone(), sent: place, waiting, reading: None, idle_at: None }
    }

    fn has_room(&self) -> bool {
        let waiting: u64 = self.waiting.iter().map(|(_, bytes, _)| *bytes).sum();
        waiting < WINDOW_BYTES
    }
}
