//! Reading many blobs together gives what reading them one by one gives.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::sync::Arc;

use essaim_store::{Content, Disk as _, OpenMode, Options, ReadError, SimDisk, Store};
use essaim_types::{BlobId, ByteSize};

fn bytes(number: usize) -> Vec<u8> {
    let mut bytes = format!("Received: from {number}.test\r\n").repeat(number % 50).into_bytes();
    let mut noise = vec![0; number * 37 % 3000];
    blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut noise);
    bytes.extend(noise);
    bytes
}

/// Half of them named by nobody yet; in several segments.
fn filled(disk: &Arc<SimDisk>) -> (Store, Vec<BlobId>) {
    let options = Options { segment_size: ByteSize::kib(64), ..Options::default() };
    let store = Store::open_on(Arc::clone(disk) as _, &options).unwrap();
    let content = |number: usize| if number.is_multiple_of(2) { Content::Mail } else { Content::Other };
    let put = |number: usize| store.put_blob(content(number), &bytes(number)).unwrap();
    let mut ids: Vec<_> = (0..100).map(put).collect();
    store
        .commit_blocking(|tx| tx.create_account(essaim_types::AccountId::from_bytes([1; 32]), None))
        .unwrap();
    ids.extend((100..200).map(put));
    (store, ids)
}

#[test]
fn blobs_come_in_the_order_asked_for() {
    let (store, mut ids) = filled(&Arc::default());
    let mut reader = store.blob_reader(1);
    let none = BlobId::of(b"nobody put this");
    ids.reverse();
    ids.extend([none, ids[3], ids[3]]);
    let first = reader.read(&ids).unwrap();
    let again = reader.read(&ids[..50]).unwrap();
    for (id, read) in ids.iter().chain(&ids[..50]).zip(first.iter().chain(&again)) {
        match read {
            Ok(bytes) => assert_eq!(bytes, &store.blob(id).unwrap()),
            Err(ReadError::NoSuchBlob { blob }) => assert_eq!(*blob, none),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(first.iter().filter(|read| read.is_err()).count(), 1);
    assert!(reader.read(&[]).unwrap().is_empty());
}

#[test]
fn what_is_damaged_or_cut_off_spoils_nothing_else() {
    let disk = Arc::new(SimDisk::new());
    let (store, ids) = filled(&disk);
    let file = disk.open("segments/0000000001.seg", OpenMode::Existing).unwrap();
    let size = usize::try_from(file.size().unwrap()).unwrap();
    let mut segment = vec![0; size];
    file.read_exact_at(&mut segment, 0).unwrap();
    let at = segment.windows(32).position(|window| window == ids[7].as_bytes()).unwrap();
    for bit in [0, 33, 41 * 8] {
        let (byte, bit) = (at + bit / 8, bit % 8);
        file.write_all_at(&[segment[byte] ^ (1 << bit)], byte as u64).unwrap();
        let read = store.blob_reader(1).read(&ids).unwrap();
        let failed: Vec<_> = (0..ids.len()).filter(|number| read[*number].is_err()).collect();
        assert_eq!(failed, [7]);
        assert!(matches!(read[7], Err(ReadError::Damaged { segment: 1, .. })));
        file.write_all_at(&segment[byte..=byte], byte as u64).unwrap();
    }
    file.set_len(size as u64 - 1).unwrap();
    let read = store.blob_reader(1).read(&ids).unwrap();
    let failed: Vec<_> = read.iter().filter_map(|read| read.as_ref().err()).collect();
    assert!(matches!(failed[..], [ReadError::Segment { segment: 1, .. }]), "{failed:?}");
}
