//! The host that we deliver to, with anything for replies: what we send stays SMTP, and every recipient gets one outcome.
#![no_main]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use essaim_fuzz::{Knobs, lines, split};
use essaim_smtp::bounce::{Bounce, Fate, Language, Undelivered};
use essaim_smtp::client::{
    Action, Cause, Config, Connection, Delivery, Encryption, Limits, Login, Outcome, Report, ToHoster,
};
use essaim_smtp::{BodyType, EntryName, MessageId, QueueId};
use essaim_types::{Address, ByteSize, Secret, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut knobs, wire) = split(data);
    let config = Arc::new(config(&mut knobs));
    let deliveries: Vec<Delivery> = (0..=knobs.turn() % 3).map(|_| delivery(&mut knobs, wire)).collect();
    let begin = || Client::new(&config, &deliveries, knobs.clone(), wire);

    // A host that waits for us to be done: then it makes no difference how its lines are cut.
    let by_line = begin().converse(wire.split_inclusive(|&byte| byte == b'\n'));
    let by_byte = begin().converse(wire.chunks(1));
    by_line.check_sent();
    by_byte.check_sent();
    assert_eq!(by_line.events, by_byte.events, "the pieces make a difference");
    assert_eq!(by_line.sent.escape_ascii().to_string(), by_byte.sent.escape_ascii().to_string());

    // One that says everything at once, and one that stops speaking.
    begin().converse([wire]);
    begin().time_out(wire);
});

/// The caller's side: gives messages, and checks what is done with them.
struct Client<'a> {
    smtp: Connection,
    config: &'a Config,
    knobs: Knobs<'a>,
    waiting: VecDeque<&'a Delivery>,
    under_way: Option<&'a Delivery>,
    message: &'a [u8],
    body: Option<Body<'a>>,
    encrypted: bool,
    closed: bool,
    /// Everything written, and which parts of it are messages.
    sent: Vec<u8>,
    bodies: Vec<(usize, usize)>,
    unfinished: Option<usize>,
    events: Vec<String>,
}

/// A message that is being given.
struct Body<'a> {
    from: usize,
    rest: &'a [u8],
    complete: bool,
}

impl<'a> Client<'a> {
    fn new(config: &'a Arc<Config>, deliveries: &'a [Delivery], knobs: Knobs<'a>, wire: &'a [u8]) -> Self {
        let mut client = Self {
            smtp: Connection::new(Arc::clone(config), Instant::now()),
            config,
            knobs,
            waiting: deliveries.iter().collect(),
            under_way: None,
            message: message(wire),
            body: None,
            encrypted: config.encryption == Encryption::Implicit,
            closed: false,
            sent: Vec::new(),
            bodies: Vec::new(),
            unfinished: None,
            events: Vec::new(),
        };
        client.next();
        client
    }

