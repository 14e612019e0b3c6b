//! One IMAP conversation: who may speak when.
//!
//! Bytes go in by [`Connection::receive`]; [`Connection::next_action`] says what to do, until it says nothing; where an
//! action asks, the answer goes in by one of the `answer_` methods. No socket, no clock, no disk.

mod action;
mod append;
mod capability;
mod command;
mod frame;
mod login;
mod refuse;
mod settings;

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};

pub use action::{Action, Awareness, Outcome};
pub use settings::{Limits, Settings, Transport};

use self::append::{AfterMessage, Body};
use self::frame::Framer;
use self::refuse::Refused;
use crate::command::{Access, AppendMessage};
use crate::parse::LiteralHead;
use crate::{Condition, Enabled, Extension, Reply, ResponseCode, Tag};

/// One conversation, from greeting to close.
pub struct Connection {
    settings: Settings,
    enabled: Enabled,
    state: State,
    phase: Phase,
    input: BytesMut,
    framer: Framer,
    actions: VecDeque<Action>,
    /// Commands answered BAD since the last that was answered OK.
    errors: u32,
    /// Logins refused.
    logins: u32,
    opened: Option<Instant>,
    /// Since when the client has been silent, as far as the caller has told.
    silent: Option<Instant>,
}

/// RFC 9051 section 3: what the client has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody is logged in.
    NotAuthenticated,
    /// Somebody is; no mailbox is selected.
    Authenticated,
    /// A mailbox is.
    Selected(Access),
}

/// Whose turn it is, and for what.
#[derive(Debug)]
enum Phase {
    /// The client's: a command.
    Command,
    /// The client's: what is left of a command that was refused.
    Refused(Refused),
    /// The client's: its response to AUTHENTICATE.
    Sasl { tag: Tag },
    /// The client's: the bytes of a message.
    Body(Body),
    /// The client's: another message, or the end of APPEND.
    AfterMessage(AfterMessage),
    /// The client's: DONE. The caller may speak as well.
    Idle { tag: Tag },
    /// The caller's: an answer.
    Ask(Ask),
    /// Nobody's.
    Closed,
}

/// What the caller is asked.
#[derive(Debug)]
enum Ask {
    Login { tag: Tag },
    Run { tag: Tag, then: Then },
    AppendBegin { tag: Tag, message: AppendMessage, head: LiteralHead },
    AppendMessage { tag: Tag, message: AppendMessage, head: LiteralHead },
}

/// What a command does to the state once it is done.
#[derive(Debug)]
enum Then {
    Nothing,
    Select,
    Deselect,
    /// The client said something other than DONE.
    BadIdle,
}

/// Did anything happen?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Done,
    Stuck,
}

impl Phase {
    /// An answer came that nobody asked for. Only [`Connection::bye`] can make that happen without a fault of the caller's.
    fn not_asked(&self, about: &str) {
        debug_assert!(matches!(self, Self::Closed), "nothing was asked about {about}: {self:?}");
    }
}

impl Connection {
    /// A conversation that begins with the server's greeting.
    pub fn new(settings: Settings) -> Self {
        let mut connection = Self {
            settings,
            enabled: Enabled::NONE,
            state: State::NotAuthenticated,
            phase: Phase::Command,
            input: BytesMut::new(),
            framer: Framer::default(),
            actions: VecDeque::new(),
            errors: 0,
            logins: 0,
            opened: None,
            silent: None,
        };
        let greeting = Reply::coded(connection.capability_code(), "ready");
        connection.untagged(Condition::Ok, &greeting);
        connection
    }

    /// A conversation that another node has held up to a login with this tag, over a connection that is safe. The login is to be answered next:
    /// by yes, or not at all.
    pub fn taken_over(settings: Settings, tag: Tag) -> Self {
        let mut connection = Self::new(settings);
        connection.actions.clear();
        connection.settings.transport = Transport::Tls;
        connection.phase = Phase::Ask(Ask::Login { tag });
        connection
    }

