//! Where an address lives now: shown by the hoster that gave it, and believed of it alone.

use essaim_identity::account::{AccountDraft, AccountLog, AddressSalt, Residence, ResidenceFault};
use essaim_types::Address;

use crate::people::{DAY, NOW, add, head, key, listing, moved, signed, with_kit};

/// The account with words 50 has alice@a.test at hoster 1.
fn alice() -> (AccountLog, AddressSalt, Address) {
    let (salt, address) = (AddressSalt::from_bytes([4; 32]), "alice@a.test".parse().unwrap());
    let mut log = with_kit();
    let draft = AccountDraft::update(head(&log), NOW).addresses(&[salt.commit(&address)]);
    add(&mut log, signed(&draft, &[key(1)]));
    (log, salt, address)
}

/// Moved to hoster 2, which gives it another address.
fn gone() -> (AccountLog, AddressSalt, Address) {
    let (mut log, salt, address) = alice();
    let entry = moved(&log, 50, 1, 2, NOW);
    add(&mut log, entry);
    let draft =
        AccountDraft::update(head(&log), NOW).addresses(&[salt.commit(&"al@b.test".parse().unwrap())]);
    add(&mut log, signed(&draft, &[key(2)]));
    (log, salt, address)
}

fn proof(log: &AccountLog, salt: &AddressSalt) -> Residence {
    Residence::decode(&Residence::of(log, head(log), salt).encode()).unwrap()
}

#[test]
fn the_old_hoster_shows_where_the_account_has_gone() {
    let (log, salt, address) = gone();
    let shown = proof(&log, &salt).check(&address, listing(1), NOW).unwrap();
    assert_eq!((shown.home, shown.log.account()), (listing(2), log.account()));
    let detail = "Alice+list@A.test".parse().unwrap();
    assert_eq!(proof(&log, &salt).check(&detail, listing(1), NOW).unwrap().home, listing(2));
    assert!(shown.was_at(listing(1)) && shown.was_at(listing(2)) && !shown.was_at(listing(3)));
}

#[test]
fn who_has_moved_on_is_found_by_the_first_address() {
    let (mut log, salt, address) = gone();
    let entry = moved(&log, 50, 2, 3, NOW);
    add(&mut log, entry);
    assert_eq!(proof(&log, &salt).check(&address, listing(1), NOW).unwrap().home, listing(3));
}

#[test]
fn nobody_speaks_for_the_addresses_of_another_hoster() {
    let (log, salt, address) = gone();
    let other = "bob@a.test".parse().unwrap();
    let told = |proof: Residence, address: &Address, hoster| {
        proof.check(address, listing(hoster), NOW).map(|_| ()).unwrap_err()
    };
    assert_eq!(told(proof(&log, &salt), &other, 1), ResidenceFault::OtherAddress { hoster: listing(1) });
    // Hoster 2 commits to an address that is not its own: it was not hoster 3 that did.
    assert_eq!(told(proof(&log, &salt), &address, 3), ResidenceFault::OtherAddress { hoster: listing(3) });
    // The address that hoster 2 gave, as if it was of hoster 1.
    assert_eq!(
        told(proof(&log, &salt), &"al@b.test".parse().unwrap(), 1),
        ResidenceFault::OtherAddress { hoster: listing(1) }
    );
    let (log, salt, address) = alice();
    assert_eq!(told(proof(&log, &salt), &address, 1), ResidenceFault::NotMoved);
    let wrong = AddressSalt::from_bytes([5; 32]);
    assert_eq!(
        told(proof(&gone().0, &wrong), &address, 1),
        ResidenceFault::OtherAddress { hoster: listing(1) }
    );
}

#[test]
fn a_log_that_was_made_up_or_cut_is_not_believed() {
    let (log, salt, address) = gone();
    let whole = Residence::of(&log, head(&log), &salt);
    // Signed by nobody who may: the hoster moves the account to hoster 3 without its member.
    let mut forged = log.clone();
    let entry = moved(&log, 51, 3, 3, NOW);
    assert!(forged.accept(entry).is_err());
    // Every byte that is changed or missing.
    let bytes = whole.encode();
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        if let Ok(read) = Residence::decode(&damaged)
            && let Ok(shown) = read.check(&address, listing(1), NOW)
        {
            assert_eq!(shown.home, listing(2), "byte {at}");
        }
        let _ = Residence::decode(&bytes[..at]).map(|read| read.check(&address, listing(1), NOW));
    }
    // What was seen before is not turned back by an older part of the log.
    let shown = whole.check(&address, listing(1), NOW).unwrap();
    let mut longer = log.clone();
    let entry = moved(&longer, 50, 9, 3, NOW.after(DAY));
    add(&mut longer, entry);
    let newer =
        Residence::of(&longer, head(&longer), &salt).check(&address, listing(1), NOW.after(DAY)).unwrap();
    assert!(newer.after(&shown.seen).is_ok());
    assert!(matches!(shown.after(&newer.seen), Err(ResidenceFault::Old(_))));
}

#[test]
fn what_is_larger_than_a_proof_is_not_read() {
    let bytes = vec![0; essaim_identity::account::RESIDENCE_BYTES_MAX + 1];
    assert!(Residence::decode(&bytes).is_err());
}
