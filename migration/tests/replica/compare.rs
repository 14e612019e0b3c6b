//! Which of several replicas is the account's last state.

use essaim_identity::account::Epoch;
use essaim_migration::archive::Seal;
use essaim_migration::replica::{Doubt, Remark, compare};
use essaim_types::{AccountId, Lsn};

use crate::people::{account, held, listing, recover, seal};

#[test]
fn the_highest_counts_and_who_is_behind_is_said() {
    let (mut log, before) = account();
    let head = recover(&mut log, true);
    let of = |lsn| held(&seal(&log, &before, lsn, 1), 1);
    let offers = [(listing(3), vec![of(5), of(7)]), (listing(4), vec![of(9)]), (listing(5), vec![])];
    let found = compare(&log, &head, &offers);
    let order: Vec<_> = found.candidates.iter().map(|one| (one.holder, one.seal.lsn_to)).collect();
    assert_eq!(order, [(listing(4), 9), (listing(3), 7), (listing(3), 5)]);
    assert_eq!(found.remarks, [Remark::Behind { holder: listing(3), epoch: Epoch(0), lsn: Lsn(7) }]);
}

#[test]
fn a_later_epoch_counts_more_than_a_higher_number() {
    let (mut log, before) = account();
    let head = recover(&mut log, true);
    let (old, new) = (held(&seal(&log, &before, 900, 1), 1), held(&seal(&log, &head, 3, 2), 2));
    let found = compare(&log, &head, &[(listing(3), vec![old, new])]);
    let order: Vec<_> = found.candidates.iter().map(|one| (one.seal.epoch, one.seal.lsn_to)).collect();
    assert_eq!(order, [(1, 3), (0, 900)]);
    assert_eq!(found.remarks, [Remark::Alone { holder: listing(3) }]);
}

#[test]
fn what_the_hoster_of_that_time_has_not_sealed_is_left_out() {
    let (mut log, before) = account();
    let head = recover(&mut log, true);
    let good = seal(&log, &before, 9, 1);
    let doubt = |held| {
        let found = compare(&log, &head, &[(listing(4), vec![held])]);
        assert!(found.candidates.is_empty());
        let [Remark::Doubtful { holder, doubt }] = found.remarks.as_slice() else {
            unreachable!("{found:?}")
        };
        assert_eq!(*holder, listing(4));
        doubt.clone()
    };
    let others = AccountId::from_bytes([9; 32]);
    assert_eq!(
        doubt(held(&Seal { account: others, ..good.clone() }, 1)),
        Doubt::OtherAccount { theirs: others }
    );
    assert_eq!(doubt(held(&Seal { lsn_from: 3, ..good.clone() }, 1)), Doubt::Partial);
    assert_eq!(doubt(held(&Seal { log_head: None, ..good.clone() }, 1)), Doubt::OffTheLog);
    assert_eq!(doubt(held(&Seal { log_head: Some([9; 32]), ..good.clone() }, 1)), Doubt::OffTheLog);
    assert_eq!(doubt(held(&Seal { epoch: 1, ..good.clone() }, 1)), Doubt::OtherSigner);
    assert_eq!(doubt(held(&seal(&log, &before, 9, 4), 4)), Doubt::OtherSigner, "the holder's own key");
    assert_eq!(
        doubt(held(&seal(&log, &head, 9, 1), 1)),
        Doubt::OtherSigner,
        "the old host after the recovery"
    );
    assert!(matches!(doubt(held(&good, 4)), Doubt::Seal(_)), "signed by another than it says");
    let mut bent = held(&good, 1);
    *bent.seal.last_mut().unwrap() ^= 1;
    assert!(matches!(doubt(bent), Doubt::Seal(_)));
}
