//! The link by which a hoster joins.

use essaim_identity::invitation::{
    FRAGMENT_CHARS_MAX, InvitationError, InvitationLink, LinkError, SEEDS_MAX,
};
use essaim_identity::node::{ADDRESS_BYTES_MAX, ClaimFault, NodeAddress};
use essaim_types::{ListingId, Timestamp};

use crate::samples::{NOW, domain, invitation, keyring, link, node, root};

#[test]
fn a_link_reads_back_as_printed() {
    let text = link().to_string();
    assert!(text.starts_with("https://coop.example/join#gl"), "{text}");
    assert_eq!(text.parse(), Ok(link()));
    assert_eq!(format!(" {text}\n").parse(), Ok(link()), "as it is pasted");
    let with_port = InvitationLink { port: Some(8443), ..link() };
    assert!(with_port.to_string().starts_with("https://coop.example:8443/join#"));
    assert_eq!(with_port.to_string().parse(), Ok(with_port));

    let taken = link().verify(NOW).unwrap();
    assert_eq!(taken.record(), &invitation());
    assert_eq!(taken.record().node.check(&keyring()), Ok(()));
}

#[test]
fn a_link_with_two_addresses_and_a_seed_fits() {
    let text = link().to_string();
    let (_, fragment) = text.split_once('#').unwrap();
    assert!(fragment.len() <= FRAGMENT_CHARS_MAX, "{}", fragment.len());
}

#[test]
fn texts_that_are_no_links_are_refused() {
    let text = link().to_string();
    let refused = |text: &str| text.parse::<InvitationLink>().unwrap_err();
    for other in [
        "",
        "https://coop.example/join",
        "http://coop.example/join#AA",
        "https:///join#AA",
        "https://coop.example:port/join#AA",
        "https://coop.example:65536/join#AA",
        "https://user@coop.example/join#AA",
        "https://coop.example/other/join#AA",
    ] {
        assert_eq!(refused(other), LinkError::NotALink, "{other}");
    }
    assert_eq!(refused(&format!("{text}=")), LinkError::NotBase64);
    assert_eq!(refused(&text.replace('#', "#+")), LinkError::NotBase64);
    for host in ["[IPv6:::1]", "[192.0.2.1]", "coöp.example"] {
        assert_eq!(refused(&text.replace("coop.example", host)), LinkError::NotALink, "{host}");
    }
    for cut in 1..40 {
        let whole = refused(&text[..text.len() - cut]);
        assert!(matches!(whole, LinkError::NotBase64 | LinkError::Content(_)), "cut off by {cut}");
    }
    assert!(matches!(refused("https://coop.example/join#"), LinkError::Content(_)));
    let long = format!("https://coop.example/join#{}", "A".repeat(FRAGMENT_CHARS_MAX + 1));
    assert_eq!(refused(&long), LinkError::TooLong { chars: FRAGMENT_CHARS_MAX + 1 });
}

#[test]
fn an_invitation_is_good_for_two_weeks_at_most() {
    let until = |millis: i64| {
        let mut invitation = invitation();
        invitation.expires = Timestamp(NOW.0 + millis);
        InvitationLink::sign(domain(), None, &invitation, &node()).unwrap().verify(NOW).map(|_| ())
    };
    let (second, day) = (1_000, 24 * 3_600_000);
    assert_eq!(until(second), Ok(()));
    assert_eq!(until(0), Err(InvitationError::Expired));
    assert_eq!(until(-second), Err(InvitationError::Expired));
    assert_eq!(until(14 * day), Ok(()));
    assert_eq!(until(14 * day + 10 * 60 * second), Ok(()), "clocks may differ");
    assert_eq!(until(14 * day + 11 * 60 * second), Err(InvitationError::TooFarAhead));
    assert_eq!(until(i64::MAX - NOW.0), Err(InvitationError::TooFarAhead));
}

#[test]
fn only_the_node_that_it_names_signs_it() {
    let forged = InvitationLink::sign(domain(), None, &invitation(), &root()).unwrap();
    assert!(matches!(forged.verify(NOW), Err(InvitationError::Signature(_))));
}

#[test]
fn what_does_not_fit_is_not_made() {
    let sign = |invitation| InvitationLink::sign(domain(), None, &invitation, &node()).unwrap_err();
    let mut many = invitation();
    many.seeds = vec!["a.example".parse().unwrap(); SEEDS_MAX + 1];
    assert_eq!(sign(many), LinkError::TooMany);
    let mut many = invitation();
    many.seeds.clear();
    many.node.addresses = vec![NodeAddress::new(&[4, 127, 0, 0, 1]).unwrap(); 4];
    assert_eq!(sign(many), LinkError::TooMany);
    let mut long = invitation();
    long.node.addresses = vec![NodeAddress::new(&[0; ADDRESS_BYTES_MAX]).unwrap()];
    assert!(matches!(sign(long), LinkError::TooLong { chars } if chars > FRAGMENT_CHARS_MAX));
    assert_eq!(NodeAddress::new(&[0; ADDRESS_BYTES_MAX + 1]), None);
    assert_eq!(NodeAddress::new(&[]), None);
}

#[test]
fn the_keyring_bears_out_what_the_node_says() {
    let keyring = keyring();
    let claim = invitation().node;
    let elsewhere = ListingId::from_bytes([1; 32]);
    let mut other = claim.clone();
    other.listing = elsewhere;
    let fault = ClaimFault::OtherListing { claimed: elsewhere, keyring: keyring.listing() };
    assert_eq!(other.check(&keyring), Err(fault));
    let mut newer = claim.clone();
    newer.head = link().invitation.hash();
    assert_eq!(newer.check(&keyring), Err(ClaimFault::KeyringIsBehind { head: newer.head }));
    let mut stranger = claim;
    stranger.key = root().public();
    assert_eq!(stranger.check(&keyring), Err(ClaimFault::NotANode { key: stranger.key }));
}
