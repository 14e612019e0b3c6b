//! Whoever connects to port 143 or 993: any bytes, cut anywhere, with any answers of the caller.
#![no_main]

use std::time::{Duration, Instant};

use essaim_fuzz::{Cuts, Knobs, flights, lines, pieces, split};
use essaim_imap::command::{Access, AppendMessage};
use essaim_imap::{
    AccountCommand, Action, Connection, Limits, Outcome, Reply, ResponseCode, Settings, State, Transport,
};
use essaim_types::ByteSize;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut knobs, wire) = split(data);
    let settings = settings(&mut knobs);
    let whole = converse(&settings, knobs.clone(), wire, Cuts::Nowhere);
    for cuts in [Cuts::Everywhere, Cuts::At(knobs.clone())] {
        let cut = converse(&settings, knobs.clone(), wire, cuts);
        assert_eq!(cut.events, whole.events, "the pieces make a difference");
        assert_eq!(cut.sent.escape_ascii().to_string(), whole.sent.escape_ascii().to_string());
    }
    disturb(&settings, knobs, wire);
});

/// What happened, but for the pieces in which messages came.
#[derive(Debug, Default)]
struct Seen {
    sent: Vec<u8>,
    events: Vec<String>,
}

/// A caller that does as it is told and notes it.
struct Caller<'a> {
    imap: Connection,
    transport: Transport,
    limits: Limits,
    knobs: Knobs<'a>,
    asked: Option<Asked>,
    append: Append,
    idling: bool,
    closed: bool,
    encrypting: bool,
    seen: Seen,
}

enum Asked {
    Login,
    /// What a client named, to be told back to it.
    Done(String),
    Select,
    AppendBegin,
    AppendMessage(AppendMessage),
}

/// How far an APPEND has come.
#[derive(Debug, Default, PartialEq, Eq)]
enum Append {
    #[default]
    Nothing,
    Begun,
    Message {
        left: u64,
        content: Vec<u8>,
    },
}

/// The client says everything; at the end nothing is open but the conversation.
fn converse(settings: &Settings, knobs: Knobs<'_>, wire: &[u8], cuts: Cuts<'_>) -> Seen {
    let mut caller = Caller::new(settings, knobs);
    caller.act();
    for flight in flights(wire) {
        for piece in pieces(flight, cuts.clone()) {
            caller.answer_all();
            if caller.closed || caller.encrypting {
                break;
            }
            assert!(caller.imap.wants_input(), "open, nothing asked, and no more input wanted");
            caller.imap.receive(piece);
            caller.act();
        }
        caller.answer_all();
        caller.encrypting = false;
    }
    check_lines(&caller.seen.sent);
    caller.seen
}

/// Time passes, answers come late, the caller reads on when it should not, the node stops: whatever was begun ends.
fn disturb(settings: &Settings, mut knobs: Knobs<'_>, wire: &[u8]) {
    let mut caller = Caller::new(settings, knobs.clone());
    let mut now = Instant::now();
    for piece in pieces(wire, Cuts::At(knobs.clone())) {
        match knobs.turn() % 16 {
            0..8 => caller.answer_all(),
            8..12 => {}
            12..15 => now += Duration::from_secs(100),
            _ => caller.imap.bye(&Reply::new("the node stops")),
        }
        if caller.imap.deadline(now).is_some_and(|deadline| deadline <= now) {
            caller.imap.on_timeout(now);
            assert_eq!(caller.imap.deadline(now), None, "a deadline passed and nothing happened");
        }
        caller.imap.receive(piece);
        caller.act();
    }
    caller.imap.bye(&Reply::new("the node stops"));
    caller.answer_all();
    assert!(caller.closed && !caller.imap.wants_input());
}

impl<'a> Caller<'a> {
    fn new(settings: &Settings, knobs: Knobs<'a>) -> Self {
        Self {
            imap: Connection::new(settings.clone()),
            transport: settings.transport,
            limits: settings.limits,
            knobs,
            asked: None,
            append: Append::Nothing,
            idling: false,
            closed: false,
            encrypting: false,
            seen: Seen::default(),
        }
    }

    /// Carries out what is to be done now.
    fn act(&mut self) {
        while let Some(action) = self.imap.next_action() {
            assert!(!self.closed, "{action:?} after Close");
            self.carry_out(action);
        }
    }

    fn answer_all(&mut self) {
        self.act();
        while let Some(asked) = self.asked.take() {
            self.answer(asked);
            self.act();
        }
    }

