//! MAIL, RCPT, DATA: one delivery.

use essaim_types::Address;

use super::ascii::Spelling;
use super::{Asked, Cause, Connection, Delivery, Failure, Outcome, RemoteReply, Report, Stage, State};
use crate::body::{BodyType, Stuff};

/// A delivery and how far it is.
#[derive(Debug)]
pub(super) struct Transaction {
    delivery: Delivery,
    /// The recipients that this host can be told, by their places in the delivery.
    named: Vec<usize>,
    /// Commands written: MAIL, then one RCPT for each named recipient.
    sent: usize,
    /// Replies to them.
    answered: usize,
    /// MAIL was refused.
    sender_refused: Option<Outcome>,
    /// For each recipient, once it is known.
    outcomes: Vec<Option<Outcome>>,
}

impl Transaction {
    pub(super) fn new(delivery: Delivery) -> Self {
        let outcomes = vec![None; delivery.recipients.len()];
        let named = (0..outcomes.len()).collect();
        Self { delivery, named, sent: 0, answered: 0, sender_refused: None, outcomes }
    }

    pub(super) fn is_past_sender(&self) -> bool {
        self.answered > 0
    }

    /// `rest` is for the recipients whose fate was open.
    pub(super) fn report(self, rest: &Outcome) -> Report {
        let outcomes = self.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| rest.clone()));
        Report { recipients: self.delivery.recipients.into_iter().zip(outcomes).collect() }
    }

    fn is_internationalized(&self) -> bool {
        let mut addresses = self.delivery.sender.iter().chain(&self.delivery.recipients);
        self.delivery.smtputf8 || addresses.any(Address::is_internationalized)
    }

    /// RFC 6531 section 3.2: whether a host without SMTPUTF8 can be given this message from this sender.
    fn is_ascii(&self) -> bool {
        let sender = self.delivery.sender.as_ref();
        !self.delivery.smtputf8 && sender.is_none_or(|sender| Spelling::Ascii.write(sender).is_some())
    }

    /// To a host without SMTPUTF8: those whose address cannot be written fail, the others get the message.
    fn leave_out_unwritable(&mut self) {
        let Self { delivery, named, outcomes, .. } = self;
        named.retain(|&place| {
            let fits = delivery.recipients.get(place).is_some_and(|to| Spelling::Ascii.write(to).is_some());
            if let Some(outcome) = outcomes.get_mut(place).filter(|_| !fits) {
                let failure = Failure { stage: Stage::Recipient, cause: Cause::NoSmtpUtf8 };
                *outcome = Some(Outcome::Permanent(failure));
            }
            fits
        });
    }

    /// The recipient that the command with this number names; `None` for MAIL, and after the last.
    fn recipient(&self, command: usize) -> Option<usize> {
        self.named.get(command.checked_sub(1)?).copied()
    }

    fn is_wanted_by_somebody(&self) -> bool {
        self.outcomes.iter().any(Option::is_none)
    }

    /// Takes the reply to the oldest command without one.
    fn answer(&mut self, reply: RemoteReply) {
        let (is_mail, recipient) = (self.answered == 0, self.recipient(self.answered));
        self.answered += 1;
        // After a refused MAIL what is said about recipients means nothing.
        if reply.is_positive() || self.sender_refused.is_some() {
            return;
        }
        if is_mail {
            self.sender_refused = Some(Outcome::refused(Stage::Sender, reply));
        } else if let Some(outcome) = recipient.and_then(|place| self.outcomes.get_mut(place)) {
            *outcome = Some(Outcome::refused(Stage::Recipient, reply));
        }
    }
}

impl Connection {
    /// A delivery is here and the host is ready for it.
    pub(super) fn begin(&mut self) {
        let Some(transaction) = &mut self.transaction else { return };
        if !self.extensions.smtputf8 {
            transaction.leave_out_unwritable();
        }
        let limit = self.extensions.size_limit();
        let cause = match limit.filter(|limit| transaction.delivery.size > *limit) {
            Some(limit) => Some(Cause::TooLarge(limit)),
            None if !self.extensions.smtputf8 && !transaction.is_ascii() => Some(Cause::NoSmtpUtf8),
            None if transaction.delivery.body == BodyType::EightBit && !self.extensions.eight_bit => {
                Some(Cause::NoEightBit)
            }
            None => None,
        };
        if let Some(cause) = cause {
            return self.report(&Outcome::Permanent(Failure { stage: Stage::Sender, cause }));
        }
        if transaction.named.is_empty() {
            // Every recipient has its outcome; nothing was said to the host.
            return self.report(&Outcome::Temporary(Failure { stage: Stage::Recipient, cause: Cause::Lost }));
        }
        self.state = State::Envelope;
        self.go_on();
    }

