//! RFC 9051 section 6.1: commands for any state.

use essaim_imap::{AccountCommand, Action, Flag, Outcome, State, Transport};
use essaim_types::Uid;

use crate::script::{Script, settings};

#[test]
fn rfc9051_6_1_1_capability_changes_with_tls() {
    let mut imap = Script::fresh(settings(Transport::StartTlsRequired));
    imap.s("* OK [CAPABILITY IMAP4rev1 IMAP4rev2 ...");
    imap.c("abcd CAPABILITY");
    imap.s("* CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE STARTTLS LOGINDISABLED");
    imap.s("abcd OK ...");
    imap.c("efgh STARTTLS");
    imap.s("efgh OK ...");
    assert!(matches!(imap.asked(), Action::StartTls));
    imap.c("ijkl CAPABILITY");
    imap.s("* CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE AUTH=PLAIN");
    imap.s("ijkl OK ...");
    imap.end();
}

#[test]
fn capability_after_login_names_every_extension() {
    let mut imap = Script::authenticated();
    imap.c("a CAPABILITY");
    let line = imap.line();
    imap.s("a OK ...");
    for word in [
        "IMAP4rev1",
        "IMAP4rev2",
        "LITERAL+",
        "SASL-IR",
        "ID",
        "ENABLE",
        "NAMESPACE",
        "IDLE",
        "UIDPLUS",
        "MOVE",
        "UNSELECT",
        "LIST-EXTENDED",
        "LIST-STATUS",
        "SPECIAL-USE",
        "CREATE-SPECIAL-USE",
        "CONDSTORE",
        "QRESYNC",
        "ESEARCH",
        "SEARCHRES",
        "STATUS=SIZE",
        "MULTIAPPEND",
        "BINARY",
        "OBJECTID",
        "SAVEDATE",
        "APPENDLIMIT=52428800",
        "QUOTA",
        "QUOTA=RES-STORAGE",
        "WITHIN",
        "CHILDREN",
        "UTF8=ACCEPT",
    ] {
        assert!(line.split(' ').any(|told| told == word), "{word} is not in {line}");
    }
    assert!(!line.contains("AUTH=") && !line.contains("STARTTLS") && !line.contains("LITERAL-"), "{line}");
    imap.end();
}

#[test]
fn rfc9051_6_1_2_noop_tells_news() {
    let mut imap = Script::selected();
    imap.c("a002 NOOP");
    imap.account(|command, _| {
        assert_eq!(command, AccountCommand::Noop);
        Outcome::ok("NOOP completed")
    });
    imap.s("a002 OK NOOP completed");
    imap.c("a047 NOOP");
    imap.account(|_, out| {
        out.expunge(22);
        out.exists(23);
        let mut fetch = out.fetch(14);
        fetch.uid(Uid::new(1305).unwrap());
        fetch.flags(&[Flag::Seen, Flag::Deleted]);
        fetch.finish();
        Outcome::ok("NOOP completed")
    });
    imap.lines(
        "* 22 EXPUNGE
         * 23 EXISTS
         * 14 FETCH (UID 1305 FLAGS (\\Seen \\Deleted))
         a047 OK NOOP completed",
    );
    imap.end();
}

#[test]
fn noop_before_login_asks_nobody() {
    let mut imap = Script::tls();
    imap.c("a NOOP");
    imap.s("a OK ...");
    imap.end();
}

#[test]
fn rfc9051_6_1_3_logout_says_bye_first_and_closes() {
    let mut imap = Script::selected();
    imap.raw(b"A023 LOGOUT\r\nA024 NOOP\r\n");
    imap.s("* BYE ...");
    imap.s("A023 OK ...");
    assert!(matches!(imap.asked(), Action::Close));
    assert!(!imap.connection().wants_input());
    imap.end();
}

#[test]
fn rfc2971_id_is_answered_in_any_state() {
    for mut imap in [Script::tls(), Script::authenticated(), Script::selected()] {
        imap.c("a023 ID (\"name\" \"sodr\" \"version\" \"19.34\" \"vendor\" \"Pink Floyd Music Limited\" \"os\" NIL)");
        imap.s("* ID (\"name\" \"Essaim\")");
        imap.s("a023 OK ...");
        imap.c("a042 ID NIL");
        imap.s("* ID (\"name\" \"Essaim\")");
        imap.s("a042 OK ...");
        imap.end();
    }
}

#[test]
fn a_command_in_the_wrong_state_is_bad() {
    let mut imap = Script::tls();
    for command in
        ["SELECT INBOX", "LIST \"\" *", "FETCH 1 FLAGS", "ENABLE CONDSTORE", "IDLE", "APPEND x {3}", "CLOSE"]
    {
        imap.c(&format!("a {command}"));
        imap.s("a BAD log in first");
    }
    imap.end();
    let mut imap = Script::authenticated();
    for command in
        ["FETCH 1 FLAGS", "EXPUNGE", "UID STORE 1 FLAGS ()", "CHECK", "UNSELECT", "SEARCH ALL", "MOVE 1 x"]
    {
        imap.c(&format!("a {command}"));
        imap.s("a BAD select a mailbox first");
    }
    for command in ["LOGIN a b", "AUTHENTICATE PLAIN", "STARTTLS"] {
        imap.c(&format!("a {command}"));
        imap.s("a BAD you are logged in");
    }
    assert_eq!(imap.connection().state(), State::Authenticated);
    imap.end();
    let mut imap = Script::selected();
    imap.c("a ENABLE CONDSTORE");
    imap.s("a BAD not while a mailbox is selected");
    imap.end();
}
