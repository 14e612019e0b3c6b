//! The receiving side of SMTP: RFC 5321 with PIPELINING, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES, CHUNKING, STARTTLS, AUTH.
//!
//! ```text
//! loop {
//!     while let Some(action) = smtp.next_action() { .. carry it out; a question is answered at once or later .. }
//!     if smtp.wants_input() { match read_before(smtp.deadline()) { .. receive, on_timeout, or drop the connection .. } }
//! }
//! ```

mod action;
mod config;
mod intake;
mod login;
mod replies;
mod session;
mod transaction;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

pub use crate::body::BodyType;
pub use action::{
    Action, Envelope, Login, LoginVerdict, MailOptions, Mechanism, RecipientVerdict, Refusal, SenderVerdict,
};
pub use config::{Config, Encryption, Limits, PlaintextLogin, Role};

use crate::line::{Line, Lines};
use crate::queue_id::QueueId;
use crate::reply::Reply;
use intake::Reception;
use login::Exchange;
use session::Session;
use transaction::{Question, Transaction};

/// One SMTP conversation, from greeting to close. No socket, no clock, no disk.
///
/// Input is looked at when [`next_action`](Self::next_action) is called, one question at a time; what a peer pipelines behind
/// a question waits here, up to [`Limits::waiting_input`]. When the conversation is dropped after [`Action::Begin`] and before
/// the answer to [`Action::Commit`], the caller discards the spool.
pub struct Connection {
    config: Arc<Config>,
    state: State,
    session: Session,
    transaction: Option<Transaction>,
    counts: Counts,
    lines: Lines,
    input: BytesMut,
    /// Replies not yet handed over: those to pipelined commands leave in one piece (RFC 2920 section 3.2).
    output: BytesMut,
    actions: VecDeque<Action>,
    watch: Watch,
}

/// What the conversation waits for.
#[derive(Debug)]
enum State {
    /// A command.
    Command,
    /// The next line of an AUTH exchange.
    Login(Exchange),
    /// An answer of the caller.
    Asking(Question),
    /// The bytes of a message, or of a chunk that nobody wants.
    Receiving(Reception),
    /// The caller to begin the TLS handshake. Input in clear is dropped.
    Handshake,
    /// Nothing.
    Closed,
}

/// What a peer has used up of its limits.
#[derive(Debug, Default)]
struct Counts {
    errors: u32,
    idle_commands: u32,
    refused_recipients: u32,
    transactions: u32,
    login_failures: u32,
}

/// Whether the peer still does something. The clock is looked at only when the deadline has passed.
#[derive(Debug)]
struct Watch {
    deadline: Instant,
    progress: bool,
    body_bytes: u64,
    leaving: bool,
}

