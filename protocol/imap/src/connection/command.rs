//! Commands: which are allowed in which state, and those that the conversation answers itself.

use bytes::BytesMut;

use super::frame::{CRLF, Framed, Framer, Literals};
use super::{Action, Ask, Awareness, Connection, Outcome, Phase, State, Step, Then, Transport};
use crate::command::{Access, Command, Enable, Id};
use crate::parse::{Cursor, LiteralHead, Needs, Refusal, Verb, Waiting, head};
use crate::response::Encoder;
use crate::{AccountCommand, Condition, MailboxCommand, Reply, ResponseCode, SessionCommand, Tag};

impl Connection {
    pub(super) fn step_command(&mut self) -> Step {
        let max = self.command_max();
        match self.framer.next(&self.input, Literals::Read, max) {
            Framed::More => return Step::Stuck,
            Framed::OutOfStep(why) => return self.out_of_step(why),
            Framed::BareLf(length) => {
                let line = self.consume(length);
                let (tag, _) = head(&mut Cursor::new(&line, self.enabled));
                self.refuse(tag.as_ref(), &Refusal::bare_lf());
            }
            Framed::Literal(end, literal) => self.literal(end, literal),
            Framed::Command(end) => {
                let mut line = self.consume(end + CRLF);
                line.truncate(end);
                self.whole(&line);
            }
        }
        Step::Done
    }

    /// A command up to the head of a literal: is it worth reading on?
    fn literal(&mut self, end: usize, literal: LiteralHead) {
        let before = self.input.get(..end).unwrap_or_default();
        let mut cursor = Cursor::new(before, self.enabled);
        let (tag, verb) = head(&mut cursor);
        let checked = verb.and_then(|verb| self.allowed(verb).map(|()| verb));
        let is_message = checked == Ok(Verb::Append) && cursor.rest().len() > literal.length + " ".len();
        if let (Some(tag), true) = (&tag, is_message) {
            let begin = self.read_append(&mut cursor);
            self.consume(end + CRLF);
            return self.append_begin(tag.clone(), literal, begin);
        }
        if let Err(refusal) = checked.and_then(|_| self.literal_allowed(end, literal)) {
            self.consume(end + CRLF);
            return self.refuse_at(literal, tag, refusal);
        }
        let size = usize::try_from(literal.size).unwrap_or(usize::MAX);
        self.framer.keep_literal(end, size);
        if literal.waiting == Waiting::ForContinuation {
            self.send(b"+ go on\r\n");
        }
    }

    fn literal_allowed(&self, end: usize, literal: LiteralHead) -> Result<(), Refusal> {
        let too_big = literal.size > self.literal_max() as u64
            || Framer::length_with(end, literal.size) > self.command_max() as u64;
        match () {
            () if literal.binary => Err(Refusal::bad("only a message can be a literal8")),
            () if too_big => Err(Refusal::no(ResponseCode::TooBig, "the literal is too long")),
            () => Ok(()),
        }
    }

    fn whole(&mut self, line: &BytesMut) {
        let mut cursor = Cursor::new(line, self.enabled);
        let (tag, verb) = head(&mut cursor);
        if self.state == State::NotAuthenticated && verb.is_err() && is_http(line) {
            self.out_of_step("this is IMAP, not HTTP");
            return;
        }
        let command =
            verb.and_then(|verb| self.allowed(verb).and_then(|()| Command::read(verb, &mut cursor)));
        match (tag, command) {
            (Some(tag), Ok(Some(command))) => self.run(tag, command),
            (tag, Ok(_)) => {
                self.refuse(tag.as_ref(), &Refusal::bad("APPEND ends with a message as a literal"))
            }
            (tag, Err(refusal)) => self.refuse(tag.as_ref(), &refusal),
        }
    }

    /// RFC 9051 section 3: in the wrong state a command is BAD.
    fn allowed(&self, verb: Verb) -> Result<(), Refusal> {
        let (login, mailbox) = match self.state {
            State::NotAuthenticated => (false, false),
            State::Authenticated => (true, false),
            State::Selected(_) => (true, true),
        };
        match verb.needs() {
            Needs::NoLogin if login => Err(Refusal::bad("you are logged in")),
            Needs::LoginOnly if mailbox => Err(Refusal::bad("not while a mailbox is selected")),
            Needs::LoginOnly | Needs::Login | Needs::Mailbox if !login => Err(Refusal::bad("log in first")),
            Needs::Mailbox if !mailbox => Err(Refusal::bad("select a mailbox first")),
            _ => Ok(()),
        }
    }

    fn run(&mut self, tag: Tag, command: Command) {
        let condstore = if command.uses_mod_seq() { self.condstore_aware() } else { Awareness::Unchanged };
        match (command, self.state) {
            (Command::Session(command), _) => self.run_session(tag, command),
            (Command::Account(_), State::NotAuthenticated) => self.ok(&tag, "nothing to tell"),
            (Command::Account(command), _) => self.run_account(tag, command, condstore),
            (Command::Mailbox(command), State::Selected(access)) => {
                self.run_mailbox(tag, command, condstore, access)
            }
            (Command::Mailbox(_), _) => self.refuse(Some(&tag), &Refusal::bad("select a mailbox first")),
        }
    }

    fn run_session(&mut self, tag: Tag, command: SessionCommand) {
        match command {
            SessionCommand::Capability => {
                let capabilities = self.capabilities();
                self.respond(|encoder| encoder.capability(&capabilities));
                self.ok(&tag, "those are all");
            }
            SessionCommand::Logout => self.logout(&tag),
            SessionCommand::Id(Id { .. }) => {
                let fields = self.settings.id.clone();
                self.respond(|encoder| encoder.id(&fields));
                self.ok(&tag, "pleased to meet you");
            }
            SessionCommand::StartTls => self.start_tls(&tag),
            SessionCommand::Authenticate(command) => self.authenticate(tag, &command),
            SessionCommand::Login(command) => self.login(tag, command),
            SessionCommand::Enable(command) => self.enable(&tag, &command),
            SessionCommand::Idle => {
                self.send(b"+ idling\r\n");
                self.actions.push_back(Action::Idle { tag: tag.clone() });
                self.phase = Phase::Idle { tag };
            }
        }
    }

