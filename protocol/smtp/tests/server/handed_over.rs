//! A conversation that one node begins and another goes on with: the account has moved (specs/16-move.md).

use std::sync::Arc;

use essaim_smtp::server::{Action, Connection, LoginVerdict, SenderVerdict};

use crate::script::{some_instant, start, submissions};

fn sent(smtp: &mut Connection) -> (String, Option<Action>) {
    let mut out = Vec::new();
    loop {
        match smtp.next_action() {
            Some(Action::Send(bytes)) => out.extend_from_slice(&bytes),
            other => return (String::from_utf8(out).unwrap(), other),
        }
    }
}

#[test]
fn the_login_is_answered_by_the_other_node_and_nothing_sent_ahead_is_lost() {
    let mut old = start(submissions());
    old.receive(
        b"EHLO client.example.com\r\nAUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=\r\nMAIL FROM:<test@foo.com>\r\nRC",
    );
    let (_, asked) = sent(&mut old);
    assert!(matches!(asked, Some(Action::Authenticate(_))), "{asked:?}");
    let (said, asked) = sent(&mut old);
    assert!(said.is_empty() || said.starts_with("2"), "{said}");
    assert!(asked.is_none());
    let hello = old.hello_name().unwrap().to_owned();
    let ahead = old.hand_over();
    assert_eq!((hello.as_str(), &ahead[..]), ("client.example.com", &b"MAIL FROM:<test@foo.com>\r\nRC"[..]));
    assert!(sent(&mut old).0.is_empty() && !old.wants_input());

    let mut new = Connection::taken_over(Arc::new(submissions()), hello, some_instant());
    let (said, asked) = sent(&mut new);
    assert!(said.is_empty() && asked.is_none(), "{said}");
    new.answer_login(LoginVerdict::Accept { login: "test@foo.com".to_owned() });
    new.receive(&ahead);
    let (said, asked) = sent(&mut new);
    assert!(matches!(asked, Some(Action::CheckSender(Some(_), _))), "{asked:?}");
    new.answer_sender(SenderVerdict::Accept);
    let (more, _) = sent(&mut new);
    assert_eq!(format!("{said}{more}"), "235 2.7.0 Welcome\r\n250 2.1.0 Sender accepted\r\n");
}
