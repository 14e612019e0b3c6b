//! Domain and hoster name each other, or it does not count.

use essaim_identity::Keyring;
use essaim_identity::domain::{Card, CardError, ProofFault, TXT_BYTES_MAX, TxtError, TxtRecord, prove};
use essaim_identity::keyring::Draft;
use essaim_identity::node::{ClaimFault, NodeAddress};
use essaim_types::{Domain, ListingId, Timestamp};

use crate::samples::{NOW, card, domain, keyring, node, root};

#[test]
fn a_txt_record_reads_back_as_printed() {
    let text = txt().to_string();
    assert_eq!(TxtRecord::name(&domain()), "_essaim.coop.example");
    assert_eq!(find(&[&text]), Ok(txt()));
    assert!(text.len() <= TXT_BYTES_MAX);
}

#[test]
fn a_txt_record_is_read_as_people_write_it() {
    let (id, k) = (txt().listing, txt().root);
    for text in [
        format!("v=essaim1;id={id};k={k}"),
        format!("v=essaim1 ; k={k} ;id={id};"),
        format!("v=essaim1; id={id}; k={k}; later=something"),
        format!("v=essaim1; id={}; k={k}", id.to_string().to_uppercase()),
    ] {
        assert_eq!(find(&["v=spf1 -all", &text, "v=essaim10; id=x"]), Ok(txt()), "{text}");
    }
}

#[test]
fn exactly_one_valid_txt_record_or_none_at_all() {
    let text = txt().to_string();
    let (id, k) = (txt().listing, txt().root);
    assert_eq!(find(&[]), Err(TxtError::Missing));
    assert_eq!(find(&["v=spf1 -all", "", " v=essaim1; id=x", "essaim1"]), Err(TxtError::Missing));
    assert_eq!(find(&[&text, &text]), Err(TxtError::Several { found: 2 }));
    assert_eq!(find(&["v=essaim1; damaged", &text, "v=essaim1"]), Err(TxtError::Several { found: 3 }));
    assert_eq!(find(&[&format!("{text}; x={}", "y".repeat(200))]), Err(TxtError::TooLong { len: 326 }));
    assert_eq!(find(&["v=essaim1; damaged"]), Err(TxtError::Grammar));
    assert_eq!(find(&[&format!("{text}; id={id}")]), Err(TxtError::Grammar));
    assert_eq!(TxtRecord::find([b"v=essaim1; id=\xff".as_slice()]), Err(TxtError::Grammar));
    assert_eq!(find(&[&format!("v=essaim1; k={k}")]), Err(TxtError::Id));
    assert_eq!(find(&[&format!("v=essaim1; id=short; k={k}")]), Err(TxtError::Id));
    assert_eq!(find(&[&format!("v=essaim1; id={id}")]), Err(TxtError::Key));
    assert_eq!(find(&[&format!("v=essaim1; id={id}; k={}", "a".repeat(52))]), Err(TxtError::Key));
}

#[test]
fn a_card_is_signed_by_its_node_and_of_these_days() {
    let bytes = card().sign(&node()).unwrap();
    assert_eq!(Card::read(&bytes, NOW).unwrap().record(), &card());
    let forged = card().sign(&root()).unwrap();
    assert!(matches!(Card::read(&forged, NOW), Err(CardError::Signature(_))));
    let after = |seconds: i64| Card::read(&bytes, Timestamp(NOW.0 + seconds * 1000)).map(|_| ());
    let week = 7 * 24 * 3600;
    assert_eq!(after(week), Ok(()));
    assert_eq!(after(week + 1), Err(CardError::Stale));
    assert_eq!(after(-600), Ok(()));
    assert_eq!(after(-601), Err(CardError::TooEarly));
    assert!(matches!(Card::read(b"<html>", NOW), Err(CardError::Content(_))));
    let mut many = card();
    many.node.addresses = vec![NodeAddress::new(&[4, 127, 0, 0, 1]).unwrap(); 4];
    assert_eq!(many.sign(&node()), Err(CardError::TooManyAddresses { found: 4 }));
}

