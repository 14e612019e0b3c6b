//! RFC 3207.

use essaim_smtp::server::{Action, Config, Encryption};

use crate::script::{play, receiving, start, submissions};

#[test]
fn rfc3207_5_1_after_the_handshake_everything_begins_again() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: EHLO mail.example.com
        S: 250-foo.com
        S: 250-PIPELINING
        S: 250-SIZE 52428800
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-STARTTLS
        S: 250 CHUNKING
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        ! StartTls
        C: MAIL FROM:<a@b.test>
        S: 503 5.5.1 Say EHLO first
        C: STARTTLS
        S: 503 5.5.1 The connection is already encrypted
        C: EHLO mail.example.com
        S: 250-foo.com
        S: 250-PIPELINING
        S: 250-SIZE 52428800
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250 CHUNKING
        C: MAIL FROM:<a@b.test>
        C: RCPT TO:<c@foo.com>
        C: DATA
        ? sender a@b.test -> Accept
        ? recipient c@foo.com -> Accept
        ! Begin
        S: 250 2.1.0 Sender accepted
        S: 250 2.1.5 Recipient accepted
        S: 354 Send the message, end with a line of one dot
        C: .
        ? commit ESMTPS a@b.test > c@foo.com -> Ok 1
        S: 250 2.0.0 Message accepted as 1
        ",
    );
}

#[test]
fn starttls_drops_pipelined_input() {
    let mut smtp = start(receiving());
    smtp.receive(b"EHLO x\r\nSTARTTLS\r\nRSET\r\nMAIL FROM:<evil@b.test>\r\n");
    let mut sent = Vec::new();
    while let Some(action) = smtp.next_action() {
        match action {
            Action::Send(bytes) => sent.extend_from_slice(&bytes),
            // Input that comes before the caller begins the handshake is in clear too.
            other => {
                assert!(matches!(other, Action::StartTls), "{other:?}");
                break;
            }
        }
        smtp.receive(b"NOOP\r\n");
    }
    assert!(sent.ends_with(b"220 2.0.0 Ready to start TLS\r\n"));
    assert!(smtp.next_action().is_none(), "nothing of the injected commands is answered");
    smtp.receive(b"NOOP\r\n");
    let reply = smtp.next_action();
    assert!(
        matches!(&reply, Some(Action::Send(bytes)) if bytes.as_ref() == b"250 2.0.0 OK\r\n"),
        "{reply:?}"
    );
}

#[test]
fn half_a_line_in_clear_does_not_reach_into_the_encrypted_part() {
    let mut smtp = start(receiving());
    smtp.receive(b"STARTTLS\r\nNOOP half ");
    while smtp.next_action().is_some() {}
    smtp.receive(b"QUIT\r\n");
    let reply = smtp.next_action();
    assert!(matches!(&reply, Some(Action::Send(bytes)) if bytes.starts_with(b"221")), "{reply:?}");
}

#[test]
fn starttls_is_refused_where_there_is_none() {
    play(
        &Config { encryption: Encryption::Unavailable, ..receiving() },
        "
        S: 220 foo.com ESMTP Essaim
        C: STARTTLS
        S: 502 5.5.1 STARTTLS is not offered here
        C: STARTTLS now
        S: 501 5.5.4 This command takes no argument
        ",
    );
    play(
        &submissions(),
        "
        S: 220 foo.com ESMTP Essaim
        C: STARTTLS
        S: 503 5.5.1 The connection is already encrypted
        ",
    );
}
