//! The same bytes in whatever pieces: the same questions, messages and replies, in the same order. And no bytes make it panic.

use essaim_smtp::QueueId;
use essaim_smtp::server::{
    Action, Config, Connection, Limits, LoginVerdict, PlaintextLogin, RecipientVerdict, Refusal, Role,
    SenderVerdict,
};
use essaim_types::ByteSize;
use proptest::prelude::*;

use crate::script::{receiving, start};

/// Everything that can be seen from outside: what was sent, and all else in order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    sent: Vec<u8>,
    events: Vec<String>,
    /// After STARTTLS the rest of the input is no longer SMTP in clear.
    handshake: bool,
}

/// Small limits, so that random input meets them.
fn config() -> Config {
    let limits = Limits {
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
        piece: 16,
        ..Limits::default()
    };
    Config { limits, role: Role::Submission { plaintext_login: PlaintextLogin::Allow }, ..receiving() }
}

fn observe(config: Config, input: &[u8], cuts: &[usize]) -> Seen {
    let (mut smtp, mut seen) = (start(config), Seen::default());
    drain(&mut smtp, &mut seen);
    let (mut rest, mut cuts) = (input, cuts.iter().cycle());
    while !rest.is_empty() && !seen.handshake {
        let cut = cuts.next().map_or(rest.len(), |cut| (cut + 1).min(rest.len()));
        let (piece, later) = rest.split_at(cut);
        rest = later;
        if smtp.wants_input() {
            smtp.receive(piece);
        }
        drain(&mut smtp, &mut seen);
    }
    seen
}

fn drain(smtp: &mut Connection, seen: &mut Seen) {
    while let Some(action) = smtp.next_action() {
        if let Action::Send(bytes) = action {
            seen.sent.extend_from_slice(&bytes);
            continue;
        }
        seen.events.push(match &action {
            Action::Spool(piece) => format!("Spool {}", piece.escape_ascii()),
            other => format!("{other:?}"),
        });
        match action {
            Action::CheckSender(sender, _) if says(sender.as_ref(), "no") => {
                smtp.answer_sender(SenderVerdict::Refuse)
            }
            Action::CheckSender(..) => smtp.answer_sender(SenderVerdict::Accept),
            Action::CheckRecipient(to) if says(Some(&to), "no") => {
                smtp.answer_recipient(RecipientVerdict::NoSuchMailbox)
            }
            Action::CheckRecipient(_) => smtp.answer_recipient(RecipientVerdict::Accept),
            Action::Authenticate(login) if login.user == "no" => smtp.answer_login(LoginVerdict::Refuse),
            Action::Authenticate(login) => smtp.answer_login(LoginVerdict::Accept { login: login.user }),
            Action::Commit(envelope) if envelope.recipients.len() == 2 => {
                smtp.answer_committed(Err(Refusal::NoSpace))
            }
            Action::Commit(_) => smtp.answer_committed(Ok(QueueId::new("1"))),
            Action::StartTls => {
                seen.handshake = true;
                return;
            }
            Action::Begin(_) | Action::Spool(_) | Action::Abort | Action::Close | Action::Send(_) => {}
        }
    }
}

fn says(address: Option<&essaim_types::Address>, local: &str) -> bool {
    address.is_some_and(|address| address.local().as_str() == local)
}

/// Pieces of conversations: whole commands, halves of them, bodies and rubbish.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "EHLO x\r\n",
        "HELO y\r\n",
        "AUTH PLAIN AHQAcA==\r\n",
        "AUTH PLAIN AG5vAHA=\r\n",
        "AUTH LOGIN\r\n",
        "dGVzdA==\r\n",
        "*\r\n",
        "MAIL FROM:<a@b.test>\r\n",
        "MAIL FROM:<> SIZE=301\r\n",
        "MAIL FROM:<no@b.test> BODY=8BITMIME\r\n",
        "RCPT TO:<c@d.test>\r\n",
        "RCPT TO:<no@d.test>\r\n",
        "DATA\r\n",
        "a: b\r\n\r\n",
        "Received: x\r\n",
        ".\r\n",
        "..\r\n",
        "\r\n.\r\n",
        "\n.\n",
        "\r",
        "\n",
        ".",
        "BDAT 5\r\n12345",
        "BDAT 7 LAST\r\n\r\n",
        "BDAT 400\r\n",
        "RSET\r\n",
        "NOOP\r\n",
        "QUIT\r\n",
        "STARTTLS\r\n",
        "VRFY x\r\n",
        "GET / HTTP/1.1\r\n",
        "what?\r\n",
        "x: 0123456789012345678901234567890123456789",
    ];
    let message = prop_oneof![
        Just("a: b\r\n\r\nc\r\n.\r\n".to_owned()),
        Just("Received: a\r\nreceived : b\r\nRECEIVED:c\r\n.\r\n".to_owned()),
        (0..400usize, 0..400usize)
            .prop_map(|(header, body)| format!("a: {header:.>header$}\r\n\r\n{body:.>body$}\r\n.\r\n")),
        (0..400usize).prop_map(|size| format!("\r\n{}\r\n.\r\n", "..\r\n".repeat(size / 4))),
        "[a\r\n.]{0,40}\r\n.\r\n",
    ];
    let whole = message
        .prop_map(|message| format!("MAIL FROM:<>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n{message}").into_bytes());
    let chunk = ("[a\r\n.]{0,40}", any::<bool>()).prop_map(|(chunk, last)| {
        format!("BDAT {}{}\r\n{chunk}", chunk.len(), if last { " LAST" } else { "" }).into_bytes()
    });
    prop_oneof![
        4 => whole,
        2 => chunk,
        8 => prop::sample::select(known.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (0..40usize).prop_map(|lines| b"0123456789012\r\n".repeat(lines)),
    ]
}

fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let opening = prop_oneof![
        Just(&b""[..]),
        Just(&b"EHLO x\r\nAUTH PLAIN AHQAcA==\r\n"[..]),
        Just(&b"EHLO x\r\nAUTH PLAIN AHQAcA==\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n"[..]),
        Just(&b"EHLO x\r\nAUTH PLAIN AHQAcA==\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n"[..]),
    ];
    (opening, prop::collection::vec(fragment(), 0..40))
        .prop_map(|(opening, fragments)| [opening, &fragments.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_make_no_difference(input in conversation(), cuts in prop::collection::vec(0..60usize, 1..20)) {
        let whole = observe(config(), &input, &[usize::MAX - 1]);
        prop_assert_eq!(&observe(config(), &input, &[0]), &whole);
        prop_assert_eq!(&observe(config(), &input, &cuts), &whole);
    }

    #[test]
    fn begin_commit_and_abort_are_paired(input in conversation()) {
        let seen = observe(config(), &input, &[usize::MAX - 1]);
        let mut open = false;
        for event in &seen.events {
            let word = event.split(['(', ' ']).next().unwrap();
            match word {
                "Begin" => prop_assert!(!std::mem::replace(&mut open, true), "{:?}", seen.events),
                "Commit" | "Abort" => prop_assert!(std::mem::replace(&mut open, false), "{:?}", seen.events),
                "Spool" => prop_assert!(open, "{:?}", seen.events),
                "Close" => prop_assert!(!open, "{:?}", seen.events),
                _ => {}
            }
        }
    }

    #[test]
    fn any_bytes_are_answered_in_whole_lines(input in prop::collection::vec(any::<u8>(), 0..2000)) {
        let seen = observe(receiving(), &input, &[100]);
        prop_assert!(seen.sent.ends_with(b"\r\n"));
    }
}