    fn carry_out(&mut self, action: Action) {
        let mut event = match &action {
            Action::Send(_) | Action::AppendPiece(_) => String::new(),
            Action::Authenticate { password, .. } => format!("{action:?} {:?}", password.expose()),
            other => format!("{other:?}"),
        };
        let open = self.append != Append::Nothing;
        match action {
            Action::Send(bytes) => return self.seen.sent.extend_from_slice(&bytes),
            Action::StartTls => {
                assert!(self.transport != Transport::Tls && !open && !self.idling);
                self.transport = Transport::Tls;
                self.encrypting = true;
            }
            Action::Authenticate { .. } => {
                let allowed = self.transport != Transport::StartTlsRequired;
                assert!(allowed && self.imap.state() == State::NotAuthenticated);
                self.ask(Asked::Login);
            }
            Action::RunAccount { command, .. } => {
                assert!(self.imap.state() != State::NotAuthenticated && !open && !self.idling);
                self.ask(match command {
                    AccountCommand::Select(_) => Asked::Select,
                    AccountCommand::Delete(name) => Asked::Done(name.as_str().to_owned()),
                    other => Asked::Done(format!("{other:?}")),
                });
            }
            Action::RunMailbox { command, .. } => {
                assert!(matches!(self.imap.state(), State::Selected(_)) && !open && !self.idling);
                self.ask(Asked::Done(format!("{command:?}")));
            }
            Action::AppendBegin { .. } => {
                assert!(self.imap.state() != State::NotAuthenticated && !open && !self.idling);
                self.ask(Asked::AppendBegin);
            }
            Action::AppendMessage(message) => {
                assert_eq!(self.append, Append::Begun, "a message inside a message");
                assert!((1..=self.limits.message.0).contains(&message.size.0));
                self.ask(Asked::AppendMessage(message));
            }
            Action::AppendPiece(piece) => {
                let Append::Message { left, content } = &mut self.append else { panic!("no message") };
                *left = left.checked_sub(piece.len() as u64).expect("no more bytes than announced");
                return content.extend_from_slice(&piece);
            }
            Action::AppendMessageEnd => {
                let message = std::mem::replace(&mut self.append, Append::Begun);
                let Append::Message { left: 0, content } = message else { panic!("{message:?} ends") };
                event += &content.escape_ascii().to_string();
            }
            Action::AppendCommit => {
                assert_eq!(std::mem::take(&mut self.append), Append::Begun, "not whole messages");
                self.ask(Asked::Done(String::new()));
            }
            Action::AppendAbort => {
                assert!(open, "nothing to abort");
                self.append = Append::Nothing;
            }
            Action::Idle { .. } => {
                assert!(!std::mem::replace(&mut self.idling, true), "IDLE twice");
            }
            Action::IdleDone => {
                assert!(std::mem::take(&mut self.idling), "nobody idles");
                self.ask(Asked::Done(String::new()));
            }
            Action::Close => {
                assert!(!open, "closed with an APPEND open");
                self.closed = true;
            }
        }
        self.seen.events.push(event);
    }

    fn ask(&mut self, question: Asked) {
        assert!(self.asked.replace(question).is_none(), "two questions at once");
    }

    fn answer(&mut self, asked: Asked) {
        let refusal = Reply::coded(ResponseCode::Cannot, "no");
        let verdict = self.knobs.pick(&[Ok(()), Ok(()), Err(refusal.clone())]);
        match asked {
            Asked::Login => self.imap.answer_login(verdict),
            Asked::Done(named) => {
                let outcome =
                    self.knobs.pick(&[Outcome::Ok, Outcome::Ok, Outcome::No, Outcome::Bad, Outcome::Bye]);
                self.imap.answer_done(outcome(Reply::new(named)));
            }
            Asked::Select => {
                let selected = |access| Outcome::Selected { access, text: "open".into() };
                self.imap.answer_done(self.knobs.pick(&[
                    selected(Access::ReadWrite),
                    selected(Access::ReadOnly),
                    Outcome::No(refusal.clone()),
                    Outcome::Bad(refusal),
                ]));
            }
            Asked::AppendBegin => {
                // Nothing is begun when the conversation has ended meanwhile.
                if verdict.is_ok() && !self.closed {
                    self.append = Append::Begun;
                }
                self.imap.answer_append(verdict);
            }
            Asked::AppendMessage(message) => {
                if verdict.is_ok() && !self.closed {
                    self.append = Append::Message { left: message.size.0, content: Vec::new() };
                }
                self.imap.answer_append(verdict);
            }
        }
    }
}

/// RFC 9051 section 7: every line begins with a tag, `*` or `+`, and holds nothing that ends it.
fn check_lines(sent: &[u8]) {
    for line in lines(sent) {
        let tag = line.split(|&byte| byte == b' ').next().unwrap_or_default();
        assert!(!tag.is_empty() && line.len() > tag.len(), "no tag: {}", line.escape_ascii());
        assert!(!line.iter().any(u8::is_ascii_control), "not one line: {}", line.escape_ascii());
    }
}

/// Small limits, so that inputs meet them; or those of a real node.
fn settings(knobs: &mut Knobs<'_>) -> Settings {
    let small = Limits {
        command_before_login: 200,
        command: 400,
        literal_before_login: 30,
        literal: 50,
        message: ByteSize(100),
        drain: ByteSize(150),
        errors: 10,
        logins: 3,
        ..Limits::default()
    };
    Settings {
        transport: knobs.pick(&[
            Transport::Clear,
            Transport::StartTlsOffered,
            Transport::StartTlsRequired,
            Transport::Tls,
        ]),
        limits: knobs.pick(&[Limits::default(), small]),
        id: vec![("name", "Essaim")],
    }
}
