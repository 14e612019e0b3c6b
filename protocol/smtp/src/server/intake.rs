//! DATA and BDAT: a message comes in, in pieces.

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};

use super::transaction::Question;
use super::{Action, Connection, Limits, Refusal, State, replies};
use crate::body::{Fault, Fed, Inspector, Mend, Undot};
use crate::command::Last;
use crate::queue_id::QueueId;
use crate::reply::Reply;

/// How the bytes that come next are framed.
#[derive(Debug)]
pub(super) enum Reception {
    /// DATA: up to CRLF dot CRLF.
    Dotted(Undot),
    /// BDAT: this many bytes of the chunk are still to come.
    Chunk { left: u64, size: u64, last: Last },
    /// The bytes of a chunk that was refused (RFC 3030 section 2: they are read all the same), and the refusal.
    Unwanted { left: u64, reply: Reply },
}

/// A message on its way to the spool.
#[derive(Debug)]
pub(super) struct Intake {
    inspector: Inspector,
    /// For chunks only.
    mend: Mend,
    /// Gathered until it is worth a write.
    piece: BytesMut,
    fault: Option<Fault>,
    /// Bytes that may still come before the connection is cut.
    patience: u64,
}

impl Intake {
    fn new(limits: &Limits) -> Self {
        Self {
            inspector: Inspector::new(limits),
            mend: Mend::default(),
            piece: BytesMut::new(),
            fault: None,
            patience: patience(limits),
        }
    }

    pub(super) fn is_spooling(&self) -> bool {
        self.fault.is_none()
    }

    fn write(&mut self, content: &[u8], piece_size: usize, actions: &mut VecDeque<Action>) {
        if self.fault.is_some() {
            return;
        }
        let (mut good, fault) = self.inspector.inspect(content);
        while !good.is_empty() {
            let room = piece_size.saturating_sub(self.piece.len()).max(1);
            let (now, later) = good.split_at_checked(room).unwrap_or((good, &[]));
            self.piece.extend_from_slice(now);
            good = later;
            if self.piece.len() >= piece_size {
                actions.push_back(Action::Spool(self.piece.split().freeze()));
            }
        }
        if let Some(fault) = fault {
            self.fail(fault, actions);
        }
    }

    fn write_chunk(&mut self, chunk: &[u8], piece_size: usize, actions: &mut VecDeque<Action>) {
        let mut mend = std::mem::take(&mut self.mend);
        mend.feed(chunk, |run| self.write(run, piece_size, actions));
        self.mend = mend;
    }

    fn finish(&mut self, actions: &mut VecDeque<Action>) -> Result<(), Fault> {
        if let (None, Some(fault)) = (self.fault, self.inspector.finish()) {
            self.fail(fault, actions);
        }
        if !self.piece.is_empty() {
            actions.push_back(Action::Spool(self.piece.split().freeze()));
        }
        self.fault.map_or(Ok(()), Err)
    }

    fn fail(&mut self, fault: Fault, actions: &mut VecDeque<Action>) {
        self.fault = Some(fault);
        self.piece = BytesMut::new();
        actions.push_back(Action::Abort);
    }
}

impl Connection {
    pub(super) fn data(&mut self) {
        match &self.transaction {
            None => self.blame(&replies::MAIL_FIRST),
            Some(transaction) if transaction.intake.is_some() => self.blame(&replies::IN_CHUNKS),
            Some(transaction) if !transaction.has_recipients() => self.blame(&replies::RECIPIENT_FIRST),
            Some(_) => {
                self.begin();
                self.say(&replies::START_DATA);
                self.state = State::Receiving(Reception::Dotted(Undot::default()));
            }
        }
    }

    pub(super) fn bdat(&mut self, size: u64, last: Last) {
        let refusal = match &self.transaction {
            None => Some(replies::MAIL_FIRST),
            Some(transaction) if !transaction.has_recipients() => Some(replies::RECIPIENT_FIRST),
            Some(_) => None,
        };
        if size > self.patience() {
            return self.hang_up(&replies::MESSAGE_TOO_LARGE);
        }
        if refusal.is_none()
            && self.transaction.as_ref().is_some_and(|transaction| transaction.intake.is_none())
        {
            self.begin();
        }
        self.state = State::Receiving(match refusal {
            Some(reply) => Reception::Unwanted { left: size, reply },
            None => Reception::Chunk { left: size, size, last },
        });
    }

    /// Takes what the input holds of the message; `false` if more is needed.
    pub(super) fn take_content(&mut self) -> bool {
        match std::mem::replace(&mut self.state, State::Command) {
            State::Receiving(Reception::Dotted(undot)) => self.take_dotted(undot),
            State::Receiving(Reception::Chunk { left, size, last }) => self.take_chunk(left, size, last),
            State::Receiving(Reception::Unwanted { left, reply }) => self.take_unwanted(left, reply),
            other => {
                self.state = other;
                false
            }
        }
    }

