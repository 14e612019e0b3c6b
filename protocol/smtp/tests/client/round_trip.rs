//! A client and a server with a wire between them: what goes in comes out, byte for byte.

use std::collections::VecDeque;
use std::sync::Arc;

use essaim_smtp::client::{self, Delivery, Outcome};
use essaim_smtp::server::{self, RecipientVerdict, Role, SenderVerdict};
use essaim_smtp::{BodyType, QueueId};
use essaim_types::ByteSize;
use proptest::prelude::*;

use crate::script::{config, some_instant, to};

/// What the server committed, and what the client reported.
struct Carried {
    messages: Vec<Vec<u8>>,
    outcomes: Vec<Outcome>,
}

/// Carries `messages` over one connection, with writes cut in pieces of `step` bytes.
fn carry(messages: &[Vec<u8>], step: usize) -> Carried {
    let server_config = server::Config {
        hostname: "foo.com".parse().unwrap(),
        role: Role::Receiving,
        encryption: server::Encryption::StartTls,
        limits: server::Limits { piece: 100, ..server::Limits::default() },
    };
    let mut host = server::Connection::new(Arc::new(server_config), some_instant());
    let mut sender = Sender {
        smtp: client::Connection::new(Arc::new(config()), some_instant()),
        waiting: messages.iter(),
        body: Vec::new(),
        step,
    };
    let mut carried = Carried { messages: Vec::new(), outcomes: Vec::new() };
    let mut spool = Vec::new();
    sender.next();
    let mut wire: VecDeque<u8> = VecDeque::new();
    loop {
        while let Some(action) = host.next_action() {
            match action {
                server::Action::Send(bytes) => {
                    bytes.chunks(step).for_each(|piece| sender.smtp.receive(piece))
                }
                server::Action::CheckSender(..) => host.answer_sender(SenderVerdict::Accept),
                server::Action::CheckRecipient(_) => host.answer_recipient(RecipientVerdict::Accept),
                server::Action::Spool(piece) => spool.extend_from_slice(&piece),
                server::Action::Abort => spool.clear(),
                server::Action::Commit(_) => {
                    carried.messages.push(std::mem::take(&mut spool));
                    host.answer_committed(Ok(QueueId::new(carried.messages.len())));
                }
                server::Action::Close => return carried,
                server::Action::StartTls | server::Action::Begin(_) | server::Action::Authenticate(_) => {}
            }
        }
        if !wire.is_empty() {
            let piece: Vec<u8> = wire.drain(..step.min(wire.len())).collect();
            host.receive(&piece);
            continue;
        }
        match sender.smtp.next_action().expect("one side has something to do") {
            client::Action::Send(bytes) => wire.extend(bytes),
            client::Action::WantBody => match sender.body.pop() {
                Some(piece) => sender.smtp.body(piece),
                None => sender.smtp.body_end(),
            },
            client::Action::Report(report) => {
                carried.outcomes.extend(report.recipients.into_iter().map(|(_, outcome)| outcome));
                sender.next();
            }
            client::Action::StartTls | client::Action::Close => {}
        }
    }
}

struct Sender<'a> {
    smtp: client::Connection,
    waiting: std::slice::Iter<'a, Vec<u8>>,
    /// The pieces of the message under way, last one first.
    body: Vec<&'a [u8]>,
    step: usize,
}

impl Sender<'_> {
    fn next(&mut self) {
        match self.waiting.next() {
            Some(message) => {
                self.body = message.chunks(self.step).rev().collect();
                self.smtp.deliver(delivery(message));
            }
            None => self.smtp.quit(),
        }
    }
}

fn delivery(message: &[u8]) -> Delivery {
    Delivery { size: ByteSize(message.len() as u64), body: BodyType::EightBit, ..to(&["a", "b"]) }
}

/// Lines of anything but CR, LF and NUL, many of them with dots, each ended with CRLF.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        2 => "[.]{0,3}[ -~]{0,10}".prop_map(String::into_bytes),
        1 => prop::collection::vec(1u8..=255, 0..200),
        1 => Just(b".".to_vec()),
    ];
    prop::collection::vec(line, 0..20).prop_map(|lines| {
        let clean = lines.into_iter().map(|mut line| {
            line.retain(|byte| !matches!(byte, b'\r' | b'\n'));
            [line.as_slice(), b"\r\n"].concat()
        });
        clean.flatten().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_arrive_byte_for_byte(messages in prop::collection::vec(message(), 1..4), step in 1..50usize) {
        let carried = carry(&messages, step);
        prop_assert_eq!(carried.messages, messages);
        prop_assert!(carried.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Delivered(_))));
    }

    /// What is no proper message is mended on the way out, so that it is still one message.
    #[test]
    fn any_bytes_arrive_as_one_message_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300), step in 1..50usize) {
        let carried = carry(std::slice::from_ref(&bytes), step);
        prop_assert_eq!(carried.messages.len(), usize::from(!bytes.contains(&0)));
        let wanted: Vec<u8> = bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        for message in carried.messages {
            let got: Vec<u8> = message.into_iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
            prop_assert_eq!(&got, &wanted);
        }
    }
}

#[test]
fn a_large_message_arrives() {
    let message = b".line of a large message\r\n".repeat(40_000);
    let carried = carry(std::slice::from_ref(&message), 16 << 10);
    assert!(carried.messages == [message], "not as it was sent");
}
