//! A disk that is full, and one that fails.

mod support;

use essaim_store::{CommitError, Fault, OperationKind, Put, SimDisk, Survival};
use support::{Action, KIND, Model, Outcome, Step, account, assert_clean, dump, open, run};

fn history() -> Vec<Step> {
    let put = |key, blobs: &[u8]| Action::Put {
        account: 1,
        key,
        value: u16::from(key) * 5,
        charge: 1,
        blobs: blobs.to_vec(),
    };
    let mut steps = vec![Step::Commit(vec![Action::Create { account: 1, quota: 0 }])];
    for n in 0..14 {
        steps.push(Step::Commit(vec![put(n, &[n * 5, n * 7 + 30, 40])]));
        steps.push(Step::Commit(vec![Action::Delete { account: 1, key: n / 2 }]));
    }
    steps
}

#[test]
fn a_full_disk_fails_one_step_and_the_store_goes_on() {
    let steps = history();
    for at in 0.. {
        let disk = SimDisk::new();
        let store = open(disk.clone());
        let begun = disk.operations();
        disk.on_operation(move |operation| {
            let appends = operation.name.starts_with("segments/") && operation.kind != OperationKind::Sync;
            (operation.number == begun + at && appends).then_some(Fault::NoSpace)
        });
        let (mut model, mut full) = (Model::default(), 0);
        for step in &steps {
            if run(&store, step) == Outcome::NoSpace {
                full += 1;
                // A machine that loses power now does not find the commit that was refused.
                for survival in [Survival::Nothing, Survival::Everything, Survival::Some(at)] {
                    let crashed = open(disk.after_crash(survival));
                    assert_eq!(dump(&crashed), model, "operation {at}, {survival:?}");
                }
                assert_eq!(run(&store, step), Outcome::Done, "there is space again");
            }
            model.apply(step);
        }
        assert!(full <= 1);
        assert_eq!(dump(&store), model);
        assert!(!store.stats().poisoned);
        assert_clean(&store);
        if disk.operations() <= begun + at {
            break;
        }
    }
}

#[test]
fn a_failing_disk_stops_the_store_and_the_next_opening_finds_what_was_answered() {
    let steps = history();
    for at in 0.. {
        let disk = SimDisk::new();
        let store = open(disk.clone());
        let begun = disk.operations();
        disk.on_operation(move |operation| (operation.number == begun + at).then_some(Fault::Io));
        let (mut model, mut models) = (Model::default(), Vec::new());
        let mut failed = false;
        for step in &steps {
            let outcome = run(&store, step);
            assert!(!failed || outcome == Outcome::Failed, "nothing is accepted after a failure");
            failed |= outcome == Outcome::Failed;
            if !failed {
                model.apply(step);
            } else if models.is_empty() {
                let mut next = model.clone();
                next.apply(step);
                models.push(next);
            }
        }
        assert_eq!(store.stats().poisoned, failed);
        drop(store);
        disk.heal();
        for survival in [Survival::Nothing, Survival::Everything, Survival::Some(at)] {
            let store = open(disk.after_crash(survival));
            let found = dump(&store);
            assert!(found == model || models.contains(&found), "operation {at}, {survival:?}");
            assert_clean(&store);
        }
        if disk.operations() <= begun + at {
            break;
        }
    }
}

#[test]
fn the_reserve_is_left_to_the_index() {
    let disk = SimDisk::new();
    let options = essaim_store::Options { reserve: essaim_types::ByteSize(1000), ..support::options() };
    let store = essaim_store::Store::open_on(std::sync::Arc::new(disk.clone()), &options).unwrap();
    let id = account(1);
    store.commit_blocking(move |tx| tx.create_account(id, None)).unwrap();
    disk.set_free_space(1050);
    let full = store.commit_blocking(move |tx| tx.put(id, KIND, b"k", Put::new(vec![0; 200])));
    assert!(matches!(full, Err(CommitError::NoSpace)));
    assert_eq!(store.stats().no_space, 1);
    disk.set_free_space(2000);
    store.commit_blocking(move |tx| tx.put(id, KIND, b"k", Put::new(vec![0; 200]))).unwrap();
}
