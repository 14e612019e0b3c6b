//! Hosts that refuse, vanish, stall or talk nonsense: every recipient gets an outcome, once.

use std::sync::Arc;

use essaim_smtp::BodyType;
use essaim_smtp::client::{Action, Config, Connection, Delivery, Limits, Report};
use essaim_types::ByteSize;
use proptest::prelude::*;

use crate::script::{config, play, some_instant, to};

#[test]
fn a_host_that_takes_no_mail() {
    play(
        &config(),
        &[to(&["a", "b"])],
        "
        S: 554 no mail here
        C: QUIT
        R: a@foo.com: permanent 5.0.0: 554 no mail here (while connecting)
        R: b@foo.com: permanent 5.0.0: 554 no mail here (while connecting)
        ! Close
        ",
    );
    play(
        &config(),
        &[to(&["a"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 550 no
        C: HELO bar.com
        S: 550 5.7.1 still no
        C: QUIT
        R: a@foo.com: permanent 5.7.1: 550 5.7.1 still no (in reply to EHLO)
        ! Close
        ",
    );
    play(
        &config(),
        &[to(&["a"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 450 busy
        C: QUIT
        R: a@foo.com: temporary 4.0.0: 450 busy (in reply to EHLO)
        ! Close
        ",
    );
}

#[test]
fn a_host_that_is_busy_is_not_told_goodbye() {
    play(
        &config(),
        &[to(&["a"])],
        "
        S: 421 4.3.2 busy
        R: a@foo.com: temporary 4.3.2: 421 4.3.2 busy (while connecting)
        ! Close
        ",
    );
}

#[test]
fn rfc5321_3_8_after_421_the_host_is_gone() {
    play(
        &config(),
        &[to(&["a", "b", "c"]), to(&["d"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250 x
        C: MAIL FROM:<Smith@bar.com>
        S: 250 OK
        C: RCPT TO:<a@foo.com>
        S: 550 5.1.1 no
        C: RCPT TO:<b@foo.com>
        S: 421 4.3.2 going down
        R: a@foo.com: permanent 5.1.1: 550 5.1.1 no (in reply to RCPT TO)
        R: b@foo.com: temporary 4.3.2: 421 4.3.2 going down (in reply to RCPT TO)
        R: c@foo.com: temporary 4.3.2: 421 4.3.2 going down (in reply to RCPT TO)
        ! Close
        R: d@foo.com: temporary 4.3.2: 421 4.3.2 going down (in reply to RCPT TO)
        ",
    );
}

#[test]
fn a_host_that_vanishes_or_stalls() {
    play(
        &config(),
        &[to(&["a"])],
        "^\nR: a@foo.com: temporary 4.4.2: the connection was closed (while connecting)\n! Close",
    );
    let to_the_end = "
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
    ";
    for (event, cause) in
        [("^", "4.4.2: the connection was closed"), ("^ timeout", "4.4.1: no answer in time")]
    {
        let end = format!(
            "{to_the_end}{event}
            R: a@foo.com: temporary {cause} (in reply to the end of the message)
            ! Close
            "
        );
        play(&config(), &[to(&["a"])], &end);
    }
}

#[test]
fn a_refused_message_is_refused_for_those_who_were_accepted() {
    for (reply, class) in [("554 5.6.0 spam", "permanent 5.6.0"), ("451 4.3.0 later", "temporary 4.3.0")] {
        let transcript = format!(
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
            S: {reply}
            R: a@foo.com: {class}: {reply} (in reply to the end of the message)
            C: QUIT
            "
        );
        play(&config(), &[to(&["a"])], &transcript);
    }
}

#[test]
fn what_the_host_cannot_take_is_not_tried() {
    let large = Delivery { size: ByteSize(1001), ..to(&["a"]) };
    let utf8 = Delivery { smtputf8: true, ..to(&["a"]) };
    let eight_bit = Delivery { body: BodyType::EightBit, ..to(&["a"]) };
    play(
        &config(),
        &[large, utf8, eight_bit, to(&["b"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 SIZE 1000
        R: a@foo.com: permanent 5.3.4: the message is larger than the host's limit of 1000 B (in reply to MAIL FROM)
        R: a@foo.com: permanent 5.6.7: the host does not support internationalized mail (SMTPUTF8) (in reply to MAIL FROM)
        R: a@foo.com: permanent 5.6.3: the host does not take messages with 8-bit text (8BITMIME) (in reply to MAIL FROM)
        C: MAIL FROM:<Smith@bar.com> SIZE=27
        ",
    );
}

#[test]
fn nonsense_is_not_understood() {
    play(
        &config(),
        &[to(&["a"])],
        "
        S: SSH-2.0-OpenSSH_9.2
        R: a@foo.com: temporary 4.5.0: the host broke the protocol: a reply without a code (while connecting)
        ! Close
        ",
    );
    for reply in ["250 OK", "220 x"] {
        let transcript = format!(
            "
            S: 220 x
            C: EHLO bar.com
            S: 250 x
            C: MAIL FROM:<Smith@bar.com>
            S: 250 OK
            C: RCPT TO:<a@foo.com>
            S: 250 OK
            C: DATA
            S: {reply}
            R: a@foo.com: temporary 4.5.0: the host broke the protocol: it did not ask for the message (in reply to DATA)
            ! Close
            "
        );
        play(&config(), &[to(&["a"])], &transcript);
    }
}

/// Up to the first `WantBody`.
fn at_body() -> Connection {
    let mut smtp = Connection::new(Arc::new(config()), some_instant());
    smtp.deliver(to(&["a"]));
    smtp.receive(b"220 x\r\n250 x\r\n250 OK\r\n250 OK\r\n354 OK\r\n");
    while !matches!(smtp.next_action(), Some(Action::WantBody)) {}
    smtp
}

fn reports(smtp: &mut Connection) -> Vec<Report> {
    let actions: Vec<_> = std::iter::from_fn(|| smtp.next_action()).collect();
    assert!(matches!(actions.last(), Some(Action::Close)), "{actions:?}");
    let reports = actions.into_iter().filter_map(|action| match action {
        Action::Report(report) => Some(report),
        _ => None,
    });
    reports.collect()
}

#[test]
fn a_message_that_cannot_be_read_is_not_ended() {
    let mut smtp = at_body();
    smtp.body(b"half a mess");
    assert!(matches!(smtp.next_action(), Some(Action::Send(bytes)) if bytes.as_ref() == b"half a mess"));
    assert!(matches!(smtp.next_action(), Some(Action::WantBody)));
    smtp.body_failed();
    let reports = reports(&mut smtp);
    assert!(format!("{reports:?}").contains("NoBody"), "{reports:?}");
}

#[test]
fn a_refusal_in_the_middle_of_a_message_is_final() {
    let mut smtp = at_body();
    smtp.body(b"too ");
    while !matches!(smtp.next_action(), Some(Action::WantBody)) {}
    smtp.receive(b"552 5.3.4 too large\r\n");
    let reports = reports(&mut smtp);
    assert!(
        format!("{reports:?}").contains("Permanent") && format!("{reports:?}").contains("too large"),
        "{reports:?}"
    );
    smtp.body(b"much");
    smtp.body_end();
    assert!(smtp.next_action().is_none());
}

#[test]
fn a_host_that_does_not_stop_speaking_is_left() {
    let mut smtp = Connection::new(Arc::new(config()), some_instant());
    smtp.deliver(to(&["a"]));
    for _ in 0..1000 {
        smtp.receive(&[b'x'; 1024]);
    }
    assert_eq!(reports(&mut smtp).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a host says and when it leaves: one report, every recipient in it.
    #[test]
    fn every_recipient_gets_one_outcome(
        lines in prop::collection::vec(prop_oneof![
            4 => prop::sample::select(vec![
                "220 x", "250 x", "250-x", "250-PIPELINING", "250 SIZE 10", "354 go", "421 no", "450 no", "550 5.1.1 no", "x",
            ]).prop_map(str::to_owned),
            1 => "[ -~]{0,30}",
        ], 0..20),
        step in 1..40usize,
        recipients in 1..4usize,
    ) {
        let limits = Limits { pipelined_commands: 2, ..Limits::default() };
        let mut smtp = Connection::new(Arc::new(Config { limits, ..config() }), some_instant());
        let names = ["a", "b", "c"];
        let delivery = to(names.get(..recipients).unwrap());
        smtp.deliver(delivery.clone());
        let mut reports = Vec::new();
        let mut drain = |smtp: &mut Connection| {
            while let Some(action) = smtp.next_action() {
                match action {
                    Action::Report(report) => reports.push(report),
                    Action::WantBody => smtp.body_end(),
                    _ => {}
                }
            }
        };
        let input = lines.join("\r\n") + "\r\n";
        for piece in input.as_bytes().chunks(step) {
            smtp.receive(piece);
            drain(&mut smtp);
        }
        smtp.on_closed();
        drain(&mut smtp);
        prop_assert_eq!(reports.len(), 1);
        let told: Vec<_> = reports.concat_recipients();
        prop_assert_eq!(told, delivery.recipients);
    }
}

trait Recipients {
    fn concat_recipients(&self) -> Vec<essaim_types::Address>;
}

impl Recipients for Vec<Report> {
    fn concat_recipients(&self) -> Vec<essaim_types::Address> {
        self.iter().flat_map(|report| report.recipients.iter().map(|(to, _)| to.clone())).collect()
    }
}