    fn take_dotted(&mut self, mut undot: Undot) -> bool {
        let Some(intake) = self.transaction.as_mut().and_then(|transaction| transaction.intake.as_mut())
        else {
            return false;
        };
        let allowed = usize::try_from(intake.patience).unwrap_or(usize::MAX);
        let (piece, actions) = (self.config.limits.piece, &mut self.actions);
        let input = self.input.get(..allowed).unwrap_or(&self.input);
        let fed = undot.feed(input, |run| intake.write(run, piece, actions));
        let used = match fed {
            Fed::More => input.len(),
            Fed::End(used) => used,
        };
        self.used(used);
        match fed {
            Fed::End(_) => self.message_complete(),
            Fed::More if self.input.is_empty() => self.state = State::Receiving(Reception::Dotted(undot)),
            Fed::More => self.out_of_patience(),
        }
        used > 0
    }

    fn take_chunk(&mut self, left: u64, size: u64, last: Last) -> bool {
        let Some(intake) = self.transaction.as_mut().and_then(|transaction| transaction.intake.as_mut())
        else {
            return false;
        };
        let now = first(&self.input, left);
        intake.write_chunk(now, self.config.limits.piece, &mut self.actions);
        let (used, fault) = (now.len(), intake.fault);
        self.used(used);
        let left = left.saturating_sub(used as u64);
        match (left, fault, last) {
            (1.., _, _) => self.state = State::Receiving(Reception::Chunk { left, size, last }),
            (0, Some(fault), _) => self.refuse(fault),
            (0, None, Last::No) => self.say(&replies::chunk_received(size)),
            (0, None, Last::Yes) => self.message_complete(),
        }
        used > 0 || left == 0
    }

    fn take_unwanted(&mut self, left: u64, reply: Reply) -> bool {
        let used = first(&self.input, left).len();
        self.used(used);
        let left = left.saturating_sub(used as u64);
        if left == 0 {
            self.blame(&reply);
            return true;
        }
        self.state = State::Receiving(Reception::Unwanted { left, reply });
        used > 0
    }

    /// The message is here in full: it is the caller's turn to make it durable.
    fn message_complete(&mut self) {
        let envelope = self.envelope();
        let Some(mut intake) = self.transaction.take().and_then(|transaction| transaction.intake) else {
            return;
        };
        match (intake.finish(&mut self.actions), envelope) {
            (Ok(()), Some(envelope)) => self.ask(Question::Commit, Action::Commit(envelope)),
            (Ok(()), None) => {}
            (Err(fault), _) => self.refuse(fault),
        }
    }

    /// The spool is already aborted; the transaction is over.
    fn refuse(&mut self, fault: Fault) {
        self.transaction = None;
        self.blame(&replies::fault(fault));
    }

    /// The peer goes on sending a message that is refused already.
    fn out_of_patience(&mut self) {
        let fault = self.transaction.as_ref().and_then(|transaction| transaction.intake.as_ref()?.fault);
        self.hang_up(&replies::fault(fault.unwrap_or(Fault::MessageTooLarge)));
    }

    pub(super) fn committed(&mut self, outcome: &Result<QueueId, Refusal>) {
        self.say(&replies::committed(outcome));
        if outcome.is_ok() {
            self.counts.idle_commands = 0;
        }
    }

    /// Bytes that may still come of this message, or of a chunk that belongs to none.
    fn patience(&self) -> u64 {
        let intake = self.transaction.as_ref().and_then(|transaction| transaction.intake.as_ref());
        intake.map_or_else(|| patience(&self.config.limits), |intake| intake.patience)
    }

    fn begin(&mut self) {
        let Some(envelope) = self.envelope() else { return };
        if let Some(transaction) = &mut self.transaction {
            transaction.intake = Some(Intake::new(&self.config.limits));
            self.actions.push_back(Action::Begin(envelope));
        }
    }

    fn used(&mut self, bytes: usize) {
        self.input.advance(bytes);
        let bytes = bytes as u64;
        if let Some(intake) = self.transaction.as_mut().and_then(|transaction| transaction.intake.as_mut()) {
            intake.patience = intake.patience.saturating_sub(bytes);
        }
        self.watch.body_bytes = self.watch.body_bytes.saturating_add(bytes);
        self.watch.progress |= self.watch.body_bytes >= self.config.limits.progress.0;
    }
}

fn patience(limits: &Limits) -> u64 {
    limits.message_size.0.saturating_add(limits.overrun.0)
}

fn first(input: &[u8], left: u64) -> &[u8] {
    input.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(input)
}
