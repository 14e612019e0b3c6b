//! One entry after another.

use essaim_identity::keyring::{Accepted, Cut, EntryNumber, KeyringEntry, Role, Standing, Status};
use essaim_identity::{Cosigning, Keyring, RecordHash};

use crate::people::{actor, coop, key, keys, public, roles, signed};

#[test]
fn operators_come_and_go() {
    let mut coop = coop();
    let listing = coop.listing();
    let draft = coop.draft().unwrap().operator(public(11), roles(&[Role::Beat, Role::Node]), actor(11));
    let entry = signed(draft.propose(&coop).unwrap(), &[2, 3]);
    assert_eq!(coop.accept(entry.clone()), Ok(Accepted::Advanced));
    assert_eq!(coop.accept(entry), Ok(Accepted::Known));

    let last = RecordHash::from_bytes([7; 32]);
    let cut = Cut { last_seq: 4, last_hash: last };
    let entry = signed(coop.draft().unwrap().revoke(public(10), cut).propose(&coop).unwrap(), &[1, 3]);
    assert_eq!(coop.accept(entry), Ok(Accepted::Advanced));

    assert_eq!(coop.listing(), listing);
    assert_eq!(coop.status(), Status::Settled);
    assert_eq!(coop.head().number, EntryNumber(2));
    assert!(coop.has_role(EntryNumber(0), &public(10), Role::Edit));
    assert!(coop.has_role(EntryNumber(1), &public(10), Role::Edit));
    assert!(!coop.has_role(EntryNumber(2), &public(10), Role::Edit));
    assert!(!coop.has_role(EntryNumber(0), &public(11), Role::Beat));
    assert!(coop.has_role(EntryNumber(2), &public(11), Role::Node));
    assert!(!coop.has_role(EntryNumber(2), &public(11), Role::Edit));
    assert!(!coop.has_role(EntryNumber(3), &public(11), Role::Node));

    let other = RecordHash::from_bytes([8; 32]);
    assert_eq!(coop.standing(&public(11), 9, &other), Standing::Uncut);
    assert_eq!(coop.standing(&public(10), 3, &other), Standing::Before);
    assert_eq!(coop.standing(&public(10), 4, &last), Standing::Last);
    assert_eq!(coop.standing(&public(10), 4, &other), Standing::Void);
    assert_eq!(coop.standing(&public(10), 5, &last), Standing::Void);
}

#[test]
fn of_a_key_that_signed_nothing_nothing_counts() {
    let mut coop = coop();
    let gone = coop.draft().unwrap().revoke(public(10), Cut::NOTHING).propose(&coop).unwrap();
    coop.accept(signed(gone, &[1, 2])).unwrap();
    for seq in [0, 1] {
        assert_eq!(coop.standing(&public(10), seq, &Cut::NOTHING.last_hash), Standing::Void);
    }
}

#[test]
fn what_a_proposal_lacks_is_counted_where_it_stands() {
    let mut coop = coop();
    let late = coop.draft().unwrap().propose(&coop).unwrap();
    let others = coop.draft().unwrap().roots(keys(&[4, 5]), 1).propose(&coop).unwrap();
    coop.accept(signed(others, &[1, 2, 4])).unwrap();
    assert_eq!((coop.missing(&late).of_before, coop.missing(&late).of_its_own), (2, 0));
    let next = coop.draft().unwrap().propose(&coop).unwrap();
    assert_eq!((coop.missing(&next).of_before, coop.missing(&next).of_its_own), (1, 0));
}

#[test]
fn a_chain_read_from_its_bytes_is_the_same_chain() {
    let mut coop = coop();
    for n in 20..26 {
        let draft = coop.draft().unwrap().operator(public(n), roles(&[Role::Edit]), actor(n));
        let entry = signed(draft.propose(&coop).unwrap(), &[1, 2]);
        coop.accept(entry).unwrap();
    }
    let wire: Vec<Vec<u8>> = coop.entries().map(|entry| entry.to_wire()).collect();
    let mut entries = wire.iter().map(|bytes| Cosigning::parse(bytes).unwrap().verify().unwrap());
    let mut copy = Keyring::found(entries.next().unwrap()).unwrap();
    for entry in entries {
        copy.accept(entry).unwrap();
    }
    assert_eq!(copy, coop);
}

#[test]
fn holders_sign_one_after_another_and_their_files_are_merged() {
    let mut coop = coop();
    let draft = coop.draft().unwrap().roots(keys(&[4, 5]), 2);
    let exported = draft.propose(&coop).unwrap().to_wire();

    // 1 hands on to 4; 2 and 5 sign copies of the empty proposal at home.
    let mut first = Cosigning::<KeyringEntry>::parse(&exported).unwrap();
    first.sign(&key(1)).unwrap();
    let mut first = Cosigning::parse(&first.to_wire()).unwrap();
    first.sign(&key(4)).unwrap();
    assert_eq!((coop.missing(&first).of_before, coop.missing(&first).of_its_own), (1, 1));
    for n in [2, 5] {
        let mut copy = Cosigning::<KeyringEntry>::parse(&exported).unwrap();
        copy.sign(&key(n)).unwrap();
        first.merge(&Cosigning::parse(&copy.to_wire()).unwrap()).unwrap();
    }
    assert_eq!((coop.missing(&first).of_before, coop.missing(&first).of_its_own), (0, 0));
    assert_eq!(coop.accept(first.verify().unwrap()), Ok(Accepted::Advanced));
    assert_eq!(coop.head().roots, keys(&[4, 5]));
}

#[test]
fn other_records_are_signed_by_enough_roots() {
    let coop = coop();
    let by = |signers: &[u8]| {
        coop.is_signed_by_roots(&signed(coop.draft().unwrap().propose(&coop).unwrap(), signers))
    };
    assert!(by(&[1, 2]) && by(&[1, 2, 3]) && by(&[1, 3, 10]));
    assert!(!by(&[1]) && !by(&[]) && !by(&[1, 10]) && !by(&[10, 11]));
}
