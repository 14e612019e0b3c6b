//! IDLE: RFC 9051 section 6.3.13 and RFC 2177.

use essaim_imap::command::Access;
use essaim_imap::{Action, Outcome};

use crate::script::Script;

#[test]
fn rfc9051_6_3_13_idle() {
    let mut imap = Script::authenticated();
    imap.c("A001 SELECT INBOX");
    imap.opens(Access::ReadWrite);
    imap.s("A001 OK [READ-WRITE] SELECT completed");
    imap.c("A002 IDLE");
    imap.s("+ idling");
    assert!(matches!(imap.asked(), Action::Idle { .. }));
    assert!(imap.connection().wants_input());
    imap.news(|out| out.exists(4));
    imap.s("* 4 EXISTS");
    imap.c("DONE");
    assert!(matches!(imap.asked(), Action::IdleDone));
    imap.news(|out| out.expunge(2));
    imap.done(Outcome::ok("IDLE terminated"));
    imap.lines("* 2 EXPUNGE\nA002 OK IDLE terminated");
    imap.end();
}

#[test]
fn idle_is_for_the_authenticated_state_too() {
    let mut imap = Script::authenticated();
    imap.raw(b"a IDLE\r\ndone\r\nb NOOP\r\n");
    imap.s("+ idling");
    assert!(matches!(imap.asked(), Action::Idle { .. }));
    assert!(matches!(imap.asked(), Action::IdleDone));
    imap.done(Outcome::ok("over"));
    imap.s("a OK over");
    imap.account(|_, _| Outcome::ok("done"));
    imap.s("b OK done");
    imap.end();
}

#[test]
fn what_is_not_done_ends_idle_with_bad() {
    for line in ["a2 NOOP", "", "DONE ", "x {3+}"] {
        let mut imap = Script::authenticated();
        imap.c("a IDLE");
        imap.s("+ idling");
        imap.asked();
        imap.c(line);
        assert!(matches!(imap.asked(), Action::IdleDone));
        imap.done(Outcome::ok("over"));
        imap.s("a BAD IDLE ends with DONE");
        imap.end();
    }
}
