//! Bytes of questions and answers: one spelling, nothing beyond the limits.

use essaim_migration::moving::message::Reason;
use essaim_migration::replica::message::{
    self, Answer, ENTRIES_MAX, HELD_MAX, Known, MESSAGE_BYTES_MAX, Message, MessageError, Papers, Question,
    RECEIPTS_MAX,
};
use essaim_migration::replica::{Access, Held};
use essaim_types::AccountId;
use minicbor::bytes::ByteVec;

use crate::people::{NOW, account, held, key, listing, seal};

fn papers() -> Papers {
    let (log, _) = account();
    let entries = log.entries().map(|entry| ByteVec::from(entry.to_wire())).collect();
    Papers { account: log.account(), entries, receipts: vec![ByteVec::from(vec![7; 100])] }
}

fn replica() -> Held {
    let (log, head) = account();
    held(&seal(&log, &head, 9, 1), 1)
}

fn access() -> Vec<u8> {
    let (log, entry) = account();
    let node = key(102).public();
    Access { account: log.account(), entry, holder: listing(3), node, at: NOW }.sign(&key(1))
}

fn comes_back<M: Message + PartialEq + std::fmt::Debug>(message: &M) {
    let bytes = message::write(message);
    let (head, body) = bytes.split_first_chunk::<4>().unwrap();
    assert_eq!(message::length(*head), Ok(body.len()));
    assert_eq!(message::read::<M>(body).as_ref(), Ok(message));
    for cut in 0..body.len() {
        assert!(message::read::<M>(&body[..cut]).is_err());
    }
}

#[test]
fn every_message_is_read_as_it_was_written() {
    let know = Question::Know(papers().account);
    let questions = [
        know,
        Question::Tell(papers()),
        Question::Keep(replica(), papers()),
        Question::List(access()),
        Question::Fetch(access(), [3; 32], 1 << 40),
    ];
    questions.iter().for_each(comes_back);
    let known = Known { papers: papers(), highest: None, replicas: 2, host_silent: 3601 };
    let answers = [
        Answer::Known(known),
        Answer::From(7),
        Answer::Held(vec![replica()]),
        Answer::Kept,
        Answer::Refused(Reason::new("no")),
    ];
    answers.iter().for_each(comes_back);
}

#[test]
fn limits_have_names() {
    let excess = |read: Result<Question, MessageError>| match read {
        Err(MessageError::Excess { what, max, .. }) => (what, max),
        other => unreachable!("{other:?}"),
    };
    let read = |question: &Question| message::read(&message::write(question)[4..]);
    let many = |count: usize, bytes: usize| vec![ByteVec::from(vec![0; bytes]); count];
    let account = AccountId::from_bytes([1; 32]);
    let tell = |entries, receipts| read(&Question::Tell(Papers { account, entries, receipts }));
    assert_eq!(excess(tell(many(ENTRIES_MAX + 1, 1), vec![])), ("entries", ENTRIES_MAX));
    assert_eq!(excess(tell(vec![], many(RECEIPTS_MAX + 1, 1))), ("receipts", RECEIPTS_MAX));
    assert_eq!(excess(tell(many(1, 2049), vec![])), ("bytes of an entry", 2048));
    assert_eq!(excess(tell(vec![], many(1, 400))).0, "bytes of a receipt");
    assert_eq!(excess(read(&Question::List(vec![0; 400]))).0, "bytes of an access");
    let long = Held { seal: vec![0; 1000], ..replica() };
    assert_eq!(excess(read(&Question::Keep(long, Papers::none(account)))).0, "bytes of a seal");
    let held = message::read::<Answer>(&message::write(&Answer::Held(vec![replica(); HELD_MAX + 1]))[4..]);
    assert!(matches!(held, Err(MessageError::Excess { what: "replicas", max: HELD_MAX, .. })));
    assert_eq!(message::length([0xff; 4]), Err(MessageError::TooLong { len: u32::MAX as usize }));
    // The fullest papers fit into a message.
    const { assert!(ENTRIES_MAX * (2048 + 3) + RECEIPTS_MAX * (296 + 3) + 1000 <= MESSAGE_BYTES_MAX) };
}
