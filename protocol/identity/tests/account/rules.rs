//! Who may do what.

use essaim_identity::account::{
    AccountDraft, AccountLog, AddressSalt, FREEZE_MAX, FREEZE_REST, Field, MEMBER_KEYS_MAX, Policy, Refusal,
    Seq, first_entry,
};
use essaim_identity::{KeySet, SigningKey};
use essaim_types::Timestamp;

use crate::people::{
    DAY, HOST, HOUR, MEMBER, NOW, RECOVERY, add, epoch, founded, head, host, key, kit, listing, moved, paper,
    recovered, signed, updated, with_kit,
};

#[test]
fn an_account_is_founded_moved_recovered_and_closed() {
    let mut log = with_kit();
    assert_eq!(log.account().as_bytes(), log.chain(&head(&log).hash()).last().unwrap().hash().as_bytes());
    let entry = moved(&log, 50, 1, 2, NOW.after(HOUR));
    add(&mut log, entry);
    assert_eq!((head(&log).record().host, head(&log).record().epoch), (host(2), epoch(1)));
    let entry = updated(head(&log), 2, 7, NOW.after(HOUR));
    add(&mut log, entry);
    let draft =
        AccountDraft::recover(head(&log), host(3), kit(51).next_recovery(), paper(51), NOW.after(DAY));
    let by = [kit(50).recovery_key(), key(2), key(3), kit(51).member_key()];
    let entry = signed(&draft.signed_also_by(HOST), &by);
    add(&mut log, entry);
    assert_eq!((head(&log).record().host, head(&log).record().epoch), (host(3), epoch(2)));
    let close = AccountDraft::close(head(&log), NOW.after(2 * DAY)).signed_also_by(MEMBER);
    let entry = signed(&close, &[key(3), kit(51).member_key()]);
    add(&mut log, entry);
    let after = updated(head(&log), 3, 8, NOW.after(3 * DAY));
    assert_eq!(log.accept(after), Err(Refusal::Closed));
    assert_eq!(head(&log).record().seq, Seq(5));
}

#[test]
fn a_first_entry_is_signed_by_its_host() {
    let draft = first_entry(host(1), &[], NOW);
    let by = |keys: &[SigningKey]| AccountLog::found(signed(&draft, keys));
    assert_eq!(by(&[]), Err(Refusal::NewKeyHasNotSigned { key: key(1).public() }));
    assert_eq!(by(&[key(1), key(2)]), Err(Refusal::Stranger { key: key(2).public() }));
    assert!(by(&[key(1)]).is_ok());
}

#[test]
fn the_host_alone_changes_addresses_and_replicas_only() {
    let mut log = with_kit();
    let refused =
        |draft: AccountDraft, by: &[SigningKey]| log.clone().accept(signed(&draft, by)).unwrap_err();
    let update = || AccountDraft::update(head(&log), NOW);
    let member = Refusal::Needs { role: MEMBER };
    assert_eq!(refused(update().policy(Policy { recovery_wait_hours: 72 }), &[key(1)]), member);
    assert_eq!(refused(update().host_key(key(9).public()), &[key(1), key(9)]), member);
    assert_eq!(refused(update().member_keys(KeySet::default()), &[key(1)]), member);
    let words = update().next_recovery(kit(51).next_recovery());
    assert_eq!(refused(words.clone(), &[key(1)]), Refusal::Needs { role: RECOVERY });
    let by_member = words.signed_also_by(MEMBER);
    assert_eq!(refused(by_member, &[key(1), kit(50).member_key()]), Refusal::Needs { role: RECOVERY });
    assert_eq!(refused(AccountDraft::close(head(&log), NOW), &[key(1)]), member);
    let salt = AddressSalt::from_bytes([3; 32]);
    let ours = [salt.commit(&"ann@coop.example".parse().unwrap())];
    let entry = signed(&update().addresses(&ours).replicas(&[listing(9), listing(8)]), &[key(1)]);
    add(&mut log, entry);
    assert_eq!(head(&log).record().addr_commits, ours);
    assert_eq!(head(&log).record().replicas, [listing(8), listing(9)]);
}

