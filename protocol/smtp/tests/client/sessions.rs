//! Conversations that go well.

use essaim_smtp::client::{Config, Delivery, ToHoster};
use essaim_smtp::{BodyType, EntryName};

use crate::script::{config, play, to};

#[test]
fn rfc5321_d1_a_typical_transaction() {
    play(
        &config(),
        &[to(&["Jones", "Green", "Brown"])],
        "
        S: 220 foo.com Simple Mail Transfer Service Ready
        C: EHLO bar.com
        S: 250-foo.com greets bar.com
        S: 250-8BITMIME
        S: 250-SIZE
        S: 250-DSN
        S: 250 HELP
        C: MAIL FROM:<Smith@bar.com> SIZE=27
        S: 250 OK
        C: RCPT TO:<Jones@foo.com>
        S: 250 OK
        C: RCPT TO:<Green@foo.com>
        S: 550 No such user here
        C: RCPT TO:<Brown@foo.com>
        S: 250 OK
        C: DATA
        S: 354 Start mail input; end with <CRLF>.<CRLF>
        C: Blah blah blah...
        C: ...etc.
        C: .
        S: 250 OK
        R: Jones@foo.com: delivered 2.0.0: 250 OK
        R: Green@foo.com: permanent 5.0.0: 550 No such user here (in reply to RCPT TO)
        R: Brown@foo.com: delivered 2.0.0: 250 OK
        C: QUIT
        S: 221 foo.com Service closing transmission channel
        ! Close
        ",
    );
}

#[test]
fn a_host_of_the_last_century_is_greeted_with_helo() {
    play(
        &config(),
        &[to(&["a"])],
        "
        S: 220-welcome
        S: 220 to the museum
        C: EHLO bar.com
        S: 502 what
        C: HELO bar.com
        S: 250 hello
        C: MAIL FROM:<Smith@bar.com>
        S: 250 OK
        C: RCPT TO:<a@foo.com>
        S: 251 OK
        C: DATA
        S: 354 OK
        C: Blah blah blah...
        C: ...etc.
        C: .
        S: 250
        R: a@foo.com: delivered 2.0.0: 250
        C: QUIT
        ",
    );
}

