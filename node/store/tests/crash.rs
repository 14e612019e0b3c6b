//! Power lost at every write and every sync: nothing that was answered is missing, nothing else is there.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::sync::Arc;

use essaim_store::{Fault, SimDisk, Store, Survival};
use support::{Action, Model, Outcome, Step, assert_clean, dump, open, options, run};

/// Accounts that come, change and go; blobs shared, unnamed and dropped; several segments and checkpoints.
fn history() -> Vec<Step> {
    use Action::{Close, Create, Delete, Derive, Put, Quota};
    let put =
        |account, key, value, blobs: &[u8]| Put { account, key, value, charge: 10, blobs: blobs.to_vec() };
    let mut steps = vec![
        Step::Commit(vec![Create { account: 1, quota: 0 }]),
        Step::Commit(vec![Create { account: 2, quota: 500 }, put(1, 1, 7, &[80])]),
        Step::Blob(78),
    ];
    for n in 0..12 {
        steps.push(Step::Commit(vec![
            put(1, n, u16::from(n) * 3, &[n * 10, n * 7 + 1, n * 9 + 2, 40]),
            put(2, n % 3, 9, &[]),
        ]));
        steps.push(Step::Commit(vec![Delete { account: 1, key: n / 2 }, Derive { account: 1, key: n }]));
        if n == 5 {
            steps.push(Step::Commit(vec![Quota { account: 2, quota: 0 }, put(2, 77, 30, &[78, 78])]));
            steps.push(Step::Blob(50));
        }
    }
    steps.push(Step::Commit(vec![Close { account: 2 }]));
    steps.push(Step::Commit(vec![Create { account: 2, quota: 90 }, put(2, 1, 1, &[60])]));
    steps
}

/// Runs the history until the disk fails; says how many steps were answered.
fn run_until_failure(disk: &SimDisk, steps: &[Step]) -> usize {
    let Ok(store) = Store::open_on(Arc::new(disk.clone()), &options()) else { return 0 };
    let failed = steps.iter().position(|step| run(&store, step) != Outcome::Done);
    store.close();
    failed.unwrap_or(steps.len())
}

fn models(steps: &[Step]) -> Vec<Model> {
    let mut models = vec![Model::default()];
    for step in steps {
        let mut next = models.last().unwrap().clone();
        assert_eq!(next.apply(step), Outcome::Done, "{step:?}");
        models.push(next);
    }
    models
}

/// Opens what a crash left: it holds what was answered, perhaps the step that was under way, and goes on.
fn check(disk: SimDisk, answered: usize, models: &[Model], steps: &[Step], label: &str) {
    let store = open(disk.clone());
    let found = dump(&store);
    let after = (answered..models.len().min(answered + 2)).find(|n| models[*n] == found);
    let Some(after) = after else {
        panic!("{label}: {answered} steps were answered, found\n{found:#?}\nnot\n{:#?}", models[answered]);
    };
    assert_clean(&store);
    for step in &steps[after..] {
        assert_eq!(run(&store, step), Outcome::Done, "{label}");
    }
    assert_eq!(&dump(&store), models.last().unwrap(), "{label}");
    store.close();
    let store = open(disk);
    assert_eq!(&dump(&store), models.last().unwrap(), "{label}");
    assert_clean(&store);
}

fn survivals(seed: u64) -> [Survival; 4] {
    let some = |n: u64| Survival::Some(seed * 2 + n);
    [Survival::Nothing, Survival::Everything, some(0), some(1)]
}

#[test]
fn power_lost_at_every_operation_loses_nothing_that_was_answered() {
    let steps = history();
    let models = models(&steps);
    for at in 0.. {
        let disk = SimDisk::new();
        disk.on_operation(move |operation| (operation.number == at).then_some(Fault::PowerLoss));
        let answered = run_until_failure(&disk, &steps);
        if disk.operations() <= at {
            assert_eq!(answered, steps.len());
            break;
        }
        for survival in survivals(at) {
            let label = format!("power lost at operation {at}, survival {survival:?}");
            check(disk.after_crash(survival), answered, &models, &steps, &label);
        }
    }
}

