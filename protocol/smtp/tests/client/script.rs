//! Plays a transcript against a conversation, in one piece and byte by byte.
//!
//! ```text
//! S: a line of the host                  ^ the host closes, or ^ tls: the handshake fails, or ^ timeout
//! C: a line of the client
//! R: recipient: outcome                  a line of the report
//! ! Close                                another action
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use essaim_smtp::BodyType;
use essaim_smtp::client::{Action, Config, Connection, Delivery, Encryption, Limits, Outcome};
use essaim_types::ByteSize;

pub(crate) fn config() -> Config {
    Config {
        hostname: "bar.com".parse().unwrap(),
        encryption: Encryption::Opportunistic,
        login: None,
        limits: Limits::default(),
    }
}

/// From Smith at bar.com to these at foo.com.
pub(crate) fn to(recipients: &[&str]) -> Delivery {
    Delivery {
        sender: Some("Smith@bar.com".parse().unwrap()),
        recipients: recipients.iter().map(|name| format!("{name}@foo.com").parse().unwrap()).collect(),
        size: ByteSize(BODY.len() as u64),
        body: BodyType::SevenBit,
        smtputf8: false,
        hoster: None,
    }
}

pub(crate) const BODY: &str = "Blah blah blah...\r\n..etc.\r\n";

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
pub(crate) fn some_instant() -> Instant {
    Instant::now()
}

/// Plays the transcript: `deliveries` are given one after another, each with `BODY`; then the client quits.
pub(crate) fn play(config: &Config, deliveries: &[Delivery], transcript: &str) {
    for step in [usize::MAX, 1, 7] {
        let mut player = Player {
            smtp: Connection::new(Arc::new(config.clone()), some_instant()),
            waiting: deliveries.iter().cloned().collect(),
            body: BODY.as_bytes().chunks(5).collect(),
        };
        player.next_delivery();
        for (input, expected) in turns(transcript) {
            assert_eq!(player.turn(&input, step), expected, "after {input:?} in pieces of {step}");
        }
    }
}

struct Player {
    smtp: Connection,
    waiting: VecDeque<Delivery>,
    body: VecDeque<&'static [u8]>,
}

impl Player {
    fn turn(&mut self, input: &str, step: usize) -> Vec<String> {
        let mut out = Vec::new();
        match input {
            "^\r\n" => self.smtp.on_closed(),
            "^ tls\r\n" => self.smtp.tls_failed(),
            "^ body\r\n" => self.smtp.body_failed(),
            "^ timeout\r\n" => {
                // The first one finds the progress made before, the second one nothing.
                for _ in 0..2 {
                    let deadline = self.smtp.deadline().expect("open");
                    self.smtp.on_timeout(deadline);
                }
            }
            _ => {
                for piece in input.as_bytes().chunks(step) {
                    self.smtp.receive(piece);
                    self.drain(&mut out);
                }
            }
        }
        self.drain(&mut out);
        out
    }

    fn drain(&mut self, out: &mut Vec<String>) {
        while let Some(action) = self.smtp.next_action() {
            match action {
                Action::Send(bytes) => {
                    let text = std::str::from_utf8(&bytes).unwrap();
                    out.extend(text.split_terminator("\r\n").map(|line| format!("C: {line}")));
                }
                Action::WantBody => match self.body.pop_front() {
                    // "fail" in the name of the sender makes the body unreadable: see `failures`.
                    Some(piece) => self.smtp.body(piece),
                    None => self.smtp.body_end(),
                },
                Action::Report(report) => {
                    out.extend(
                        report.recipients.iter().map(|(to, outcome)| format!("R: {to}: {}", show(outcome))),
                    );
                    self.next_delivery();
                }
                other => out.push(format!("! {other:?}")),
            }
        }
    }

    fn next_delivery(&mut self) {
        match self.waiting.pop_front() {
            Some(delivery) => {
                self.body = [BODY.as_bytes()].into();
                self.smtp.deliver(delivery);
            }
            None => self.smtp.quit(),
        }
    }
}

fn show(outcome: &Outcome) -> String {
    let status = outcome.status();
    match outcome {
        Outcome::Delivered(reply) => format!("delivered {status}: {reply}"),
        Outcome::Temporary(failure) => format!("temporary {status}: {failure}"),
        Outcome::Permanent(failure) => format!("permanent {status}: {failure}"),
    }
}

/// What the host does, and what the client does then.
fn turns(transcript: &str) -> Vec<(String, Vec<String>)> {
    let mut turns: Vec<(String, Vec<String>)> = Vec::new();
    for line in transcript.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
        let host = line.strip_prefix("S: ").or_else(|| line.starts_with('^').then_some(line));
        match (host, turns.last_mut()) {
            (Some(text), Some((input, expected))) if expected.is_empty() => *input += &format!("{text}\r\n"),
            (Some(text), _) => turns.push((format!("{text}\r\n"), Vec::new())),
            (None, Some((_, expected))) => expected.push(line.to_owned()),
            (None, None) => panic!("the host speaks first"),
        }
    }
    turns
}
