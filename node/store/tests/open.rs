//! Opening what is not as it should be: one sentence that says what to do, or the index computed again.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use essaim_store::{OpenError, Options, Store, rebuild_index};
use support::{Action, Outcome, Step, assert_clean, dump, options, run};
use tempfile::TempDir;

/// A closed store with several segments.
fn store() -> (TempDir, support::Model) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &options()).unwrap();
    assert_eq!(run(&store, &Step::Commit(vec![Action::Create { account: 1, quota: 0 }])), Outcome::Done);
    for n in 0..16 {
        let put = Action::Put { account: 1, key: n, value: 3, charge: 1, blobs: vec![n * 2, n * 5] };
        assert_eq!(run(&store, &Step::Commit(vec![put])), Outcome::Done);
    }
    assert!(store.stats().segments >= 3);
    let model = dump(&store);
    store.close();
    (folder, model)
}

fn open(folder: &TempDir) -> Result<Store, OpenError> {
    Store::open(folder.path(), &options())
}

fn refusal(folder: &TempDir) -> String {
    open(folder).unwrap_err().to_string()
}

fn segment(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("segments/{number:010}.seg"))
}

fn flip(file: &Path, byte: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[byte] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_format_from_before_the_first_release_is_refused() {
    let (folder, _) = store();
    fs::write(folder.path().join("FORMAT"), "essaim store 1\nid 0\n").unwrap();
    assert!(refusal(&folder).contains("from before the first release (store format 1, this one knows 2)"));
}

#[test]
fn a_newer_format_is_refused() {
    let (folder, _) = store();
    fs::write(folder.path().join("FORMAT"), "essaim store 3\n").unwrap();
    assert_eq!(
        refusal(&folder),
        "the store was written by a newer essaim (store format 3, this one knows 2): install that version"
    );
}

#[test]
fn a_lost_format_is_not_made_up() {
    let (folder, _) = store();
    fs::remove_file(folder.path().join("FORMAT")).unwrap();
    assert!(matches!(open(&folder), Err(OpenError::FormatMissing)));
    fs::write(folder.path().join("FORMAT"), "something").unwrap();
    assert!(matches!(open(&folder), Err(OpenError::Format)));
}

#[test]
fn a_store_in_use_is_refused() {
    let (folder, _) = store();
    let _open = open(&folder).unwrap();
    assert!(refusal(&folder).starts_with("the store is in use by another process"));
    assert!(matches!(rebuild_index(folder.path(), &options(), &mut |_| {}), Err(OpenError::Locked)));
}

#[test]
fn a_missing_segment_is_named() {
    let (folder, _) = store();
    fs::remove_file(segment(folder.path(), 2)).unwrap();
    assert!(matches!(open(&folder), Err(OpenError::SegmentMissing { segment: 2 })));
}

#[test]
fn segments_that_end_before_the_index_are_not_taken_for_the_truth() {
    let (folder, _) = store();
    let last = (1..).take_while(|n| segment(folder.path(), *n).exists()).last().unwrap();
    fs::remove_file(segment(folder.path(), last)).unwrap();
    assert!(matches!(open(&folder), Err(OpenError::SegmentsLost { segment, .. }) if segment == last));
    let report = rebuild_index(folder.path(), &options(), &mut |_| {}).unwrap();
    assert_eq!(report.segments, u64::from(last) - 1);
    assert_clean(&open(&folder).unwrap());
}

#[test]
fn a_segment_of_another_store_is_refused() {
    let ((folder, _), (other, _)) = (store(), store());
    fs::copy(segment(other.path(), 2), segment(folder.path(), 2)).unwrap();
    fs::remove_file(folder.path().join("index.redb")).unwrap();
    assert!(matches!(open(&folder), Err(OpenError::SegmentForeign { segment: 2 })));
}

#[test]
fn an_index_that_is_lost_damaged_or_foreign_is_computed_again() {
    let ((folder, model), (other, _)) = (store(), store());
    let index = folder.path().join("index.redb");
    let spoil: [&dyn Fn(); 4] = [
        &|| fs::remove_file(&index).unwrap(),
        &|| fs::write(&index, "not a database").unwrap(),
        &|| fs::write(&index, [0; 100_000]).unwrap(),
        &|| _ = fs::copy(other.path().join("index.redb"), &index).unwrap(),
    ];
    for spoil in spoil {
        spoil();
        let store = open(&folder).unwrap();
        assert_eq!(dump(&store), model);
        assert_clean(&store);
    }
}

#[test]
fn no_flipped_bit_of_the_index_stops_the_opening() {
    let (folder, _) = store();
    let index = folder.path().join("index.redb");
    let good = fs::read(&index).unwrap();
    let used: Vec<usize> = (0..good.len()).filter(|at| good[*at] != 0).collect();
    for n in 0..60 {
        let mut bad = good.clone();
        bad[used[n * 7919 * 31 % used.len()]] ^= 1 << (n % 8);
        fs::write(&index, &bad).unwrap();
        drop(open(&folder).unwrap());
    }
}

#[test]
fn a_rebuild_tells_how_far_it_is() {
    let (folder, model) = store();
    let mut told = Vec::new();
    let report = rebuild_index(folder.path(), &options(), &mut |progress| told.push(progress)).unwrap();
    assert_eq!(report.transactions, 17);
    assert!(told.is_sorted_by_key(|progress| progress.done));
    assert_eq!(told.last().map(|progress| progress.done == progress.total), Some(true));
    assert_eq!(dump(&open(&folder).unwrap()), model);
}

#[test]
fn a_damaged_header_in_the_middle_is_named() {
    let (folder, _) = store();
    flip(&segment(folder.path(), 2), 45);
    fs::remove_file(folder.path().join("index.redb")).unwrap();
    let refusal = refusal(&folder);
    assert!(refusal.starts_with("segment 2 is damaged at offset 40 ("), "{refusal}");
    assert!(refusal.ends_with("restore this file from a backup"), "{refusal}");
}

#[test]
fn a_damaged_blob_is_found_by_its_reader_and_by_verify() {
    let (folder, _) = store();
    let store = open(&folder).unwrap();
    let snapshot = store.read().unwrap();
    let id = support::account(1);
    let blob = snapshot.get(id, support::KIND, &[1]).unwrap().unwrap().blobs[0];
    let bytes = store.blob(&blob).unwrap();
    let file = segment(folder.path(), 1);
    let at = fs::read(&file).unwrap().windows(32).position(|w| w == blob.as_bytes()).unwrap();
    flip(&file, at + 36 + bytes.len() / 4);
    assert!(store.blob(&blob).unwrap_err().to_string().starts_with("segment 1 is damaged at offset"));
    let report = store.verify(&mut |_| {}).unwrap();
    assert_eq!(report.findings_total, 1);
    assert!(report.findings[0].to_string().starts_with(&format!("blob {blob} in segment 1 at offset")));
    drop((snapshot, store));
    // The mail is not all lost with one blob: the store opens, and a rebuild passes over it.
    rebuild_index(folder.path(), &options(), &mut |_| {}).unwrap();
    assert!(open(&folder).unwrap().blob(&blob).is_err());
}

#[test]
fn verify_names_a_damaged_transaction_and_goes_on() {
    let (folder, _) = store();
    let store = open(&folder).unwrap();
    let file = segment(folder.path(), 1);
    let bytes = fs::read(&file).unwrap();
    let at = bytes.windows(4).rposition(|w| w == b"eTXN").unwrap();
    flip(&file, at + 60);
    flip(&file, at + 1);
    let report = store.verify(&mut |_| {}).unwrap();
    assert!(!report.is_clean());
    assert!(report.transactions >= 15, "the others are read all the same");
    assert_eq!(
        report.findings[0].to_string().split(" (").next().unwrap(),
        format!("segment 1 is damaged at offset {at}")
    );
}

#[test]
fn a_clean_store_verifies_clean_and_tells_how_far_it_is() {
    let (folder, _) = store();
    let store = open(&folder).unwrap();
    let mut told = Vec::new();
    let report = store.verify(&mut |progress| told.push(progress)).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.accounts, report.objects, report.transactions), (1, 17, 17));
    assert_eq!(told.last().map(|progress| progress.done == progress.total), Some(true));
    assert!(!folder.path().join("verify.redb").exists());
}

#[test]
fn a_folder_without_a_store_becomes_one() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b/store");
    drop(Store::open(&deep, &Options::default()).unwrap());
    assert!(fs::read_to_string(deep.join("FORMAT")).unwrap().starts_with("essaim store 2\nid "));
}
