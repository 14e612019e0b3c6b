//! What a client means is what the rules are asked, however it is spelled.

use essaim_imap::{AccountCommand, MailboxCommand};
use proptest::prelude::*;

use crate::generate;
use crate::run::{Event, Run};
use crate::spell;

fn chance() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..64)
}

fn line(command: Vec<u8>) -> Vec<u8> {
    [b"t ", command.as_slice(), b"\r\n"].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn commands_on_the_account_are_read_as_they_are_meant(command in generate::account(), chance in chance()) {
        let wire = line(spell::account(&command, &chance));
        let mut run = Run::selected();
        run.receive(&wire);
        let read: Vec<&AccountCommand> = run.events.iter().filter_map(|event| match event {
            Event::Account(command) => Some(command),
            _ => None,
        }).collect();
        prop_assert_eq!(read, [&command], "{} {:?}", String::from_utf8_lossy(&wire), run.events);
    }

    #[test]
    fn commands_on_the_mailbox_are_read_as_they_are_meant(command in generate::mailbox(), chance in chance()) {
        let wire = line(spell::mailbox(&command, &chance));
        let mut run = Run::selected();
        run.receive(&wire);
        let read: Vec<&MailboxCommand> = run.events.iter().filter_map(|event| match event {
            Event::Mailbox(command) => Some(command),
            _ => None,
        }).collect();
        prop_assert_eq!(read, [&command], "{} {:?}", String::from_utf8_lossy(&wire), run.events);
    }
}
