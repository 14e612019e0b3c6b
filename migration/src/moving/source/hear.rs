//! What the target says.

use essaim_types::{Lsn, Timestamp};

use super::{Action, Check, Flow, Link, Sent, Source, Step};
use crate::moving::batch::Place;
use crate::moving::message::{Message, Reason, Standing};

impl Source {
    pub(super) fn hear(&mut self, now: Timestamp, message: Message, actions: &mut Vec<Action>) {
        self.heard = now;
        match message {
            Message::Standing(standing) => self.stands(now, standing, actions),
            Message::Stored(place) => self.stored(now, &place, actions),
            Message::Agreed(at) => self.agreed(now, at, actions),
            Message::Differs(at, kinds) => self.differs(now, at, kinds, actions),
            Message::Wanted(at, ranges) => self.wanted(now, at, ranges, actions),
            Message::Repaired(at, range) => self.repaired(now, at, &range, actions),
            Message::Prepared(round, at, promise) => self.prepared(round, at, promise, actions),
            Message::Active(receipt, _) => self.active(now, receipt, actions),
            Message::Ask => self.asked(now, actions),
            Message::Withdraw(reason) | Message::Aborted(reason) => self.withdrawn(now, reason, actions),
            // What only a source says.
            Message::Offer(_)
            | Message::Begin(_)
            | Message::Blobs(_)
            | Message::Batch(_)
            | Message::Check(_)
            | Message::Pages(..)
            | Message::Repair(..)
            | Message::Prepare(..)
            | Message::Unfenced(_)
            | Message::Moved(_) => {}
        }
    }

    fn stands(&mut self, now: Timestamp, standing: Standing, actions: &mut Vec<Action>) {
        match (&self.record.step, standing) {
            (Step::Aborted(_), Standing::Aborted) => self.told = true,
            (Step::Activate { .. } | Step::Aborted(_), _) => self.ask(now, actions),
            (Step::Drain { .. } | Step::Release, _) => {}
            (_, Standing::Aborted) => {
                self.abort(now, Reason::new("the new hoster gave up"), actions);
                self.told = true;
            }
            (_, Standing::Ready) => {
                // Whatever was there before is gone: the copy begins anew, and nothing that was agreed counts.
                if self.record.step != Step::Copy {
                    self.drop_fence(now, actions);
                    self.step(now, Step::Copy, actions);
                }
                self.link = Link::Asking;
                self.check = Check::None;
                self.verified = false;
                actions.push(Action::Send(Message::Begin(self.lsn)));
            }
            (_, Standing::At { base, place }) => {
                let reached = place.lsn();
                if base > self.lsn || reached.is_some_and(|lsn| lsn > self.lsn || lsn < base) {
                    let reason = "the new hoster says it has changes that were never made here";
                    return self.abort(now, Reason::new(reason), actions);
                }
                if self.record.step == Step::Preflight {
                    self.step(now, Step::Copy, actions);
                }
                self.resume(base, place);
            }
            (_, Standing::Prepared { round }) => self.stands_prepared(round, actions),
        }
    }

    /// A promise of this round means that everything is there. One of an earlier round is given back.
    fn stands_prepared(&mut self, round: u32, actions: &mut Vec<Action>) {
        match &self.fence {
            Some(fence) if round == self.record.round => {
                let at = fence.summary.at;
                self.resume(at, Place::replayed(at));
            }
            Some(_) => actions.push(Action::Send(Message::Unfenced(self.record.round.saturating_sub(1)))),
            None => actions.push(Action::Send(Message::Unfenced(self.record.round))),
        }
    }

    /// From here on: everything that was sent after it is sent again.
    fn resume(&mut self, base: Lsn, place: Place) {
        self.link = Link::Up(Box::new(Flow::new(base, place)));
        if let Check::Waiting(_, sent) = &mut self.check {
            *sent = Sent::No;
        }
        if let Check::Repairing(..) = self.check {
            self.check = Check::None;
        }
        if let Some(fence) = &mut self.fence {
            fence.asked = Sent::No;
        }
    }

    fn stored(&mut self, now: Timestamp, place: &Place, actions: &mut Vec<Action>) {
        let Link::Up(flow) = &mut self.link else { return };
        // An answer to what was sent before the stream was set up anew says nothing.
        if !flow.waiting.iter().any(|(to, ..)| to == place) {
            return;
        }
        while let Some((to, bytes, objects)) = flow.waiting.pop_front() {
            self.meter.count(now, bytes, objects);
            flow.acked = to;
            if flow.acked == *place {
                break;
            }
        }
        if self.record.step == Step::Copy && flow.acked.lsn().is_some() {
            self.step(now, Step::Catchup, actions);
        }
    }

    fn asked(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        match (&self.record.step, &mut self.fence) {
            (Step::Fence, Some(fence)) => fence.asked = Sent::No,
            (Step::Drain { .. } | Step::Release, _) => {}
            (Step::Activate { .. } | Step::Aborted(_), _) => self.ask(now, actions),
            _ => actions.push(Action::Send(Message::Unfenced(self.record.round))),
        }
    }

    fn withdrawn(&mut self, now: Timestamp, reason: Reason, actions: &mut Vec<Action>) {
        match self.record.step {
            Step::Activate { .. } => self.ask(now, actions),
            Step::Aborted(_) => self.told = true,
            _ => self.abort(now, reason, actions),
        }
    }
}
