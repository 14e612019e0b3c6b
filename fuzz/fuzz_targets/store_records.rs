//! What stands in segments, decoded: what is accepted has one spelling, and what is written is read back.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::Bytes;
use essaim_store::{Codec, Group, KEY_MAX, Object, Op, RecordHeader, RecordKind, Transaction};
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, NodeSeq, ObjectKind, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let payload = Bytes::copy_from_slice(data);
    if let Ok(transaction) = Transaction::decode(&payload) {
        assert_eq!(encoded(&transaction), payload, "a transaction has two spellings");
    }
    if let Some(header) = data.first_chunk().and_then(|bytes| RecordHeader::decode(bytes).ok()) {
        assert_eq!(header.encode().as_slice(), &data[..RecordHeader::LEN]);
    }
    let mut dice = Unstructured::new(data);
    if let Ok(header) = header(&mut dice) {
        let bytes = header.encode();
        if let Ok(read) = RecordHeader::decode(&bytes) {
            assert_eq!(read, header);
            assert!(header.record_len() >= RecordHeader::LEN as u64);
        }
        flipped(bytes, usize::arbitrary(&mut dice).unwrap_or_default());
    }
    if let Ok(transaction) = transaction(&mut dice) {
        assert_eq!(Transaction::decode(&encoded(&transaction)).as_ref(), Ok(&transaction));
    }
});

/// A disk that lies about one bit is not believed.
fn flipped(mut bytes: [u8; RecordHeader::LEN], bit: usize) {
    let bit = bit % (8 * bytes.len());
    bytes[bit / 8] ^= 1 << (bit % 8);
    assert!(RecordHeader::decode(&bytes).is_err(), "bit {bit} was flipped");
}

fn encoded(transaction: &Transaction) -> Bytes {
    let mut out = Vec::new();
    transaction.encode(&mut out);
    out.into()
}

fn header(dice: &mut Unstructured<'_>) -> Result<RecordHeader> {
    Ok(RecordHeader {
        kind: *dice.choose(&[RecordKind::Blob, RecordKind::Transaction])?,
        codec: *dice.choose(&[Codec::Raw, Codec::Zstd])?,
        stored: dice.arbitrary()?,
        plain: dice.arbitrary()?,
        sum: dice.arbitrary()?,
        hash: dice.arbitrary()?,
    })
}

fn transaction(dice: &mut Unstructured<'_>) -> Result<Transaction> {
    Ok(Transaction {
        node_seq: NodeSeq(dice.arbitrary()?),
        time: Timestamp(dice.int_in_range(0..=i64::MAX)?),
        groups: several(dice, group)?,
    })
}

fn group(dice: &mut Unstructured<'_>) -> Result<Group> {
    let lsn = Lsn(dice.arbitrary()?);
    let account = AccountId::from_bytes(dice.arbitrary()?);
    Ok(Group { account, lsn, ops: several(dice, |dice| op(dice, lsn))? })
}

/// An object has the LSN of its transaction.
fn op(dice: &mut Unstructured<'_>, lsn: Lsn) -> Result<Op> {
    let kind = ObjectKind(dice.arbitrary()?);
    let mut key = dice.arbitrary::<Vec<u8>>()?;
    // No longer key is ever written.
    key.truncate(KEY_MAX);
    let key = Bytes::from(key);
    if dice.arbitrary()? {
        return Ok(Op::Delete { kind, key });
    }
    let charge = ByteSize(dice.arbitrary()?);
    let blobs = several(dice, |dice| Ok(BlobId::from_bytes(dice.arbitrary()?)))?;
    Ok(Op::Upsert {
        kind,
        key,
        object: Object { lsn, charge, blobs, value: dice.arbitrary::<Vec<u8>>()?.into() },
    })
}

fn several<'a, T>(
    dice: &mut Unstructured<'a>,
    mut one: impl FnMut(&mut Unstructured<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut all = Vec::new();
    while !dice.is_empty() && all.len() < 8 && dice.arbitrary()? {
        all.push(one(dice)?);
    }
    Ok(all)
}
