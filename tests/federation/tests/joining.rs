//! Two hosters become peers.

use essaim_federation::{Hoster, eventually};

#[test]
fn an_invitation_makes_two_hosters_peers_who_see_each_other() {
    let (a, b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    a.sees(&["a.test", "b.test"]);
    b.sees(&["a.test", "b.test"]);
    for (hoster, other, by) in [(&a, &b, "invited"), (&b, &a, "joined")] {
        let peers = hoster.ask(&["peer", "list"]);
        assert_eq!(peers[0]["domain"], *other.domain);
        assert_eq!(peers[0]["introduction"], by);
        assert_eq!(hoster.listing_of(&other.domain)["tier"], "proven");
        eventually("nothing waits to be sent", || hoster.ask(&["status"])["federation"]["outbox"] == 0);
    }
    assert_eq!(a.ask(&["status"])["federation"]["peers"], 1);
}

#[test]
fn an_edit_on_one_node_is_seen_on_the_other_and_outlives_restarts() {
    let (mut a, b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    b.sees(&["a.test", "b.test"]);
    a.ask(&[
        "directory",
        "edit",
        "--set",
        "name=Les Abeilles",
        "--set",
        "description.fr=Un hébergeur à Namur",
    ]);
    b.sees_name("a.test", "Les Abeilles");
    assert_eq!(b.listing_of("a.test")["descriptions"]["fr"], "Un hébergeur à Namur");

    let listing = a.listing_of("a.test")["listing"].clone();
    assert!(a.node.stop().success());
    a.node.restart();
    assert_eq!(a.directory(), ["a.test", "b.test"]);
    assert_eq!(a.listing_of("a.test")["listing"], listing);
    assert_eq!(a.listing_of("a.test")["name"], "Les Abeilles");
    assert_eq!(a.ask(&["peer", "list"])[0]["domain"], "b.test");
    eventually("they find each other again", || a.connected() == 1);
    a.edit("name=La Ruche");
    b.sees_name("a.test", "La Ruche");
}

#[test]
fn a_node_that_is_killed_keeps_what_it_has_said() {
    let (mut a, b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    a.edit("name=Kept");
    a.node.kill();
    a.node.restart();
    assert_eq!(a.listing_of("a.test")["name"], "Kept");
    b.sees_name("a.test", "Kept");
}

#[test]
fn a_node_started_from_an_old_copy_learns_what_it_has_said_before_it_speaks() {
    let (mut a, b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    a.sees(&["a.test", "b.test"]);
    assert!(a.node.stop().success());
    let old = a.node.home().join("old");
    a.keep_copy(&old);
    a.node.restart();
    a.edit("name=Newer than the copy");
    b.sees_name("a.test", "Newer than the copy");
    assert!(a.node.stop().success());
    a.put_back(&old);
    a.node.restart();
    a.edit("legal.form=cooperative");
    eventually("b hears of the edit", || b.listing_of("a.test")["legal_form"] == "cooperative");
    for hoster in [&a, &b] {
        assert_eq!(hoster.listing_of("a.test")["name"], "Newer than the copy");
        assert_eq!(hoster.ask(&["directory", "show", "a.test"])["forked"], false);
    }
}

#[test]
fn a_peer_that_is_removed_is_no_peer_any_more() {
    let (a, b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    a.sees(&["a.test", "b.test"]);
    a.ask(&["peer", "remove", "b.test"]);
    assert_eq!(a.ask(&["status"])["federation"]["peers"], 0);
    assert!(a.refusal(&["peer", "show", "b.test"]).contains("no peer b.test"));
    assert_eq!(a.directory(), ["a.test", "b.test"], "what it says stays");
}

#[test]
fn who_did_what_to_the_federation_stands_in_the_journal() {
    let (a, b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    a.sees(&["a.test", "b.test"]);
    b.sees(&["a.test", "b.test"]);
    let acts = |hoster: &Hoster| {
        let acts = hoster.ask(&["audit"]);
        let acts = acts.as_array().expect("an array").iter().rev();
        let word = |act: &serde_json::Value, key: &str| act[key].as_str().unwrap_or_default().to_owned();
        acts.map(|act| (word(act, "actor"), word(act, "act"), word(act, "detail"))).collect::<Vec<_>>()
    };
    let words = |hoster: &Hoster| acts(hoster).into_iter().map(|(_, act, _)| act).collect::<Vec<_>>();
    assert_eq!(words(&a), ["peer.invite", "peer.admit"]);
    let admitted = &acts(&a)[1];
    assert_eq!(admitted.0, "node", "nobody typed it");
    assert_eq!(admitted.2, a.listing_of("b.test")["listing"], "whom");
    assert!(
        matches!(&acts(&b)[..], [(who, act, whom)] if who.starts_with("operator ") && act == "peer.join" && whom == "a.test")
    );

    b.edit("name=Les Abeilles");
    b.ask(&["directory", "vouch", "a.test", "--point", "backups", "--method", "visited"]);
    b.ask(&["directory", "warn", "a.test", "--code", "data-lost"]);
    b.ask(&["directory", "withdraw", "a.test"]);
    b.ask(&["directory", "hide", "a.test"]);
    b.ask(&["directory", "unhide", "a.test"]);
    b.ask(&["peer", "remove", "a.test"]);
    let all = [
        "peer.join",
        "directory.edit",
        "directory.vouch",
        "directory.warn",
        "directory.withdraw",
        "directory.hide",
        "directory.unhide",
        "peer.remove",
    ];
    assert_eq!(words(&b), all);
    b.refusal(&["directory", "vouch", "nobody.test", "--point", "backups", "--method", "met"]);
    assert_eq!(words(&b), all, "what is refused is no act");
    // While the node is down, too.
    let mut b = b;
    assert!(b.node.stop().success());
    b.ask(&["directory", "hide", "a.test"]);
    assert_eq!(words(&b).last().map(String::as_str), Some("directory.hide"));
}

#[test]
fn two_peers_that_have_both_moved_find_each_other_by_their_listings() {
    let (mut a, mut b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    // Those who stay tell each where the other is. They are three, because a node that was restarted hears three before it publishes.
    let others = ["c", "d", "e"].map(Hoster::start);
    for other in &others {
        other.join(&a);
        other.join(&b);
    }
    for hoster in [&a, &b].into_iter().chain(&others) {
        hoster.sees(&["a.test", "b.test", "c.test", "d.test", "e.test"]);
    }
    // Ports are chosen anew at each start.
    let before = [a.node.address("peer"), b.node.address("peer")];
    for hoster in [&mut a, &mut b] {
        assert!(hoster.node.stop().success());
    }
    for hoster in [&mut a, &mut b] {
        hoster.node.restart();
    }
    assert!(before.iter().all(|old| ![a.node.address("peer"), b.node.address("peer")].contains(old)));
    let connection = |hoster: &Hoster, with: &str| {
        let peers = hoster.ask(&["peer", "list"]);
        let mut peers = peers.as_array().expect("an array").iter();
        peers.find(|peer| peer["domain"] == *with).expect("the peer")["connection"].clone()
    };
    eventually("a and b are connected", || !connection(&a, "b.test").is_null());
    eventually("both say so", || !connection(&b, "a.test").is_null());
}
