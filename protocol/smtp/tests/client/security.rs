//! STARTTLS and AUTH at another host.

use essaim_smtp::client::{Config, Encryption, Login};
use essaim_types::Secret;

use crate::script::{config, play, to};

fn with(encryption: Encryption) -> Config {
    Config { encryption, ..config() }
}

fn with_login(encryption: Encryption) -> Config {
    let login = Login { user: "test".into(), password: Secret::new("1234") };
    Config { login: Some(login), ..with(encryption) }
}

#[test]
fn rfc3207_4_2_after_the_handshake_the_host_is_asked_again() {
    for encryption in [Encryption::Opportunistic, Encryption::Required] {
        play(
            &with(encryption),
            &[to(&["a"])],
            "
            S: 220 x
            C: EHLO bar.com
            S: 250-x
            S: 250-PIPELINING
            S: 250 STARTTLS
            C: STARTTLS
            S: 220 go ahead
            ! StartTls
            C: EHLO bar.com
            S: 250-x
            S: 250 STARTTLS
            C: MAIL FROM:<Smith@bar.com>
            ",
        );
    }
}

#[test]
fn helo_is_no_way_back_from_tls() {
    play(
        &with(Encryption::Implicit),
        &[to(&["a"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 502 5.5.1 what
        C: QUIT
        R: a@foo.com: permanent 5.5.1: 502 5.5.1 what (in reply to EHLO)
        ! Close
        ",
    );
}

#[test]
fn opportunistic_goes_on_in_clear_and_required_does_not() {
    let refused = "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 STARTTLS
        C: STARTTLS
        S: 454 4.7.0 no certificate
    ";
    let goes_on = format!("{refused}C: MAIL FROM:<Smith@bar.com>");
    play(&with(Encryption::Opportunistic), &[to(&["a"])], &goes_on);
    let waits = format!(
        "{refused}C: QUIT
        R: a@foo.com: temporary 4.7.0: 454 4.7.0 no certificate (in reply to STARTTLS)
        ! Close"
    );
    play(&with(Encryption::Required), &[to(&["a"])], &waits);
    play(
        &with(Encryption::Required),
        &[to(&["a"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250 x
        R: a@foo.com: temporary 4.7.10: the host offers no TLS, which is required (in reply to STARTTLS)
        ! Close
        ",
    );
    play(
        &with(Encryption::Never),
        &[to(&["a"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 STARTTLS
        C: MAIL FROM:<Smith@bar.com>
        ",
    );
}

#[test]
fn a_failed_handshake_is_told_to_the_caller() {
    play(
        &config(),
        &[to(&["a"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go ahead
        ! StartTls
        C: EHLO bar.com
        ^ tls
        R: a@foo.com: temporary 4.7.10: the TLS handshake failed (in reply to STARTTLS)
        ! Close
        ",
    );
}

#[test]
fn replies_injected_before_the_handshake_are_not_believed() {
    let transcript = "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 STARTTLS
        C: STARTTLS
    ";
    let mut smtp =
        essaim_smtp::client::Connection::new(std::sync::Arc::new(config()), crate::script::some_instant());
    play(&config(), &[to(&["a"])], transcript);
    smtp.deliver(to(&["a"]));
    smtp.receive(b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n");
    let actions: Vec<_> = std::iter::from_fn(|| smtp.next_action()).collect();
    assert!(
        !actions.iter().any(|action| matches!(action, essaim_smtp::client::Action::StartTls)),
        "{actions:?}"
    );
    assert!(matches!(actions.last(), Some(essaim_smtp::client::Action::Close)), "{actions:?}");
    assert!(format!("{actions:?}").contains("in clear after STARTTLS"), "{actions:?}");
}

#[test]
fn rfc4954_4_1_plain_over_tls() {
    play(
        &with_login(Encryption::Implicit),
        &[to(&["a"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 AUTH LOGIN PLAIN
        C: AUTH PLAIN AHRlc3QAMTIzNA==
        S: 235 2.7.0 OK
        C: MAIL FROM:<Smith@bar.com>
        ",
    );
}

#[test]
fn a_wrong_password_lets_the_mail_wait() {
    play(
        &with_login(Encryption::Implicit),
        &[to(&["a"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 AUTH LOGIN PLAIN
        C: AUTH PLAIN AHRlc3QAMTIzNA==
        S: 535 5.7.8 wrong
        C: QUIT
        R: a@foo.com: temporary 4.0.0: 535 5.7.8 wrong (in reply to AUTH)
        ! Close
        ",
    );
}

#[test]
fn a_password_is_not_sent_in_clear_unless_that_was_chosen() {
    let offer = "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 AUTH PLAIN
    ";
    play(
        &with_login(Encryption::Opportunistic),
        &[to(&["a"])],
        &format!(
            "{offer}
            R: a@foo.com: temporary 4.7.0: the host offers no AUTH PLAIN over TLS (in reply to AUTH)
            ! Close
            "
        ),
    );
    play(&with_login(Encryption::Never), &[to(&["a"])], &format!("{offer}C: AUTH PLAIN AHRlc3QAMTIzNA=="));
}

#[test]
fn passwords_are_not_printed() {
    let mut smtp = essaim_smtp::client::Connection::new(
        std::sync::Arc::new(with_login(Encryption::Implicit)),
        crate::script::some_instant(),
    );
    smtp.receive(b"220 x\r\n250-x\r\n250 AUTH PLAIN\r\n");
    let mut seen = format!("{smtp:?}{:?}", with_login(Encryption::Implicit));
    while let Some(action) = smtp.next_action() {
        seen += &format!("{action:?}{smtp:?}");
    }
    assert!(!seen.contains("1234") && !seen.contains("AHRl") && !seen.contains("MTIzNA"), "{seen}");
}
