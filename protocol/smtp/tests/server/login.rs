//! AUTH: RFC 4954, with the members' ports.

use essaim_smtp::server::{Config, Encryption, Limits, PlaintextLogin, Role};

use crate::script::{play, receiving, submissions};

const HELLO: &str = "
    S: 220 foo.com ESMTP Essaim
    C: EHLO client.example.com
    S: 250-foo.com
    S: 250-PIPELINING
    S: 250-SIZE 52428800
    S: 250-8BITMIME
    S: 250-SMTPUTF8
    S: 250-ENHANCEDSTATUSCODES
    S: 250-AUTH PLAIN LOGIN
    S: 250 CHUNKING
";

fn after_hello(rest: &str) {
    play(&submissions(), &format!("{HELLO}{rest}"));
}

#[test]
fn rfc4954_4_3_plain_with_an_initial_response() {
    after_hello(
        "
        C: AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=
        ? login Plain test 1234 -> Accept test@foo.com
        S: 235 2.7.0 Welcome
        C: MAIL FROM:<test@foo.com> AUTH=<>
        C: RCPT TO:<a@b.test>
        C: DATA
        ? sender test@foo.com -> Accept
        ? recipient a@b.test -> Accept
        ! Begin
        S: 250 2.1.0 Sender accepted
        S: 250 2.1.5 Recipient accepted
        S: 354 Send the message, end with a line of one dot
        C: .
        ? commit ESMTPSA test@foo.com > a@b.test -> Ok 1
        S: 250 2.0.0 Message accepted as 1
        C: AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=
        S: 503 5.5.1 Already logged in
        ",
    );
}

#[test]
fn rfc4954_4_3_plain_without_an_initial_response() {
    after_hello(
        "
        C: AUTH PLAIN
        S: 334\x20
        C: dGVzdAB0ZXN0ADEyMzQ=
        ? login Plain test 1234 -> Accept test@foo.com
        S: 235 2.7.0 Welcome
        ",
    );
}

#[test]
fn login_asks_twice() {
    after_hello(
        "
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: dGVzdA==
        S: 334 UGFzc3dvcmQ6
        C: MTIzNA==
        ? login Login test 1234 -> Refuse
        S: 535 5.7.8 Wrong name or password
        C: auth login dGVzdA==
        S: 334 UGFzc3dvcmQ6
        C: MTIzNA==
        ? login Login test 1234 -> Accept t
        S: 235 2.7.0 Welcome
        ",
    );
}

#[test]
fn every_verdict_on_a_password_has_its_reply() {
    after_hello(
        "
        C: AUTH PLAIN AHQAcA==
        ? login Plain t p -> SlowDown
        S: 454 4.7.0 Too many tries, please wait a few minutes
        C: AUTH PLAIN AHQAcA==
        ? login Plain t p -> TryLater
        S: 454 4.7.0 Passwords cannot be checked now, please try again later
        ",
    );
}

#[test]
fn an_exchange_can_be_cancelled_and_may_be_garbage() {
    after_hello(
        "
        C: AUTH PLAIN
        S: 334\x20
        C: *
        S: 501 5.7.0 Cancelled
        C: AUTH LOGIN =
        S: 334 UGFzc3dvcmQ6
        C: *
        S: 501 5.7.0 Cancelled
        C: AUTH PLAIN !!!
        S: 501 5.5.2 Malformed response
        C: AUTH PLAIN dGVzdA==
        S: 501 5.5.2 Malformed response
        C: AUTH PLAIN YQBiAGM=
        S: 501 5.5.2 Malformed response
        C: AUTH PLAIN AP8AYQ==
        S: 501 5.5.2 Malformed response
        C: AUTH CRAM-MD5
        S: 504 5.5.4 Unknown mechanism, PLAIN and LOGIN are offered
        C: AUTH
        S: 501 5.5.4 The argument is missing or malformed
        C: AUTH PLAIN a b
        S: 501 5.5.4 The argument is missing or malformed
        ",
    );
}

