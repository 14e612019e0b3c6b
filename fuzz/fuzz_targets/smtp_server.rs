//! Whoever connects to port 25, 587 or 465: any bytes, cut anywhere, with any answers of the caller, early or late.
#![no_main]

use std::sync::Arc;
use std::time::{Duration, Instant};

use essaim_fuzz::{Cuts, Knobs, flights, lines, pieces, split};
use essaim_smtp::QueueId;
use essaim_smtp::server::{
    Action, Config, Connection, Encryption, Envelope, Limits, LoginVerdict, PlaintextLogin, RecipientVerdict,
    Refusal, Role, SenderVerdict,
};
use essaim_types::ByteSize;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut knobs, wire) = split(data);
    let config = Arc::new(config(&mut knobs));
    let whole = converse(&config, knobs.clone(), wire, Cuts::Nowhere);
    for cuts in [Cuts::Everywhere, Cuts::At(knobs.clone())] {
        let cut = converse(&config, knobs.clone(), wire, cuts);
        assert_eq!(cut.events, whole.events, "the pieces make a difference");
        assert_eq!(text(&cut.sent), text(&whole.sent));
    }
    check_framing(knobs.clone(), wire);
    check_chunks(knobs.clone(), wire);
    disturb(&config, knobs, wire);
});

/// What happened, but for the moments at which replies left: those to pipelined commands may leave together.
#[derive(Debug, Default)]
struct Seen {
    sent: Vec<u8>,
    events: Vec<String>,
}

/// A caller that does as it is told and notes it.
struct Caller<'a> {
    smtp: Connection,
    limits: &'a Limits,
    knobs: Knobs<'a>,
    asked: Option<Asked>,
    begun: Option<Envelope>,
    message: Vec<u8>,
    committed: Vec<Vec<u8>>,
    closed: bool,
    encrypting: bool,
    seen: Seen,
}

enum Asked {
    Sender,
    Recipient,
    Login(String),
    Commit,
}

/// The peer says everything; at the end nothing is open but the conversation.
fn converse(config: &Arc<Config>, knobs: Knobs<'_>, wire: &[u8], cuts: Cuts<'_>) -> Seen {
    let mut patience = knobs.clone();
    let mut caller = Caller::new(config, knobs);
    caller.act();
    for flight in flights(wire) {
        for piece in pieces(flight, cuts.clone()) {
            if !(caller.smtp.wants_input() && patience.once_in(3)) {
                caller.answer_all();
            }
            if caller.closed || caller.encrypting {
                break;
            }
            assert!(caller.smtp.wants_input(), "open, nothing asked, and no more input wanted");
            caller.smtp.receive(piece);
            caller.act();
        }
        caller.answer_all();
        caller.encrypting = false;
    }
    check_replies(&caller.seen.sent);
    caller.seen
}

