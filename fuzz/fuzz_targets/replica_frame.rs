//! What nodes ask and answer about accounts of other hosters: one spelling, and nothing beyond its limits. An access that a stranger makes up opens
//! nothing.
#![no_main]

use essaim_identity::Unverified;
use essaim_identity::account::{AccountLog, Host, Witnesses, first_entry};
use essaim_identity::SigningKey;
use essaim_migration::replica::message::{self, Answer, ENTRIES_MAX, HELD_MAX, Message, Question, RECEIPTS_MAX};
use essaim_migration::replica::{Access, Caller, compare};
use essaim_types::{ListingId, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(question) = message::read::<Question>(data) {
        one_spelling(&question, data);
        match question {
            Question::Tell(papers) | Question::Keep(_, papers) => {
                assert!(papers.entries.len() <= ENTRIES_MAX && papers.receipts.len() <= RECEIPTS_MAX);
            }
            Question::List(access) | Question::Fetch(access, ..) => opens_nothing(&access),
            Question::Know(_) => {}
        }
    }
    if let Ok(answer) = message::read::<Answer>(data) {
        one_spelling(&answer, data);
        if let Answer::Held(held) = answer {
            assert!(held.len() <= HELD_MAX);
            let (log, holder) = (log(), ListingId::from_bytes([3; 32]));
            let found = compare(&log, &log.settled_head().hash(), &[(holder, held)]);
            assert!(found.candidates.is_empty(), "a seal that the host has not made");
        }
    }
});

fn one_spelling<M: Message>(message: &M, data: &[u8]) {
    assert_eq!(message::write(message).get(4..), Some(data), "two spellings");
}

fn opens_nothing(access: &[u8]) {
    let Ok(access) = Unverified::<Access>::parse(access) else { return };
    let caller = Caller { node: access.claims().node, hoster: ListingId::from_bytes([1; 32]) };
    let (holder, at) = (access.claims().holder, access.claims().at);
    assert!(Access::check(access, &log(), &Witnesses::default(), (holder, caller), at).is_err(), "forged");
}

/// An account whose host's key nobody guesses.
fn log() -> AccountLog {
    let key = SigningKey::from_seed(&[0x5a; 32]);
    let host = Host { listing: ListingId::from_bytes([1; 32]), key: key.public() };
    let mut first = first_entry(host, &[], Timestamp::from_seconds(1_772_366_400)).propose().expect("an entry");
    first.sign(&key).expect("one signature");
    AccountLog::found(first.verify().expect("just signed")).expect("a first entry")
}
