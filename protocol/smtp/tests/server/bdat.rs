//! CHUNKING: the examples of RFC 3030 section 4, and what goes wrong.

use essaim_smtp::server::{Config, Limits};
use essaim_types::ByteSize;

use crate::script::{play, receiving};

/// A greeting, HELO, MAIL and RCPT, all accepted.
const ENVELOPE: &str = "
    S: 220 foo.com ESMTP Essaim
    C: HELO x
    C: MAIL FROM:<Sam@Random.com>
    C: RCPT TO:<Susan@Random.com>
    ? sender Sam@random.com -> Accept
    ? recipient Susan@random.com -> Accept
    S: 250 foo.com
    S: 250 2.1.0 Sender accepted
    S: 250 2.1.5 Recipient accepted
";

fn after_envelope(config: &Config, rest: &str) {
    play(config, &format!("{ENVELOPE}{rest}"));
}

#[test]
fn rfc3030_4_1_simple_chunking() {
    after_envelope(
        &receiving(),
        "
        C: BDAT 19 LAST
        C~ Subject: x\\r\\n\\r\\n.\\r\\nhi
        ! Begin
        M: Subject: x
        M:\x20
        M: .
        M: hi
        ? commit SMTP Sam@random.com > Susan@random.com -> Ok 1
        S: 250 2.0.0 Message accepted as 1
        C: QUIT
        S: 221 2.0.0 Bye
        ! Close
        ",
    );
}

#[test]
fn rfc3030_4_2_pipelining_chunks() {
    after_envelope(
        &receiving(),
        "
        C: BDAT 16
        C: Subject: first
        C~ BDAT 6\\r\\n\\r\\r\\n2\\r\\nBDAT 0 LAST\\r\\n
        ! Begin
        ! Abort
        S: 250 2.0.0 16 octets received
        S: 554 5.6.0 Lines of a message end with CRLF: bare CR or LF is not accepted
        S: 503 5.5.1 MAIL first
        ",
    );
    after_envelope(
        &receiving(),
        "
        C: BDAT 6
        C~ a: b\\r\\nBDAT 5\\r\\n\\r\\nc\\r\\nBDAT 0 LAST\\r\\nQUIT\\r\\n
        ! Begin
        M: a: b
        M:\x20
        M: c
        ? commit SMTP Sam@random.com > Susan@random.com -> Ok 1
        S: 250 2.0.0 6 octets received
        S: 250 2.0.0 5 octets received
        S: 250 2.0.0 Message accepted as 1
        S: 221 2.0.0 Bye
        ! Close
        ",
    );
}

/// What large senders do: the end of a chunk is its length, so that nothing in it can be taken for a command.
#[test]
fn a_bare_lf_in_a_chunk_becomes_a_line_end_across_chunks_too() {
    after_envelope(
        &receiving(),
        "
        C: BDAT 6
        C~ a: b\\n\\r
        ! Begin
        S: 250 2.0.0 6 octets received
        C: BDAT 23 LAST
        C~ \\nx\\n.\\nMAIL FROM:<>\\r\\n.\\r\\ny
        M: a: b
        M:\x20
        M: x
        M: .
        M: MAIL FROM:<>
        M: .
        M: y
        ? commit SMTP Sam@random.com > Susan@random.com -> Ok 1
        S: 250 2.0.0 Message accepted as 1
        ",
    );
}

#[test]
fn a_bare_cr_in_a_chunk_is_refused() {
    after_envelope(
        &receiving(),
        "
        C: BDAT 5 LAST
        C~ a\\rb\\r\\n
        ! Begin
        ! Abort
        S: 554 5.6.0 Lines of a message end with CRLF: bare CR or LF is not accepted
        ",
    );
}

#[test]
fn a_message_counts_with_the_line_ends_that_it_gets() {
    let limits = Limits { message_size: ByteSize(8), ..Limits::default() };
    let config = Config { limits, ..receiving() };
    after_envelope(
        &config,
        "
        C: BDAT 4 LAST
        C~ \\n\\n\\n\\n
        ! Begin
        M:\x20
        M:\x20
        M:\x20
        M:\x20
        ? commit SMTP Sam@random.com > Susan@random.com -> Ok 1
        S: 250 2.0.0 Message accepted as 1
        C: MAIL FROM:<Sam@Random.com>
        C: RCPT TO:<Susan@Random.com>
        ? sender Sam@random.com -> Accept
        ? recipient Susan@random.com -> Accept
        S: 250 2.1.0 Sender accepted
        S: 250 2.1.5 Recipient accepted
        C: BDAT 5 LAST
        C~ \\n\\n\\n\\nx
        ! Begin
        ! Abort
        S: 552 5.3.4 The message is too large
        ",
    );
}

