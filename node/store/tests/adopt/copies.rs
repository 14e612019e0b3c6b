//! Random histories at the source while the account is copied page by page: the copy is the same in the end.

use std::sync::Arc;

use essaim_store::{Fault, SimDisk, Store, Survival};
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::support::{assert_clean, open, options};
use crate::transfer::{
    Act, Event, ID, assert_same, assert_same_log, catch_up, collect, commit, commits, create, events, lsn,
    step,
};

fn cases(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// A source with an account in which something happened.
pub(crate) fn source(before: &[Vec<Act>]) -> Store {
    let source = open(SimDisk::new());
    create(&source, ID);
    before.iter().for_each(|acts| commit(&source, acts));
    source
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn a_copy_of_a_living_account_is_the_account(
        before in proptest::collection::vec(commits(), 0..12),
        events in events(40),
        after in proptest::collection::vec(commits(), 1..6),
    ) {
        let (source, disk) = (source(&before), SimDisk::new());
        let mut target = open(disk.clone());
        for event in &events {
            match event {
                Event::Commit(acts) => commit(&source, acts),
                Event::Step { page } => drop(step(&source, &target, *page).unwrap()),
                Event::Reopen => {
                    target.close();
                    target = open(disk.clone());
                }
                Event::Collect => assert!(collect(&source) && collect(&target)),
            }
        }
        while !step(&source, &target, 4).unwrap() {}
        assert_same(&source, &target);
        assert_same_log(&source, &target);
        assert_clean(&target);
        move_there_and_back(&source, &target, &after);
    }

    #[test]
    fn a_mover_that_is_cut_off_anywhere_goes_on(
        before in proptest::collection::vec(commits(), 1..8),
        events in events(30),
        at in 0..400u64,
        seed in any::<u64>(),
    ) {
        let (source, mut disk) = (source(&before), SimDisk::new());
        disk.on_operation(move |operation| (operation.number == at).then_some(Fault::PowerLoss));
        let mut target = Store::open_on(Arc::new(disk.clone()), &options()).ok();
        let mut done = false;
        let mut events = events.iter();
        while !done {
            let stepped = match (&target, events.next()) {
                (None, _) => Err(()),
                (Some(_), Some(Event::Commit(acts))) => {
                    commit(&source, acts);
                    Ok(())
                }
                (Some(target), Some(Event::Step { page })) => {
                    step(&source, target, *page).map(drop).map_err(drop)
                }
                (Some(target), Some(Event::Reopen | Event::Collect)) => {
                    collect(&source);
                    if collect(target) { Ok(()) } else { Err(()) }
                }
                (Some(target), None) => step(&source, target, 3).map(|end| done = end).map_err(drop),
            };
            if stepped.is_err() {
                drop(target.take());
                disk = disk.after_crash(Survival::Some(seed));
                target = Some(open(disk.clone()));
            }
        }
        drop(target);
        let target = open(disk.after_crash(Survival::Some(seed)));
        assert_same(&source, &target);
        assert_same_log(&source, &target);
        assert_clean(&target);
    }
}

/// The account goes to the target, lives there, and comes back with what happened.
fn move_there_and_back(source: &Store, target: &Store, life: &[Vec<Act>]) {
    let f = lsn(source);
    source.commit_blocking(move |tx| tx.seal_account(ID, f)).unwrap();
    assert_eq!(lsn(source), f, "sealing has no number");
    target.commit_blocking(|tx| tx.open_account(ID)).unwrap();
    life.iter().for_each(|acts| commit(target, acts));
    let g = lsn(target);
    source.commit_blocking(|tx| tx.take_back_account(ID)).unwrap();
    while !catch_up(target, source, 2).unwrap() {}
    target.commit_blocking(move |tx| tx.seal_account(ID, g)).unwrap();
    source.commit_blocking(|tx| tx.open_account(ID)).unwrap();
    assert_same(target, source);
    commit(source, &[Act::Put { kind: 1, key: 100, value: 1, charge: 1, blobs: vec![3] }]);
    assert_clean(source);
    assert_clean(target);
}
