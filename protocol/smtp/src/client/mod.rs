//! The sending side of SMTP: to an MX or to a smart host, with STARTTLS, AUTH PLAIN, PIPELINING, SIZE, 8BITMIME and SMTPUTF8.
//!
//! ```text
//! let mut smtp = Connection::new(config, now);
//! smtp.deliver(delivery);
//! loop {
//!     while let Some(action) = smtp.next_action() { .. Report: deliver the next, or quit .. }
//!     match read_before(smtp.deadline()) { .. receive, on_timeout or on_closed .. }
//! }
//! ```

mod action;
mod ascii;
mod config;
mod delivery;
mod extensions;
mod hello;
mod reply;
mod transaction;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;

pub use action::Action;
pub use config::{Config, Encryption, Limits, Login, Timeouts};
pub use delivery::{Cause, Delivery, Failure, Outcome, Report, Stage, ToHoster};
pub use reply::RemoteReply;

use crate::body::Stuff;
use extensions::Extensions;
use reply::ReplyReader;
use transaction::Transaction;

/// One outgoing conversation, for any number of deliveries one after another. No socket, no clock, no disk.
pub struct Connection {
    config: Arc<Config>,
    state: State,
    encrypted: bool,
    extensions: Extensions,
    transaction: Option<Transaction>,
    reader: ReplyReader,
    input: BytesMut,
    output: BytesMut,
    actions: VecDeque<Action>,
    deadline: Instant,
    /// Something was heard, or the caller wrote something, since the deadline was set.
    progress: bool,
    /// QUIT follows as soon as nothing else is awaited.
    leaving: bool,
}

#[derive(Debug)]
enum State {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    /// Until the caller begins the handshake. Whatever is received here was injected in clear.
    Handshake,
    Login,
    /// Ready for a delivery.
    Idle,
    /// MAIL and RCPT.
    Envelope,
    Data,
    Body(Stuff, Asked),
    /// The final dot was sent.
    End,
    Reset,
    Quit,
    /// And what became of a delivery that is given now.
    Closed(Outcome),
}

/// Whether a piece of the message was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Yes,
    No,
}

