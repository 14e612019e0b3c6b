//! A holder gives what it keeps to the account's hoster, and to nobody else.

use std::time::Duration;

use essaim_identity::{PublicKey, RecordHash, Unverified};
use essaim_migration::replica::{Access, Caller, Denied};
use essaim_types::{AccountId, Timestamp};

use crate::people::{NOW, account, key, listing, recover, witnesses};

/// Hoster 2 asks hoster 3 from its node 102.
fn access(account: AccountId, entry: RecordHash) -> Access {
    Access { account, entry, holder: listing(3), node: node(), at: NOW }
}

fn node() -> PublicKey {
    key(102).public()
}

fn caller() -> Caller {
    Caller { node: node(), hoster: listing(2) }
}

fn asked(
    said: &Access,
    by: u8,
    log: &essaim_identity::account::AccountLog,
    caller: Caller,
    now: Timestamp,
) -> Result<(), Denied> {
    let access = Unverified::parse(&said.sign(&key(by))).unwrap();
    Access::check(access, log, &witnesses(), (listing(3), caller), now)
}

#[test]
fn the_hoster_that_the_log_names_gets_it() {
    let (mut log, _) = account();
    let entry = recover(&mut log, true);
    let said = access(log.account(), entry);
    assert_eq!(asked(&said, 2, &log, caller(), NOW), Ok(()));
}

#[test]
fn a_recovery_that_waits_gets_nothing() {
    let (mut log, _) = account();
    let entry = recover(&mut log, false);
    let said = access(log.account(), entry);
    assert_eq!(asked(&said, 2, &log, caller(), NOW), Err(Denied::NotInForce { entry }));
    let later = NOW.after(Duration::from_hours(49));
    let said = Access { at: later, ..said };
    assert_eq!(asked(&said, 2, &log, caller(), later), Ok(()), "after the wait");
}

#[test]
fn the_old_host_gets_nothing_once_the_account_is_recovered() {
    let (mut log, before) = account();
    let old = Caller { hoster: listing(1), ..caller() };
    let said = access(log.account(), before);
    assert_eq!(asked(&said, 1, &log, old, NOW), Ok(()), "until then it is its account");
    let entry = recover(&mut log, true);
    assert_eq!(asked(&said, 1, &log, old, NOW), Err(Denied::NotInForce { entry: before }));
    let said = access(log.account(), entry);
    assert_eq!(asked(&said, 1, &log, old, NOW), Err(Denied::OtherHost { host: listing(2) }));
    assert!(matches!(asked(&said, 1, &log, caller(), NOW), Err(Denied::Signature(_))), "the old host's key");
}

#[test]
fn what_was_signed_for_another_holder_node_or_time_counts_for_nothing() {
    let (mut log, _) = account();
    let said = access(log.account(), recover(&mut log, true));
    let minutes = |n| Duration::from_mins(n);
    let others = [
        Access { holder: listing(4), ..said.clone() },
        Access { node: key(9).public(), ..said.clone() },
        Access { account: AccountId::from_bytes([9; 32]), ..said.clone() },
        Access { at: NOW.after(minutes(11)), ..said.clone() },
    ];
    for other in others {
        assert_eq!(asked(&other, 2, &log, caller(), NOW), Err(Denied::NotForThis), "{other:?}");
    }
    assert_eq!(asked(&said, 2, &log, caller(), NOW.after(minutes(11))), Err(Denied::NotForThis));
    let stolen = Caller { node: key(9).public(), ..caller() };
    assert_eq!(asked(&said, 2, &log, stolen, NOW), Err(Denied::NotForThis), "passed on to another node");
}
