//! Clients that are broken, or want to break us.

use std::time::{Duration, Instant};

use essaim_imap::command::SearchKey;
use essaim_imap::{Action, Limits, MailboxCommand, Outcome, Reply, State, Transport};

use crate::script::{Script, settings};

#[test]
fn what_is_not_a_command_is_bad_and_the_next_one_is_read() {
    let mut imap = Script::tls();
    for (line, answer) in [
        ("", "* BAD a command begins with a tag"),
        (" ", "* BAD a command begins with a tag"),
        ("* NOOP", "* BAD a command begins with a tag"),
        ("a+b NOOP", "* BAD a command begins with a tag"),
        ("a", "a BAD expected a space at byte 2"),
        ("a ", "a BAD no command is called \"\""),
        ("a NONSENSE", "a BAD no command is called \"NONSENSE\""),
        ("a  NOOP", "a BAD no command is called \"\""),
        ("a NOOP ", "a BAD expected the end of the command at byte 7"),
        ("a NOOP x", "a BAD expected the end of the command at byte 7"),
        ("a\tNOOP", "* BAD a command begins with a tag"),
        ("a NO\0OP", "a BAD no command is called \"NO\""),
        ("a LOGIN \"x\0\" y", "a BAD expected the end of the quoted string at byte 11"),
    ] {
        imap.c(line);
        imap.s(answer);
        imap.c("b CAPABILITY");
        imap.s("* CAPABILITY ...");
        imap.s("b OK ...");
    }
    imap.end();
}

#[test]
fn a_bare_lf_is_bad_and_the_next_line_is_read() {
    let mut imap = Script::tls();
    imap.raw(b"a NOOP\nb NOOP\r\n");
    imap.s("a BAD a line ends with CR LF, not with LF alone");
    imap.s("b OK ...");
    imap.raw(b"a LOGIN x\ry z\r\n");
    imap.s("a BAD ...");
    imap.end();
}

#[test]
fn a_literal_after_a_bare_lf_ends_the_connection() {
    let mut imap = Script::tls();
    imap.raw(b"a LOGIN {9+}\nb NOOP\r\n");
    imap.s("* BYE [CLIENTBUG] a literal begins after CR LF");
    assert!(matches!(imap.asked(), Action::Close));
    imap.end();
}

#[test]
fn too_many_bad_commands_are_bye() {
    let mut imap = Script::tls();
    for _ in 0..20 {
        imap.c("a NONSENSE");
        imap.s("a BAD no command is called \"NONSENSE\"");
    }
    imap.s("* BYE [CLIENTBUG] too many bad commands");
    assert!(matches!(imap.asked(), Action::Close));
    assert!(!imap.connection().wants_input());
    imap.c("a NOOP");
    imap.end();
}

#[test]
fn after_login_a_good_command_forgives_the_bad_ones() {
    let mut imap = Script::authenticated();
    for _ in 0..40 {
        imap.c("a NONSENSE");
        imap.s("a BAD ...");
        imap.c("b NOOP");
        imap.account(|_, _| Outcome::ok("done"));
        imap.s("b OK done");
    }
    imap.end();
}

#[test]
fn a_command_without_end_is_bye() {
    let mut imap = Script::tls();
    imap.raw(&[b'x'; 8192]);
    imap.raw(b"x");
    imap.s("* BYE [CLIENTBUG] the command is too long");
    assert!(matches!(imap.asked(), Action::Close));
    let mut imap = Script::authenticated();
    imap.raw(&vec![b'x'; (1 << 20) + 1]);
    imap.s("* BYE [CLIENTBUG] the command is too long");
}

#[test]
fn a_long_set_of_uids_is_no_trouble_after_login() {
    let mut imap = Script::selected();
    let uids: Vec<String> = (0..100_000).map(|uid| (2 * uid + 1).to_string()).collect();
    imap.c(&format!("a UID FETCH {} FLAGS", uids.join(",")));
    imap.mailbox(|command, _| {
        let MailboxCommand::Fetch(fetch) = command else { panic!() };
        let essaim_imap::MessageSet::Set(set) = fetch.messages else { panic!() };
        assert_eq!(set.ranges().len(), 100_000);
        Outcome::ok("done")
    });
    imap.s("a OK done");
    imap.end();
}