#[test]
fn words_are_replaced_by_the_old_words_and_the_host() {
    let mut log = with_kit();
    let draft = AccountDraft::update(head(&log), NOW)
        .next_recovery(kit(51).next_recovery())
        .member_keys(paper(51))
        .signed_also_by(RECOVERY);
    let without_new = signed(&draft, &[key(1), kit(50).recovery_key()]);
    let new = kit(51).member_key().public();
    assert_eq!(log.accept(without_new), Err(Refusal::NewKeyHasNotSigned { key: new }));
    add(&mut log, signed(&draft, &[key(1), kit(50).recovery_key(), kit(51).member_key()]));
    let old = recovered(head(&log), 50, 52, 2, NOW);
    assert!(matches!(log.accept(old), Err(Refusal::Stranger { .. })), "the old words are worth nothing now");
}

#[test]
fn words_are_never_taken_away_and_never_used_twice() {
    let log = with_kit();
    let mut entry = AccountDraft::update(head(&log), NOW).signed_also_by(RECOVERY).entry().clone();
    entry.next_recovery = None;
    let by = [key(1), kit(50).recovery_key()];
    assert_eq!(log.clone().accept(crate::people::forced(&entry, &by)), Err(Refusal::OldWords));
    let same = recovered(head(&log), 50, 50, 2, NOW);
    assert!(log.clone().accept(same).is_err());
    let mut recovery = recovered(head(&log), 50, 51, 2, NOW).record().clone();
    recovery.next_recovery = Some(kit(50).next_recovery());
    let by = [kit(50).recovery_key(), key(2), kit(51).member_key()];
    assert_eq!(log.clone().accept(crate::people::forced(&recovery, &by)), Err(Refusal::OldWords));
}

#[test]
fn what_an_entry_says_of_its_signatures_is_so() {
    let log = with_kit();
    let draft = AccountDraft::update(head(&log), NOW).replicas(&[listing(9)]);
    let refused =
        |draft: &AccountDraft, by: &[SigningKey]| log.clone().accept(signed(draft, by)).unwrap_err();
    assert_eq!(refused(&draft, &[]), Refusal::Unsigned { role: HOST });
    let member = kit(50).member_key();
    assert_eq!(refused(&draft, &[key(1), kit(50).member_key()]), Refusal::Unannounced { role: MEMBER });
    assert_eq!(refused(&draft.clone().signed_also_by(MEMBER), &[key(1)]), Refusal::Unsigned { role: MEMBER });
    assert_eq!(refused(&draft, &[key(1), key(9)]), Refusal::Stranger { key: key(9).public() });
    assert!(log.clone().accept(signed(&draft.signed_also_by(MEMBER), &[key(1), member])).is_ok());
}

#[test]
fn an_entry_follows_what_it_stands_on() {
    let log = with_kit();
    let good = AccountDraft::update(head(&log), NOW).replicas(&[listing(9)]).entry().clone();
    let refused = |change: &dyn Fn(&mut essaim_identity::account::AccountEntry)| {
        let mut entry = good.clone();
        change(&mut entry);
        log.clone().accept(crate::people::forced(&entry, &[key(1)])).unwrap_err()
    };
    let sequence = Refusal::Sequence { expected: Seq(2), found: Seq(3) };
    assert_eq!(refused(&|entry| entry.seq = Seq(3)), sequence);
    let other = Refusal::OtherEpoch { expected: epoch(0), found: epoch(1) };
    assert_eq!(refused(&|entry| entry.epoch = epoch(1)), other);
    assert_eq!(refused(&|entry| entry.ts = Timestamp(NOW.0 - 1000)), Refusal::BackInTime);
    assert_eq!(refused(&|entry| entry.host = host(2)), Refusal::Changes { field: Field::Host });
    let other = founded();
    let stranger = AccountDraft::update(head(&other), NOW).replicas(&[listing(9)]);
    let mut elsewhere = log.clone();
    assert!(
        elsewhere.accept(signed(&stranger, &[key(1)])).is_ok(),
        "the same first entry, so the same account"
    );
    let third = AccountLog::found(signed(&first_entry(host(3), &[], NOW), &[key(3)])).unwrap();
    let refused = elsewhere.accept(updated(head(&third), 3, 9, NOW)).unwrap_err();
    assert_eq!(refused, Refusal::OtherAccount { ours: log.account(), theirs: third.account() });
}