#[test]
fn rfc3030_4_3_binarymime_is_not_offered() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO x
        C: MAIL FROM:<ned@ymir.claremont.edu> BODY=BINARYMIME
        S: 250 foo.com
        S: 501 5.5.4 Malformed value of a parameter
        ",
    );
}

#[test]
fn a_refused_chunk_is_read_all_the_same() {
    play(
        &receiving(),
        "
        S: 220 foo.com ESMTP Essaim
        C: HELO x
        S: 250 foo.com
        C: BDAT 6
        C~ QUIT\\r\\nMAIL FROM:<>\\r\\nBDAT 6 LAST\\r\\nQUIT\\r\\nNOOP\\r\\n
        ? sender  -> Accept
        S: 503 5.5.1 MAIL first
        S: 250 2.1.0 Sender accepted
        S: 503 5.5.1 No valid recipient yet
        S: 250 2.0.0 OK
        ",
    );
}

#[test]
fn chunks_and_data_do_not_mix() {
    after_envelope(
        &receiving(),
        "
        C: BDAT 2
        C~ \\r\\n
        ! Begin
        S: 250 2.0.0 2 octets received
        C: DATA
        C: RCPT TO:<a@b.test>
        C: MAIL FROM:<a@b.test>
        S: 503 5.5.1 The message is being sent with BDAT: go on, or send RSET
        S: 503 5.5.1 The message is being sent with BDAT: go on, or send RSET
        S: 503 5.5.1 MAIL was already given, send RSET to start again
        C: RSET
        ! Abort
        S: 250 2.0.0 OK
        C: BDAT 0 LAST
        S: 503 5.5.1 MAIL first
        ",
    );
}

#[test]
fn leaving_in_the_middle_of_a_message_aborts_it() {
    for command in ["QUIT", "EHLO y", "STARTTLS"] {
        let config = receiving();
        let mut smtp = crate::script::start(config);
        smtp.receive(b"HELO x\r\nMAIL FROM:<>\r\n");
        let mut aborted = 0;
        let mut drain = |smtp: &mut essaim_smtp::server::Connection| {
            use essaim_smtp::server::{Action, RecipientVerdict, SenderVerdict};
            while let Some(action) = smtp.next_action() {
                match action {
                    Action::CheckSender(..) => smtp.answer_sender(SenderVerdict::Accept),
                    Action::CheckRecipient(_) => smtp.answer_recipient(RecipientVerdict::Accept),
                    Action::Abort => aborted += 1,
                    _ => {}
                }
            }
        };
        drain(&mut smtp);
        smtp.receive(b"RCPT TO:<a@b.test>\r\nBDAT 2\r\n\r\n");
        drain(&mut smtp);
        smtp.receive(format!("{command}\r\n").as_bytes());
        drain(&mut smtp);
        assert_eq!(aborted, 1, "{command}");
    }
}

#[test]
fn a_chunk_of_unknown_size_ends_the_conversation() {
    after_envelope(
        &receiving(),
        "
        C: BDAT -1
        C: QUIT
        S: 501 5.5.4 Malformed chunk size
        S: 421 4.7.0 Too many errors, closing
        ! Close
        ",
    );
}

#[test]
fn a_chunk_over_the_limit_is_refused_at_its_end_and_one_far_over_at_once() {
    let limits = Limits { message_size: ByteSize(8), overrun: ByteSize(8), ..Limits::default() };
    let config = Config { limits, ..receiving() };
    after_envelope(
        &config,
        "
        C: BDAT 8
        C~ \\r\\n345678
        ! Begin
        S: 250 2.0.0 8 octets received
        C: BDAT 1
        C~ 9
        ! Abort
        S: 552 5.3.4 The message is too large
        C: BDAT 17 LAST
        S: 552 5.3.4 The message is too large
        ! Close
        ",
    );
}