#[test]
fn nothing_is_sent_without_a_login() {
    after_hello(
        "
        C: MAIL FROM:<a@foo.com>
        S: 530 5.7.0 Log in first
        C: RCPT TO:<a@foo.com>
        S: 503 5.5.1 MAIL first
        ",
    );
}

#[test]
fn a_password_is_not_taken_in_clear() {
    let config = Config { encryption: Encryption::StartTls, ..submissions() };
    play(
        &config,
        "
        S: 220 foo.com ESMTP Essaim
        C: EHLO x
        S: 250-foo.com
        S: 250-PIPELINING
        S: 250-SIZE 52428800
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-STARTTLS
        S: 250 CHUNKING
        C: AUTH PLAIN AHQAcA==
        S: 538 5.7.11 Passwords are only taken over TLS: send STARTTLS first
        C: MAIL FROM:<a@b.test>
        S: 530 5.7.0 Send STARTTLS first
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        ! StartTls
        C: AUTH PLAIN AHQAcA==
        S: 503 5.5.1 Say EHLO first
        C: HELO x
        C: AUTH PLAIN AHQAcA==
        S: 250 foo.com
        ? login Plain t p -> Accept t
        S: 235 2.7.0 Welcome
        ",
    );
}

#[test]
fn a_test_on_loopback_may_allow_it() {
    let role = Role::Submission { plaintext_login: PlaintextLogin::Allow };
    play(
        &Config { encryption: Encryption::Unavailable, role, ..receiving() },
        &format!(
            "{HELLO}
            C: AUTH PLAIN AHQAcA==
            ? login Plain t p -> Accept t
            S: 235 2.7.0 Welcome
            C: MAIL FROM:<a@b.test>
            ? sender a@b.test -> Accept
            S: 250 2.1.0 Sender accepted
            C: AUTH PLAIN AHQAcA==
            S: 503 5.5.1 Already logged in
            "
        ),
    );
}

#[test]
fn port_25_has_no_passwords() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO x
        C: AUTH PLAIN AHQAcA==
        S: 250 foo.com
        S: 502 5.5.1 AUTH is not offered here
        ",
    );
}

#[test]
fn guessing_ends_the_conversation() {
    let limits = Limits { login_failures: 2, ..Limits::default() };
    play(
        &Config { limits, ..submissions() },
        &format!(
            "{HELLO}
            C: AUTH PLAIN AHQAcA==
            C: AUTH PLAIN AHQAcQ==
            C: AUTH PLAIN AHQAcg==
            ? login Plain t p -> Refuse
            ? login Plain t q -> Refuse
            S: 535 5.7.8 Wrong name or password
            S: 535 5.7.8 Wrong name or password
            S: 421 4.7.0 Too many wrong passwords, closing
            ! Close
            "
        ),
    );
}

#[test]
fn a_login_line_may_be_longer_than_others() {
    let password = "A".repeat(9000);
    let config = submissions();
    let too_long = "B".repeat(12_288);
    play(
        &config,
        &format!(
            "{HELLO}
            C: AUTH LOGIN dGVzdA==
            S: 334 UGFzc3dvcmQ6
            C: {password}
            ? login Login test {} -> Refuse
            S: 535 5.7.8 Wrong name or password
            C: AUTH LOGIN dGVzdA==
            S: 334 UGFzc3dvcmQ6
            C: {too_long}
            S: 500 5.5.6 The line is too long
            C: NOOP
            S: 250 2.0.0 OK
            ",
            "\0".repeat(6750)
        ),
    );
}

#[test]
fn passwords_are_not_printed() {
    let mut smtp = crate::script::start(submissions());
    smtp.receive(b"EHLO x\r\nAUTH PLAIN AHRlc3QAc2VjcmV0LXNlY3JldA==\r\n");
    let mut seen = format!("{smtp:?}");
    while let Some(action) = smtp.next_action() {
        seen += &format!("{action:?}{smtp:?}");
    }
    assert!(seen.contains("Secret(..)"));
    assert!(!seen.contains("secret-secret") && !seen.contains("c2VjcmV0"), "{seen}");
}