#[test]
fn a_freeze_stops_moves_for_days_and_ends() {
    let mut log = with_kit();
    let until = NOW.after(FREEZE_MAX);
    let long = AccountDraft::freeze(head(&log), HOST, until.after(DAY), NOW);
    assert_eq!(log.accept(signed(&long, &[key(1)])), Err(Refusal::FreezeTime));
    let entry = signed(&AccountDraft::freeze(head(&log), HOST, until, NOW), &[key(1)]);
    add(&mut log, entry);
    let just_before = Timestamp(until.0 - 1000);
    assert_eq!(log.accept(moved(&log, 50, 1, 2, just_before)), Err(Refusal::Frozen { until }));
    assert_eq!(log.accept(updated(head(&log), 1, 9, just_before)), Err(Refusal::Frozen { until }));
    assert!(log.clone().accept(moved(&log, 50, 1, 2, until)).is_ok(), "it ended");
    assert!(log.clone().accept(recovered(head(&log), 50, 51, 2, NOW)).is_ok(), "the words are above it");
    let again = |by, at: Timestamp| AccountDraft::freeze(head(&log), by, at.after(DAY), at);
    let rested = until.after(FREEZE_REST);
    let too_soon = again(HOST, Timestamp(rested.0 - 1000));
    assert_eq!(log.clone().accept(signed(&too_soon, &[key(1)])), Err(Refusal::FreezeAgain));
    assert!(log.clone().accept(signed(&again(HOST, rested), &[key(1)])).is_ok());
    assert!(log.clone().accept(signed(&again(MEMBER, NOW), &[kit(50).member_key()])).is_ok());
    let thaw = AccountDraft::update(head(&log), NOW).thaw().signed_also_by(MEMBER);
    let entry = signed(&thaw, &[key(1), kit(50).member_key()]);
    add(&mut log, entry);
    assert!(log.accept(moved(&log, 50, 1, 2, NOW)).is_ok());
}

#[test]
fn a_host_without_a_member_key_is_all_that_an_account_has() {
    let mut log = founded();
    assert!(log.clone().accept(signed(&AccountDraft::close(head(&log), NOW), &[key(1)])).is_ok());
    let draft = AccountDraft::update(head(&log), NOW).host_key(key(9).public());
    let entry = signed(&draft, &[key(1), key(9)]);
    add(&mut log, entry);
    assert_eq!(head(&log).record().host.key, key(9).public());
}

#[test]
fn limits_are_kept() {
    let log = founded();
    let keys: KeySet = (60..=60 + u8::try_from(MEMBER_KEYS_MAX).unwrap()).map(|n| key(n).public()).collect();
    let draft = AccountDraft::update(head(&log), NOW).member_keys(keys);
    assert!(matches!(log.clone().accept(signed(&draft, &[key(1)])), Err(Refusal::Entry(_))));
    let keys: KeySet = (60..64).map(|n| key(n).public()).collect();
    let draft = AccountDraft::update(head(&log), NOW).member_keys(keys);
    let by = [key(1), key(60), key(61), key(62), key(63)];
    assert_eq!(log.clone().accept(signed(&draft, &by)), Err(Refusal::TooLarge), "five signatures");
    let wait = AccountDraft::update(head(&log), NOW).policy(Policy { recovery_wait_hours: 47 });
    assert!(matches!(log.clone().accept(signed(&wait, &[key(1)])), Err(Refusal::Entry(_))));
}
