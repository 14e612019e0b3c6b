//! APPEND: RFC 9051 section 6.3.12, RFC 3502. The messages pass through piece by piece; all of them are kept, or none.

use super::frame::{CRLF, Framed, Literals};
use super::{Action, Ask, Connection, Phase, Step, Then};
use crate::command::{AppendMessage, MessageForm};
use crate::parse::{Cursor, LiteralHead, Refusal, Waiting};
use crate::{Condition, MailboxName, Reply, ResponseCode, Tag};

/// A message that is passing.
#[derive(Debug)]
pub(super) struct Body {
    tag: Tag,
    form: MessageForm,
    left: u64,
}

/// A message has passed; what follows it decides.
#[derive(Debug)]
pub(super) struct AfterMessage {
    tag: Tag,
    form: MessageForm,
}

impl Connection {
    /// What stands between APPEND and the head of its first message.
    pub(super) fn read_append(
        &self,
        cursor: &mut Cursor<'_>,
    ) -> Result<(MailboxName, AppendMessage), Refusal> {
        cursor.space()?;
        let mailbox = cursor.mailbox()?;
        let (message, _) = AppendMessage::read(cursor)?;
        self.message_allowed(&message)?;
        Ok((mailbox, message))
    }

    pub(super) fn append_begin(
        &mut self,
        tag: Tag,
        head: LiteralHead,
        begin: Result<(MailboxName, AppendMessage), Refusal>,
    ) {
        match begin {
            Err(refusal) => self.refuse_at(head, Some(tag), refusal),
            Ok((mailbox, message)) => {
                self.actions.push_back(Action::AppendBegin { tag: tag.clone(), mailbox });
                self.phase = Phase::Ask(Ask::AppendBegin { tag, message, head });
            }
        }
    }

    pub(super) fn append_begun(
        &mut self,
        tag: Tag,
        message: AppendMessage,
        head: LiteralHead,
        verdict: Result<(), Reply>,
    ) {
        match verdict {
            Err(reply) => self.refuse_at(head, Some(tag), Refusal { condition: Condition::No, reply }),
            Ok(()) => self.ask_message(tag, message, head),
        }
    }

    pub(super) fn append_message_answered(
        &mut self,
        tag: Tag,
        message: &AppendMessage,
        head: LiteralHead,
        verdict: Result<(), Reply>,
    ) {
        if let Err(reply) = verdict {
            self.actions.push_back(Action::AppendAbort);
            return self.refuse_at(head, Some(tag), Refusal { condition: Condition::No, reply });
        }
        if head.waiting == Waiting::ForContinuation {
            self.send(b"+ go on\r\n");
        }
        self.phase = Phase::Body(Body { tag, form: message.form, left: head.size });
    }

    pub(super) fn step_body(&mut self) -> Step {
        let Phase::Body(body) = &mut self.phase else { return Step::Stuck };
        let here = body.left.min(self.input.len() as u64);
        body.left -= here;
        let (form, left) = (body.form, body.left);
        if here > 0 {
            let piece = self.consume(usize::try_from(here).unwrap_or(usize::MAX));
            // RFC 9051 section 4.3: a literal has no NUL; BINARY is the way to send one.
            if form == MessageForm::Literal && piece.contains(&0) {
                return self.abort_after(left, Refusal::bad("a message sent as a literal has no NUL"));
            }
            self.actions.push_back(Action::AppendPiece(piece.freeze()));
        }
        if left > 0 {
            return if here > 0 { Step::Done } else { Step::Stuck };
        }
        if let Phase::Body(Body { tag, form, .. }) = self.take_phase() {
            self.actions.push_back(Action::AppendMessageEnd);
            self.phase = Phase::AfterMessage(AfterMessage { tag, form });
        }
        Step::Done
    }

    pub(super) fn step_after_message(&mut self) -> Step {
        let max = self.command_max();
        let framed = self.framer.next(&self.input, Literals::Read, max);
        let (length, head) = match framed {
            Framed::More => return Step::Stuck,
            Framed::OutOfStep(why) => return self.out_of_step(why),
            Framed::BareLf(length) => {
                self.consume(length);
                return self.abort(None, Refusal::bare_lf());
            }
            Framed::Command(end) => (end, None),
            Framed::Literal(end, head) => (end, Some(head)),
        };
        let mut line = self.consume(length + CRLF);
        line.truncate(length);
        match self.read_after_message(&line) {
            Err(refusal) => self.abort(head, refusal),
            Ok(next) => {
                if let Phase::AfterMessage(AfterMessage { tag, .. }) = self.take_phase() {
                    self.go_on(tag, next);
                }
                Step::Done
            }
        }
    }

    /// Another message, or nothing more.
    fn read_after_message(&self, line: &[u8]) -> Result<Option<(AppendMessage, LiteralHead)>, Refusal> {
        let mut cursor = Cursor::new(line, self.enabled);
        if matches!(&self.phase, Phase::AfterMessage(AfterMessage { form: MessageForm::Utf8, .. })) {
            cursor.expect(b')')?;
        }
        if cursor.rest().is_empty() {
            return Ok(None);
        }
        let (message, head) = AppendMessage::read(&mut cursor)?;
        self.message_allowed(&message)?;
        Ok(Some((message, head)))
    }

    fn go_on(&mut self, tag: Tag, next: Option<(AppendMessage, LiteralHead)>) {
        match next {
            Some((message, head)) => self.ask_message(tag, message, head),
            None => {
                self.actions.push_back(Action::AppendCommit);
                self.phase = Phase::Ask(Ask::Run { tag, then: Then::Nothing });
            }
        }
    }

    fn ask_message(&mut self, tag: Tag, message: AppendMessage, head: LiteralHead) {
        self.actions.push_back(Action::AppendMessage(message.clone()));
        self.phase = Phase::Ask(Ask::AppendMessage { tag, message, head });
    }

    fn message_allowed(&self, message: &AppendMessage) -> Result<(), Refusal> {
        let max = self.settings.limits.message;
        match message.size.0 {
            // RFC 3502 section 6.3.11: this is how a client gives up in the middle of several.
            0 => Err(Refusal::no(ResponseCode::Cannot, "an empty message is no message")),
            size if size > max.0 => {
                Err(Refusal::no(ResponseCode::TooBig, format!("a message has at most {max}")))
            }
            _ => Ok(()),
        }
    }

    /// Gives up in the middle of a message of which `left` bytes are still to come.
    fn abort_after(&mut self, left: u64, refusal: Refusal) -> Step {
        if let Phase::Body(Body { tag, .. }) = self.take_phase() {
            self.actions.push_back(Action::AppendAbort);
            self.refuse_after(left, Some(tag), refusal);
        }
        Step::Done
    }

    /// Gives up between messages: at the head of the next one, or at the end of the command.
    fn abort(&mut self, head: Option<LiteralHead>, refusal: Refusal) -> Step {
        if let Phase::AfterMessage(AfterMessage { tag, .. }) = self.take_phase() {
            self.actions.push_back(Action::AppendAbort);
            match head {
                Some(head) => self.refuse_at(head, Some(tag), refusal),
                None => self.refuse(Some(&tag), &refusal),
            }
        }
        Step::Done
    }
}
