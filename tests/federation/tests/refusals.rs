//! Invitations that are not taken, each with one sentence that says why.

use essaim_federation::Hoster;

#[test]
fn an_invitation_is_good_once_and_for_others() {
    let (a, b, c) = (Hoster::start("a"), Hoster::start("b"), Hoster::start("c"));
    let link = a.invite();
    assert!(a.refusal(&["peer", "join", &link]).contains("of this node itself"));
    b.ask(&["peer", "join", &link]);
    // Who did not hear the answer asks again.
    b.ask(&["peer", "join", &link]);
    assert!(c.refusal(&["peer", "join", &link]).contains("already used"));
    assert_eq!(a.ask(&["status"])["federation"]["peers"], 1);
}

#[test]
fn an_invitation_that_is_over_is_not_taken() {
    let (a, b) = (Hoster::start("a"), Hoster::start("b"));
    let link = a.ask(&["peer", "invite", "--for", "1s"])["link"].as_str().expect("a link").to_owned();
    essaim_federation::eventually("a second has passed", || {
        let output = b.node.essaim(&["peer", "join", &link, "--json"], "");
        assert!(!output.status.success() || b.connected() > 0);
        essaim_harness::node::text(&output).contains("time that is over")
    });
}

#[test]
fn a_link_that_was_changed_on_the_way_is_not_genuine() {
    let (a, b) = (Hoster::start("a"), Hoster::start("b"));
    let link = a.invite();
    assert!(b.refusal(&["peer", "join", "https://a.test/elsewhere"]).contains("not an invitation"));
    assert!(b.refusal(&["peer", "join", &link[..link.len() - 8]]).contains("not an invitation"));
    let (host, fragment) = link.split_once('#').expect("a fragment");
    // Some character in the middle: of an address, a key or the nonce.
    let mut letters: Vec<char> = fragment.chars().collect();
    let middle = letters.len() / 2;
    letters[middle] = if letters[middle] == 'A' { 'B' } else { 'A' };
    let damaged = format!("{host}#{}", letters.into_iter().collect::<String>());
    let said = b.refusal(&["peer", "join", &damaged]);
    assert!(said.contains("not genuine") || said.contains("not an invitation"), "{said}");
    assert_eq!(a.ask(&["status"])["federation"]["peers"], 0);
}

#[test]
fn a_node_that_is_away_is_named_as_the_reason() {
    let (mut a, b) = (Hoster::start("a"), Hoster::start("b"));
    let link = a.invite();
    a.node.kill();
    assert!(b.refusal(&["peer", "join", &link]).contains("was not reached"));
    a.node.restart();
}

#[test]
fn a_node_without_a_place_to_listen_says_what_is_missing() {
    let lonely = Hoster { domain: "a.test".to_owned(), node: essaim_harness::Node::start() };
    assert_eq!(lonely.directory(), ["a.test"]);
    assert!(lonely.refusal(&["peer", "invite"]).contains("listen.peer"));
}

#[test]
fn a_local_name_is_not_believed_of_a_node_that_says_it_is_elsewhere() {
    let a = Hoster::start("a");
    // An address for documents (RFC 5737): nobody is there, and nothing leaves this machine for it but a packet.
    let announced = "[network]\nannounce = [\"/ip4/192.0.2.1/udp/4001/quic-v1\"]";
    let node = essaim_harness::Node::builder().domain("b.test").listening("peer").config(announced).start();
    let elsewhere = Hoster { domain: "b.test".to_owned(), node };
    elsewhere.join(&a);
    elsewhere.sees(&["a.test", "b.test"]);
    essaim_federation::eventually("a has heard of b", || !a.listing_of("b.test").is_null());
    assert_eq!(a.listing_of("b.test")["tier"], "unproven");
    assert_eq!(a.directory(), ["a.test"]);
}