    fn converse<'w>(mut self, pieces: impl IntoIterator<Item = &'w [u8]>) -> Self {
        self.act();
        for piece in pieces {
            self.smtp.receive(piece);
            self.act();
        }
        self.smtp.on_closed();
        self.end()
    }

    fn time_out(mut self, wire: &[u8]) {
        let (said, _) = wire.split_at(wire.len() / 2);
        self.smtp.receive(said);
        self.act();
        while let Some(deadline) = self.smtp.deadline() {
            self.smtp.on_timeout(deadline);
            self.act();
        }
        self.end();
    }

    /// The conversation is over: what is still to be delivered is told so at once.
    fn end(mut self) -> Self {
        self.act();
        assert!(self.closed && self.smtp.deadline().is_none(), "it does not end");
        assert!(self.waiting.is_empty() && self.under_way.is_none(), "a delivery without a report");
        self
    }

    fn act(&mut self) {
        while let Some(action) = self.smtp.next_action() {
            let report = matches!(action, Action::Report(_));
            assert!(!self.closed || report, "{action:?} after Close");
            match action {
                Action::Send(bytes) => self.send(&bytes),
                Action::StartTls => self.start_tls(),
                Action::WantBody => self.give(),
                Action::Report(report) => self.report(&report),
                Action::Close => self.closed = true,
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        let clear = !self.encrypted && self.config.encryption != Encryption::Never;
        // A message may say what it likes.
        let says = |verb: &[u8]| self.body.is_none() && bytes.starts_with(verb);
        assert!(!(clear && says(b"AUTH")), "a password in clear");
        let required = self.config.encryption == Encryption::Required;
        assert!(!(required && clear && says(b"MAIL")), "mail in clear");
        self.sent.extend_from_slice(bytes);
        if let Some(body) = &self.body
            && body.complete
            && self.under_way.is_some()
        {
            self.bodies.push((body.from, self.sent.len()));
            self.body = None;
        }
    }

    fn start_tls(&mut self) {
        assert!(!self.encrypted, "encrypted twice");
        self.events.push("StartTls".into());
        self.encrypted = true;
        if self.knobs.once_in(8) {
            self.smtp.tls_failed();
        }
    }

    fn give(&mut self) {
        let body =
            self.body.get_or_insert(Body { from: self.sent.len(), rest: self.message, complete: false });
        let length = 1 + 5 * usize::from(self.knobs.turn() % 16);
        let (piece, rest) = body.rest.split_at(length.min(body.rest.len()));
        body.rest = rest;
        match piece {
            [] => {
                body.complete = true;
                self.smtp.body_end();
            }
            _ if self.knobs.once_in(32) => self.smtp.body_failed(),
            _ => self.smtp.body(piece),
        }
    }

    fn report(&mut self, report: &Report) {
        let delivery = self.under_way.take().expect("a report about nothing");
        let told: Vec<&Address> = report.recipients.iter().map(|(recipient, _)| recipient).collect();
        assert_eq!(told, delivery.recipients.iter().collect::<Vec<_>>(), "not every recipient once");
        report.recipients.iter().for_each(|(_, outcome)| self.check_outcome(outcome));
        check_bounce(delivery, report, self.message);
        self.events.push(format!("{report:?}"));
        if let Some(body) = self.body.take() {
            self.unfinished = Some(body.from);
        }
        self.next();
    }

    fn check_outcome(&self, outcome: &Outcome) {
        let (class, reply) = match outcome {
            Outcome::Delivered(reply) => {
                assert!((200..300).contains(&reply.code()), "delivered, and not said so");
                (2, Some(reply))
            }
            Outcome::Temporary(failure) => (4, failure.reply()),
            Outcome::Permanent(failure) => {
                let ours =
                    matches!(failure.cause, Cause::TooLarge(_) | Cause::NoSmtpUtf8 | Cause::NoEightBit);
                assert!(ours || failure.reply().is_some_and(|reply| reply.code() >= 500));
                (5, failure.reply())
            }
        };
        assert_eq!(outcome.status().class(), class);
        let text = reply.map(ToString::to_string).unwrap_or_default();
        assert!(text.len() <= 1100 && !text.contains(char::is_control), "not one line: {text:?}");
    }

    fn next(&mut self) {
        match self.waiting.pop_front() {
            Some(delivery) => {
                self.under_way = Some(delivery);
                self.smtp.deliver(delivery.clone());
            }
            None => self.smtp.quit(),
        }
    }

    /// Messages as they were given, whole or without their end, and around them whole commands of ours.
    fn check_sent(&self) {
        let framed = framed(self.message);
        let mut from = 0;
        for &(start, end) in &self.bodies {
            check_commands(&self.sent[from..start]);
            assert_eq!(self.sent[start..end].escape_ascii().to_string(), framed.escape_ascii().to_string());
            from = end;
        }
        let start = self.unfinished.unwrap_or(self.sent.len());
        check_commands(&self.sent[from..start]);
        let body = &self.sent[start..];
        assert!(framed.starts_with(body) && body.len() < framed.len(), "given up, and yet ended");
    }
}

fn check_commands(sent: &[u8]) {
    for line in lines(sent) {
        let known = COMMANDS.iter().any(|command| line.starts_with(command));
        assert!(known && line.len() <= 1000, "not a command of ours: {}", line.escape_ascii());
    }
}

/// RFC 5321 section 4.5.2, byte by byte: every line end is CRLF, a dot stands before every dot, then comes the end.
fn framed(message: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for (at, &byte) in message.iter().enumerate() {
        match byte {
            b'\n' if at > 0 && message[at - 1] == b'\r' => {}
            b'\r' => text.push(b'\n'),
            _ => text.push(byte),
        }
    }
    let mut out = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        out.extend_from_slice(b"\r\n");
    }
    [out.as_slice(), b".\r\n"].concat()
}

