//! The scenarios of RFC 5321 appendix D, with this server's own words.

use crate::script::{play, receiving};

#[test]
fn rfc5321_d1_a_typical_transaction() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: EHLO bar.com
        S: 250-foo.com
        S: 250-PIPELINING
        S: 250-SIZE 52428800
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-STARTTLS
        S: 250 CHUNKING
        C: MAIL FROM:<Smith@bar.com>
        ? sender Smith@bar.com -> Accept
        S: 250 2.1.0 Sender accepted
        C: RCPT TO:<Jones@foo.com>
        ? recipient Jones@foo.com -> Accept
        S: 250 2.1.5 Recipient accepted
        C: RCPT TO:<Green@foo.com>
        ? recipient Green@foo.com -> NoSuchMailbox
        S: 550 5.1.1 No such mailbox here
        C: RCPT TO:<Brown@foo.com>
        ? recipient Brown@foo.com -> Accept
        S: 250 2.1.5 Recipient accepted
        C: DATA
        ! Begin
        S: 354 Send the message, end with a line of one dot
        C: Blah blah blah...
        C: ...etc. etc. etc.
        C: .
        M: Blah blah blah...
        M: ..etc. etc. etc.
        ? commit ESMTP Smith@bar.com > Jones@foo.com Brown@foo.com -> Ok 17
        S: 250 2.0.0 Message accepted as 17
        C: QUIT
        S: 221 2.0.0 Bye
        ! Close
        ",
    );
}

#[test]
fn rfc5321_d2_an_aborted_transaction() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO bar.com
        S: 250 foo.com
        C: MAIL FROM:<Smith@bar.com>
        ? sender Smith@bar.com -> Accept
        S: 250 2.1.0 Sender accepted
        C: RCPT TO:<Jones@foo.com>
        ? recipient Jones@foo.com -> Accept
        S: 250 2.1.5 Recipient accepted
        C: RCPT TO:<Green@foo.com>
        ? recipient Green@foo.com -> NoSuchMailbox
        S: 550 5.1.1 No such mailbox here
        C: RSET
        S: 250 2.0.0 OK
        C: QUIT
        S: 221 2.0.0 Bye
        ! Close
        ",
    );
}

#[test]
fn rfc5321_d3_a_relay_delivers_with_helo() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO foo.com
        S: 250 foo.com
        C: MAIL FROM:<JQP@bar.com>
        ? sender JQP@bar.com -> Accept
        S: 250 2.1.0 Sender accepted
        C: RCPT TO:<@foo.com:Jones@XYZ.COM>
        ? recipient Jones@xyz.com -> Accept
        S: 250 2.1.5 Recipient accepted
        C: DATA
        ! Begin
        S: 354 Send the message, end with a line of one dot
        C: Received: from bar.com by foo.com ; Thu, 21 May 1998
        C:     05:33:29 -0700
        C: Date: Thu, 21 May 1998 05:33:22 -0700
        C: From: John Q. Public <JQP@bar.com>
        C: Subject:  The Next Meeting of the Board
        C: To: Jones@xyz.com
        C:
        C: Bill:
        C: The next meeting of the board of directors will be
        C: on Tuesday.
        C:                         John.
        C: .
        M: Received: from bar.com by foo.com ; Thu, 21 May 1998
        M:     05:33:29 -0700
        M: Date: Thu, 21 May 1998 05:33:22 -0700
        M: From: John Q. Public <JQP@bar.com>
        M: Subject:  The Next Meeting of the Board
        M: To: Jones@xyz.com
        M:\x20
        M: Bill:
        M: The next meeting of the board of directors will be
        M: on Tuesday.
        M:                         John.
        ? commit SMTP JQP@bar.com > Jones@xyz.com -> Ok 18
        S: 250 2.0.0 Message accepted as 18
        C: QUIT
        S: 221 2.0.0 Bye
        ! Close
        ",
    );
}

