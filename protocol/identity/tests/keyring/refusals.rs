//! Every reason for which an entry is not accepted, by name.

use essaim_identity::keyring::{
    ActorId, CHAIN_MAX, Cut, Draft, DraftError, EntryFault, EntryNumber, KeyringEntry, OPERATORS_MAX,
    Operator, Past, Refusal, Role,
};
use essaim_identity::{KeyMap, KeySet, Keyring, RecordHash};

use crate::people::{actor, coop, forced, keys, public, roles, signed};

#[test]
fn an_entry_that_is_wrong_in_itself() {
    let editor = Operator { roles: roles(&[Role::Edit]), actor: actor(99) };
    let fault = |change: &dyn Fn(&mut KeyringEntry)| {
        let mut entry = next();
        change(&mut entry);
        match coop().accept(forced(&entry, &[1, 2])) {
            Err(Refusal::Entry(fault)) => fault,
            other => panic!("{other:?}"),
        }
    };
    let number = EntryNumber(1);
    let half = Cut { last_seq: 3, ..Cut::NOTHING };
    assert_eq!(fault(&|entry| entry.number.0 = CHAIN_MAX), EntryFault::ChainTooLong);
    assert_eq!(fault(&|entry| entry.past = Past::None), EntryFault::PastOfNumber { number });
    assert_eq!(fault(&|entry| entry.roots = KeySet::default()), EntryFault::RootCount { found: 0 });
    assert_eq!(fault(&|entry| entry.roots = keys(&[1, 2, 3, 4, 5, 6])), EntryFault::RootCount { found: 6 });
    assert_eq!(fault(&|entry| entry.threshold = 0), EntryFault::Threshold { threshold: 0, roots: 3 });
    assert_eq!(fault(&|entry| entry.threshold = 4), EntryFault::Threshold { threshold: 4, roots: 3 });
    assert_eq!(
        fault(&|entry| {
            entry.operators.insert(public(1), editor);
        }),
        EntryFault::RootIsOperator { key: public(1) }
    );
    let too_many = |entry: &mut KeyringEntry| {
        let others = (20..36).map(|n| (public(n), Operator { actor: actor(n), ..editor }));
        entry.operators.extend(others);
    };
    assert_eq!(fault(&too_many), EntryFault::TooManyOperators { found: OPERATORS_MAX + 1 });
    let too_many =
        |entry: &mut KeyringEntry| entry.revoked.extend((20..37).map(|n| (public(n), Cut::NOTHING)));
    assert_eq!(fault(&too_many), EntryFault::TooManyRevoked { found: 17 });
    assert!(matches!(
        fault(&|entry| {
            entry.operators.insert(public(11), Operator { actor: actor(10), ..editor });
        }),
        EntryFault::SharedActor { .. }
    ));
    assert_eq!(
        fault(&|entry| {
            entry.revoked.insert(public(10), Cut::NOTHING);
        }),
        EntryFault::RevokedAndKept { key: public(10) }
    );
    assert_eq!(
        fault(&|entry| {
            entry.operators = KeyMap::default();
            entry.revoked.insert(public(10), half);
        }),
        EntryFault::HalfACut { key: public(10) }
    );
}

#[test]
fn a_keyring_begins_with_a_first_entry_signed_by_its_own_roots() {
    let draft = || Draft::genesis(keys(&[1, 2]), 2);
    let found = |entry: &KeyringEntry, by: &[u8]| Keyring::found(forced(entry, by)).unwrap_err();
    let good = draft().entry().clone();
    assert_eq!(found(&good, &[1]), Refusal::TooFewOfItsOwn { found: 1, needed: 2 });
    assert_eq!(found(&good, &[]), Refusal::TooFewOfItsOwn { found: 0, needed: 2 });
    assert_eq!(found(&good, &[1, 2, 3]), Refusal::StrangerSigned { key: public(3) });
    assert_eq!(found(&next(), &[1, 2]), Refusal::Entry(EntryFault::PastOfNumber { number: EntryNumber(1) }));
    let revoking = draft().revoke(public(7), Cut::NOTHING).entry().clone();
    assert_eq!(found(&revoking, &[1, 2]), Refusal::RevokedStranger { key: public(7) });

    let other = forced(&good, &[1, 2]);
    let mut coop = coop();
    let theirs = Keyring::found(other.clone()).unwrap().listing();
    assert_eq!(coop.accept(other), Err(Refusal::OtherListing { ours: coop.listing(), theirs }));
}

#[test]
fn an_entry_stands_on_what_is_known() {
    let mut coop = coop();
    let before = coop.clone();
    let mut gap = next();
    gap.number = EntryNumber(2);
    let refusal = coop.accept(forced(&gap, &[1, 2])).unwrap_err();
    assert_eq!(refusal, Refusal::Gap { number: EntryNumber(1) });
    assert!(refusal.may_pass_later());

    let elsewhere = RecordHash::from_bytes([9; 32]);
    let mut stray = next();
    stray.past = Past::One(elsewhere);
    let refusal = coop.accept(forced(&stray, &[1, 2])).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownPast { hash: elsewhere });
    assert!(refusal.may_pass_later());
    assert_eq!(coop, before);
}

