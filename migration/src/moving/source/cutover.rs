//! FENCE, COMMIT, ACTIVATE: the account changes hands.

use essaim_types::{Lsn, Timestamp};

use super::{Action, Check, FENCE_PAUSE, FENCE_PAUSE_MAX, Fence, Link, Sent, Source, SourceRecord, Step};
use crate::moving::message::Message;
use crate::moving::summary::Summary;

impl Source {
    /// From one step to the next, where its condition holds.
    pub(super) fn advance_steps(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        let Link::Up(flow) = &self.link else { return };
        let near = self.is_near();
        match self.record.step {
            Step::Copy if flow.acked.lsn().is_some() => self.step(now, Step::Catchup, actions),
            Step::Catchup if near && !self.verified => {
                self.step(now, Step::Verify, actions);
                actions.push(Action::Summarize);
            }
            Step::Verify if self.check == Check::None && !self.verified => {
                self.step(now, Step::Catchup, actions);
            }
            Step::Catchup if near && now >= self.fence_after => {
                self.record.round = self.record.round.saturating_add(1);
                self.step(now, Step::Fence, actions);
                actions.push(Action::Fence);
            }
            _ => {}
        }
        self.advance_check(actions);
        self.advance_fence(actions);
    }

    /// Asks for the promise once the target has the last change.
    fn advance_fence(&mut self, actions: &mut Vec<Action>) {
        let Link::Up(flow) = &self.link else { return };
        if let Some(fence) = &mut self.fence
            && fence.asked == Sent::No
            && flow.waiting.is_empty()
            && flow.acked.lsn() == Some(fence.summary.at)
        {
            fence.asked = Sent::Yes;
            actions.push(Action::Send(Message::Prepare(self.record.round, fence.summary.clone())));
        }
    }

    pub(super) fn fenced(&mut self, now: Timestamp, summary: Summary) {
        if self.record.step == Step::Fence {
            self.lsn = self.lsn.max(summary.at);
            self.fence = Some(Fence { since: now, summary, asked: Sent::No });
        }
    }

    /// Writes go on; the next fence comes after a pause, and after a new comparison.
    pub(super) fn unfence(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        if self.record.step != Step::Fence {
            return;
        }
        self.drop_fence(now, actions);
        self.step(now, Step::Catchup, actions);
        actions.push(Action::Send(Message::Unfenced(self.record.round)));
    }

    pub(super) fn drop_fence(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        if self.record.step == Step::Fence {
            let pause = FENCE_PAUSE.saturating_mul(1 << self.failed_fences.min(10)).min(FENCE_PAUSE_MAX);
            self.failed_fences += 1;
            self.fence_after = now.after(pause);
            self.verified = false;
            self.fence = None;
            actions.push(Action::Unfence);
        }
    }

    pub(super) fn prepared(&self, round: u32, at: Lsn, promise: Vec<u8>, actions: &mut Vec<Action>) {
        let Some(fence) = &self.fence else { return };
        let counts = self.record.step == Step::Fence && round == self.record.round && at == fence.summary.at;
        if counts {
            actions.push(Action::Commit { summary: fence.summary.clone(), promise, round });
        }
    }

    pub(super) fn committed(&mut self, now: Timestamp, record: SourceRecord, actions: &mut Vec<Action>) {
        if let Some(fence) = self.fence.take() {
            self.fenced_ms = u64::try_from(now.since(fence.since).as_millis()).ok();
        }
        self.record = record;
        self.check = Check::None;
        self.ask(now, actions);
    }

    pub(super) fn active(&mut self, now: Timestamp, receipt: Vec<u8>, actions: &mut Vec<Action>) {
        if let Step::Activate { last, .. } = &self.record.step {
            let last = *last;
            self.step(now, Step::Drain { last, receipt }, actions);
        }
    }
}