/// Smuggling: of what is sent after DATA the receiver makes the message that RFC 5321 section 4.1.1.4 says, or refuses it.
fn check_framing(knobs: Knobs<'_>, wire: &[u8]) {
    let config = Arc::new(Config { limits: Limits::default(), ..config(&mut Knobs::new(b"000")) });
    let mut caller = Caller::new(&config, Knobs::new(b"0"));
    caller.smtp.receive(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@coop.test>\r\nDATA\r\n");
    caller.answer_all();
    for piece in pieces(wire, Cuts::At(knobs)) {
        if caller.committed.is_empty() && caller.begun.is_some() {
            caller.smtp.receive(piece);
            caller.answer_all();
        }
    }
    let lines = [b"\r\n", wire].concat();
    let end = lines.windows(5).position(|end| end == b"\r\n.\r\n");
    let expected = end.map(|end| undotted(&lines[..end + 2])).filter(|message| is_clean(message));
    assert_eq!(caller.committed.first().map(|message| text(message)), expected.map(|message| text(&message)));
}

/// Of what is sent in chunks the receiver makes one message, whatever stands in it; a bare LF becomes a line end.
fn check_chunks(knobs: Knobs<'_>, wire: &[u8]) {
    let config = Arc::new(Config { limits: Limits::default(), ..config(&mut Knobs::new(b"000")) });
    let mut caller = Caller::new(&config, Knobs::new(b"0"));
    caller.smtp.receive(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@coop.test>\r\n");
    caller.answer_all();
    let chunks = pieces(wire, Cuts::At(knobs))
        .map(|chunk| [format!("BDAT {}\r\n", chunk.len()).as_bytes(), chunk].concat());
    for said in chunks.chain([b"BDAT 0 LAST\r\n".to_vec()]) {
        if caller.closed {
            break;
        }
        caller.smtp.receive(&said);
        caller.answer_all();
    }
    let mut mended = Vec::new();
    for &byte in wire {
        if byte == b'\n' && mended.last() != Some(&b'\r') {
            mended.push(b'\r');
        }
        mended.push(byte);
    }
    let expected = is_clean(&mended).then_some(mended);
    assert_eq!(caller.committed.first().map(|message| text(message)), expected.map(|message| text(&message)));
}

/// The lines without the dots that were added, and without the CRLF before the first.
fn undotted(lines: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for (at, &byte) in lines.iter().enumerate() {
        if byte != b'.' || !lines[..at].ends_with(b"\r\n") {
            out.push(byte);
        }
    }
    out.split_off(2)
}

/// Time passes, the node stops, the caller reads on when it should not: whatever was begun ends.
fn disturb(config: &Arc<Config>, mut knobs: Knobs<'_>, wire: &[u8]) {
    let mut caller = Caller::new(config, knobs.clone());
    let mut now = Instant::now();
    for piece in pieces(wire, Cuts::At(knobs.clone())) {
        match knobs.turn() % 16 {
            0..8 => caller.answer_all(),
            8..12 => {}
            12..15 => {
                now += Duration::from_secs(200);
                caller.smtp.on_timeout(now);
            }
            _ => caller.smtp.shut_down(),
        }
        caller.smtp.receive(piece);
        caller.act();
    }
    caller.smtp.shut_down();
    caller.answer_all();
    assert!(caller.closed && caller.smtp.deadline().is_none(), "shut down, and not closed");
}

impl<'a> Caller<'a> {
    fn new(config: &'a Arc<Config>, knobs: Knobs<'a>) -> Self {
        Self {
            smtp: Connection::new(Arc::clone(config), Instant::now()),
            limits: &config.limits,
            knobs,
            asked: None,
            begun: None,
            message: Vec::new(),
            committed: Vec::new(),
            closed: false,
            encrypting: false,
            seen: Seen::default(),
        }
    }

    /// Carries out what is to be done now.
    fn act(&mut self) {
        while let Some(action) = self.smtp.next_action() {
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
        let event = match &action {
            Action::Send(_) => String::new(),
            Action::Spool(piece) => format!("Spool {}", piece.escape_ascii()),
            Action::Authenticate(login) => format!("{login:?} {:?}", login.password.expose()),
            other => format!("{other:?}"),
        };
        match action {
            Action::Send(bytes) => {
                assert!(!bytes.is_empty());
                return self.seen.sent.extend_from_slice(&bytes);
            }
            Action::StartTls => {
                assert!(self.begun.is_none(), "a message is open");
                self.encrypting = true;
            }
            Action::CheckSender(..) => self.ask(Asked::Sender),
            Action::CheckRecipient(_) => self.ask(Asked::Recipient),
            Action::Authenticate(login) => self.ask(Asked::Login(login.user)),
            Action::Begin(envelope) => {
                assert!((1..=self.limits.recipients).contains(&envelope.recipients.len()));
                assert!(self.begun.replace(envelope).is_none(), "begun twice");
            }
            Action::Spool(piece) => {
                assert!(self.begun.is_some() && (1..=self.limits.piece).contains(&piece.len()));
                self.message.extend_from_slice(&piece);
                assert!(self.message.len() <= self.limits.message_size.as_usize(), "more than the limit");
            }
            Action::Commit(envelope) => {
                assert_eq!(self.begun.take(), Some(envelope), "not what was begun");
                assert!(is_clean(&self.message), "a bare CR, LF or NUL was taken: {}", text(&self.message));
                self.committed.push(std::mem::take(&mut self.message));
                self.ask(Asked::Commit);
            }
            Action::Abort => {
                assert!(self.begun.take().is_some(), "nothing to abort");
                self.message.clear();
            }
            Action::Close => {
                assert!(self.begun.is_none(), "closed with a message open");
                self.closed = true;
            }
        }
        self.seen.events.push(event);
    }

    fn ask(&mut self, question: Asked) {
        assert!(self.asked.replace(question).is_none(), "two questions at once");
    }

    fn answer(&mut self, asked: Asked) {
        let knobs = &mut self.knobs;
        match asked {
            Asked::Sender => self.smtp.answer_sender(knobs.pick(&SENDER_VERDICTS)),
            Asked::Recipient => self.smtp.answer_recipient(knobs.pick(&RECIPIENT_VERDICTS)),
            Asked::Login(login) => self.smtp.answer_login(knobs.pick(&[
                LoginVerdict::Accept { login },
                LoginVerdict::Refuse,
                LoginVerdict::SlowDown,
                LoginVerdict::TryLater,
            ])),
            Asked::Commit => self.smtp.answer_committed(match knobs.pick(&COMMITTED) {
                None => Ok(QueueId::new("queued")),
                Some(refusal) => Err(refusal),
            }),
        }
    }
}

/// Whoever reads it later must see the lines that we saw: CR and LF only together (RFC 5321 section 2.3.8), and no NUL.
fn is_clean(message: &[u8]) -> bool {
    let alone = |at: usize, byte: u8| match byte {
        b'\r' => message.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || message[at - 1] != b'\r',
        _ => false,
    };
    !message.contains(&0) && !message.iter().enumerate().any(|(at, &byte)| alone(at, byte))
}

/// RFC 5321 section 4.2: three digits, a blank or a hyphen, printable text, 512 octets with CRLF at most.
fn check_replies(sent: &[u8]) {
    for line in lines(sent) {
        let shape = matches!(line, [b'2'..=b'5', b'0'..=b'5', b'0'..=b'9', b' ' | b'-', text @ ..]
            if text.iter().all(|byte| matches!(byte, b' '..=b'~')));
        assert!(shape && line.len() <= 510, "not a reply: {}", line.escape_ascii());
    }
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Small limits, so that inputs meet them; or those of a real node.
fn config(knobs: &mut Knobs<'_>) -> Config {
    let small = Limits {
        message_size: ByteSize(300),
        overrun: ByteSize(200),
        header_size: ByteSize(100),
        received_fields: 2,
        recipients: 3,
        refused_recipients: 6,
        transactions: 5,
        errors: 30,
        idle_commands: 12,
        login_failures: 3,
        command_line: 80,
        login_line: 120,
        waiting_input: 100,
        piece: 16,
        ..Limits::default()
    };
    Config {
        hostname: "mx.coop.test".parse().expect("it is a domain"),
        role: knobs.pick(&[
            Role::Receiving,
            Role::Hosters,
            Role::Submission { plaintext_login: PlaintextLogin::Allow },
            Role::Submission { plaintext_login: PlaintextLogin::Refuse },
        ]),
        encryption: knobs.pick(&[Encryption::StartTls, Encryption::Implicit, Encryption::Unavailable]),
        limits: knobs.pick(&[small, Limits::default()]),
    }
}

/// What succeeds comes often, so that conversations go on.
const SENDER_VERDICTS: [SenderVerdict; 8] = [
    SenderVerdict::Accept,
    SenderVerdict::Accept,
    SenderVerdict::Accept,
    SenderVerdict::NotYours,
    SenderVerdict::NoSuchDomain,
    SenderVerdict::Refuse,
    SenderVerdict::SlowDown,
    SenderVerdict::TryLater,
];
const RECIPIENT_VERDICTS: [RecipientVerdict; 13] = [
    RecipientVerdict::Accept,
    RecipientVerdict::Accept,
    RecipientVerdict::Accept,
    RecipientVerdict::NoSuchMailbox,
    RecipientVerdict::NoSuchDomain,
    RecipientVerdict::Moved,
    RecipientVerdict::Loop,
    RecipientVerdict::Disabled,
    RecipientVerdict::OverQuota,
    RecipientVerdict::RelayDenied,
    RecipientVerdict::Refuse,
    RecipientVerdict::SlowDown,
    RecipientVerdict::TryLater,
];
const COMMITTED: [Option<Refusal>; 12] = [
    None,
    None,
    None,
    Some(Refusal::TryLater),
    Some(Refusal::NoSpace),
    Some(Refusal::OverQuota),
    Some(Refusal::SlowDown),
    Some(Refusal::TooLarge),
    Some(Refusal::Loop),
    Some(Refusal::Malformed),
    Some(Refusal::FromNotYours),
    Some(Refusal::Refuse),
];
