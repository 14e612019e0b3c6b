//! However a conversation is cut into pieces, the same happens.

use essaim_imap::{Limits, Transport};
use proptest::prelude::*;

use crate::generate;
use crate::run::{Event, Run};
use crate::spell::{self, Speller};

/// One command, whole, as a client would send it that never waits.
fn command() -> impl Strategy<Value = Vec<u8>> {
    let chance = || prop::collection::vec(any::<u8>(), 1..32);
    let message = prop::collection::vec(any::<u8>(), 0..60);
    let append =
        (generate::name(), generate::flags(), prop::collection::vec(message, 1..4), any::<bool>(), chance())
            .prop_map(|(name, flags, messages, binary, chance)| {
                let mut speller = Speller::new(&chance);
                speller.word("APPEND ");
                speller.name(&name);
                let mut wire = speller.into_bytes();
                for message in messages {
                    let mut speller = Speller::new(&chance);
                    speller.raw(" ");
                    speller.flags(&flags);
                    let tilde = if binary { "~" } else { "" };
                    speller.raw(&format!(" {tilde}{{{}+}}\r\n", message.len()));
                    wire.extend(speller.into_bytes());
                    wire.extend(message);
                }
                wire
            });
    let nonsense = prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        3 => (generate::account(), chance()).prop_map(|(command, chance)| spell::account(&command, &chance)),
        3 => (generate::mailbox(), chance()).prop_map(|(command, chance)| spell::mailbox(&command, &chance)),
        3 => append,
        1 => Just(b"IDLE\r\nDONE".to_vec()),
        1 => Just(b"ID NIL".to_vec()),
        1 => nonsense,
    ]
}

fn conversation() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(command(), 1..6).prop_map(|commands| {
        commands.iter().flat_map(|command| [b"t ", command.as_slice(), b"\r\n"].concat()).collect()
    })
}

fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut run = Run::selected();
    pieces.into_iter().for_each(|piece| run.receive(piece));
    run.events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_conversation_does_not_depend_on_how_it_is_cut(wire in conversation(), sizes in prop::collection::vec(1..40usize, 1..8)) {
        let whole = events([wire.as_slice()]);
        prop_assert_eq!(&events(wire.chunks(1)), &whole, "byte by byte");
        let mut rest = wire.as_slice();
        let pieces = sizes.iter().cycle().map_while(|&size| {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        });
        prop_assert_eq!(&events(pieces.collect::<Vec<_>>()), &whole, "in pieces of {:?}", sizes);
    }
}

#[test]
fn a_login_does_not_depend_on_how_it_is_cut() {
    let wire = b"a CAPABILITY\r\nb AUTHENTICATE PLAIN\r\n*\r\nc LOGIN {3+}\r\nabc {0+}\r\n\r\nd LOGIN x \"y \\\" z\"\r\ne NOOP\nf NOOP\r\n";
    let run = |size: usize| {
        let mut run = Run::new(Limits::default(), Transport::Tls);
        wire.chunks(size).for_each(|piece| run.receive(piece));
        run.events
    };
    let whole = run(wire.len());
    assert_eq!(whole.iter().filter(|event| matches!(event, Event::Login(..))).count(), 1, "{whole:?}");
    for size in 1..wire.len() {
        assert_eq!(run(size), whole, "in pieces of {size}");
    }
}