#[test]
fn power_lost_again_while_recovering_loses_nothing_more() {
    let steps = history();
    let models = models(&steps);
    for at in (0..).step_by(23) {
        let disk = SimDisk::new();
        disk.on_operation(move |operation| (operation.number == at).then_some(Fault::PowerLoss));
        let answered = run_until_failure(&disk, &steps);
        if disk.operations() <= at {
            break;
        }
        let crashed = disk.after_crash(Survival::Some(at));
        for again in 0.. {
            let disk = crashed.after_crash(Survival::Everything);
            disk.on_operation(move |operation| (operation.number == again).then_some(Fault::PowerLoss));
            drop(Store::open_on(Arc::new(disk.clone()), &options()));
            if disk.operations() <= again {
                break;
            }
            let label = format!("power lost at operation {at} and again at {again}");
            check(disk.after_crash(Survival::Some(again)), answered, &models, &steps, &label);
        }
    }
}

/// A process that is killed leaves writes that nobody synced. The next one reads them, and must not build on them before they
/// are durable: power may be lost after that.
#[test]
fn what_a_killed_process_left_is_durable_before_it_is_shown() {
    let steps = history();
    let models = models(&steps);
    for at in (0..).step_by(3) {
        let disk = SimDisk::new();
        disk.on_operation(move |operation| (operation.number == at).then_some(Fault::PowerLoss));
        let answered = run_until_failure(&disk, &steps);
        if disk.operations() <= at {
            break;
        }
        let killed = disk.after_kill();
        let store = open(killed.clone());
        let shown = dump(&store);
        for survival in survivals(at) {
            let store = open(killed.after_crash(survival));
            assert_eq!(dump(&store), shown, "killed at operation {at}, then {survival:?}");
            assert_clean(&store);
        }
        store.close();
        let label = format!("killed at operation {at}");
        check(killed.after_crash(Survival::Nothing), answered, &models, &steps, &label);
    }
}

#[test]
fn what_was_cut_off_the_end_is_kept() {
    let disk = SimDisk::new();
    let store = open(disk.clone());
    assert_eq!(run(&store, &Step::Commit(vec![Action::Create { account: 1, quota: 0 }])), Outcome::Done);
    assert_eq!(run(&store, &Step::Blob(80)), Outcome::Done);
    disk.cut_power();
    let mut kept = 0;
    for seed in 0..20 {
        let crashed = disk.after_crash(Survival::Some(seed));
        drop(open(crashed.clone()));
        kept += essaim_store::Disk::list(&crashed, "lost+found").unwrap().len();
    }
    assert!(kept > 5, "{kept} of 20");
}

/// Several accounts at once: the writer batches their commits, and answers each only after the sync that covers it.
#[test]
fn commits_that_wait_together_are_answered_when_they_are_durable() {
    for at in (80..).step_by(19).take(30) {
        let disk = SimDisk::new();
        let Ok(store) = Store::open_on(Arc::new(disk.clone()), &options()) else { panic!() };
        for n in 0..4 {
            let create = Step::Commit(vec![Action::Create { account: n, quota: 0 }]);
            assert_eq!(run(&store, &create), Outcome::Done);
        }
        disk.on_operation(move |operation| (operation.number == at).then_some(Fault::PowerLoss));
        let answered: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let commit = |account: u8| {
                let store = &store;
                move || {
                    let put = |key: &u8| {
                        let blobs = vec![*key, account * 20];
                        let put = Action::Put { account, key: *key, value: 9, charge: 0, blobs };
                        run(store, &Step::Commit(vec![put])) == Outcome::Done
                    };
                    (0..60).take_while(put).collect()
                }
            };
            let threads: Vec<_> = (0..4).map(|account| scope.spawn(commit(account))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        drop(store);
        for survival in survivals(at) {
            let store = open(disk.after_crash(survival));
            assert_clean(&store);
            let found = dump(&store);
            for (n, keys) in (0..).zip(&answered) {
                let objects = &found.accounts[&support::account(n)].objects;
                assert!(keys.iter().all(|key| objects.contains_key(&vec![*key])), "{at} {survival:?}");
                assert!(objects.len() <= keys.len() + 1, "{at} {survival:?}");
            }
        }
    }
}