#[test]
fn enough_of_the_right_people_sign() {
    let accept = |entry: &KeyringEntry, by: &[u8]| coop().accept(forced(entry, by));
    let same = next();
    assert_eq!(accept(&same, &[]), Err(Refusal::TooFewOfBefore { found: 0, needed: 2 }));
    assert_eq!(accept(&same, &[3]), Err(Refusal::TooFewOfBefore { found: 1, needed: 2 }));
    assert_eq!(accept(&same, &[1, 2, 10]), Err(Refusal::StrangerSigned { key: public(10) }));
    assert!(accept(&same, &[1, 2, 3]).is_ok());

    let others = KeyringEntry { roots: keys(&[4, 5]), threshold: 2, ..next() };
    assert_eq!(accept(&others, &[4, 5]), Err(Refusal::TooFewOfBefore { found: 0, needed: 2 }));
    assert_eq!(accept(&others, &[1, 3]), Err(Refusal::TooFewOfItsOwn { found: 0, needed: 2 }));
    assert_eq!(accept(&others, &[1, 3, 5]), Err(Refusal::TooFewOfItsOwn { found: 1, needed: 2 }));
    assert!(accept(&others, &[1, 3, 4, 5]).is_ok());

    // A higher threshold is a promise that as many holders are there.
    let higher = KeyringEntry { threshold: 3, ..next() };
    assert_eq!(accept(&higher, &[1, 2]), Err(Refusal::TooFewOfItsOwn { found: 2, needed: 3 }));
    assert!(accept(&higher, &[1, 2, 3]).is_ok());
}

#[test]
fn keys_leave_with_a_cut_and_do_not_come_back() {
    let mut coop = coop();
    let mut without = next();
    without.operators = KeyMap::default();
    assert_eq!(coop.accept(forced(&without, &[1, 2])), Err(Refusal::LeftOutWithoutCut { key: public(10) }));
    let stranger = coop.draft().unwrap().revoke(public(77), Cut::NOTHING);
    assert_eq!(
        stranger.propose(&coop).unwrap_err(),
        DraftError::Refused(Refusal::RevokedStranger { key: public(77) })
    );

    let gone = coop.draft().unwrap().revoke(public(10), Cut::NOTHING).propose(&coop).unwrap();
    coop.accept(signed(gone, &[1, 2])).unwrap();
    let refused = |draft: Draft| match draft.propose(&coop).unwrap_err() {
        DraftError::Refused(refusal) => refusal,
        DraftError::Encode(error) => panic!("{error}"),
    };
    let edit = roles(&[Role::Edit]);
    let draft = || coop.draft().unwrap();
    let back = Refusal::RevokedKeyBack { key: public(10) };
    assert_eq!(refused(draft().operator(public(10), edit, actor(12))), back);
    assert_eq!(refused(draft().roots(keys(&[1, 2, 10]), 2)), back);
    assert_eq!(
        refused(draft().operator(public(11), edit, actor(10))),
        Refusal::ActorUsedBefore { key: public(11) }
    );
}

#[test]
fn a_key_that_is_given_a_new_actor_does_not_get_its_old_one_again() {
    let mut coop = coop();
    let edit = roles(&[Role::Edit]);
    let renewed = coop.draft().unwrap().operator(public(10), edit, actor(11)).propose(&coop).unwrap();
    coop.accept(signed(renewed, &[1, 2])).unwrap();
    let again = coop.draft().unwrap().operator(public(10), edit, actor(10));
    assert_eq!(
        again.propose(&coop).unwrap_err(),
        DraftError::Refused(Refusal::ActorUsedBefore { key: public(10) })
    );
}

#[test]
fn the_largest_entry_fits_and_the_longest_chain_ends() {
    let mut coop = coop();
    let full = |entry: &mut KeyringEntry, first: u8| {
        let others = (first..first + 16).map(|n| {
            let actor = ActorId([n; 16]);
            (public(n), Operator { roles: roles(&Role::ALL), actor })
        });
        entry.operators = others.collect();
    };
    let long = format!("{}.example", vec!["a".repeat(60); 4].join("."));
    let cut = Cut { last_seq: u64::MAX, last_hash: RecordHash::from_bytes([0xff; 32]) };
    let mut entry = KeyringEntry {
        roots: keys(&[1, 2, 3, 4, 5]),
        threshold: 5,
        domain: Some(long.parse().unwrap()),
        ..next()
    };
    full(&mut entry, 20);
    entry.revoked.insert(public(10), cut);
    coop.accept(forced(&entry, &[1, 2, 3, 4, 5])).unwrap();
    let mut entry = coop.draft().unwrap().entry().clone();
    full(&mut entry, 40);
    entry.revoked = (20..36).map(|n| (public(n), cut)).collect();
    entry.roots = keys(&[11, 12, 13, 14, 15]);
    let everybody = forced(&entry, &[1, 2, 3, 4, 5, 11, 12, 13, 14, 15]);
    assert!(everybody.to_wire().len() <= 8 * 1024, "an entry with all signatures fits a gossip message");
    coop.accept(everybody).unwrap();

    while coop.head().number.0 < CHAIN_MAX - 1 {
        let entry = coop.draft().unwrap().propose(&coop).unwrap();
        coop.accept(signed(entry, &[11, 12, 13, 14, 15])).unwrap();
    }
    let one_more = coop.draft().unwrap().propose(&coop).unwrap_err();
    assert_eq!(one_more, DraftError::Refused(Refusal::Entry(EntryFault::ChainTooLong)));
}

/// The next entry of [`coop`], which changes nothing.
fn next() -> KeyringEntry {
    coop().draft().unwrap().entry().clone()
}
