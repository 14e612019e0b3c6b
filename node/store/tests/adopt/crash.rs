//! Power lost at every write and every sync of the target, from the first page to the opening and back.

use std::sync::Arc;

use essaim_store::{AccountStatus, Fault, SimDisk, Store, Survival};

use crate::copies::source;
use crate::support::{assert_clean, open, options};
use crate::transfer::{Act, ID, assert_same, assert_same_log, commit, lsn, step};

fn put(kind: u8, key: u8, value: u16) -> Act {
    Act::Put { kind, key, value, charge: 10, blobs: vec![key * 2, key + 7] }
}

/// What the member does between two steps of the mover.
fn life() -> Vec<Vec<Act>> {
    let mut life = Vec::new();
    for n in 0..9 {
        life.push(vec![put(1 + n % 3, n, 5), put(2, 3, u16::from(n)), Act::Delete { kind: 3, key: n / 2 }]);
    }
    life
}

/// Steps of the mover, each after something the member did; what comes next after a failure is the same again.
fn go_on(source: &Store, target: &Store, life: &mut dyn Iterator<Item = Vec<Act>>) -> Result<(), ()> {
    loop {
        let idle = step(source, target, 3).map_err(drop)?;
        match life.next() {
            Some(acts) => commit(source, &acts),
            None if idle => break,
            None => {}
        }
    }
    let opened = target.commit_blocking(|tx| match tx.account(ID)?.map(|state| state.status) {
        Some(AccountStatus::Adopting) => tx.open_account(ID),
        _ => Ok(()),
    });
    opened.map_err(drop)
}

#[test]
fn power_lost_at_every_operation_of_the_target_loses_nothing() {
    let before: Vec<_> = (0..8).map(|n| vec![put(1 + n % 4, n, 3), put(3, n % 5, 4)]).collect();
    for at in 0.. {
        let (source, disk) = (source(&before), SimDisk::new());
        disk.on_operation(move |operation| (operation.number == at).then_some(Fault::PowerLoss));
        let mut life = life().into_iter();
        let done = match Store::open_on(Arc::new(disk.clone()), &options()) {
            Ok(target) => go_on(&source, &target, &mut life).is_ok(),
            Err(_) => false,
        };
        for survival in [Survival::Nothing, Survival::Everything, Survival::Some(at), Survival::Some(!at)] {
            let crashed = disk.after_crash(survival);
            let target = open(crashed.clone());
            assert_clean(&target);
            go_on(&source, &target, &mut life).unwrap();
            assert_same(&source, &target);
            assert_same_log(&source, &target);
            assert_clean(&target);
            let after = lsn(&target);
            target.close();
            drop(essaim_store::Disk::remove(&crashed, "index.redb"));
            let target = open(crashed);
            assert_eq!(lsn(&target), after);
            assert_same(&source, &target);
        }
        if disk.operations() <= at {
            assert!(done);
            break;
        }
    }
}