#[test]
fn rfc5321_d4_verifying_says_nothing() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO bar.com
        S: 250 foo.com
        C: VRFY Crispin
        S: 252 2.0.0 Send some mail, it will be tried
        C: MAIL FROM:<Mark@bar.com>
        ? sender Mark@bar.com -> Accept
        S: 250 2.1.0 Sender accepted
        C: RCPT TO:<Admin.MRC@foo.com>
        ? recipient Admin.MRC@foo.com -> Accept
        S: 250 2.1.5 Recipient accepted
        C: DATA
        ! Begin
        S: 354 Send the message, end with a line of one dot
        C: .
        ? commit SMTP Mark@bar.com > Admin.MRC@foo.com -> Ok 19
        S: 250 2.0.0 Message accepted as 19
        C: QUIT
        S: 221 2.0.0 Bye
        ! Close
        ",
    );
}

#[test]
fn rfc2920_3_1_a_pipelined_transaction_is_answered_in_one_piece() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO dbc.mtview.ca.us
        S: 250 foo.com
        C: MAIL FROM:<mrose@dbc.mtview.ca.us>
        C: RCPT TO:<ned@innosoft.com>
        C: RCPT TO:<nobody@innosoft.com>
        C: DATA
        ? sender mrose@dbc.mtview.ca.us -> Accept
        ? recipient ned@innosoft.com -> Accept
        ? recipient nobody@innosoft.com -> RelayDenied
        ! Begin
        S: 250 2.1.0 Sender accepted
        S: 250 2.1.5 Recipient accepted
        S: 550 5.7.1 This host does not relay mail for this recipient
        S: 354 Send the message, end with a line of one dot
        C: x
        C: .
        C: QUIT
        M: x
        ? commit SMTP mrose@dbc.mtview.ca.us > ned@innosoft.com -> Ok 1
        S: 250 2.0.0 Message accepted as 1
        S: 221 2.0.0 Bye
        ! Close
        ",
    );
}

#[test]
fn rfc2920_3_1_data_without_a_valid_recipient_is_refused_and_the_lines_are_commands_again() {
    play(
        &receiving(),
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
        C: MAIL FROM:<>
        C: RCPT TO:<nobody@foo.com>
        C: DATA
        C: QUIT
        ? sender  -> Accept
        ? recipient nobody@foo.com -> NoSuchMailbox
        S: 250 2.1.0 Sender accepted
        S: 550 5.1.1 No such mailbox here
        S: 503 5.5.1 No valid recipient yet
        S: 221 2.0.0 Bye
        ! Close
        ",
    );
}

#[test]
fn postmaster_needs_no_domain() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO x
        S: 250 foo.com
        C: MAIL FROM:<a@b.test>
        C: RCPT TO:<PostMaster>
        ? sender a@b.test -> Accept
        ? recipient postmaster@foo.com -> Accept
        S: 250 2.1.0 Sender accepted
        S: 250 2.1.5 Recipient accepted
        ",
    );
}

#[test]
fn rfc6531_utf8_addresses_need_the_parameter() {
    play(
        &receiving(),
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
        C: MAIL FROM:<é@b.test>
        S: 553 5.6.7 This address needs SMTPUTF8 with MAIL
        C: MAIL FROM:<a@b.test>
        C: RCPT TO:<é@foo.com>
        C: RSET
        C: MAIL FROM:<é@b.test> SMTPUTF8 BODY=8BITMIME SIZE=12
        C: RCPT TO:<ü@foo.com>
        ? sender a@b.test -> Accept
        ? sender é@b.test -> Accept
        ? recipient ü@foo.com -> Accept
        S: 250 2.1.0 Sender accepted
        S: 553 5.6.7 This address needs SMTPUTF8 with MAIL
        S: 250 2.0.0 OK
        S: 250 2.1.0 Sender accepted
        S: 250 2.1.5 Recipient accepted
        C: DATA
        ! Begin
        S: 354 Send the message, end with a line of one dot
        C: \\xc3\\xa9
        C: .
        M: \\xc3\\xa9
        ? commit UTF8SMTP é@b.test > ü@foo.com -> Ok 1
        S: 250 2.0.0 Message accepted as 1
        ",
    );
}