#[test]
fn literals_are_bounded_before_and_after_login() {
    let mut imap = Script::tls();
    imap.c("a LOGIN {1025}");
    imap.s("a NO [TOOBIG] the literal is too long");
    imap.c("a LOGIN {1024}");
    imap.s("+ go on");
    imap.raw(&[b'x'; 1024]);
    imap.c(" {7000+}");
    imap.raw(&[b'x'; 7000]);
    imap.c("");
    imap.s("a NO [TOOBIG] the literal is too long");
    imap.c("a LOGIN {8193+}");
    imap.s("* BYE [TOOBIG] more than can be thrown away");
    let mut imap = Script::authenticated();
    imap.c("a SELECT {65537}");
    imap.s("a NO [TOOBIG] the literal is too long");
    imap.c("a SELECT {65536}");
    imap.s("+ go on");
}

#[test]
fn many_literals_together_are_bounded() {
    let mut imap = Script::authenticated();
    imap.raw(b"a ID (");
    for _ in 0..15 {
        imap.c("{65536+}");
        imap.raw(&vec![b'x'; 65536]);
        imap.raw(b" ");
    }
    imap.c("{65536}");
    imap.s("a NO [TOOBIG] the literal is too long");
    imap.end();
}

#[test]
fn a_wrong_command_is_refused_before_its_literal_is_asked_for() {
    let mut imap = Script::tls();
    for (command, why) in [
        ("NONSENSE {3}", "no command is called \"NONSENSE\""),
        ("SELECT {3}", "log in first"),
        ("APPEND INBOX {3}", "log in first"),
        ("LOGIN ~{3}", "only a message can be a literal8"),
    ] {
        imap.c(&format!("a {command}"));
        imap.s(&format!("a BAD {why}"));
    }
    imap.raw(b"a NONSENSE {6+}\r\nb NOOP {6+}\r\nc NOOP\r\nd NOOP\r\n");
    imap.s("a BAD no command is called \"NONSENSE\"");
    imap.s("d OK ...");
    imap.end();
}

#[test]
fn deep_nests_of_search_keys_are_refused_without_a_deep_stack() {
    let mut imap = Script::selected();
    for nest in ["(", "NOT (", "OR ALL (", "OR (", "NOT NOT (", "((((("] {
        imap.c(&format!("a SEARCH {}ALL", nest.repeat(100_000 / nest.len())));
        imap.s("a NO [LIMIT] more than 30 levels of search keys in one command");
    }
    imap.c(&format!("a SEARCH {}ALL", "NOT ".repeat(100_001)));
    imap.mailbox(|command, _| {
        let MailboxCommand::Search(search) = command else { panic!() };
        assert_eq!(search.key, SearchKey::Not(Box::new(SearchKey::All)));
        Outcome::ok("done")
    });
    imap.s("a OK done");
    imap.c(&format!("a SEARCH {}ALL", "ALL ".repeat(2000)));
    imap.s("a NO [LIMIT] more than 2000 search keys in one command");
    imap.end();
}

#[test]
fn lists_without_end_are_refused() {
    let mut imap = Script::selected();
    for (command, why) in [
        (format!("FETCH 1 ({})", vec!["FLAGS"; 129].join(" ")), "128 fetch items"),
        (format!("FETCH 1 BODY[HEADER.FIELDS ({})]", vec!["a"; 257].join(" ")), "256 header fields"),
        (format!("STORE 1 FLAGS ({})", vec!["a"; 129].join(" ")), "128 flags"),
        (format!("STORE 1 FLAGS {}", vec!["a"; 129].join(" ")), "128 flags"),
        (format!("LIST \"\" ({})", vec!["a"; 65].join(" ")), "64 patterns"),
        (format!("STATUS x ({})", vec!["UNSEEN"; 33].join(" ")), "32 status items"),
        (format!("ID ({})", vec!["\"a\" NIL"; 31].join(" ")), "30 fields"),
        (format!("SEARCH SUBJECT {}", "x".repeat(4097)), "4096 bytes of text to look for"),
    ] {
        imap.c(&format!("a {command}"));
        imap.s(&format!("a NO [LIMIT] more than {why} in one command"));
    }
    imap.end();
}

#[test]
fn a_browser_is_sent_away_with_its_first_line() {
    let mut imap = Script::tls();
    imap.raw(b"POST /x HTTP/1.1\r\na LOGIN mallory secret\r\n");
    imap.s("* BYE [CLIENTBUG] this is IMAP, not HTTP");
    assert!(matches!(imap.asked(), Action::Close));
    imap.end();
}

