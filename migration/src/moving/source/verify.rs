//! VERIFY: both compare, and what differs is sent again.

use std::collections::VecDeque;

use essaim_types::{Lsn, ObjectKind, Timestamp};

use super::{Action, Check, Link, Sent, Source, Step};
use crate::moving::limits::{PAGES_MAX, REPAIRS_MAX};
use crate::moving::message::{Message, Reason};
use crate::moving::summary::{KeyRange, Page, Summary};
use crate::object::Object;

impl Source {
    pub(super) fn summarized(&mut self, summary: Summary) {
        if self.record.step == Step::Verify {
            self.lsn = self.lsn.max(summary.at);
            self.check = Check::Waiting(summary, Sent::No);
        }
    }

    pub(super) fn agreed(&mut self, now: Timestamp, at: Lsn, actions: &mut Vec<Action>) {
        let Check::Waiting(summary, Sent::Yes) = &self.check else { return };
        if summary.at == at && self.record.step == Step::Verify {
            self.check = Check::None;
            self.verified = true;
            self.step(now, Step::Catchup, actions);
        }
    }

    pub(super) fn differs(
        &mut self,
        now: Timestamp,
        at: Lsn,
        kinds: Vec<ObjectKind>,
        actions: &mut Vec<Action>,
    ) {
        match (&self.check, &self.fence) {
            // Under the fence there is no time to repair: writes go on, and the next comparison finds it again.
            (_, Some(fence)) if fence.summary.at == at && fence.asked == Sent::Yes => {
                self.unfence(now, actions);
            }
            (Check::Waiting(summary, Sent::Yes), None) if summary.at == at => {
                self.repairs += 1;
                if self.repairs > REPAIRS_MAX {
                    let reason = "what was copied keeps differing from the original";
                    return self.abort(now, Reason::new(reason), actions);
                }
                self.check = Check::Repairing(at, kinds.into(), VecDeque::new());
                self.repair_next(now, actions);
            }
            _ => {}
        }
    }

    pub(super) fn paged(
        &mut self,
        kind: ObjectKind,
        coarse: u8,
        mut pages: Vec<Page>,
        actions: &mut Vec<Action>,
    ) {
        if let Check::Repairing(at, ..) = &self.check {
            pages.truncate(PAGES_MAX);
            actions.push(Action::Send(Message::Pages(*at, kind, coarse, pages)));
        }
    }

    pub(super) fn wanted(
        &mut self,
        now: Timestamp,
        at: Lsn,
        ranges: Vec<KeyRange>,
        actions: &mut Vec<Action>,
    ) {
        match &mut self.check {
            Check::Repairing(here, kinds, wanted) if *here == at && wanted.is_empty() => {
                kinds.pop_front();
                *wanted = ranges.into();
                self.repair_next(now, actions);
            }
            _ => {}
        }
    }

    pub(super) fn range_read(&mut self, range: KeyRange, objects: Vec<Object>, actions: &mut Vec<Action>) {
        if let Check::Repairing(at, ..) = &self.check {
            actions.push(Action::SendRepair(*at, range, objects));
        }
    }

    /// The range that was repaired may be the first part of the one that is wanted.
    pub(super) fn repaired(&mut self, now: Timestamp, at: Lsn, done: &KeyRange, actions: &mut Vec<Action>) {
        let Check::Repairing(here, _, wanted) = &mut self.check else { return };
        let Some(first) = wanted.front_mut() else { return };
        if *here != at || (first.kind, &first.from) != (done.kind, &done.from) {
            return;
        }
        match &done.to {
            Some(to) if first.to.as_ref().is_none_or(|end| to < end) => first.from.clone_from(to),
            _ => drop(wanted.pop_front()),
        }
        self.repair_next(now, actions);
    }

    fn repair_next(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        let Check::Repairing(_, kinds, wanted) = &self.check else { return };
        if let Some(range) = wanted.front() {
            actions.push(Action::ReadRange(range.clone()));
        } else if let Some(kind) = kinds.front() {
            actions.push(Action::ListPages(*kind));
        } else {
            self.check = Check::None;
            self.step(now, Step::Catchup, actions);
        }
    }

    /// Sends the summary once the target is exactly there.
    pub(super) fn advance_check(&mut self, actions: &mut Vec<Action>) {
        let Link::Up(flow) = &self.link else { return };
        if let Check::Waiting(summary, sent @ Sent::No) = &mut self.check
            && flow.waiting.is_empty()
            && flow.acked.lsn() == Some(summary.at)
        {
            *sent = Sent::Yes;
            actions.push(Action::Send(Message::Check(summary.clone())));
        }
    }
}
