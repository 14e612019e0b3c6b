//! Stores written by released versions open in this one, and hold what they held.
//!
//! `tests/fixtures/store-N` is a store of format N, closed, without its index. One is added for each format that is released,
//! by running `write_fixture`, and never changed afterwards.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use essaim_store::{Options, Store};
use essaim_types::Timestamp;
use support::{Action, Model, Outcome, Step, assert_clean, dump, run};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Something of what format 2 can hold; accounts that move are in `adopt`. Part of the fixture: it does not change.
fn history_2() -> Vec<Step> {
    let put = |account, key, value, blobs: &[u8]| Action::Put {
        account,
        key,
        value,
        charge: 3,
        blobs: blobs.to_vec(),
    };
    let mut steps = vec![
        Step::Commit(vec![
            Action::Create { account: 1, quota: 0 },
            Action::Create { account: 2, quota: 900 },
        ]),
        Step::Blob(9),
        Step::Commit(vec![put(1, 1, 40, &[10, 11, 11]), put(2, 1, 149, &[])]),
    ];
    steps.extend((2..20).map(|n| Step::Commit(vec![put(1, n, 7, &[n * 6])])));
    steps.extend((2..17).map(|n| Step::Commit(vec![Action::Delete { account: 1, key: n }])));
    steps.push(Step::Collect);
    steps.push(Step::Commit(vec![Action::Close { account: 2 }]));
    steps.push(Step::Commit(vec![Action::Create { account: 2, quota: 5 }, put(2, 8, 2, &[15])]));
    steps
}

#[test]
fn a_store_of_format_2_opens() {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixture("store-2"), folder.path());
    let mut model = Model::default();
    assert!(history_2().iter().all(|step| model.apply(step) == Outcome::Done));
    let store = Store::open(folder.path(), &support::options()).unwrap();
    assert_eq!(dump(&store), model);
    assert_clean(&store);
    let more = Step::Commit(vec![Action::Put { account: 1, key: 99, value: 1, charge: 1, blobs: vec![30] }]);
    assert_eq!((run(&store, &more), model.apply(&more)), (Outcome::Done, Outcome::Done));
    assert_eq!(dump(&store), model);
}

/// Makes the fixture of the current format. Its files are committed once, with the release.
#[test]
#[ignore = "writes into the source tree"]
fn write_fixture() {
    let folder = fixture("store-2");
    assert!(!folder.exists(), "a fixture is never written again");
    let options = Options { clock: || Timestamp(1_790_000_000_000), ..support::options() };
    let store = Store::open(&folder, &options).unwrap();
    assert!(history_2().iter().all(|step| run(&store, step) == Outcome::Done));
    store.close();
    fs::remove_file(folder.join("index.redb")).unwrap();
    fs::remove_file(folder.join("LOCK")).unwrap();
    fs::remove_dir(folder.join("lost+found")).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