#[test]
fn record_card_and_keyring_agree() {
    let card = read(&card());
    assert_eq!(prove(&domain(), &keyring(), Some(&txt()), Some(&card)), Ok(()));
    assert_eq!(prove(&domain(), &keyring(), Some(&txt()), None), Ok(()));
    assert_eq!(prove(&domain(), &keyring(), None, Some(&card)), Ok(()));
    assert_eq!(prove(&domain(), &keyring(), None, None), Err(ProofFault::NoProof { domain: domain() }));
}

#[test]
fn a_contradiction_is_a_failure_even_if_the_other_half_fits() {
    let (keyring, good) = (keyring(), read(&card()));
    let listing = keyring.listing();
    let elsewhere: Domain = "other.example".parse().unwrap();
    let other = ListingId::from_bytes([5; 32]);
    let with_txt = |txt: TxtRecord| prove(&domain(), &keyring, Some(&txt), Some(&good));
    let with_card = |card: Card| prove(&domain(), &keyring, Some(&txt()), Some(&read(&card)));

    let fault = ProofFault::NotClaimed { listing, domain: elsewhere.clone() };
    assert_eq!(prove(&elsewhere, &keyring, Some(&txt()), Some(&good)), Err(fault));
    let fault = ProofFault::TxtNamesOther { found: other };
    assert_eq!(with_txt(TxtRecord { listing: other, ..txt() }), Err(fault));
    let found = node().public();
    assert_eq!(with_txt(TxtRecord { root: found, ..txt() }), Err(ProofFault::TxtNamesOtherRoot { found }));
    let fault = ProofFault::CardOfOtherDomain { found: elsewhere.clone() };
    assert_eq!(with_card(Card { domain: elsewhere, ..card() }), Err(fault));
    let mut alien = card();
    alien.node.listing = other;
    let fault = ClaimFault::OtherListing { claimed: other, keyring: listing };
    assert_eq!(with_card(alien), Err(ProofFault::Card(fault)));
}

#[test]
fn a_domain_in_a_record_is_a_name_in_ascii() {
    for other in ["coöp.example", "[192.0.2.1]"] {
        let card = Card { domain: other.parse().unwrap(), ..card() };
        assert!(matches!(card.sign(&node()), Err(CardError::Content(_))), "{other}");
    }
    let card = Card { domain: "xn--cop-sna.example".parse().unwrap(), ..card() };
    assert!(card.sign(&node()).is_ok());
}

#[test]
fn a_fork_proves_nothing() {
    let mut forked = keyring();
    let branches = [None, Some("two.example".parse().unwrap())];
    let proposals = branches.map(|domain| forked.draft().unwrap().domain(domain).propose(&forked).unwrap());
    for mut proposal in proposals {
        proposal.sign(&root()).unwrap();
        forked.accept(proposal.verify().unwrap()).unwrap();
    }
    let listing = forked.listing();
    assert_eq!(prove(&domain(), &forked, Some(&txt()), None), Err(ProofFault::Frozen { listing }));
    assert_eq!(card().node.check(&forked), Err(ClaimFault::Frozen { listing }));
}

#[test]
fn a_hoster_without_a_domain_has_none_proven() {
    let mut genesis = Draft::genesis([root().public()].into(), 1).propose_genesis().unwrap();
    genesis.sign(&root()).unwrap();
    let keyring = Keyring::found(genesis.verify().unwrap()).unwrap();
    let listing = keyring.listing();
    let txt = TxtRecord { listing, root: root().public() };
    let fault = ProofFault::NotClaimed { listing, domain: domain() };
    assert_eq!(prove(&domain(), &keyring, Some(&txt), None), Err(fault));
}

fn txt() -> TxtRecord {
    TxtRecord { listing: keyring().listing(), root: root().public() }
}

fn find(records: &[&str]) -> Result<TxtRecord, TxtError> {
    TxtRecord::find(records.iter().map(|record| record.as_bytes()))
}

/// A card that is well signed, whatever it says.
fn read(card: &Card) -> essaim_identity::Signed<Card> {
    Card::read(&card.sign(&node()).unwrap(), NOW).unwrap()
}