impl Connection {
    /// A conversation over a connection that was just made.
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        Self {
            state: State::Greeting,
            encrypted: config.encryption == Encryption::Implicit,
            extensions: Extensions::default(),
            transaction: None,
            reader: ReplyReader::default(),
            input: BytesMut::new(),
            output: BytesMut::new(),
            actions: VecDeque::new(),
            deadline: now + config.limits.timeouts.greeting,
            progress: false,
            leaving: false,
            config,
        }
    }

    /// The next message. At the beginning, and again after each [`Action::Report`]; one at a time. On a conversation that has
    /// ended the report comes at once.
    pub fn deliver(&mut self, delivery: Delivery) {
        debug_assert!(self.transaction.is_none(), "one delivery at a time");
        self.transaction = Some(Transaction::new(delivery));
        match &self.state {
            State::Idle => self.begin(),
            State::Closed(outcome) => {
                let outcome = outcome.clone();
                self.report(&outcome);
            }
            _ => {}
        }
    }

    /// There is nothing more to deliver: says QUIT, as soon as nothing else is awaited, and waits for the reply (RFC 5321
    /// section 4.1.1.10).
    pub fn quit(&mut self) {
        debug_assert!(self.transaction.is_none(), "a delivery is under way");
        self.leaving = true;
        if matches!(self.state, State::Idle) {
            self.say_quit();
        }
    }

    /// Takes what the host sent.
    pub fn receive(&mut self, bytes: &[u8]) {
        match self.state {
            State::Closed(_) => {}
            State::Handshake => self.fail(Cause::Protocol("it spoke in clear after STARTTLS")),
            _ if self.input.len() > INPUT_MAX => self.fail(Cause::Protocol("it does not stop speaking")),
            _ => self.input.extend_from_slice(bytes),
        }
    }

    /// The host closed the connection.
    pub fn on_closed(&mut self) {
        match self.state {
            State::Quit => self.close(Outcome::Temporary(self.failure(Cause::Lost))),
            _ => self.fail(Cause::Lost),
        }
    }

    /// The handshake asked for by [`Action::StartTls`] failed.
    pub fn tls_failed(&mut self) {
        if !matches!(self.state, State::Closed(_)) {
            self.state = State::StartTls;
            self.fail(Cause::TlsFailed);
        }
    }

    /// The next piece of the message, asked for by [`Action::WantBody`]. 64 KiB is a good size.
    pub fn body(&mut self, piece: &[u8]) {
        // After a refusal in the middle nobody wants it any more.
        if let State::Body(stuff, asked) = &mut self.state {
            stuff.feed(piece, &mut self.output);
            *asked = Asked::No;
            self.progress = true;
        }
    }

    /// The message was given in full.
    pub fn body_end(&mut self) {
        if let State::Body(stuff, _) = &mut self.state {
            std::mem::take(stuff).finish(&mut self.output);
            self.state = State::End;
            self.progress = true;
        }
    }

    /// The message cannot be read. The connection is closed without the final dot, so that nothing is delivered.
    pub fn body_failed(&mut self) {
        if matches!(self.state, State::Body(..)) {
            self.fail(Cause::NoBody);
        }
    }

    /// What the caller does next; `None`: nothing before more input or the deadline.
    pub fn next_action(&mut self) -> Option<Action> {
        while self.actions.is_empty() && self.step() {}
        if self.actions.is_empty() {
            self.flush();
        }
        let action = self.actions.pop_front();
        if matches!(action, Some(Action::StartTls)) {
            self.encrypted = true;
            self.ehlo();
        }
        action
    }

    /// When to call [`on_timeout`](Self::on_timeout), also during a write. Does not move with each packet.
    pub fn deadline(&self) -> Option<Instant> {
        (!matches!(self.state, State::Closed(_))).then_some(self.deadline)
    }

    /// The deadline has passed: gives up if the host did nothing since it was set, and sets the next one if it did.
    pub fn on_timeout(&mut self, now: Instant) {
        if now < self.deadline {
            return;
        }
        if std::mem::take(&mut self.progress) {
            self.deadline = now + self.patience();
        } else {
            self.fail(Cause::Timeout);
        }
    }

    fn patience(&self) -> Duration {
        let timeouts = &self.config.limits.timeouts;
        match self.state {
            State::Greeting => timeouts.greeting,
            State::Data => timeouts.data,
            State::Body(..) => timeouts.body,
            State::End => timeouts.end,
            _ => timeouts.command,
        }
    }

    fn stage(&self) -> Stage {
        match self.state {
            State::Greeting => Stage::Greeting,
            State::Ehlo | State::Helo => Stage::Hello,
            State::StartTls | State::Handshake => Stage::StartTls,
            State::Login => Stage::Login,
            State::Envelope if self.transaction.as_ref().is_some_and(Transaction::is_past_sender) => {
                Stage::Recipient
            }
            State::Idle | State::Envelope | State::Reset | State::Quit | State::Closed(_) => Stage::Sender,
            State::Data | State::Body(..) => Stage::Body,
            State::End => Stage::End,
        }
    }

    /// Takes one reply, or asks for a piece of the message; `false` if there is nothing to do.
    fn step(&mut self) -> bool {
        if matches!(self.state, State::Closed(_) | State::Handshake) {
            return false;
        }
        match self.reader.take(&mut self.input, &self.config.limits) {
            Ok(Some(lines)) => {
                self.progress = true;
                self.reply(lines.reply, &lines.lines);
                true
            }
            Ok(None) => self.ask_for_body(),
            Err(what) => {
                self.fail(Cause::Protocol(what));
                true
            }
        }
    }

    fn ask_for_body(&mut self) -> bool {
        match &mut self.state {
            State::Body(_, asked @ Asked::No) if self.output.is_empty() => {
                *asked = Asked::Yes;
                self.actions.push_back(Action::WantBody);
                true
            }
            _ => false,
        }
    }

    fn reply(&mut self, reply: RemoteReply, lines: &[String]) {
        // RFC 5321 section 3.8: after 421 the host is gone, whatever was asked.
        if reply.code() == 421 {
            return self.refused(reply);
        }
        if self.leaving && self.transaction.is_none() && matches!(self.state, State::Greeting | State::Ehlo) {
            return self.say_quit();
        }
        match self.state {
            State::Greeting if reply.is_positive() => self.ehlo(),
            State::Ehlo => self.ehlo_answered(reply, lines),
            State::Helo if reply.is_positive() => self.hello_done(Extensions::default()),
            State::StartTls => self.start_tls_answered(reply),
            State::Login => self.login_answered(reply),
            State::Envelope => self.envelope_answered(reply),
            State::Data => self.data_answered(reply),
            State::End => self.end_answered(reply),
            State::Reset => self.ready(),
            State::Quit => self.close(Outcome::Temporary(self.failure(Cause::Lost))),
            State::Greeting | State::Helo | State::Body(..) | State::Idle => self.refused(reply),
            State::Handshake | State::Closed(_) => {}
        }
    }

    fn command(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    fn say_quit(&mut self) {
        self.command("QUIT");
        self.state = State::Quit;
    }

    fn failure(&self, cause: Cause) -> Failure {
        Failure { stage: self.stage(), cause }
    }

    /// The conversation ends for a reason of ours or of the network: everything undelivered is tried again.
    fn fail(&mut self, cause: Cause) {
        self.close(Outcome::Temporary(self.failure(cause)));
    }

    /// The conversation ends because the host said so.
    fn refused(&mut self, reply: RemoteReply) {
        // After 421 nobody listens.
        let polite = matches!(self.state, State::Greeting | State::Ehlo | State::Helo) && reply.code() != 421;
        let outcome = match (self.stage(), reply.code()) {
            (_, 200..400) => {
                Outcome::Temporary(self.failure(Cause::Protocol("a reply that was not asked for")))
            }
            (stage, _) => Outcome::refused(stage, reply),
        };
        if polite {
            self.command("QUIT");
            self.flush();
        }
        self.close(outcome);
    }

    fn close(&mut self, outcome: Outcome) {
        if matches!(self.state, State::Closed(_)) {
            return;
        }
        self.report(&outcome);
        self.actions.push_back(Action::Close);
        self.state = State::Closed(outcome);
        self.input = BytesMut::new();
        self.output = BytesMut::new();
    }

    /// Ends the delivery under way, if there is one: `rest` is for the recipients whose fate was open.
    fn report(&mut self, rest: &Outcome) {
        if let Some(transaction) = self.transaction.take() {
            self.actions.push_back(Action::Report(transaction.report(rest)));
        }
    }

    fn flush(&mut self) {
        if !self.output.is_empty() {
            let bytes = self.output.split().freeze();
            self.actions.push_back(Action::Send(bytes));
        }
    }
}

/// Neither messages nor passwords.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.state)
            .field("encrypted", &self.encrypted)
            .field("transaction", &self.transaction)
            .field("input_bytes", &self.input.len())
            .field("output_bytes", &self.output.len())
            .finish_non_exhaustive()
    }
}

/// What a host may say ahead of being listened to: the replies to everything that is pipelined, several times over.
const INPUT_MAX: usize = 256 << 10;