#[test]
fn several_messages_go_over_one_connection() {
    play(
        &config(),
        &[to(&["a"]), to(&["b"]), to(&["c"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250 x
        C: MAIL FROM:<Smith@bar.com>
        S: 250 OK
        C: RCPT TO:<a@foo.com>
        S: 250 OK
        C: DATA
        S: 354 OK
        C: Blah blah blah...
        C: ...etc.
        C: .
        S: 250 2.0.0 one
        R: a@foo.com: delivered 2.0.0: 250 2.0.0 one
        C: MAIL FROM:<Smith@bar.com>
        S: 250 OK
        C: RCPT TO:<b@foo.com>
        S: 450 4.2.0 greylisted
        R: b@foo.com: temporary 4.2.0: 450 4.2.0 greylisted (in reply to RCPT TO)
        C: RSET
        S: 250 OK
        C: MAIL FROM:<Smith@bar.com>
        S: 250 OK
        C: RCPT TO:<c@foo.com>
        S: 250 OK
        C: DATA
        S: 354 OK
        C: Blah blah blah...
        C: ...etc.
        C: .
        S: 250 2.0.0 three
        R: c@foo.com: delivered 2.0.0: 250 2.0.0 three
        C: QUIT
        S: 221 bye
        ! Close
        ",
    );
}

#[test]
fn parameters_are_given_where_they_are_understood_and_needed() {
    let plain = to(&["a"]);
    let bounce = Delivery { sender: None, body: BodyType::EightBit, ..to(&["a"]) };
    let utf8 = Delivery { smtputf8: true, ..to(&["a"]) };
    let address = Delivery { recipients: vec!["é@foo.com".parse().unwrap()], ..to(&[]) };
    let named = ToHoster { entry: EntryName(0xabc), moved: true };
    let (hoster, other) =
        (Delivery { hoster: Some(named), ..to(&["a"]) }, ToHoster { moved: false, ..named });
    let other = Delivery { hoster: Some(other), ..to(&["a"]) };
    let node = "250-x\nS: 250-XENTRY\nS: 250 XMOVED";
    let modern = "250-x\nS: 250-SIZE 1000\nS: 250-8BITMIME\nS: 250 SMTPUTF8";
    let cases = [
        (&plain, modern, "MAIL FROM:<Smith@bar.com> SIZE=27"),
        (&bounce, modern, "MAIL FROM:<> SIZE=27 BODY=8BITMIME"),
        (&utf8, modern, "MAIL FROM:<Smith@bar.com> SIZE=27 SMTPUTF8"),
        (&address, modern, "MAIL FROM:<Smith@bar.com> SIZE=27 SMTPUTF8"),
        (&hoster, node, "MAIL FROM:<Smith@bar.com> XENTRY=00000000000000000000000000000abc XMOVED"),
        (&other, node, "MAIL FROM:<Smith@bar.com> XENTRY=00000000000000000000000000000abc"),
        (&hoster, "250 x", "MAIL FROM:<Smith@bar.com>"),
        (&plain, node, "MAIL FROM:<Smith@bar.com>"),
    ];
    for (delivery, offer, mail) in cases {
        let transcript = format!("S: 220 x\nC: EHLO bar.com\nS: {offer}\nC: {mail}");
        play(&config(), std::slice::from_ref(delivery), &transcript);
    }
}

#[test]
fn rfc6531_3_2_a_host_without_smtputf8_reads_domains_as_the_dns_has_them() {
    let from = |sender: &str| Delivery {
        sender: Some(sender.parse().unwrap()),
        recipients: vec!["bob@b\u{fc}cher.test".parse().unwrap()],
        ..to(&[])
    };
    let own = Config { hostname: "mx.b\u{fc}cher.test".parse().unwrap(), ..config() };
    play(
        &own,
        &[from("a@z\u{fc}rich.test"), from("zo\u{eb}@a.test")],
        "
        S: 220 x
        C: EHLO mx.xn--bcher-kva.test
        S: 250 x
        C: MAIL FROM:<a@xn--zrich-kva.test>
        S: 250 ok
        C: RCPT TO:<bob@xn--bcher-kva.test>
        S: 250 ok
        C: DATA
        S: 354 go
        C: Blah blah blah...
        C: ...etc.
        C: .
        S: 250 2.0.0 taken
        R: bob@b\u{fc}cher.test: delivered 2.0.0: 250 2.0.0 taken
        R: bob@b\u{fc}cher.test: permanent 5.6.7: the host does not support internationalized mail (SMTPUTF8) (in reply to MAIL FROM)
        C: QUIT
        ",
    );
    play(
        &config(),
        &[from("a@z\u{fc}rich.test")],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250-8BITMIME
        S: 250 SMTPUTF8
        C: MAIL FROM:<a@z\u{fc}rich.test> SMTPUTF8
        S: 250 ok
        C: RCPT TO:<bob@b\u{fc}cher.test>
        ",
    );
}

#[test]
fn rfc6531_3_2_a_recipient_that_cannot_be_written_fails_alone() {
    let old = |recipients: &[&str]| Delivery {
        recipients: recipients.iter().map(|to| to.parse().unwrap()).collect(),
        ..to(&[])
    };
    play(
        &config(),
        &[old(&["bob@foo.com", "zo\u{eb}@foo.com", "eve@foo.com"]), old(&["zo\u{eb}@foo.com"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 PIPELINING
        C: MAIL FROM:<Smith@bar.com>
        C: RCPT TO:<bob@foo.com>
        C: RCPT TO:<eve@foo.com>
        S: 250 ok
        S: 250 ok
        S: 550 5.1.1 no eve
        C: DATA
        S: 354 go
        C: Blah blah blah...
        C: ...etc.
        C: .
        S: 250 2.0.0 taken
        R: bob@foo.com: delivered 2.0.0: 250 2.0.0 taken
        R: zo\u{eb}@foo.com: permanent 5.6.7: the host does not support internationalized mail (SMTPUTF8) (in reply to RCPT TO)
        R: eve@foo.com: permanent 5.1.1: 550 5.1.1 no eve (in reply to RCPT TO)
        R: zo\u{eb}@foo.com: permanent 5.6.7: the host does not support internationalized mail (SMTPUTF8) (in reply to RCPT TO)
        C: QUIT
        ",
    );
}

#[test]
fn a_connection_without_mail_says_goodbye() {
    play(&config(), &[], "S: 220 x\nC: QUIT\nS: 221 x\n! Close");
}