    pub(super) fn envelope_answered(&mut self, reply: RemoteReply) {
        if reply.is_intermediate() {
            return self.fail(Cause::Protocol("a reply that asks for more"));
        }
        let Some(transaction) = &mut self.transaction else { return };
        transaction.answer(reply);
        if transaction.answered == transaction.sent {
            self.go_on();
        }
    }

    /// RFC 5321 section 3.3: only 354 opens the message.
    pub(super) fn data_answered(&mut self, reply: RemoteReply) {
        if reply.is_intermediate() {
            self.state = State::Body(Stuff::default(), Asked::No);
        } else if reply.is_positive() {
            self.fail(Cause::Protocol("it did not ask for the message"));
        } else {
            self.report(&Outcome::refused(Stage::Body, reply));
            self.reset();
        }
    }

    pub(super) fn end_answered(&mut self, reply: RemoteReply) {
        if reply.is_intermediate() {
            return self.fail(Cause::Protocol("a reply that asks for more"));
        }
        let rest =
            if reply.is_positive() { Outcome::Delivered(reply) } else { Outcome::refused(Stage::End, reply) };
        self.state = State::Idle;
        self.report(&rest);
    }

    /// Everything sent is answered: sends what comes next.
    fn go_on(&mut self) {
        let Some(transaction) = &self.transaction else { return };
        if let Some(refusal) = transaction.sender_refused.clone() {
            self.report(&refusal);
            return self.reset();
        }
        if transaction.sent <= transaction.named.len() {
            return self.send_envelope();
        }
        if transaction.is_wanted_by_somebody() {
            self.command("DATA");
            self.state = State::Data;
        } else {
            self.report(&Outcome::Temporary(self.failure(Cause::Lost)));
            self.reset();
        }
    }

    /// As many commands as may be sent ahead of their replies. DATA waits: with nobody to send to there is no going back from it.
    fn send_envelope(&mut self) {
        let ahead = if self.extensions.pipelining { self.config.limits.pipelined_commands.max(1) } else { 1 };
        for _ in 0..ahead {
            let Some(transaction) = &self.transaction else { return };
            let line = match transaction.sent {
                0 => self.mail_line(transaction),
                next => {
                    match transaction.recipient(next).and_then(|to| transaction.delivery.recipients.get(to)) {
                        Some(recipient) => format!("RCPT TO:<{}>", self.spell(recipient)),
                        None => return,
                    }
                }
            };
            self.command(&line);
            if let Some(transaction) = &mut self.transaction {
                transaction.sent += 1;
            }
        }
    }

    fn mail_line(&self, transaction: &Transaction) -> String {
        let delivery = &transaction.delivery;
        let sender = delivery.sender.as_ref().map(|sender| self.spell(sender)).unwrap_or_default();
        let mut line = format!("MAIL FROM:<{sender}>");
        if self.extensions.size.is_some() {
            line += &format!(" SIZE={}", delivery.size.0);
        }
        if delivery.body == BodyType::EightBit {
            line += " BODY=8BITMIME";
        }
        if self.extensions.smtputf8 && transaction.is_internationalized() {
            line += " SMTPUTF8";
        }
        if let Some(hoster) = &delivery.hoster {
            if self.extensions.entry {
                line += &format!(" XENTRY={}", hoster.entry);
            }
            if self.extensions.moved && hoster.moved {
                line += " XMOVED";
            }
        }
        line
    }

    /// An address as this host reads it: [`Connection::begin`] has made sure that it can.
    fn spell(&self, address: &Address) -> String {
        let spelling = if self.extensions.smtputf8 { Spelling::Unicode } else { Spelling::Ascii };
        spelling.write(address).unwrap_or_else(|| address.to_string())
    }

    fn reset(&mut self) {
        self.command("RSET");
        self.state = State::Reset;
    }
}
