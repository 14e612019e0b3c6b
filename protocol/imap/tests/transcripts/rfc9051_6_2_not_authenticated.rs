//! RFC 9051 section 6.2: commands before login. RFC 4616 (PLAIN), RFC 4959 (initial response), RFC 7888 (literals).

use essaim_imap::{Action, Reply, ResponseCode, State, Transport};

use crate::script::{Script, settings};

#[test]
fn rfc9051_6_2_1_starttls_then_authenticate_with_initial_response() {
    let mut imap = Script::fresh(settings(Transport::StartTlsRequired));
    imap.s("* OK [CAPABILITY ...");
    imap.c("a002 STARTTLS");
    imap.s("a002 OK begin TLS now");
    assert!(matches!(imap.asked(), Action::StartTls));
    imap.c("a004 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=");
    assert_eq!(imap.logs_in(Ok(())), ("test".to_owned(), "test".to_owned()));
    imap.s("a004 OK [CAPABILITY IMAP4rev1 IMAP4rev2 ...");
    imap.end();
}

#[test]
fn starttls_drops_pipelined_input() {
    let mut imap = Script::fresh(settings(Transport::StartTlsRequired));
    imap.s("* OK [CAPABILITY ...");
    imap.raw(b"a STARTTLS\r\nb LOGIN mallory secret\r\nc NOOP\r\n");
    imap.s("a OK begin TLS now");
    assert!(matches!(imap.asked(), Action::StartTls));
    imap.c("d NOOP");
    imap.s("d OK ...");
    imap.end();
}

#[test]
fn starttls_drops_half_a_command() {
    let mut imap = Script::fresh(settings(Transport::StartTlsOffered));
    imap.s("* OK [CAPABILITY ...");
    imap.raw(b"a STARTTLS\r\nb LOGIN {5+}\r\nmal");
    imap.s("a OK begin TLS now");
    assert!(matches!(imap.asked(), Action::StartTls));
    imap.c("d NOOP");
    imap.s("d OK ...");
    imap.end();
}

#[test]
fn starttls_where_there_is_none_is_bad() {
    for (transport, why) in [(Transport::Tls, "TLS is on"), (Transport::Clear, "there is no TLS here")] {
        let mut imap = Script::fresh(settings(transport));
        imap.s("* OK [CAPABILITY ...");
        imap.c("a STARTTLS");
        imap.s(&format!("a BAD {why}"));
        imap.end();
    }
}

#[test]
fn no_password_before_tls() {
    let mut imap = Script::fresh(settings(Transport::StartTlsRequired));
    imap.s("* OK [CAPABILITY ...");
    for command in ["LOGIN SMITH SESAME", "AUTHENTICATE PLAIN", "AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q="] {
        imap.c(&format!("a {command}"));
        imap.s("a NO [PRIVACYREQUIRED] no login before STARTTLS");
    }
    imap.end();
}

#[test]
fn rfc9051_6_2_2_authenticate_without_initial_response() {
    let mut imap = Script::tls();
    imap.c("A01 AUTHENTICATE PLAIN");
    imap.s("+ ");
    imap.c("dGVzdAB0ZXN0AHRlc3Q=");
    assert_eq!(imap.logs_in(Ok(())).0, "test");
    imap.s("A01 OK [CAPABILITY ...");
    imap.end();
}

#[test]
fn authenticate_can_be_cancelled_and_other_mechanisms_are_no() {
    let mut imap = Script::tls();
    imap.c("a AUTHENTICATE PLAIN");
    imap.s("+ ");
    imap.c("*");
    imap.s("a BAD cancelled");
    imap.c("A001 AUTHENTICATE GSSAPI");
    imap.s("A001 NO [CANNOT] the only mechanism is PLAIN");
    imap.c("A02 AUTHENTICATE EXTERNAL =");
    imap.s("A02 NO [CANNOT] the only mechanism is PLAIN");
    imap.end();
}

