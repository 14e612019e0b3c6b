//! RFC 2920: commands ahead of their replies.

use essaim_smtp::client::{Config, Limits};

use crate::script::{config, play, to};

#[test]
fn the_envelope_leaves_in_one_piece_and_data_waits_for_it() {
    play(
        &config(),
        &[to(&["a", "b"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 PIPELINING
        C: MAIL FROM:<Smith@bar.com>
        C: RCPT TO:<a@foo.com>
        C: RCPT TO:<b@foo.com>
        S: 250 2.1.0 OK
        S: 550 5.1.1 no
        S: 250 2.1.5 OK
        C: DATA
        S: 354 OK
        C: Blah blah blah...
        C: ...etc.
        C: .
        S: 250 2.0.0 OK
        R: a@foo.com: permanent 5.1.1: 550 5.1.1 no (in reply to RCPT TO)
        R: b@foo.com: delivered 2.0.0: 250 2.0.0 OK
        C: QUIT
        ",
    );
}

#[test]
fn many_recipients_go_in_groups() {
    let limits = Limits { pipelined_commands: 2, ..Limits::default() };
    play(
        &Config { limits, ..config() },
        &[to(&["a", "b", "c", "d"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 PIPELINING
        C: MAIL FROM:<Smith@bar.com>
        C: RCPT TO:<a@foo.com>
        S: 250 OK
        S: 250 OK
        C: RCPT TO:<b@foo.com>
        C: RCPT TO:<c@foo.com>
        S: 452 4.5.3 too many
        S: 552 5.5.3 too many
        C: RCPT TO:<d@foo.com>
        S: 550 5.1.1 no
        C: DATA
        S: 451 4.3.0 later
        R: a@foo.com: temporary 4.3.0: 451 4.3.0 later (in reply to DATA)
        R: b@foo.com: temporary 4.5.3: 452 4.5.3 too many (in reply to RCPT TO)
        R: c@foo.com: temporary 4.0.0: 552 5.5.3 too many (in reply to RCPT TO)
        R: d@foo.com: permanent 5.1.1: 550 5.1.1 no (in reply to RCPT TO)
        C: RSET
        ",
    );
}

#[test]
fn a_refused_sender_ends_the_delivery_after_all_replies() {
    play(
        &config(),
        &[to(&["a", "b"]), to(&["c"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 PIPELINING
        C: MAIL FROM:<Smith@bar.com>
        C: RCPT TO:<a@foo.com>
        C: RCPT TO:<b@foo.com>
        S: 550 5.7.1 not you
        S: 503 5.5.1 MAIL first
        S: 503 5.5.1 MAIL first
        R: a@foo.com: permanent 5.7.1: 550 5.7.1 not you (in reply to MAIL FROM)
        R: b@foo.com: permanent 5.7.1: 550 5.7.1 not you (in reply to MAIL FROM)
        C: RSET
        S: 250 OK
        C: MAIL FROM:<Smith@bar.com>
        C: RCPT TO:<c@foo.com>
        ",
    );
}

#[test]
fn nobody_wanted_it() {
    play(
        &config(),
        &[to(&["a"])],
        "
        S: 220 x
        C: EHLO bar.com
        S: 250-x
        S: 250 PIPELINING
        C: MAIL FROM:<Smith@bar.com>
        C: RCPT TO:<a@foo.com>
        S: 250 OK
        S: 550-5.1.1 no
        S: 550 5.1.1 really
        R: a@foo.com: permanent 5.1.1: 550 5.1.1 no really (in reply to RCPT TO)
        C: RSET
        S: 500 what
        C: QUIT
        ",
    );
}
