//! Consent, acceptance code and receipt as they are pasted and kept.

use essaim_identity::account::{
    Acceptance, AcceptanceCode, AcceptanceError, ConsentText, HandoverFault, MoveReceipt, PAPER_LIFETIME_MAX,
    StateRoot, TextError,
};
use essaim_identity::cbor::CborError;
use essaim_identity::invitation::CLOCK_SKEW_MAX;
use essaim_identity::node::{NodeAddress, NodeClaim};
use essaim_identity::{Cosigning, RecordHash};
use essaim_types::{Lsn, Timestamp};

use crate::people::{NOW, add, consent, host, intent, key, kit, listing, moved, with_kit};

#[test]
fn a_consent_is_read_as_it_was_written() {
    let log = with_kit();
    let text = ConsentText(consent(&intent(&log, 1, 2, NOW), &kit(50).member_key()));
    let pasted = text.to_string();
    assert!(pasted.starts_with("essaim-consent:") && pasted.len() < 400, "{} characters", pasted.len());
    assert_eq!(pasted.parse(), Ok(text));
    let longest = Cosigning::propose(&intent(&log, 1, 2, Timestamp(i64::MAX / 1000 * 1000))).unwrap();
    assert!(ConsentText(longest).to_string().parse::<ConsentText>().is_ok());
    let code: Result<AcceptanceCode, _> = pasted.parse();
    assert_eq!(code, Err(TextError::OtherText { expected: "essaim-accept:" }));
}

#[test]
fn an_acceptance_code_is_good_in_its_time() {
    let acceptance = acceptance(NOW.after(PAPER_LIFETIME_MAX + CLOCK_SKEW_MAX));
    let code = AcceptanceCode::sign(&acceptance, &key(102)).unwrap();
    let read: AcceptanceCode = code.to_string().parse().unwrap();
    assert_eq!(read.claims(), &acceptance);
    let at = |now| read.clone().verify(now).map(|good| good.record().quota);
    assert_eq!(at(NOW), Ok(5 << 30));
    assert_eq!(at(Timestamp(NOW.0 - 1)), Err(AcceptanceError::TooFarAhead));
    assert_eq!(at(Timestamp(acceptance.expires.0 - 1)), Ok(5 << 30));
    assert_eq!(at(acceptance.expires), Err(AcceptanceError::Expired));
    let forged = AcceptanceCode::sign(&acceptance, &key(3)).unwrap();
    assert!(matches!(forged.verify(NOW), Err(AcceptanceError::Signature(_))));
}

#[test]
fn an_acceptance_code_has_room_for_every_address_of_a_node() {
    let mut acceptance = acceptance(NOW);
    acceptance.node.addresses = vec![NodeAddress::new(&[0xff; 128]).unwrap(); 3];
    let code = AcceptanceCode::sign(&acceptance, &key(102)).unwrap();
    assert!(code.to_string().parse::<AcceptanceCode>().is_ok());
    acceptance.node.addresses.push(NodeAddress::new(&[0xff; 128]).unwrap());
    assert!(matches!(AcceptanceCode::sign(&acceptance, &key(102)), Err(CborError::TooLong { .. })));
}

#[test]
fn a_receipt_is_signed_by_both_and_says_the_same_of_both() {
    let mut log = with_kit();
    let entry = moved(&log, 50, 1, 2, NOW);
    let entry = add(&mut log, entry);
    let receipt = MoveReceipt {
        account: log.account(),
        mid: intent(&with_kit(), 1, 2, NOW).mid,
        entry,
        source: host(1),
        target: host(2),
        lsn: Lsn(1234),
        source_root: StateRoot([0xab; 32]),
        target_root: StateRoot([0xab; 32]),
        at: NOW,
    };
    let signed = |receipt: &MoveReceipt, by: &[u8]| {
        let mut signed = Cosigning::propose(receipt).unwrap();
        by.iter().for_each(|n| signed.sign(&key(*n)).unwrap());
        MoveReceipt::check(&signed).map(|good| good.hash())
    };
    assert!(signed(&receipt, &[1, 2]).is_ok());
    assert_eq!(signed(&receipt, &[1]), Err(HandoverFault::Signers));
    assert_eq!(signed(&receipt, &[1, 3]), Err(HandoverFault::Signers));
    let differs = MoveReceipt { target_root: StateRoot([0; 32]), ..receipt };
    assert_eq!(signed(&differs, &[1, 2]), Err(HandoverFault::RootsDiffer));
}

fn acceptance(expires: Timestamp) -> Acceptance {
    let node = NodeClaim {
        listing: listing(2),
        head: RecordHash::from_bytes([4; 32]),
        key: key(102).public(),
        addresses: vec![NodeAddress::new(&[4, 203, 0, 113, 5, 0x91, 0x02, 0x0f, 0xa1, 0xcd, 0x03]).unwrap()],
    };
    Acceptance { node, nonce: [8; 16], quota: 5 << 30, expires }
}
