//! A conversation that one node begins and another goes on with: the account has moved (specs/16-move.md).

use bytes::BytesMut;
use essaim_imap::{Action, Connection, State, Tag, Transport};

use crate::script::settings;

fn sent(imap: &mut Connection) -> (String, Option<Action>) {
    let mut out = BytesMut::new();
    loop {
        match imap.next_action() {
            Some(Action::Send(bytes)) => out.extend_from_slice(&bytes),
            other => return (String::from_utf8(out.to_vec()).unwrap(), other),
        }
    }
}

#[test]
fn the_login_is_answered_by_the_other_node_and_nothing_sent_ahead_is_lost() {
    let mut old = Connection::new(settings(Transport::Tls));
    old.receive(b"a1 ID NIL\r\na2 LOGIN ann secret\r\na3 SELECT INBOX\r\na4 FET");
    let (_, asked) = sent(&mut old);
    let Some(Action::Authenticate { tag, user, .. }) = asked else { panic!("{asked:?}") };
    assert_eq!((tag.as_bytes(), user.as_str()), (&b"a2"[..], "ann"));
    let ahead = old.hand_over();
    assert_eq!(ahead, &b"a3 SELECT INBOX\r\na4 FET"[..]);
    assert!(sent(&mut old).0.is_empty() && !old.wants_input());

    let mut new = Connection::taken_over(settings(Transport::StartTlsRequired), Tag::new(b"a2").unwrap());
    assert!(!new.wants_input());
    let (said, asked) = sent(&mut new);
    assert!(said.is_empty() && asked.is_none(), "{said}");
    new.answer_login(Ok(()));
    assert_eq!(new.state(), State::Authenticated);
    let (said, _) = sent(&mut new);
    assert!(said.starts_with("a2 OK [CAPABILITY IMAP4rev1 ") && said.contains("QRESYNC"), "{said}");
    assert!(!said.contains("STARTTLS"), "{said}");
    new.receive(&ahead);
    let (said, asked) = sent(&mut new);
    assert!(
        said.is_empty() && matches!(asked, Some(Action::RunMailbox { .. } | Action::RunAccount { .. })),
        "{asked:?}"
    );
}