#[test]
fn authenticate_refuses_what_is_not_a_response_of_plain() {
    for (response, why) in [
        ("=AAA", "BAD the response is not base64"),
        ("AAA=BBB", "BAD the response is not base64"),
        ("dGVzdA", "BAD the response is not base64"),
        ("dGVzdA==", "BAD the response of PLAIN has three fields"),
        ("", "BAD the response of PLAIN has three fields"),
        ("AGEAYgBj", "BAD the response of PLAIN has three fields"),
        ("AAB0ZXN0", "BAD the response of PLAIN has a user and a password"),
        ("AHRlc3QA", "BAD the response of PLAIN has a user and a password"),
        ("AP8AYQ==", "BAD the response is not UTF-8"),
        ("cm9vdAB0ZXN0AHRlc3Q=", "NO [AUTHORIZATIONFAILED] nobody can act as somebody else"),
        ("{3+}", "BAD the response is not base64"),
    ] {
        let mut imap = Script::tls();
        imap.c("a AUTHENTICATE PLAIN");
        imap.s("+ ");
        imap.c(response);
        imap.s(&format!("a {why}"));
        imap.c("b NOOP");
        imap.s("b OK ...");
        imap.end();
    }
}

#[test]
fn an_empty_initial_response_is_an_equals_sign() {
    let mut imap = Script::tls();
    imap.c("a AUTHENTICATE PLAIN =");
    imap.s("a BAD the response of PLAIN has three fields");
    imap.end();
}

#[test]
fn rfc9051_6_2_3_login() {
    let mut imap = Script::tls();
    imap.c("a001 LOGIN SMITH SESAME");
    assert_eq!(imap.logs_in(Ok(())), ("SMITH".to_owned(), "SESAME".to_owned()));
    imap.s("a001 OK [CAPABILITY IMAP4rev1 IMAP4rev2 ...");
    assert_eq!(imap.connection().state(), State::Authenticated);
    imap.end();
}

#[test]
fn a_wrong_password_is_no_and_five_of_them_are_bye() {
    let mut imap = Script::tls();
    let wrong = || Err(Reply::coded(ResponseCode::AuthenticationFailed, "wrong name or password"));
    for _ in 0..5 {
        imap.c("a LOGIN \"SMITH\" \"a\\\"b\\\\c é\"");
        assert_eq!(imap.logs_in(wrong()).1, "a\"b\\c é");
        imap.s("a NO [AUTHENTICATIONFAILED] wrong name or password");
    }
    imap.s("* BYE too many failed logins");
    assert!(matches!(imap.asked(), Action::Close));
    imap.end();
}

#[test]
fn rfc7888_3_login_with_literals_that_do_not_wait() {
    let mut imap = Script::tls();
    imap.raw(b"A001 LOGIN {11+}\r\nFRED FOOBAR {7+}\r\nfat man\r\n");
    assert_eq!(imap.logs_in(Ok(())), ("FRED FOOBAR".to_owned(), "fat man".to_owned()));
    imap.s("A001 OK [CAPABILITY ...");
    imap.end();
}

#[test]
fn rfc9051_4_3_login_with_literals_that_wait() {
    let mut imap = Script::tls();
    imap.c("a001 LOGIN {11}");
    imap.s("+ go on");
    imap.c("FRED FOOBAR {7}");
    imap.s("+ go on");
    imap.c("fat man");
    assert_eq!(imap.logs_in(Ok(())), ("FRED FOOBAR".to_owned(), "fat man".to_owned()));
    imap.s("a001 OK [CAPABILITY ...");
    imap.end();
}

#[test]
fn a_command_sent_ahead_of_the_login_waits_for_it() {
    let mut imap = Script::tls();
    imap.raw(b"a LOGIN u p\r\nb ENABLE QRESYNC\r\n");
    assert!(!imap.connection().wants_input());
    imap.logs_in(Ok(()));
    imap.s("a OK [CAPABILITY ...");
    imap.s("* ENABLED QRESYNC");
    imap.s("b OK ...");
    imap.end();
}

#[test]
fn a_password_is_in_no_debug_output() {
    let mut imap = Script::tls();
    imap.raw(b"a LOGIN user hunter2");
    assert!(!format!("{:?}", imap.connection()).contains("hunter2"));
    imap.raw(b"\r\n");
    assert!(!format!("{:?}", imap.connection()).contains("hunter2"));
    assert_eq!(imap.logs_in(Ok(())).1, "hunter2");
}
