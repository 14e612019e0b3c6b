//! Bytes that are no conversation, and conversations with bytes changed: nothing panics, nothing hangs, trees stay small.

use essaim_imap::command::SearchKey;
use essaim_imap::{Limits, MailboxCommand, Transport};
use proptest::prelude::*;

use crate::generate;
use crate::run::{Event, Run};
use crate::spell;

fn depth(key: &SearchKey) -> usize {
    match key {
        SearchKey::And(keys) | SearchKey::Or(keys) => 1 + keys.iter().map(depth).max().unwrap_or(0),
        SearchKey::Not(key) => 1 + depth(key),
        _ => 0,
    }
}

/// What must hold whatever was sent.
fn sound(run: &Run) -> Result<(), TestCaseError> {
    for event in &run.events {
        match event {
            Event::Mailbox(MailboxCommand::Search(search)) => {
                prop_assert!(depth(&search.key) <= SearchKey::DEPTH_MAX)
            }
            Event::Sent(bytes) => prop_assert!(bytes.ends_with(b"\r\n")),
            _ => {}
        }
    }
    let count = |wanted: fn(&Event) -> bool| run.events.iter().filter(|event| wanted(event)).count();
    let ends = count(|event| matches!(event, Event::AppendCommit | Event::AppendAbort));
    let open = count(|event| matches!(event, Event::AppendBegin(_))).checked_sub(ends);
    prop_assert!(matches!(open, Some(0 | 1)), "every APPEND ends once, but for the one that goes on");
    let closes = run.events.iter().filter(|event| matches!(event, Event::Close)).count();
    prop_assert_eq!(
        closes,
        usize::from(!run.connection.wants_input()),
        "it waits for the client, or is closed"
    );
    Ok(())
}

/// Bytes of which many mean something to the grammar.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&[u8]] = &[
        b"\r\n",
        b" ",
        b"(",
        b")",
        b"\"",
        b"\\",
        b"{3}\r\n",
        b"{3+}\r\n",
        b"~{3+}\r\n",
        b"abc",
        b"\r\nt UID FETCH 1:* BODY[HEADER.FIELDS (",
        b"\r\nt SEARCH OR NOT (",
        b"\r\nt APPEND x",
        b"\r\nt LIST (SUBSCRIBED) \"\" ",
        b"\r\nt STORE $ +FLAGS",
        b"\r\nt SELECT x (QRESYNC (1 ",
        b"\r\nt IDLE\r\nDONE\r\n",
        b"1",
        b"*",
        b"\0",
        b"\xff",
    ];
    let piece = prop::sample::select(PIECES.to_vec());
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn random_bytes_before_login(wire in prop_oneof![bytes(), prop::collection::vec(any::<u8>(), 0..200)]) {
        let mut run = Run::new(Limits::default(), Transport::StartTlsOffered);
        run.receive(&wire);
        sound(&run)?;
    }

    #[test]
    fn random_bytes_after_login(wire in bytes()) {
        let mut run = Run::selected();
        run.receive(&wire);
        sound(&run)?;
    }

    #[test]
    fn commands_with_bytes_changed(
        command in generate::mailbox(),
        chance in prop::collection::vec(any::<u8>(), 1..32),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..4),
    ) {
        let mut wire = [b"t ", spell::mailbox(&command, &chance).as_slice(), b"\r\nu NOOP\r\n"].concat();
        for (at, byte, kind) in changes {
            let at = at.index(wire.len());
            match kind {
                0 => wire[at] = byte,
                1 => wire.insert(at, byte),
                _ => drop(wire.remove(at)),
            }
        }
        let mut run = Run::selected();
        run.receive(&wire);
        sound(&run)?;
    }
}