    /// Another node goes on with the conversation, instead of an answer to [`Action::Authenticate`]: what the client has sent since. There is
    /// nothing left to do here.
    pub fn hand_over(&mut self) -> Bytes {
        match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Ask(Ask::Login { .. }) => {}
            phase => phase.not_asked("a login"),
        }
        std::mem::take(&mut self.input).freeze()
    }

    /// Takes what the client sent. Call it only if [`wants_input`](Self::wants_input): what comes while an answer is
    /// awaited is kept, but not more of it than one command may have.
    pub fn receive(&mut self, bytes: &[u8]) {
        if matches!(self.phase, Phase::Closed) || bytes.is_empty() {
            return;
        }
        if matches!(self.phase, Phase::Ask(_)) && self.input.len() + bytes.len() > self.command_max() {
            return self.bye(&Reply::coded(ResponseCode::ClientBug, "too much was sent ahead"));
        }
        self.silent = None;
        self.input.extend_from_slice(bytes);
    }

    /// What to do next; `None` if it is the client's turn, or the caller's to answer.
    pub fn next_action(&mut self) -> Option<Action> {
        while self.actions.is_empty() && self.step() == Step::Done {}
        let action = self.actions.pop_front()?;
        if matches!(action, Action::StartTls) {
            self.encrypted();
        }
        Some(action)
    }

    /// Should the caller read from the socket now? Not while an answer is awaited: the client's next commands wait in the
    /// socket, not in memory.
    pub fn wants_input(&self) -> bool {
        !matches!(self.phase, Phase::Ask(_) | Phase::Closed)
    }

    /// How far the client has got.
    pub fn state(&self) -> State {
        self.state
    }

    /// What the client has enabled: how to encode responses.
    pub fn enabled(&self) -> Enabled {
        self.enabled
    }

    /// Answers [`Action::Authenticate`]. A refusal is answered NO, and told the client as it is.
    pub fn answer_login(&mut self, verdict: Result<(), Reply>) {
        match self.take_phase() {
            Phase::Ask(Ask::Login { tag }) => self.logged_in(&tag, verdict),
            phase => phase.not_asked("a login"),
        }
    }

    /// Answers [`Action::RunAccount`], [`Action::RunMailbox`], [`Action::AppendCommit`] and [`Action::IdleDone`].
    pub fn answer_done(&mut self, outcome: Outcome) {
        match self.take_phase() {
            Phase::Ask(Ask::Run { tag, then }) => self.ended(&tag, &then, outcome),
            phase => phase.not_asked("a command"),
        }
    }

    /// Answers [`Action::AppendBegin`] and [`Action::AppendMessage`]. If a message is refused, [`Action::AppendAbort`]
    /// follows.
    pub fn answer_append(&mut self, verdict: Result<(), Reply>) {
        match self.take_phase() {
            Phase::Ask(Ask::AppendBegin { tag, message, head }) => {
                self.append_begun(tag, message, head, verdict)
            }
            Phase::Ask(Ask::AppendMessage { tag, message, head }) => {
                self.append_message_answered(tag, &message, head, verdict);
            }
            phase => phase.not_asked("a message"),
        }
    }

    /// Until when to wait for the client; `None` if it is not its turn. Ask before each wait, with the time it begins.
    pub fn deadline(&mut self, now: Instant) -> Option<Instant> {
        if !self.wants_input() {
            return None;
        }
        let limits = &self.settings.limits;
        let opened = *self.opened.get_or_insert(now);
        let silent = *self.silent.get_or_insert(now);
        let between_commands =
            matches!(self.phase, Phase::Command | Phase::Idle { .. }) && self.input.is_empty();
        match self.state {
            State::NotAuthenticated => opened.checked_add(limits.login_timeout),
            _ if between_commands => silent.checked_add(limits.idle_timeout),
            _ => silent.checked_add(limits.stall_timeout),
        }
    }

    /// Says that it is `now` and nothing came. Before the deadline this changes nothing.
    pub fn on_timeout(&mut self, now: Instant) {
        if self.deadline(now).is_some_and(|deadline| deadline <= now) {
            self.bye(&Reply::new("silent for too long"));
        }
    }

    /// Ends the conversation from this side: for a shutdown, or when the account is closed.
    pub fn bye(&mut self, reply: &Reply) {
        let phase = std::mem::replace(&mut self.phase, Phase::Closed);
        if matches!(phase, Phase::Closed) {
            return;
        }
        if matches!(phase, Phase::Body(_) | Phase::AfterMessage(_) | Phase::Ask(Ask::AppendMessage { .. })) {
            self.actions.push_back(Action::AppendAbort);
        }
        self.input = BytesMut::new();
        self.untagged(Condition::Bye, reply);
        self.actions.push_back(Action::Close);
    }

    fn step(&mut self) -> Step {
        match &self.phase {
            Phase::Command => self.step_command(),
            Phase::Refused(_) => self.step_refused(),
            Phase::Sasl { .. } => self.step_sasl(),
            Phase::Body(_) => self.step_body(),
            Phase::AfterMessage(_) => self.step_after_message(),
            Phase::Idle { .. } => self.step_idle(),
            Phase::Ask(_) | Phase::Closed => Step::Stuck,
        }
    }

    /// Leaves `Command` behind, which is what most phases end in. A conversation that is closed stays so.
    fn take_phase(&mut self) -> Phase {
        let next = if matches!(self.phase, Phase::Closed) { Phase::Closed } else { Phase::Command };
        self.silent = None;
        std::mem::replace(&mut self.phase, next)
    }

    /// Removes the first `length` bytes of the input and begins a new command behind them.
    fn consume(&mut self, length: usize) -> BytesMut {
        self.framer = Framer::default();
        let front = self.input.split_to(length.min(self.input.len()));
        if self.input.is_empty() {
            // A client that idles for hours holds no buffer.
            self.input = BytesMut::new();
        }
        front
    }

    fn command_max(&self) -> usize {
        match self.state {
            State::NotAuthenticated => self.settings.limits.command_before_login,
            _ => self.settings.limits.command,
        }
    }

    fn literal_max(&self) -> usize {
        match self.state {
            State::NotAuthenticated => self.settings.limits.literal_before_login,
            _ => self.settings.limits.literal,
        }
    }

    fn drain_max(&self) -> u64 {
        match self.state {
            State::NotAuthenticated => self.settings.limits.command_before_login as u64,
            _ => self.settings.limits.drain.0,
        }
    }

    /// RFC 9051 section 6.2.1: what was said in clear, in either direction, is forgotten.
    fn encrypted(&mut self) {
        self.settings.transport = Transport::Tls;
        self.enabled = Enabled::NONE;
        self.input = BytesMut::new();
        self.framer = Framer::default();
    }

    fn capabilities(&self) -> String {
        capability::capabilities(self.state, self.settings.transport, self.settings.limits.message)
    }

    fn capability_code(&self) -> ResponseCode {
        ResponseCode::Capability(self.capabilities().into())
    }

    fn send(&mut self, bytes: &'static [u8]) {
        self.actions.push_back(Action::Send(Bytes::from_static(bytes)));
    }

    fn untagged(&mut self, condition: Condition, reply: &Reply) {
        self.status(b"*", condition, reply);
    }

    /// The answer to a command. BAD is counted, and too many in a row end the conversation.
    fn tagged(&mut self, tag: &Tag, condition: Condition, reply: &Reply) {
        self.status(tag.as_bytes(), condition, reply);
        self.count(condition);
    }

    fn count(&mut self, condition: Condition) {
        match condition {
            Condition::Bad => self.errors += 1,
            Condition::Ok if self.state != State::NotAuthenticated => self.errors = 0,
            _ => {}
        }
        if self.errors >= self.settings.limits.errors {
            self.bye(&Reply::coded(ResponseCode::ClientBug, "too many bad commands"));
        }
    }

    fn status(&mut self, tag: &[u8], condition: Condition, reply: &Reply) {
        let mut out = BytesMut::with_capacity(STATUS_LEN_TYPICAL);
        out.put_slice(tag);
        out.put_u8(b' ');
        reply.write(condition, &mut out, self.enabled);
        self.actions.push_back(Action::Send(out.freeze()));
    }

    /// RFC 7162 section 3.1: from now on the client knows mod-sequences.
    fn condstore_aware(&mut self) -> Awareness {
        if self.enabled.contains(Extension::Condstore) {
            return Awareness::Unchanged;
        }
        self.enabled = self.enabled.with(Extension::Condstore);
        Awareness::New
    }
}

impl fmt::Debug for Connection {
    /// Without the input: there may be a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.state)
            .field("enabled", &self.enabled)
            .field("phase", &self.phase)
            .field("input_bytes", &self.input.len())
            .finish_non_exhaustive()
    }
}

const STATUS_LEN_TYPICAL: usize = 128;