/// A report to the sender about what strangers said: lines that travel everywhere.
fn check_bounce(delivery: &Delivery, report: &Report, message: &[u8]) {
    let diagnostics: Vec<String> = report
        .recipients
        .iter()
        .map(|(_, outcome)| match outcome {
            Outcome::Delivered(reply) => reply.to_string(),
            Outcome::Temporary(failure) | Outcome::Permanent(failure) => failure.to_string(),
        })
        .collect();
    let recipients: Vec<Undelivered<'_>> = report
        .recipients
        .iter()
        .zip(&diagnostics)
        .map(|((recipient, outcome), diagnostic)| Undelivered {
            recipient,
            fate: Fate::Failed,
            status: outcome.status(),
            remote_host: Some("mx.example.test"),
            diagnostic,
            last_attempt: Timestamp(0),
        })
        .collect();
    let Some(to) = &delivery.sender else { return };
    let composed = Bounce {
        host: &"coop.test".parse().expect("it is a domain"),
        language: Language::French,
        to,
        at: Timestamp(0),
        message_id: &MessageId::new("id", "coop.test".parse().expect("it is a domain")),
        boundary: "boundary",
        queue_id: &QueueId::new("queued"),
        arrived: Timestamp(0),
        recipients: &recipients,
        original_header: message,
    }
    .compose();
    let longest = lines(&composed.message).into_iter().map(<[u8]>::len).max();
    assert!(longest <= Some(998) && !composed.message.contains(&0));
    assert_eq!(composed.message.is_ascii(), composed.body == BodyType::SevenBit);
    let parts = composed
        .message
        .windows(2 + "--report-boundary".len())
        .filter(|line| *line == b"\r\n--report-boundary");
    assert!(parts.count() == 4 || message.windows(6).any(|word| word == b"report"), "a part too many");
}

/// The message is made of the same bytes: they are as hostile as the replies.
fn message(wire: &[u8]) -> &[u8] {
    &wire[..wire.len().min(200)]
}

fn delivery(knobs: &mut Knobs<'_>, wire: &[u8]) -> Delivery {
    let address = |text: &str| text.parse::<Address>().expect("it is an address");
    let senders = ["a@coop.test", "\"a b\\\"c\"@coop.test", "é@coop.test", ""];
    let all = ["b@mx.test", "\"c d\"@mx.test", "e@mx.test", "é@mx.test", "f@[192.0.2.1]"];
    let sender = knobs.pick(&senders);
    Delivery {
        sender: (!sender.is_empty()).then(|| address(sender)),
        recipients: (0..=knobs.turn() % 5).map(|_| address(knobs.pick(&all))).collect(),
        size: ByteSize(message(wire).len() as u64),
        body: knobs.pick(&[BodyType::SevenBit, BodyType::EightBit]),
        smtputf8: knobs.once_in(4),
        hoster: knobs.once_in(4).then_some(ToHoster { entry: EntryName(7), moved: true }),
    }
}

fn config(knobs: &mut Knobs<'_>) -> Config {
    let small = Limits { reply_line: 60, reply_lines: 4, pipelined_commands: 2, ..Limits::default() };
    let login = Login { user: "coop".to_owned(), password: Secret::new("secret") };
    Config {
        hostname: "coop.test".parse().expect("it is a domain"),
        encryption: knobs.pick(&[
            Encryption::Opportunistic,
            Encryption::Required,
            Encryption::Implicit,
            Encryption::Never,
        ]),
        login: knobs.pick(&[None, Some(login)]),
        limits: knobs.pick(&[Limits::default(), small]),
    }
}

const COMMANDS: [&[u8]; 9] = [
    b"EHLO coop.test",
    b"HELO coop.test",
    b"STARTTLS",
    b"AUTH PLAIN ",
    b"MAIL FROM:<",
    b"RCPT TO:<",
    b"DATA",
    b"RSET",
    b"QUIT",
];
