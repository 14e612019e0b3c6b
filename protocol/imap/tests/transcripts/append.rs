//! APPEND: RFC 9051 section 6.3.12, RFC 3502 (MULTIAPPEND), RFC 3516 (BINARY), RFC 4315 (APPENDUID), RFC 6855 (UTF8),
//! RFC 7888 (LITERAL+), RFC 7889 (APPENDLIMIT).

use essaim_imap::command::{AppendMessage, MessageForm};
use essaim_imap::{Action, Date, Flag, InternalDate, Outcome, Reply, ResponseCode};
use essaim_types::{ByteSize, UidValidity};

use crate::script::{Script, name};

const JOE: &str = "Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\n\
    From: Fred Foobar <foobar@Blurdybloop.example>\r\n\
    Subject: afternoon meeting\r\n\
    To: mooch@owatagu.siam.edu.example\r\n\
    Message-Id: <B27397-0100000@Blurdybloop.example>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\
    \r\n\
    Hello Joe, do you think we can meet at 3:30 tomorrow?\r\n";

fn message(flags: &[Flag], size: usize, form: MessageForm) -> AppendMessage {
    AppendMessage { flags: flags.to_vec(), date: None, size: ByteSize(size as u64), form }
}

#[track_caller]
fn begins(imap: &mut Script, mailbox: &str) {
    match imap.append(Ok(())) {
        Action::AppendBegin { mailbox: to, .. } => assert_eq!(to, name(mailbox)),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn takes(imap: &mut Script, expected: &AppendMessage) {
    match imap.append(Ok(())) {
        Action::AppendMessage(message) => assert_eq!(&message, expected),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn commits(imap: &mut Script, reply: Reply) {
    assert!(matches!(imap.asked(), Action::AppendCommit));
    imap.done(Outcome::Ok(reply));
}

#[track_caller]
fn aborts(imap: &mut Script) {
    assert!(matches!(imap.asked(), Action::AppendAbort));
}

#[test]
fn rfc9051_6_3_12_append_waits_to_be_asked() {
    let mut imap = Script::authenticated();
    imap.c(&format!("A003 APPEND saved-messages (\\Seen) {{{}}}", JOE.len()));
    begins(&mut imap, "saved-messages");
    takes(&mut imap, &message(&[Flag::Seen], JOE.len(), MessageForm::Literal));
    imap.s("+ go on");
    imap.raw(JOE.as_bytes());
    assert_eq!(imap.body(), JOE.as_bytes());
    imap.c("");
    commits(&mut imap, Reply::new("APPEND completed"));
    imap.s("A003 OK APPEND completed");
    imap.end();
}

#[test]
fn rfc9051_6_3_12_append_that_does_not_wait_tells_the_uid() {
    let mut imap = Script::authenticated();
    imap.raw(format!("A003 APPEND saved-messages (\\Seen) {{{}+}}\r\n{JOE}\r\n", JOE.len()).as_bytes());
    begins(&mut imap, "saved-messages");
    takes(&mut imap, &message(&[Flag::Seen], JOE.len(), MessageForm::Literal));
    assert_eq!(imap.body(), JOE.as_bytes());
    let code = ResponseCode::AppendUid(UidValidity::new(38505).unwrap(), [3955].into_iter().collect());
    commits(&mut imap, Reply::coded(code, "APPEND completed"));
    imap.s("A003 OK [APPENDUID 38505 3955] APPEND completed");
    imap.end();
}

#[test]
fn rfc3502_6_3_11_several_messages() {
    let mut imap = Script::authenticated();
    imap.c(&format!("A003 APPEND saved-messages (\\Seen) {{{}}}", JOE.len()));
    begins(&mut imap, "saved-messages");
    takes(&mut imap, &message(&[Flag::Seen], JOE.len(), MessageForm::Literal));
    imap.s("+ go on");
    imap.raw(JOE.as_bytes());
    imap.body();
    imap.c(" (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" {6}");
    let date = InternalDate::new(Date::new(1994, 2, 7).unwrap(), 22, 43, 4, -480);
    takes(&mut imap, &AppendMessage { date, ..message(&[Flag::Seen], 6, MessageForm::Literal) });
    imap.s("+ go on");
    imap.raw(b"a: b\r\n\r\n");
    assert_eq!(imap.body(), b"a: b\r\n");
    let code = ResponseCode::AppendUid(UidValidity::new(1).unwrap(), [3955, 3956].into_iter().collect());
    commits(&mut imap, Reply::coded(code, "APPEND completed"));
    imap.s("A003 OK [APPENDUID 1 3955:3956] APPEND completed");
    imap.end();
}

#[test]
fn rfc3502_6_3_11_no_such_mailbox_is_told_before_the_message() {
    let mut imap = Script::authenticated();
    imap.c("A004 APPEND bogusname (\\Flagged) {1023}");
    imap.append(Err(Reply::coded(ResponseCode::TryCreate, "No such mailbox as bogusname")));
    imap.s("A004 NO [TRYCREATE] No such mailbox as bogusname");
    imap.c("b NOOP");
    imap.account(|_, _| Outcome::ok("in step"));
    imap.s("b OK in step");
    imap.end();
}

#[test]
fn rfc3502_6_3_11_over_quota_at_the_second_message_forgets_the_first() {
    let mut imap = Script::authenticated();
    imap.raw(b"A005 APPEND test (\\Flagged) {4}\r\n");
    begins(&mut imap, "test");
    takes(&mut imap, &message(&[Flag::Flagged], 4, MessageForm::Literal));
    imap.s("+ go on");
    imap.c("x\r\n\r {35403}");
    imap.body();
    imap.append(Err(Reply::coded(ResponseCode::OverQuota, "APPEND failed: Disk quota exceeded")));
    aborts(&mut imap);
    imap.s("A005 NO [OVERQUOTA] APPEND failed: Disk quota exceeded");
    imap.end();
}

#[test]
fn rfc3502_6_3_11_an_empty_message_cancels() {
    let mut imap = Script::authenticated();
    imap.c("a APPEND test {0}");
    imap.s("a NO [CANNOT] an empty message is no message");
    imap.c("b APPEND test {1+}");
    begins(&mut imap, "test");
    takes(&mut imap, &message(&[], 1, MessageForm::Literal));
    imap.raw(b"x {0+}\r\n\r\n");
    imap.body();
    aborts(&mut imap);
    imap.s("b NO [CANNOT] an empty message is no message");
    imap.end();
}

#[test]
fn rfc7888_4_a_refused_message_that_does_not_wait_is_read_and_thrown_away() {
    let mut imap = Script::authenticated();
    imap.raw(b"a APPEND bogus {10+}\r\n01234");
    imap.append(Err(Reply::coded(ResponseCode::TryCreate, "no such mailbox")));
    assert!(imap.connection().wants_input());
    imap.raw(b"56789 (\\Seen) {7+}\r\nb NOOP\n\r\nc NOOP\r\n");
    imap.s("a NO [TRYCREATE] no such mailbox");
    imap.account(|_, _| Outcome::ok("in step"));
    imap.s("c OK in step");
    imap.end();
}

#[test]
fn a_refused_append_that_then_waits_is_answered_in_place_of_the_continuation() {
    let mut imap = Script::authenticated();
    imap.raw(b"a APPEND bogus {3+}\r\nabc (\\Seen) {7}\r\n");
    imap.append(Err(Reply::new("no")));
    imap.s("a NO no");
    imap.c("b NOOP");
    imap.account(|_, _| Outcome::ok("in step"));
    imap.s("b OK in step");
    imap.end();
}

#[test]
fn rfc7889_5_a_message_over_the_limit_is_refused_before_anybody_is_asked() {
    let mut imap = Script::authenticated();
    imap.c("a APPEND x {52428801}");
    imap.s("a NO [TOOBIG] a message has at most 50 MiB");
    imap.c("b APPEND x {99999999999+}");
    imap.s("* BYE [TOOBIG] more than can be thrown away");
    assert!(matches!(imap.asked(), Action::Close));
    imap.end();
}

#[test]
fn a_literal_has_no_nul_and_the_rest_of_the_message_is_thrown_away() {
    let mut imap = Script::authenticated();
    imap.raw(b"a APPEND x {5+}\r\nab");
    begins(&mut imap, "x");
    takes(&mut imap, &message(&[], 5, MessageForm::Literal));
    assert!(matches!(imap.asked(), Action::AppendPiece(piece) if piece.as_ref() == b"ab"));
    imap.raw(b"\0");
    aborts(&mut imap);
    imap.raw(b"cd\r\n");
    imap.s("a BAD a message sent as a literal has no NUL");
    imap.end();
}

#[test]
fn rfc3516_4_4_binary_may_have_nul() {
    let mut imap = Script::authenticated();
    imap.raw(b"a APPEND x ~{3+}\r\na\0b\r\n");
    begins(&mut imap, "x");
    takes(&mut imap, &message(&[], 3, MessageForm::Binary));
    assert_eq!(imap.body(), b"a\0b");
    assert!(matches!(imap.asked(), Action::AppendCommit));
    imap.done(Outcome::No(Reply::coded(ResponseCode::UnknownCte, "not binary here")));
    imap.s("a NO [UNKNOWN-CTE] not binary here");
    imap.end();
}

#[test]
fn rfc6855_4_utf8_headers() {
    let mut imap = Script::enabled("UTF8=ACCEPT");
    imap.raw(b"a APPEND \"\xc3\xa9\" (\\Draft) UTF8 (~{2+}\r\nab) UTF8 (~{1+}\r\nc)\r\n");
    begins(&mut imap, "é");
    takes(&mut imap, &message(&[Flag::Draft], 2, MessageForm::Utf8));
    assert_eq!(imap.body(), b"ab");
    takes(&mut imap, &message(&[], 1, MessageForm::Utf8));
    assert_eq!(imap.body(), b"c");
    commits(&mut imap, Reply::new("done"));
    imap.s("a OK done");
    imap.raw(b"b APPEND x UTF8 (~{1+}\r\na\r\n");
    begins(&mut imap, "x");
    takes(&mut imap, &message(&[], 1, MessageForm::Utf8));
    imap.body();
    aborts(&mut imap);
    imap.s("b BAD expected ')' at byte 1");
    imap.c("c APPEND x UTF8 ({1}");
    imap.s("c BAD expected a literal8 at byte 18");
    imap.end();
}

#[test]
fn the_name_of_the_mailbox_can_be_a_literal_too() {
    let mut imap = Script::authenticated();
    imap.c("a APPEND {4}");
    imap.s("+ go on");
    imap.c("Sent {3}");
    begins(&mut imap, "Sent");
    takes(&mut imap, &message(&[], 3, MessageForm::Literal));
    imap.s("+ go on");
    imap.c("abc");
    assert_eq!(imap.body(), b"abc");
    commits(&mut imap, Reply::new("done"));
    imap.s("a OK done");
    imap.end();
}

#[test]
fn what_is_not_an_append() {
    let mut imap = Script::authenticated();
    for (command, why) in [
        ("APPEND", "BAD APPEND ends with a message as a literal"),
        ("APPEND x", "BAD APPEND ends with a message as a literal"),
        ("APPEND x (\\Nonsense) {3}", "BAD no flag is called \\Nonsense"),
        ("APPEND x \"31-Feb-1994 22:43:04 -0800\" {3}", "BAD the calendar has no such day"),
        ("APPEND x y {3}", "BAD expected a message as a literal at byte 12"),
        ("APPEND x  {3}", "BAD expected a message as a literal at byte 12"),
        ("APPEND a//b {3}", "NO [CANNOT] no level of a mailbox name is empty"),
        ("APPEND ~{3}", "BAD only a message can be a literal8"),
    ] {
        imap.c(&format!("a {command}"));
        imap.s(&format!("a {why}"));
    }
    imap.raw(b"a APPEND x {3+}\r\nabc nonsense\r\n");
    begins(&mut imap, "x");
    takes(&mut imap, &message(&[], 3, MessageForm::Literal));
    imap.body();
    aborts(&mut imap);
    imap.s("a BAD expected a message as a literal at byte 2");
    imap.end();
}

#[test]
fn a_message_passes_in_the_pieces_in_which_it_comes() {
    let mut imap = Script::authenticated();
    imap.c("a APPEND x {100000+}");
    begins(&mut imap, "x");
    takes(&mut imap, &message(&[], 100_000, MessageForm::Literal));
    for _ in 0..10 {
        imap.raw(&[b'x'; 10_000]);
        match imap.asked() {
            Action::AppendPiece(piece) => assert_eq!(piece.len(), 10_000),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(imap.asked(), Action::AppendMessageEnd));
    imap.c("");
    commits(&mut imap, Reply::new("done"));
    imap.s("a OK done");
    imap.end();
}