#[test]
fn a_caller_that_reads_while_it_owes_an_answer_is_stopped() {
    let mut imap = Script::selected();
    imap.c("a NOOP");
    imap.raw(&vec![b'x'; 1 << 20]);
    imap.raw(b"x");
    imap.account(|_, _| Outcome::ok("too late"));
    imap.s("* BYE [CLIENTBUG] too much was sent ahead");
    assert!(matches!(imap.asked(), Action::Close));
    imap.end();
}

#[test]
fn answers_after_bye_are_ignored() {
    let mut imap = Script::selected();
    imap.c("a NOOP");
    imap.connection().bye(&Reply::new("the server stops"));
    imap.account(|_, _| Outcome::ok("too late"));
    imap.s("* BYE the server stops");
    assert!(matches!(imap.asked(), Action::Close));
    imap.connection().bye(&Reply::new("again"));
    imap.end();
}

#[test]
fn the_rules_can_end_the_connection() {
    let mut imap = Script::selected();
    imap.c("a NOOP");
    imap.account(|_, _| Outcome::Bye(Reply::new("the mailbox is gone")));
    imap.s("* BYE the mailbox is gone");
    assert!(matches!(imap.asked(), Action::Close));
    imap.end();
}

#[test]
fn a_connection_that_dies_in_a_message_forgets_it() {
    let mut imap = Script::authenticated();
    imap.c("a APPEND x {10+}");
    imap.append(Ok(()));
    imap.append(Ok(()));
    imap.connection().bye(&Reply::new("the server stops"));
    assert!(matches!(imap.asked(), Action::AppendAbort));
    imap.s("* BYE the server stops");
    assert!(matches!(imap.asked(), Action::Close));
    imap.end();
}

#[expect(clippy::disallowed_methods, reason = "any moment will do as the first")]
fn start() -> Instant {
    Instant::now()
}

#[test]
fn before_login_a_minute_is_all() {
    let start = start();
    let mut imap = Script::tls();
    assert_eq!(imap.connection().deadline(start), Some(start + Duration::from_secs(60)));
    imap.c("a NOOP");
    imap.s("a OK ...");
    let later = start + Duration::from_secs(59);
    assert_eq!(
        imap.connection().deadline(later),
        Some(start + Duration::from_secs(60)),
        "talking does not help"
    );
    imap.connection().on_timeout(later);
    imap.raw(b"b NO");
    imap.connection().on_timeout(start + Duration::from_secs(60));
    imap.s("* BYE silent for too long");
    assert!(matches!(imap.asked(), Action::Close));
    imap.end();
}

#[test]
fn after_login_half_an_hour_of_silence_but_not_inside_a_command() {
    let start = start();
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let mut imap = Script::authenticated();
    assert_eq!(imap.connection().deadline(start), Some(start + minutes(30)));
    imap.raw(b"a NO");
    assert_eq!(imap.connection().deadline(start + minutes(1)), Some(start + minutes(6)));
    imap.raw(b"OP\r\n");
    assert_eq!(imap.connection().deadline(start + minutes(2)), None, "it is not the client's turn");
    imap.account(|_, _| Outcome::ok("done"));
    imap.s("a OK done");
    assert_eq!(
        imap.connection().deadline(start + minutes(40)),
        Some(start + minutes(70)),
        "our time is not counted"
    );
    imap.c("b IDLE");
    imap.s("+ idling");
    imap.asked();
    assert_eq!(imap.connection().deadline(start + minutes(41)), Some(start + minutes(71)));
    imap.connection().on_timeout(start + minutes(71));
    imap.s("* BYE silent for too long");
    assert!(matches!(imap.asked(), Action::Close));
    imap.end();
}

#[test]
fn limits_are_the_callers() {
    let limits = Limits { errors: 1, ..Limits::default() };
    let mut imap = Script::fresh(essaim_imap::Settings { limits, ..settings(Transport::Clear) });
    imap.s("* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE AUTH=PLAIN] ready");
    assert_eq!(imap.connection().state(), State::NotAuthenticated);
    imap.c("a NONSENSE");
    imap.s("a BAD ...");
    imap.s("* BYE [CLIENTBUG] too many bad commands");
    assert!(matches!(imap.asked(), Action::Close));
    imap.end();
}
