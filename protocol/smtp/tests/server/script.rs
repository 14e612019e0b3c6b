//! Plays a transcript against a conversation, in one piece and byte by byte.
//!
//! ```text
//! C: a line of the client                C~ the same without CRLF; \r \n \0 \xff are understood in both
//! S: a line of the server
//! ? sender a@b.test -> Accept            a question, and the answer to give
//! ! Abort                                an action that asks nothing
//! M: a line of the message that is to be committed next
//! ```

use std::sync::Arc;
use std::time::Instant;

use essaim_smtp::QueueId;
use essaim_smtp::server::{
    Action, Config, Connection, Encryption, Limits, LoginVerdict, PlaintextLogin, RecipientVerdict, Refusal,
    Role, SenderVerdict,
};

/// Port 25 with STARTTLS.
pub(crate) fn receiving() -> Config {
    Config {
        hostname: "foo.com".parse().unwrap(),
        role: Role::Receiving,
        encryption: Encryption::StartTls,
        limits: Limits::default(),
    }
}

/// The federation's channel.
pub(crate) fn hosters() -> Config {
    Config { role: Role::Hosters, encryption: Encryption::Implicit, ..receiving() }
}

/// Port 465.
pub(crate) fn submissions() -> Config {
    let role = Role::Submission { plaintext_login: PlaintextLogin::Refuse };
    Config { role, encryption: Encryption::Implicit, ..receiving() }
}

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
pub(crate) fn some_instant() -> Instant {
    Instant::now()
}

pub(crate) fn start(config: Config) -> Connection {
    Connection::new(Arc::new(config), some_instant())
}

/// Plays the transcript with input in pieces of every size that matters.
pub(crate) fn play(config: &Config, transcript: &str) {
    for step in [usize::MAX, 1, 7] {
        let mut player = Player { smtp: start(config.clone()), message: Vec::new() };
        for (number, turn) in turns(transcript).iter().enumerate() {
            player.turn(
                turn,
                step,
                &format!("turn {number} in pieces of {step}: {}", turn.input.escape_ascii()),
            );
        }
    }
}

/// What the client sends, and everything that happens until it has to send again.
#[derive(Default)]
struct Turn {
    input: Vec<u8>,
    /// `S:` lines.
    replies: Vec<String>,
    /// `?`, `!` and `M:` lines, whole.
    events: Vec<String>,
}

struct Player {
    smtp: Connection,
    message: Vec<u8>,
}

impl Player {
    fn turn(&mut self, turn: &Turn, step: usize, context: &str) {
        let (mut replies, mut events) = (Vec::new(), Vec::new());
        let mut expected = turn.events.iter().filter(|event| event.starts_with("? "));
        let mut pieces = turn.input.chunks(step);
        loop {
            while let Some(action) = self.smtp.next_action() {
                let question = self.act(action, &mut replies, &mut events);
                if let Some(question) = question {
                    let line = expected
                        .next()
                        .unwrap_or_else(|| panic!("unexpected question {question}\n{context}"));
                    let answer = line.split_once(" -> ").expect("an answer").1;
                    events.push(format!("? {question} -> {answer}"));
                    self.answer(&question, answer);
                }
            }
            match pieces.next() {
                Some(piece) => self.smtp.receive(piece),
                None => break,
            }
        }
        assert_eq!(replies, turn.replies, "{context}");
        assert_eq!(events, turn.events, "{context}");
    }

