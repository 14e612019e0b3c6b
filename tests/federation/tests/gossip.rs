//! News travel through hosters in between, and find those who were away.

use essaim_federation::{Hoster, eventually};

#[test]
fn a_third_hoster_hears_of_an_editor_that_it_never_met() {
    let (a, b, c) = (Hoster::start("a"), Hoster::start("b"), Hoster::start("c"));
    b.join(&a);
    c.join(&b);
    for hoster in [&a, &b, &c] {
        hoster.sees(&["a.test", "b.test", "c.test"]);
    }
    a.edit("name=Heard of");
    c.sees_name("a.test", "Heard of");
    c.edit("service.files=yes");
    eventually("a finds a hoster with files", || {
        a.ask(&["directory", "search", "--service", "files"]).as_array().is_some_and(|found| found.len() == 1)
    });
}

#[test]
fn a_vouch_is_a_path_of_trust_for_others() {
    let (a, b, c) = (Hoster::start("a"), Hoster::start("b"), Hoster::start("c"));
    b.join(&a);
    c.join(&b);
    a.sees(&["a.test", "b.test", "c.test"]);
    c.sees(&["a.test", "b.test", "c.test"]);
    a.ask(&["directory", "vouch", "b.test", "--point", "backups", "--method", "visited"]);
    b.sees(&["a.test", "b.test", "c.test"]);
    eventually("b has heard of a's vouch", || {
        b.ask(&["directory", "show", "b.test"])["said_by_others"][0]["by"] == "a.test"
    });
    b.ask(&["directory", "vouch", "c.test", "--point", "exports", "--method", "met"]);
    eventually("c is reached from a over b", || a.listing_of("c.test")["tier"] == "reached");
    let path = a.ask(&["directory", "show", "c.test"])["trust_path"].clone();
    assert_eq!((&path[0]["by"], &path[0]["of"]), (&"a.test".into(), &"b.test".into()));
    assert_eq!((&path[1]["by"], &path[1]["of"]), (&"b.test".into(), &"c.test".into()));
    a.ask(&["directory", "withdraw", "b.test"]);
    assert_eq!(a.listing_of("c.test")["tier"], "proven");
}

#[test]
fn a_node_that_was_away_catches_up() {
    let (a, mut b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    b.sees(&["a.test", "b.test"]);
    assert!(b.node.stop().success());
    a.edit("name=While you were out");
    let c = Hoster::start("c");
    c.join(&a);
    a.sees(&["a.test", "b.test", "c.test"]);
    b.node.restart();
    b.sees(&["a.test", "b.test", "c.test"]);
    b.sees_name("a.test", "While you were out");
}
