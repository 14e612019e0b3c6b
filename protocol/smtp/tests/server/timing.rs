//! Deadlines and shutting down. Time is an argument.

use std::time::Duration;

use essaim_smtp::QueueId;
use essaim_smtp::server::{Action, Connection, RecipientVerdict, SenderVerdict};

use crate::script::{receiving, start};

const TICK: Duration = Duration::from_secs(300);

/// Lets the deadline pass; whether the conversation was closed.
fn wait(smtp: &mut Connection) -> bool {
    let deadline = smtp.deadline().unwrap();
    smtp.on_timeout(deadline);
    settle(smtp);
    smtp.deadline().is_none()
}

fn settle(smtp: &mut Connection) -> Vec<Action> {
    let mut actions = Vec::new();
    while let Some(action) = smtp.next_action() {
        match &action {
            Action::CheckSender(..) => smtp.answer_sender(SenderVerdict::Accept),
            Action::CheckRecipient(_) => smtp.answer_recipient(RecipientVerdict::Accept),
            _ => {}
        }
        actions.push(action);
    }
    actions
}

#[test]
fn a_silent_peer_is_told_and_left() {
    let mut smtp = start(receiving());
    settle(&mut smtp);
    let deadline = smtp.deadline().unwrap();
    smtp.on_timeout(deadline.checked_sub(Duration::from_millis(1)).unwrap());
    assert!(smtp.next_action().is_none(), "not before the deadline");
    smtp.on_timeout(deadline);
    let actions = settle(&mut smtp);
    let [Action::Send(bytes), Action::Close] = actions.as_slice() else { panic!("{actions:?}") };
    assert!(bytes.starts_with(b"421 4.4.2 "));
    assert_eq!(smtp.deadline(), None);
}

#[test]
fn a_command_moves_the_deadline_but_half_a_command_does_not() {
    let mut smtp = start(receiving());
    smtp.receive(b"NOOP\r\n");
    settle(&mut smtp);
    let first = smtp.deadline().unwrap();
    assert!(!wait(&mut smtp));
    assert_eq!(smtp.deadline(), Some(first + TICK));
    smtp.receive(b"NO");
    settle(&mut smtp);
    assert!(wait(&mut smtp), "a byte now and then is not a conversation");
}

#[test]
fn a_message_must_keep_coming() {
    let mut smtp = start(receiving());
    smtp.receive(b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<c@foo.com>\r\nDATA\r\n");
    settle(&mut smtp);
    assert!(!wait(&mut smtp));
    for _ in 0..5 {
        smtp.receive(&[b'\r', b'\n'].repeat(32 << 10));
        settle(&mut smtp);
        assert!(!wait(&mut smtp));
    }
    smtp.receive(&[b'\r', b'\n'].repeat(100));
    settle(&mut smtp);
    smtp.on_timeout(smtp.deadline().unwrap());
    let actions = settle(&mut smtp);
    assert!(matches!(actions.as_slice(), [Action::Abort, Action::Send(_), Action::Close]), "{actions:?}");
}

#[test]
fn the_peer_is_not_blamed_for_a_slow_answer() {
    let mut smtp = start(receiving());
    smtp.receive(b"HELO x\r\nMAIL FROM:<>\r\n");
    while !matches!(smtp.next_action(), Some(Action::CheckSender(..))) {}
    for _ in 0..3 {
        smtp.on_timeout(smtp.deadline().unwrap());
    }
    smtp.answer_sender(SenderVerdict::Accept);
    let reply = smtp.next_action();
    assert!(
        matches!(&reply, Some(Action::Send(bytes)) if bytes.ends_with(b"250 2.1.0 Sender accepted\r\n")),
        "{reply:?}"
    );
}

#[test]
fn shutting_down_keeps_what_is_complete_and_aborts_what_is_not() {
    let mut smtp = start(receiving());
    smtp.receive(b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<c@foo.com>\r\nDATA\r\n");
    settle(&mut smtp);
    smtp.receive(b".\r\nMAIL FROM:<>\r\n");
    let actions = settle(&mut smtp);
    assert!(matches!(actions.as_slice(), [Action::Commit(_)]), "{actions:?}");
    smtp.shut_down();
    assert!(smtp.next_action().is_none(), "the answer is awaited");
    smtp.answer_committed(Ok(QueueId::new("7")));
    let actions = settle(&mut smtp);
    let [Action::Send(bytes), Action::Close] = actions.as_slice() else { panic!("{actions:?}") };
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.starts_with("250 2.0.0 Message accepted as 7\r\n421 4.3.2 "), "{text}");

    let mut smtp = start(receiving());
    smtp.receive(b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<c@foo.com>\r\nDATA\r\n");
    settle(&mut smtp);
    smtp.shut_down();
    let actions = settle(&mut smtp);
    assert!(matches!(actions.as_slice(), [Action::Abort, Action::Send(_), Action::Close]), "{actions:?}");
}

#[test]
fn a_closed_conversation_is_silent() {
    let mut smtp = start(receiving());
    smtp.receive(b"QUIT\r\nNOOP\r\n");
    settle(&mut smtp);
    smtp.receive(b"NOOP\r\n");
    smtp.shut_down();
    smtp.on_timeout(crate::script::some_instant() + TICK * 10);
    assert!(!smtp.wants_input());
    assert!(smtp.next_action().is_none());
}

#[test]
fn too_many_connections_are_turned_away_by_name() {
    let line = Connection::too_busy(&receiving());
    assert_eq!(line.as_ref(), b"421 foo.com has too many connections, please try again later\r\n");
}
