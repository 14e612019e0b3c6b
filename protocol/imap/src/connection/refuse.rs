//! Staying in step with a client whose command is refused before all of it was read.

use super::frame::{CRLF, Framed, Literals};
use super::{Connection, Phase, Step};
use crate::parse::{LiteralHead, Refusal, Waiting};
use crate::{Condition, Reply, ResponseCode, Tag};

/// A command that is answered once its end has been found.
#[derive(Debug)]
pub(super) struct Refused {
    tag: Option<Tag>,
    refusal: Refusal,
    /// Bytes of the current literal that are still to be thrown away.
    literal: u64,
    /// Bytes that may still be thrown away in all.
    budget: u64,
}

impl Connection {
    /// Answers a command that was read to its end.
    pub(super) fn refuse(&mut self, tag: Option<&Tag>, refusal: &Refusal) {
        match tag {
            Some(tag) => self.tagged(tag, refusal.condition, &refusal.reply),
            None => {
                self.untagged(refusal.condition, &refusal.reply);
                self.count(refusal.condition);
            }
        }
    }

    /// Refuses a command at the head of a literal. A client that waits for `+` gets its answer in place of it and sends no
    /// more of the command; one that does not wait has its literal thrown away first (RFC 7888 section 4).
    pub(super) fn refuse_at(&mut self, head: LiteralHead, tag: Option<Tag>, refusal: Refusal) {
        self.phase = Phase::Command;
        match head.waiting {
            Waiting::ForContinuation => self.refuse(tag.as_ref(), &refusal),
            Waiting::ForNothing => self.refuse_after(head.size, tag, refusal),
        }
    }

    /// Refuses a command of which `literal` bytes of a literal and then more lines are still to come.
    pub(super) fn refuse_after(&mut self, literal: u64, tag: Option<Tag>, refusal: Refusal) {
        let budget = self.drain_max();
        self.phase = Phase::Refused(Refused { tag, refusal, literal: 0, budget });
        self.drain(literal);
    }

    /// Gives up: it is not known where the next command begins.
    pub(super) fn out_of_step(&mut self, why: &'static str) -> Step {
        self.bye(&Reply::coded(ResponseCode::ClientBug, why));
        Step::Done
    }

    pub(super) fn step_refused(&mut self) -> Step {
        let max = self.command_max();
        let Phase::Refused(refused) = &mut self.phase else { return Step::Stuck };
        if refused.literal > 0 {
            let here = refused.literal.min(self.input.len() as u64);
            refused.literal -= here;
            self.consume(usize::try_from(here).unwrap_or(usize::MAX));
            return if here > 0 { Step::Done } else { Step::Stuck };
        }
        match self.framer.next(&self.input, Literals::Read, max) {
            Framed::More => return Step::Stuck,
            Framed::OutOfStep(why) => return self.out_of_step(why),
            Framed::BareLf(length) => {
                self.consume(length);
                self.answer_refused();
            }
            Framed::Command(end) => {
                self.consume(end + CRLF);
                self.answer_refused();
            }
            Framed::Literal(end, head) => {
                self.consume(end + CRLF);
                match head.waiting {
                    Waiting::ForContinuation => self.answer_refused(),
                    Waiting::ForNothing => self.drain(head.size),
                }
            }
        }
        Step::Done
    }

    fn drain(&mut self, literal: u64) {
        let Phase::Refused(refused) = &mut self.phase else { return };
        match refused.budget.checked_sub(literal) {
            Some(budget) => {
                refused.budget = budget;
                refused.literal = literal;
            }
            None => self.bye(&Reply::coded(ResponseCode::TooBig, "more than can be thrown away")),
        }
    }

    fn answer_refused(&mut self) {
        if let Phase::Refused(refused) = self.take_phase() {
            self.refuse(refused.tag.as_ref(), &refused.refusal);
        }
    }
}

impl Refusal {
    /// A line that ended with LF alone.
    pub(super) fn bare_lf() -> Self {
        Self { condition: Condition::Bad, reply: Reply::new("a line ends with CR LF, not with LF alone") }
    }
}
