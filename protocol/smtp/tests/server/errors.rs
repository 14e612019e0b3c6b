//! What is not understood, out of place, or refused: each with its reply.

use essaim_smtp::server::{RecipientVerdict, Refusal, SenderVerdict};

use crate::script::{RECIPIENT_VERDICTS, REFUSALS, SENDER_VERDICTS, hosters, play, receiving};

#[test]
fn commands_out_of_order() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: MAIL FROM:<a@b.test>
        S: 503 5.5.1 Say EHLO first
        C: RCPT TO:<a@b.test>
        S: 503 5.5.1 MAIL first
        C: DATA
        S: 503 5.5.1 MAIL first
        C: HELO x
        S: 250 foo.com
        C: MAIL FROM:<a@b.test>
        ? sender a@b.test -> Accept
        S: 250 2.1.0 Sender accepted
        C: MAIL FROM:<a@b.test>
        S: 503 5.5.1 MAIL was already given, send RSET to start again
        C: DATA
        S: 503 5.5.1 No valid recipient yet
        C: HELO again
        S: 250 foo.com
        C: RCPT TO:<a@b.test>
        S: 503 5.5.1 MAIL first
        ",
    );
}

#[test]
fn commands_that_are_not_understood() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: EHLO
        S: 501 5.5.4 The argument is missing or malformed
        C: HELO a b
        S: 501 5.5.4 The argument is missing or malformed
        C:
        S: 500 5.5.1 Unknown command
        C: BLURB
        S: 500 5.5.1 Unknown command
        C: EXPN list
        S: 502 5.5.1 This command is not offered here
        C: NOOP \\xff
        S: 500 5.5.2 Commands are UTF-8 without control characters
        C: NOOP \\0
        S: 500 5.5.2 Commands are UTF-8 without control characters
        C: NOOP a\\rb
        S: 500 5.5.2 Lines end with CRLF: bare CR or LF is not accepted
        C~ NOOP\\n
        S: 500 5.5.2 Lines end with CRLF: bare CR or LF is not accepted
        C: DATA now
        S: 501 5.5.4 This command takes no argument
        C: MAIL FROM:a@b.test
        S: 501 5.1.7 Malformed sender address, expected <name@domain>
        C: MAIL TO:<a@b.test>
        S: 501 5.5.4 The argument is missing or malformed
        C: RCPT TO:<>
        S: 501 5.1.3 Malformed recipient address, expected <name@domain>
        C: MAIL FROM:<a@b.test> SIZE=-1
        S: 501 5.5.4 Malformed value of a parameter
        C: MAIL FROM:<a@b.test> RET=FULL
        S: 555 5.5.4 Unknown parameter
        C: RCPT TO:<a@b.test> ORCPT=rfc822;a@b.test
        S: 555 5.5.4 Unknown parameter
        C: HELP
        S: 214 2.0.0 RFC 5321 is spoken here
        ",
    );
}

#[test]
fn what_hosters_say_to_each_other_is_offered_to_them_alone() {
    let name = "0123456789abcdef0123456789abcdef";
    play(
        &hosters(),
        &format!(
            "
            S: 220 foo.com ESMTP Essaim
            C: EHLO x
            S: 250-foo.com
            S: 250-PIPELINING
            S: 250-SIZE 52428800
            S: 250-8BITMIME
            S: 250-SMTPUTF8
            S: 250-ENHANCEDSTATUSCODES
            S: 250-CHUNKING
            S: 250-XENTRY
            S: 250 XMOVED
            C: MAIL FROM:<a@b.test> XMOVED=1
            S: 501 5.5.4 Malformed value of a parameter
            C: MAIL FROM:<a@b.test> XENTRY=12
            S: 501 5.5.4 Malformed value of a parameter
            C: MAIL FROM:<a@b.test> XENTRY={name} XMOVED
            ? sender a@b.test -> Accept
            S: 250 2.1.0 Sender accepted
            "
        ),
    );
    play(
        &receiving(),
        &format!(
            "
            S: 220 foo.com ESMTP Essaim
            C: HELO x
            S: 250 foo.com
            C: MAIL FROM:<a@b.test> XENTRY={name}
            S: 555 5.5.4 Unknown parameter
            C: MAIL FROM:<a@b.test> XMOVED
            S: 555 5.5.4 Unknown parameter
            "
        ),
    );
}

#[test]
fn a_browser_is_hung_up_on() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: POST / HTTP/1.1
        C: Host: foo.com
        C:
        C: HELO x
        S: 421 4.7.0 SMTP is spoken here
        ! Close
        ",
    );
}

