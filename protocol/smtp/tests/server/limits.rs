//! Every bound of `Limits`, reached.

use essaim_smtp::server::{Action, Config, Connection, Limits, RecipientVerdict, SenderVerdict};
use essaim_types::ByteSize;

use crate::script::{play, receiving, start};

fn limited(limits: Limits) -> Config {
    Config { limits, ..receiving() }
}

const TO_DATA: &str = "
    S: 220 foo.com ESMTP Essaim
    C: HELO x
    C: MAIL FROM:<>
    C: RCPT TO:<c@foo.com>
    C: DATA
    ? sender  -> Accept
    ? recipient c@foo.com -> Accept
    ! Begin
    S: 250 foo.com
    S: 250 2.1.0 Sender accepted
    S: 250 2.1.5 Recipient accepted
    S: 354 Send the message, end with a line of one dot
";

#[test]
fn a_message_over_the_limit_is_refused_at_its_end() {
    let limits = Limits { message_size: ByteSize(20), overrun: ByteSize(100), ..Limits::default() };
    let message = "
        C: a: b
        C:
        C: 2345678901
        C: .
        M: a: b
        M:\x20
        M: 2345678901
        ? commit SMTP  > c@foo.com -> Ok 1
        S: 250 2.0.0 Message accepted as 1
    ";
    play(&limited(limits.clone()), &format!("{TO_DATA}{message}"));
    let message = "
        C: a: b
        C:
        C: 23456789012
        C: .
        ! Abort
        S: 552 5.3.4 The message is too large
        C: MAIL FROM:<>
        ? sender  -> Accept
        S: 250 2.1.0 Sender accepted
    ";
    play(&limited(limits), &format!("{TO_DATA}{message}"));
}

#[test]
fn a_message_that_never_ends_is_cut() {
    let limits = Limits { message_size: ByteSize(8), overrun: ByteSize(8), ..Limits::default() };
    play(
        &limited(limits),
        &format!(
            "{TO_DATA}
            C~ \\r\\n345678901234567
            ! Abort
            S: 552 5.3.4 The message is too large
            ! Close
            "
        ),
    );
}

#[test]
fn a_message_that_is_refused_for_something_else_is_cut_with_that_reason() {
    let limits = Limits { message_size: ByteSize(8), overrun: ByteSize(8), ..Limits::default() };
    play(
        &limited(limits),
        &format!(
            "{TO_DATA}
            C~ \\n2345678901234567
            ! Abort
            S: 554 5.6.0 Lines of a message end with CRLF: bare CR or LF is not accepted
            ! Close
            "
        ),
    );
}

#[test]
fn rfc1870_6_1_a_size_over_the_limit_is_refused_before_the_message() {
    let limits = Limits { message_size: ByteSize(1000), ..Limits::default() };
    play(
        &limited(limits),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO x
        C: MAIL FROM:<a@b.test> SIZE=1001
        C: MAIL FROM:<a@b.test> SIZE=99999999999999999999
        C: MAIL FROM:<a@b.test> SIZE=1000
        ? sender a@b.test -> Accept
        S: 250 foo.com
        S: 552 5.3.4 The message is too large
        S: 552 5.3.4 The message is too large
        S: 250 2.1.0 Sender accepted
        ",
    );
}

#[test]
fn a_gigantic_header_is_refused() {
    let limits = Limits { header_size: ByteSize(16), ..Limits::default() };
    play(
        &limited(limits),
        &format!(
            "{TO_DATA}
            C: Subject: 12345678
            C:
            C: .
            ! Abort
            S: 552 5.3.4 The header of the message is too large
            "
        ),
    );
}

#[test]
fn rfc5321_6_3_a_loop_is_cut_by_counting() {
    let limits = Limits { received_fields: 2, ..Limits::default() };
    play(
        &limited(limits),
        &format!(
            "{TO_DATA}
            C: Received: 1
            C: received: 2
            C:
            C: Received: not in the header
            C: .
            M: Received: 1
            M: received: 2
            M:\x20
            M: Received: not in the header
            ? commit SMTP  > c@foo.com -> Ok 1
            S: 250 2.0.0 Message accepted as 1
            "
        ),
    );
    let limits = Limits { received_fields: 1, ..Limits::default() };
    play(
        &limited(limits),
        &format!(
            "{TO_DATA}
            C: Received: 1
            C: received: 2
            C: .
            ! Abort
            S: 554 5.4.6 The message has been relayed too often: mail loop
            "
        ),
    );
}

