//! What is on the disk: any bytes are read without a panic, and the format is what it was.

use bytes::Bytes;
use essaim_store::{Codec, Group, LSN_MAX, Object, Op, RecordHeader, RecordKind, Transaction};
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, NodeSeq, ObjectKind, Timestamp};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

fn objects(lsn: Lsn) -> impl Strategy<Value = Object> {
    (any::<u64>(), vec(any::<[u8; 32]>(), 0..4), vec(any::<u8>(), 0..200)).prop_map(
        move |(charge, blobs, value)| Object {
            lsn,
            charge: ByteSize(charge),
            blobs: blobs.into_iter().map(BlobId::from_bytes).collect(),
            value: value.into(),
        },
    )
}

fn groups() -> impl Strategy<Value = Group> {
    (any::<[u8; 32]>(), any::<u64>()).prop_flat_map(|(account, lsn)| {
        let target = || (any::<u8>().prop_map(ObjectKind), vec(any::<u8>(), 0..40).prop_map(Bytes::from));
        let op = prop_oneof![
            (target(), objects(Lsn(lsn))).prop_map(|((kind, key), object)| Op::Upsert { kind, key, object }),
            target().prop_map(|(kind, key)| Op::Delete { kind, key }),
            (target(), (0..=LSN_MAX.0).prop_flat_map(|lsn| objects(Lsn(lsn))))
                .prop_map(|((kind, key), object)| Op::Adopt { kind, key, object }),
        ];
        vec(op, 0..6).prop_map(move |ops| Group {
            account: AccountId::from_bytes(account),
            lsn: Lsn(lsn),
            ops,
        })
    })
}

fn transactions() -> impl Strategy<Value = Transaction> {
    (any::<u64>(), 0..i64::MAX, vec(groups(), 0..4)).prop_map(|(node_seq, time, groups)| Transaction {
        node_seq: NodeSeq(node_seq),
        time: Timestamp(time),
        groups,
    })
}

fn encoded(transaction: &Transaction) -> Vec<u8> {
    let mut bytes = Vec::new();
    transaction.encode(&mut bytes);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn transactions_read_back_as_written(transaction in transactions()) {
        prop_assert_eq!(Transaction::decode(&encoded(&transaction).into()), Ok(transaction));
    }

    #[test]
    fn one_transaction_has_one_spelling(transaction in transactions(), at in any::<usize>(), byte in any::<u8>()) {
        let mut bytes = encoded(&transaction);
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(read) = Transaction::decode(&Bytes::copy_from_slice(&bytes)) {
            prop_assert_eq!(encoded(&read), bytes);
        }
    }

    #[test]
    fn a_transaction_cut_off_anywhere_is_refused(transaction in transactions(), at in any::<usize>()) {
        let mut bytes = encoded(&transaction);
        bytes.truncate(at % bytes.len());
        prop_assert!(Transaction::decode(&bytes.into()).is_err());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..400), version in any::<bool>()) {
        let mut bytes = bytes;
        if version {
            bytes.insert(0, 2);
        }
        if let Some(header) = bytes.first_chunk() {
            _ = RecordHeader::decode(header);
        }
        _ = Transaction::decode(&bytes.into());
    }
}

#[test]
fn a_count_that_its_bytes_cannot_hold_reserves_nothing() {
    // Version, sequence, time, then 2^62 groups.
    let mut bytes = vec![2, 1, 1];
    bytes.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f]);
    assert!(Transaction::decode(&bytes.into()).is_err());
}

#[test]
fn the_bytes_of_a_transaction_and_of_a_header_do_not_change() {
    let object = Object {
        lsn: Lsn(300),
        charge: ByteSize(1000),
        blobs: vec![BlobId::from_bytes([0xbb; 32])],
        value: Bytes::from_static(b"value"),
    };
    let adopted = Object { lsn: Lsn(299), blobs: Vec::new(), ..object.clone() };
    let upsert = Op::Upsert { kind: ObjectKind(4), key: Bytes::from_static(b"key"), object };
    let adopt = Op::Adopt { kind: ObjectKind(5), key: Bytes::from_static(b"k"), object: adopted };
    let delete = Op::Delete { kind: ObjectKind(3), key: Bytes::from_static(b"") };
    let group =
        Group { account: AccountId::from_bytes([0xaa; 32]), lsn: Lsn(300), ops: vec![upsert, delete, adopt] };
    let transaction =
        Transaction { node_seq: NodeSeq(7), time: Timestamp(1_700_000_000_000), groups: vec![group] };
    let mut expected = vec![2, 7, 0x80, 0xd0, 0x95, 0xff, 0xbc, 0x31, 1];
    expected.extend([0xaa; 32]);
    expected.extend([0xac, 2, 3, 1, 4, 3, b'k', b'e', b'y', 0xe8, 7, 1]);
    expected.extend([0xbb; 32]);
    expected.extend([5, b'v', b'a', b'l', b'u', b'e', 2, 3, 0]);
    expected.extend([3, 5, 1, b'k', 0xab, 2, 0xe8, 7, 0, 5, b'v', b'a', b'l', b'u', b'e']);
    assert_eq!(encoded(&transaction), expected);

    let header = RecordHeader {
        kind: RecordKind::Transaction,
        codec: Codec::ZstdMail1,
        stored: 0x0102,
        plain: 0x03_0405,
        sum: 0x0807_0605_0403_0201,
        hash: [0xcc; 32],
    };
    let mut expected = b"eTXN\x02\0\0\0\x02\x01\0\0\x05\x04\x03\0\x01\x02\x03\x04\x05\x06\x07\x08".to_vec();
    expected.extend([0xcc; 32]);
    expected.extend(&blake3::hash(&expected).as_bytes()[..4]);
    assert_eq!(header.encode().to_vec(), expected);
}