impl Connection {
    /// A conversation that begins now, with the greeting.
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        let deadline = now + config.limits.idle_timeout;
        let session = Session::new(config.encryption == Encryption::Implicit);
        let mut connection = Self {
            state: State::Command,
            session,
            transaction: None,
            counts: Counts::default(),
            lines: Lines::default(),
            input: BytesMut::new(),
            output: BytesMut::new(),
            actions: VecDeque::new(),
            watch: Watch { deadline, progress: false, body_bytes: 0, leaving: false },
            config,
        };
        connection.say(&replies::greeting(&connection.config.hostname));
        connection
    }

    /// A conversation that another node has held up to AUTH, over a connection that is safe, with a client that gave this name. The login is to be
    /// answered next: by yes, or not at all.
    pub fn taken_over(config: Arc<Config>, hello: String, now: Instant) -> Self {
        let mut connection = Self::new(config, now);
        connection.output.clear();
        connection.session = Session::of_client(hello);
        connection.state = State::Asking(Question::Login);
        connection
    }

    /// The name that the client gave with HELO or EHLO. Unverified, printable.
    pub fn hello_name(&self) -> Option<&str> {
        self.session.hello.as_ref().map(|hello| hello.name.as_str())
    }

    /// Another node goes on with the conversation, instead of an answer to [`Action::Authenticate`]: what the client has sent since. There is
    /// nothing left to do here.
    pub fn hand_over(&mut self) -> Bytes {
        debug_assert!(matches!(self.state, State::Asking(Question::Login)), "no login was asked about");
        debug_assert!(self.output.is_empty(), "an answer was left unsaid");
        self.state = State::Closed;
        std::mem::take(&mut self.input).freeze()
    }

    /// Takes what the peer sent. To be called only while [`wants_input`](Self::wants_input): a caller that goes on
    /// regardless ends the conversation instead of filling the memory.
    pub fn receive(&mut self, bytes: &[u8]) {
        match self.state {
            State::Closed | State::Handshake => {}
            _ if self.wants_input() => self.input.extend_from_slice(bytes),
            _ => self.hang_up(&replies::TOO_MUCH_INPUT),
        }
    }

    /// Whether [`receive`](Self::receive) may be called. If not, the caller leaves the peer's bytes in the socket.
    pub fn wants_input(&self) -> bool {
        // However small the limit on waiting input, a whole line must fit.
        let limits = &self.config.limits;
        let room = limits.waiting_input.max(limits.login_line).max(limits.command_line);
        self.input.len() <= room && !matches!(self.state, State::Closed)
    }

    /// What the caller does next; `None`: nothing before more input, an answer or the deadline.
    pub fn next_action(&mut self) -> Option<Action> {
        while self.actions.is_empty() && self.output.len() < REPLY_BATCH && self.step() {}
        if self.actions.is_empty() {
            self.flush();
        }
        let action = self.actions.pop_front();
        if matches!(action, Some(Action::StartTls)) {
            self.state = State::Command;
        }
        action
    }

    /// When to call [`on_timeout`](Self::on_timeout). Does not move with each packet. The caller bounds its writes itself,
    /// by [`Limits::idle_timeout`], and closes when a write takes longer.
    pub fn deadline(&self) -> Option<Instant> {
        (!matches!(self.state, State::Closed)).then_some(self.watch.deadline)
    }

    /// The deadline has passed: closes a conversation in which the peer did nothing since it was set, and sets the next one.
    pub fn on_timeout(&mut self, now: Instant) {
        if now < self.watch.deadline || matches!(self.state, State::Closed) {
            return;
        }
        if self.watch.progress || matches!(self.state, State::Asking(_)) {
            self.watch.deadline = now + self.config.limits.idle_timeout;
            self.watch.progress = false;
            self.watch.body_bytes = 0;
        } else {
            self.hang_up(&replies::TIMEOUT);
        }
    }

    /// The node stops: says so and closes, after the answer to the question that is open. A message that is complete is still
    /// committed, one that is half here is aborted (RFC 5321 section 3.8: the peer tries again).
    pub fn shut_down(&mut self) {
        self.watch.leaving = true;
    }

    /// What to send instead of a conversation when there are too many already.
    pub fn too_busy(config: &Config) -> Bytes {
        let mut out = BytesMut::new();
        replies::too_busy(&config.hostname).write(&mut out);
        out.freeze()
    }

    /// What to send instead of a conversation to a node with which no mail is exchanged, with the reason: one line of ASCII.
    pub fn unwelcome(config: &Config, why: &'static str) -> Bytes {
        let mut out = BytesMut::new();
        replies::unwelcome(&config.hostname, why).write(&mut out);
        out.freeze()
    }

    /// The answer to [`Action::CheckSender`].
    pub fn answer_sender(&mut self, verdict: SenderVerdict) {
        match self.question() {
            Some(Question::Sender(sender, options)) => self.sender_answered(sender, options, verdict),
            other => self.unasked(other),
        }
    }

    /// The answer to [`Action::CheckRecipient`].
    pub fn answer_recipient(&mut self, verdict: RecipientVerdict) {
        match self.question() {
            Some(Question::Recipient(recipient)) => self.recipient_answered(recipient, verdict),
            other => self.unasked(other),
        }
    }

    /// The answer to [`Action::Authenticate`].
    pub fn answer_login(&mut self, verdict: LoginVerdict) {
        match self.question() {
            Some(Question::Login) => self.login_answered(verdict),
            other => self.unasked(other),
        }
    }

    /// The answer to [`Action::Commit`].
    pub fn answer_committed(&mut self, outcome: Result<QueueId, Refusal>) {
        match self.question() {
            Some(Question::Commit) => self.committed(&outcome),
            other => self.unasked(other),
        }
    }

    fn question(&mut self) -> Option<Question> {
        match std::mem::replace(&mut self.state, State::Command) {
            State::Asking(question) => Some(question),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// An answer to nothing, or to another question: a fault of the caller. The conversation goes on as if it had not been given.
    fn unasked(&mut self, question: Option<Question>) {
        debug_assert!(matches!(self.state, State::Closed), "an answer that was not asked for");
        if let Some(question) = question {
            self.state = State::Asking(question);
        }
    }

    /// Does one thing with the input; `false` if there is nothing to do.
    fn step(&mut self) -> bool {
        if self.watch.leaving && !matches!(self.state, State::Asking(_) | State::Closed) {
            self.hang_up(&replies::SHUTTING_DOWN);
            return true;
        }
        match self.state {
            State::Command | State::Login(_) => self.take_line(),
            State::Receiving(_) => self.take_content(),
            State::Asking(_) | State::Handshake | State::Closed => false,
        }
    }

    fn take_line(&mut self) -> bool {
        let login = matches!(self.state, State::Login(_));
        let limits = &self.config.limits;
        let limit_of = |line: &[u8]| {
            let auth = line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH"));
            if login || auth { limits.login_line } else { limits.command_line }
        };
        match self.lines.take(&mut self.input, limit_of) {
            Line::Incomplete => return false,
            Line::Complete(line) if login => self.login_line(&line),
            Line::Complete(line) => self.command_line(&line),
            Line::BareLineEnd => self.broken_line(&replies::BARE_LINE_END),
            Line::TooLong if login => self.broken_line(&replies::LOGIN_LINE_TOO_LONG),
            Line::TooLong => self.broken_line(&replies::LINE_TOO_LONG),
        }
        self.watch.progress = true;
        true
    }

    fn broken_line(&mut self, reply: &Reply) {
        self.state = State::Command;
        self.blame(reply);
    }

    fn say(&mut self, reply: &Reply) {
        reply.write(&mut self.output);
    }

    /// A refusal that is the peer's own fault; too many of them end the conversation.
    fn blame(&mut self, reply: &Reply) {
        self.say(reply);
        self.counts.errors += 1;
        if self.counts.errors >= self.config.limits.errors {
            self.hang_up(&replies::TOO_MANY_ERRORS);
        }
    }

    /// A command that moves no mail; too many of them between two messages end the conversation.
    fn idle(&mut self, reply: &Reply) {
        self.say(reply);
        self.count_idle_command();
    }

    fn count_idle_command(&mut self) {
        self.counts.idle_commands += 1;
        if self.counts.idle_commands >= self.config.limits.idle_commands {
            self.hang_up(&replies::TOO_MANY_COMMANDS);
        }
    }

    fn ask(&mut self, question: Question, action: Action) {
        self.state = State::Asking(question);
        self.actions.push_back(action);
    }

    /// Ends the message that was begun, if one was.
    fn abort(&mut self) {
        if self.transaction.take().is_some_and(|transaction| transaction.is_spooling()) {
            self.actions.push_back(Action::Abort);
        }
    }

    /// The last words, and the end.
    fn hang_up(&mut self, reply: &Reply) {
        self.abort();
        self.say(reply);
        self.flush();
        self.actions.push_back(Action::Close);
        self.state = State::Closed;
        self.input = BytesMut::new();
    }

    fn flush(&mut self) {
        if !self.output.is_empty() {
            let replies = self.output.split().freeze();
            self.actions.push_back(Action::Send(replies));
        }
        if self.input.is_empty() && self.input.capacity() > IDLE_INPUT {
            // Hundreds of connections idle at once: they must cost nothing.
            self.input = BytesMut::new();
        }
    }
}

/// Neither bodies nor passwords: lengths only.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.state)
            .field("session", &self.session)
            .field("counts", &self.counts)
            .field("input_bytes", &self.input.len())
            .field("output_bytes", &self.output.len())
            .finish_non_exhaustive()
    }
}

/// Replies to pipelined commands are gathered up to this size.
const REPLY_BATCH: usize = 4096;
/// A buffer up to this size is kept while a connection idles.
const IDLE_INPUT: usize = 4096;