#[test]
fn recipients_over_the_limit_are_for_another_message() {
    let limits = Limits { recipients: 1, ..Limits::default() };
    play(
        &limited(limits),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO x
        C: MAIL FROM:<>
        C: RCPT TO:<c@foo.com>
        C: RCPT TO:<d@foo.com>
        ? sender  -> Accept
        ? recipient c@foo.com -> Accept
        S: 250 foo.com
        S: 250 2.1.0 Sender accepted
        S: 250 2.1.5 Recipient accepted
        S: 452 4.5.3 Too many recipients, send the rest in another message
        ",
    );
}

#[test]
fn guessing_addresses_ends_the_conversation() {
    let limits = Limits { refused_recipients: 2, ..Limits::default() };
    play(
        &limited(limits),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO x
        C: MAIL FROM:<>
        C: RCPT TO:<c@foo.com>
        C: RCPT TO:<d@foo.com>
        C: RCPT TO:<e@foo.com>
        ? sender  -> Accept
        ? recipient c@foo.com -> NoSuchMailbox
        ? recipient d@foo.com -> NoSuchMailbox
        S: 250 foo.com
        S: 250 2.1.0 Sender accepted
        S: 550 5.1.1 No such mailbox here
        S: 550 5.1.1 No such mailbox here
        S: 421 4.7.0 Too many refused recipients, closing
        ! Close
        ",
    );
}

#[test]
fn messages_errors_and_small_talk_are_counted() {
    let limits = Limits { transactions: 1, errors: 2, idle_commands: 3, ..Limits::default() };
    let config = limited(limits);
    play(
        &config,
        &format!(
            "{TO_DATA}
            C: .
            C: MAIL FROM:<>
            ? commit SMTP  > c@foo.com -> Ok 1
            S: 250 2.0.0 Message accepted as 1
            S: 421 4.7.0 Enough messages for one connection, please reconnect
            ! Close
            "
        ),
    );
    play(
        &config,
        "
        S: 220 foo.com ESMTP Essaim
        C: WHAT
        C: WHAT
        C: WHAT
        S: 500 5.5.1 Unknown command
        S: 500 5.5.1 Unknown command
        S: 421 4.7.0 Too many errors, closing
        ! Close
        ",
    );
    play(
        &config,
        "
        S: 220 foo.com ESMTP Essaim
        C: NOOP
        C: RSET
        C: VRFY x
        C: HELP
        S: 250 2.0.0 OK
        S: 250 2.0.0 OK
        S: 252 2.0.0 Send some mail, it will be tried
        S: 421 4.7.0 Too many commands without a message, closing
        ! Close
        ",
    );
}

#[test]
fn a_message_makes_room_for_small_talk() {
    let limits = Limits { idle_commands: 3, ..Limits::default() };
    play(
        &limited(limits),
        &format!(
            "{TO_DATA}
            C: .
            C: NOOP
            C: NOOP
            C: NOOP
            ? commit SMTP  > c@foo.com -> Ok 1
            S: 250 2.0.0 Message accepted as 1
            S: 250 2.0.0 OK
            S: 250 2.0.0 OK
            S: 250 2.0.0 OK
            S: 421 4.7.0 Too many commands without a message, closing
            ! Close
            "
        ),
    );
}

#[test]
fn a_line_over_the_limit_is_told_once_and_skipped() {
    let long = "x".repeat(5000);
    let longest = "x".repeat(4096 - "NOOP \r\n".len());
    play(
        &receiving(),
        &format!(
            "
            S: 220 foo.com ESMTP Essaim
            C: NOOP {longest}
            S: 250 2.0.0 OK
            C: NOOP {longest}x
            S: 500 5.5.2 The line is too long
            C: NOOP {long}{long}{long}
            C: NOOP
            S: 500 5.5.2 The line is too long
            S: 250 2.0.0 OK
            "
        ),
    );
}