    fn run_account(&mut self, tag: Tag, command: AccountCommand, condstore: Awareness) {
        let then = if matches!(command, AccountCommand::Select(_)) { Then::Select } else { Then::Nothing };
        self.actions.push_back(Action::RunAccount { tag: tag.clone(), command, condstore });
        self.phase = Phase::Ask(Ask::Run { tag, then });
    }

    fn run_mailbox(&mut self, tag: Tag, command: MailboxCommand, condstore: Awareness, access: Access) {
        let command = match (access, command) {
            (
                Access::ReadOnly,
                MailboxCommand::Expunge(_) | MailboxCommand::Store(_) | MailboxCommand::Move(_),
            ) => {
                return self.tagged(&tag, Condition::No, &Reply::new("the mailbox was opened read-only"));
            }
            // RFC 9051 section 6.4.1: of a mailbox opened read-only nothing is removed, and it is no error.
            (Access::ReadOnly, MailboxCommand::Close) => MailboxCommand::Unselect,
            (_, command) => command,
        };
        let then = match command {
            MailboxCommand::Close | MailboxCommand::Unselect => Then::Deselect,
            _ => Then::Nothing,
        };
        self.actions.push_back(Action::RunMailbox { tag: tag.clone(), command, condstore });
        self.phase = Phase::Ask(Ask::Run { tag, then });
    }

    /// The one place where the state changes after login.
    pub(super) fn ended(&mut self, tag: &Tag, then: &Then, outcome: Outcome) {
        match (then, &outcome) {
            (Then::Select, Outcome::Selected { access, .. }) => self.state = State::Selected(*access),
            // RFC 9051 section 6.3.2: a SELECT that fails deselects what was selected before.
            (Then::Select, _) | (Then::Deselect, Outcome::Ok(_)) => self.state = State::Authenticated,
            (Then::BadIdle, Outcome::Ok(_)) => {
                return self.tagged(tag, Condition::Bad, &Reply::new("IDLE ends with DONE"));
            }
            _ => {}
        }
        match outcome {
            Outcome::Ok(reply) => self.tagged(tag, Condition::Ok, &reply),
            Outcome::No(reply) => self.tagged(tag, Condition::No, &reply),
            Outcome::Bad(reply) => self.tagged(tag, Condition::Bad, &reply),
            Outcome::Bye(reply) => self.bye(&reply),
            Outcome::Selected { access, text } => {
                let code = match access {
                    Access::ReadWrite => ResponseCode::ReadWrite,
                    Access::ReadOnly => ResponseCode::ReadOnly,
                };
                self.tagged(tag, Condition::Ok, &Reply::coded(code, text));
            }
        }
    }

    pub(super) fn step_idle(&mut self) -> Step {
        let max = self.command_max();
        let done = match self.framer.next(&self.input, Literals::Ignore, max) {
            Framed::More => return Step::Stuck,
            Framed::OutOfStep(why) => return self.out_of_step(why),
            Framed::BareLf(length) => {
                self.consume(length);
                false
            }
            Framed::Command(end) | Framed::Literal(end, _) => {
                let line = self.consume(end + CRLF);
                line.strip_suffix(b"\r\n").is_some_and(|line| line.eq_ignore_ascii_case(b"DONE"))
            }
        };
        let Phase::Idle { tag } = self.take_phase() else { return Step::Stuck };
        self.actions.push_back(Action::IdleDone);
        let then = if done { Then::Nothing } else { Then::BadIdle };
        self.phase = Phase::Ask(Ask::Run { tag, then });
        Step::Done
    }

    fn start_tls(&mut self, tag: &Tag) {
        match self.settings.transport {
            Transport::StartTlsRequired | Transport::StartTlsOffered => {
                self.ok(tag, "begin TLS now");
                self.actions.push_back(Action::StartTls);
            }
            Transport::Tls => self.refuse(Some(tag), &Refusal::bad("TLS is on")),
            Transport::Clear => self.refuse(Some(tag), &Refusal::bad("there is no TLS here")),
        }
    }

    fn enable(&mut self, tag: &Tag, command: &Enable) {
        let before = self.enabled;
        let new: Vec<_> = command.extensions.iter().copied().filter(|&one| !before.contains(one)).collect();
        self.enabled = new.iter().copied().fold(before, crate::Enabled::with);
        self.respond(|encoder| encoder.enabled_now(&new));
        self.ok(tag, "enabled");
    }

    fn logout(&mut self, tag: &Tag) {
        self.untagged(Condition::Bye, &Reply::new("until next time"));
        self.ok(tag, "logged out");
        self.actions.push_back(Action::Close);
        self.phase = Phase::Closed;
        self.input = BytesMut::new();
    }

    fn ok(&mut self, tag: &Tag, text: &'static str) {
        self.tagged(tag, Condition::Ok, &Reply::new(text));
    }

    fn respond(&mut self, write: impl FnOnce(&mut Encoder<'_>)) {
        let mut out = BytesMut::new();
        write(&mut Encoder::new(&mut out, self.enabled));
        self.actions.push_back(Action::Send(out.freeze()));
    }
}

/// A browser can be made to send lines of a stranger's choosing to any port, behind its own request line.
fn is_http(line: &[u8]) -> bool {
    line.windows(b" HTTP/".len()).any(|part| part == b" HTTP/")
}
