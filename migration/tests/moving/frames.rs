//! Messages as bytes: what is written is read, and nothing else is.

use essaim_identity::account::MoveId;
use essaim_identity::cbor;
use essaim_migration::moving::batch::{Batch, Change, Key, Op, Place};
use essaim_migration::moving::frame::{self, FrameError};
use essaim_migration::moving::limits::{FRAME_BYTES_MAX, PAGES_MAX, TEXT_BYTES_MAX};
use essaim_migration::moving::message::{Frame, Message, Offer, Reason, Standing};
use essaim_migration::moving::summary::{KeyRange, KindRoot, Page, Summary};
use essaim_migration::object::Object;
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind};

const ACCOUNT: AccountId = AccountId::from_bytes([1; 32]);
const MOVE: MoveId = MoveId([2; 16]);

fn object() -> Object {
    Object {
        kind: ObjectKind(200),
        key: vec![0, 255],
        lsn: Lsn(7),
        charge: ByteSize(1 << 40),
        blobs: vec![BlobId::of(b"a"), BlobId::of(b"b")],
        value: b"value".to_vec(),
    }
}

fn every_message() -> Vec<Message> {
    let key = Key { kind: ObjectKind::FLAGS, key: vec![1] };
    let ops = vec![Op::Upsert(object()), Op::Superseded(key.clone()), Op::Delete(key)];
    let batch = Batch { changes: vec![Change { lsn: Lsn(7), ops }], ..Batch::empty(Place::replayed(Lsn(6))) };
    let copy = Batch { objects: vec![object()], ..Batch::empty(Place::START) };
    let root = KindRoot { kind: ObjectKind::FLAGS, objects: 9, root: [3; 32] };
    let summary = Summary { at: Lsn(9), kinds: vec![root] };
    let range = KeyRange { kind: ObjectKind::FLAGS, from: vec![], to: Some(vec![9]) };
    let offer =
        Offer { consent: vec![1], acceptance: vec![2], log: vec![vec![3].into()], bytes: 4, objects: 5 };
    vec![
        Message::Offer(offer),
        Message::Standing(Standing::Ready),
        Message::Standing(Standing::At { base: Lsn(3), place: Place::START }),
        Message::Standing(Standing::Prepared { round: 3 }),
        Message::Standing(Standing::Aborted),
        Message::Begin(Lsn(3)),
        Message::Blobs(vec![b"blob".to_vec().into()]),
        Message::Batch(Box::new(batch)),
        Message::Batch(Box::new(copy)),
        Message::Stored(Place::replayed(Lsn(6))),
        Message::Check(summary.clone()),
        Message::Agreed(Lsn(9)),
        Message::Differs(Lsn(9), vec![ObjectKind::FLAGS, ObjectKind(255)]),
        Message::Pages(Lsn(9), ObjectKind::FLAGS, 2, vec![Page { first: vec![1], hash: [4; 32] }]),
        Message::Wanted(Lsn(9), vec![range.clone()]),
        Message::Repair(Lsn(9), range.clone(), vec![object()]),
        Message::Repaired(Lsn(9), range),
        Message::Prepare(1, summary),
        Message::Prepared(1, Lsn(9), vec![5; 64]),
        Message::Unfenced(1),
        Message::Moved(vec![6]),
        Message::Active(vec![7], "ann@b.test".to_owned()),
        Message::Ask,
        Message::Withdraw(Reason::new("no room")),
        Message::Aborted(Reason::new("no")),
    ]
}

fn body(message: Message) -> Vec<u8> {
    let bytes = frame::write(ACCOUNT, MOVE, message);
    let (head, body) = bytes.split_at(4);
    assert_eq!(frame::length(head.try_into().unwrap()), Ok(body.len()));
    body.to_vec()
}

#[test]
fn what_is_written_is_read() {
    for message in every_message() {
        assert_eq!(frame::read(ACCOUNT, MOVE, &body(message.clone())), Ok(message));
    }
}

#[test]
fn no_other_bytes_are_the_same_message() {
    for message in every_message() {
        let bytes = body(message.clone());
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            if let Ok(read) = frame::read(ACCOUNT, MOVE, &other) {
                assert_ne!(read, message, "byte {at}");
            }
            assert!(frame::read(ACCOUNT, MOVE, &bytes[..at]).is_err(), "cut at {at}");
        }
    }
}

#[test]
fn a_message_of_another_account_or_move_is_refused() {
    let elsewhere = |account, id| frame::read(account, id, &body(Message::Ask)).unwrap_err();
    let refused = FrameError::Elsewhere { account: ACCOUNT, id: MOVE };
    assert_eq!(elsewhere(AccountId::from_bytes([9; 32]), MOVE), refused);
    assert_eq!(elsewhere(ACCOUNT, MoveId([9; 16])), refused);
}

#[test]
fn limits_are_refused_by_name() {
    assert_eq!(frame::length([0xff; 4]), Err(FrameError::TooLong { len: 0xffff_ffff }));
    let most = u32::try_from(FRAME_BYTES_MAX).unwrap();
    assert_eq!(frame::length(most.to_be_bytes()), Ok(FRAME_BYTES_MAX));
    assert!(frame::length((most + 1).to_be_bytes()).is_err());
    let refused = |message| match frame::read(ACCOUNT, MOVE, &body(message)) {
        Err(FrameError::Excess { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(Message::Moved(vec![0; TEXT_BYTES_MAX + 1])), "bytes of a signed text");
    let page = Page { first: vec![], hash: [0; 32] };
    let pages = vec![page; PAGES_MAX + 1];
    assert_eq!(refused(Message::Pages(Lsn(1), ObjectKind(1), 0, pages)), "pages");
    assert_eq!(refused(Message::Differs(Lsn(1), vec![ObjectKind(1); 257])), "kinds");
}

#[test]
fn a_reason_is_one_short_line() {
    let reason = Reason::new(&format!("a\r\nb\u{1b}[2J{}", "é".repeat(600)));
    assert!(reason.as_str().starts_with("a  b [2J"));
    assert!(reason.as_str().len() <= 500);
}

/// The bytes of one message, so that no later version changes them unseen.
#[test]
fn the_bytes_of_a_frame_are_these() {
    let frame = Frame { account: ACCOUNT, id: MOVE, message: Message::Unfenced(3) };
    let hex: String = cbor::encode(&frame).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, format!("835820{}50{}820f8103", "01".repeat(32), "02".repeat(16)));
}