/// What a skipped line was, AUTH or not, said nothing about how long the next one may be: with the input in pieces the limit on
/// commands was held against an AUTH behind it.
#[test]
fn a_login_behind_a_line_over_the_limit_has_its_own_limit() {
    let mut smtp = start(receiving());
    let mut said = Vec::new();
    let (long, password) = ("x".repeat(5000), "x".repeat(5000));
    for piece in [long, format!("\r\nAUTH PLAIN {password}\r\n")] {
        smtp.receive(piece.as_bytes());
        while let Some(action) = smtp.next_action() {
            if let Action::Send(bytes) = action {
                said.extend_from_slice(&bytes);
            }
        }
    }
    assert_eq!(
        String::from_utf8(said).unwrap(),
        "220 foo.com ESMTP Essaim\r\n500 5.5.2 The line is too long\r\n502 5.5.1 AUTH is not offered here\r\n"
    );
}

#[test]
fn input_that_is_pipelined_waits_in_a_bounded_buffer() {
    let mut smtp = start(receiving());
    smtp.receive(b"HELO x\r\nMAIL FROM:<a@b.test>\r\n");
    while !matches!(smtp.next_action(), Some(Action::CheckSender(..))) {}
    let command = [&b"NOOP "[..], &[b'x'; 1017], b"\r\n"].concat();
    let mut taken = 0;
    while smtp.wants_input() {
        smtp.receive(&command);
        taken += command.len();
    }
    assert!((64 << 10..=(64 << 10) + 2 * command.len()).contains(&taken), "{taken} bytes wait");
    smtp.answer_sender(SenderVerdict::Accept);
    assert!(smtp.next_action().is_some());
    assert!(smtp.wants_input());
}

#[test]
fn a_line_fits_however_small_the_limit_on_waiting_input() {
    let mut smtp = start(limited(Limits { waiting_input: 0, ..Limits::default() }));
    while smtp.next_action().is_some() {}
    for byte in [b"NOOP ".as_slice(), &[b'x'; 5000], b"\r\n"].concat() {
        assert!(smtp.wants_input());
        smtp.receive(&[byte]);
        while smtp.next_action().is_some() {}
    }
    smtp.receive(b"AUTH PLAIN ");
    assert!(smtp.wants_input());
}

#[test]
fn a_caller_that_does_not_look_cannot_fill_the_memory() {
    let mut smtp = start(receiving());
    smtp.receive(b"HELO x\r\nMAIL FROM:<a@b.test>\r\n");
    while !matches!(smtp.next_action(), Some(Action::CheckSender(..))) {}
    for _ in 0..1000 {
        smtp.receive(&[b'x'; 1024]);
    }
    smtp.answer_sender(SenderVerdict::Accept);
    let actions: Vec<_> = std::iter::from_fn(|| smtp.next_action()).collect();
    assert!(matches!(actions.as_slice(), [Action::Send(_), Action::Close]), "{actions:?}");
}

#[test]
fn a_large_message_is_handed_on_in_pieces() {
    let mut smtp = start(receiving());
    smtp.receive(b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<c@foo.com>\r\nDATA\r\na: b\r\n\r\n");
    let (mut total, mut largest) = (0, 0);
    let mut drain = |smtp: &mut Connection| {
        while let Some(action) = smtp.next_action() {
            match action {
                Action::CheckSender(..) => smtp.answer_sender(SenderVerdict::Accept),
                Action::CheckRecipient(_) => smtp.answer_recipient(RecipientVerdict::Accept),
                Action::Spool(piece) => {
                    total += piece.len();
                    largest = largest.max(piece.len());
                }
                Action::Commit(_) => smtp.answer_committed(Ok(essaim_smtp::QueueId::new("1"))),
                _ => {}
            }
        }
    };
    drain(&mut smtp);
    let block = [[b'x'; 998].as_slice(), b"\r\n"].concat().repeat(50);
    for _ in 0..200 {
        assert!(smtp.wants_input());
        smtp.receive(&block);
        drain(&mut smtp);
    }
    smtp.receive(b".\r\n");
    drain(&mut smtp);
    assert_eq!((total, largest), (10_000_008, 64 << 10));
}