    fn act(&mut self, action: Action, replies: &mut Vec<String>, events: &mut Vec<String>) -> Option<String> {
        match action {
            Action::Send(bytes) => {
                let text = std::str::from_utf8(&bytes).unwrap();
                replies
                    .extend(text.strip_suffix("\r\n").expect("whole lines").split("\r\n").map(str::to_owned));
            }
            Action::Spool(piece) => self.message.extend_from_slice(&piece),
            Action::StartTls => events.push("! StartTls".into()),
            Action::Close => events.push("! Close".into()),
            Action::Begin(_) => events.push("! Begin".into()),
            Action::Abort => {
                self.message.clear();
                events.push("! Abort".into());
            }
            Action::CheckSender(sender, _) => {
                return Some(format!("sender {}", sender.map(|a| a.to_string()).unwrap_or_default()));
            }
            Action::CheckRecipient(recipient) => return Some(format!("recipient {recipient}")),
            Action::Authenticate(login) => {
                let (mechanism, user) = (login.mechanism, login.user);
                return Some(format!("login {mechanism:?} {user} {}", login.password.expose()));
            }
            Action::Commit(envelope) => {
                let message = std::mem::take(&mut self.message);
                let text = message.escape_ascii().to_string();
                let lines =
                    text.split_inclusive("\\r\\n").map(|line| line.strip_suffix("\\r\\n").unwrap_or(line));
                events.extend(lines.map(|line| format!("M: {line}")));
                let recipients: Vec<_> = envelope.recipients.iter().map(ToString::to_string).collect();
                let sender = envelope.sender.map(|a| a.to_string()).unwrap_or_default();
                return Some(format!("commit {} {sender} > {}", envelope.protocol, recipients.join(" ")));
            }
        }
        None
    }

    fn answer(&mut self, question: &str, answer: &str) {
        match question.split(' ').next() {
            Some("sender") => self.smtp.answer_sender(named(&SENDER_VERDICTS, answer)),
            Some("recipient") => self.smtp.answer_recipient(named(&RECIPIENT_VERDICTS, answer)),
            Some("login") => self.smtp.answer_login(match answer.strip_prefix("Accept ") {
                Some(login) => LoginVerdict::Accept { login: login.into() },
                None => {
                    named(&[LoginVerdict::Refuse, LoginVerdict::SlowDown, LoginVerdict::TryLater], answer)
                }
            }),
            _ => self.smtp.answer_committed(match answer.strip_prefix("Ok ") {
                Some(id) => Ok(QueueId::new(id)),
                None => Err(named(&REFUSALS, answer)),
            }),
        }
    }
}

fn turns(transcript: &str) -> Vec<Turn> {
    let mut turns = vec![Turn::default()];
    let mut answered = true;
    for line in transcript.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
        let client = line.strip_prefix("C:").map(|text| (text, "\r\n"));
        if let Some((text, end)) = client.or_else(|| line.strip_prefix("C~").map(|text| (text, ""))) {
            if answered {
                turns.push(Turn::default());
            }
            answered = false;
            let turn = turns.last_mut().unwrap();
            turn.input.extend(unescape(text.strip_prefix(' ').unwrap_or(text)));
            turn.input.extend(end.bytes());
            continue;
        }
        answered = true;
        let turn = turns.last_mut().unwrap();
        match line.split_at(2) {
            ("S:", text) => turn.replies.push(text.strip_prefix(' ').unwrap_or(text).to_owned()),
            ("M:" | "? " | "! ", _) => turn.events.push(line.to_owned()),
            _ => panic!("not a line of a transcript: {line}"),
        }
    }
    turns
}

pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend(c.to_string().bytes());
            continue;
        }
        out.push(match chars.next() {
            Some('r') => b'\r',
            Some('n') => b'\n',
            Some('0') => 0,
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).expect("two hexadecimal digits")
            }
            other => panic!("unknown escape {other:?}"),
        });
    }
    out
}

fn named<T: Clone + std::fmt::Debug>(all: &[T], name: &str) -> T {
    all.iter()
        .find(|value| format!("{value:?}") == name)
        .unwrap_or_else(|| panic!("no verdict {name}"))
        .clone()
}

pub(crate) const SENDER_VERDICTS: [SenderVerdict; 7] = [
    SenderVerdict::Accept,
    SenderVerdict::NotYours,
    SenderVerdict::NotProven,
    SenderVerdict::NoSuchDomain,
    SenderVerdict::Refuse,
    SenderVerdict::SlowDown,
    SenderVerdict::TryLater,
];
pub(crate) const RECIPIENT_VERDICTS: [RecipientVerdict; 11] = [
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
pub(crate) const REFUSALS: [Refusal; 9] = [
    Refusal::TryLater,
    Refusal::NoSpace,
    Refusal::OverQuota,
    Refusal::SlowDown,
    Refusal::TooLarge,
    Refusal::Loop,
    Refusal::Malformed,
    Refusal::FromNotYours,
    Refusal::Refuse,
];