#[test]
fn every_verdict_on_a_sender_has_its_reply() {
    for verdict in SENDER_VERDICTS {
        let reply = match verdict {
            SenderVerdict::Accept => "250 2.1.0 Sender accepted",
            SenderVerdict::NotYours => "553 5.7.1 This sender address does not belong to your account",
            SenderVerdict::NotProven => {
                "550 5.7.1 The hoster of this node has not proven the sender's domain here"
            }
            SenderVerdict::NoSuchDomain => "550 5.1.8 The sender's domain does not exist or takes no mail",
            SenderVerdict::Refuse => "550 5.7.1 Mail from this sender is not accepted here",
            SenderVerdict::SlowDown => "451 4.7.1 Too much mail in a short time, please try again later",
            SenderVerdict::TryLater => "451 4.3.0 Temporary trouble here, please try again later",
        };
        let next = if verdict == SenderVerdict::Accept {
            "503 5.5.1 No valid recipient yet"
        } else {
            "503 5.5.1 MAIL first"
        };
        play(
            &receiving(),
            &format!(
                "
                S: 220 foo.com ESMTP Essaim
                C: HELO x
                C: MAIL FROM:<a@b.test>
                ? sender a@b.test -> {verdict:?}
                S: 250 foo.com
                S: {reply}
                C: DATA
                S: {next}
                "
            ),
        );
    }
}

#[test]
fn every_verdict_on_a_recipient_has_its_reply() {
    for verdict in RECIPIENT_VERDICTS {
        let reply = match verdict {
            RecipientVerdict::Accept => "250 2.1.5 Recipient accepted",
            RecipientVerdict::NoSuchMailbox => "550 5.1.1 No such mailbox here",
            RecipientVerdict::NoSuchDomain => {
                "550 5.1.2 The recipient's domain does not exist or takes no mail"
            }
            RecipientVerdict::Moved => "551 5.1.6 This mailbox has moved to another hoster",
            RecipientVerdict::Loop => {
                "450 4.4.6 This mailbox has moved to where the message comes from: mail loop"
            }
            RecipientVerdict::Disabled => "550 5.2.1 This mailbox is closed",
            RecipientVerdict::OverQuota => "452 4.2.2 This mailbox is full, please try again later",
            RecipientVerdict::RelayDenied => "550 5.7.1 This host does not relay mail for this recipient",
            RecipientVerdict::Refuse => "550 5.7.1 This recipient does not take this mail",
            RecipientVerdict::SlowDown => {
                "450 4.2.1 Too much mail for this recipient, please try again later"
            }
            RecipientVerdict::TryLater => "451 4.3.0 Temporary trouble here, please try again later",
        };
        play(
            &receiving(),
            &format!(
                "
                S: 220 foo.com ESMTP Essaim
                C: HELO x
                C: MAIL FROM:<a@b.test>
                C: RCPT TO:<c@foo.com>
                ? sender a@b.test -> Accept
                ? recipient c@foo.com -> {verdict:?}
                S: 250 foo.com
                S: 250 2.1.0 Sender accepted
                S: {reply}
                "
            ),
        );
    }
}

#[test]
fn every_refusal_of_a_message_has_its_reply_and_the_next_message_is_welcome() {
    for refusal in REFUSALS {
        let reply = match refusal {
            Refusal::TryLater => "451 4.3.0 Temporary trouble here, please try again later",
            Refusal::NoSpace => "452 4.3.1 No space left here, please try again later",
            Refusal::OverQuota => "452 4.2.2 A recipient's mailbox is full, please try again later",
            Refusal::SlowDown => "450 4.7.1 Too much mail from this sender, please try again later",
            Refusal::TooLarge => "552 5.3.4 The message is too large",
            Refusal::Loop => "554 5.4.6 The message has been relayed too often: mail loop",
            Refusal::Malformed => "554 5.6.0 The header of the message cannot be read",
            Refusal::FromNotYours => "550 5.7.1 The From address does not belong to your account",
            Refusal::Refuse => "550 5.7.1 This message is not accepted here",
        };
        play(
            &receiving(),
            &format!(
                "
                S: 220 foo.com ESMTP Essaim
                C: HELO x
                C: MAIL FROM:<a@b.test>
                C: RCPT TO:<c@foo.com>
                C: DATA
                C: x
                C: .
                C: MAIL FROM:<>
                ? sender a@b.test -> Accept
                ? recipient c@foo.com -> Accept
                ! Begin
                M: x
                ? commit SMTP a@b.test > c@foo.com -> {refusal:?}
                ? sender  -> Accept
                S: 250 foo.com
                S: 250 2.1.0 Sender accepted
                S: 250 2.1.5 Recipient accepted
                S: 354 Send the message, end with a line of one dot
                S: {reply}
                S: 250 2.1.0 Sender accepted
                "
            ),
        );
    }
}

#[test]
fn a_nul_in_a_message_is_refused_at_its_end() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO x
        C: MAIL FROM:<>
        C: RCPT TO:<c@foo.com>
        C: DATA
        C: Subject: 8-bit \\xe9 is fine
        C:
        C: but \\0 is not
        C: .
        C: NOOP
        ? sender  -> Accept
        ? recipient c@foo.com -> Accept
        ! Begin
        ! Abort
        S: 250 foo.com
        S: 250 2.1.0 Sender accepted
        S: 250 2.1.5 Recipient accepted
        S: 354 Send the message, end with a line of one dot
        S: 554 5.6.0 The message contains a NUL byte
        S: 250 2.0.0 OK
        ",
    );
}
