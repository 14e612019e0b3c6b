//! What an operator can do with the directory of one node.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use essaim_federation::Hoster;

#[test]
fn the_directory_answers_while_the_node_is_down() {
    let (mut a, b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    a.sees(&["a.test", "b.test"]);
    assert!(a.node.stop().success());
    assert_eq!(a.directory(), ["a.test", "b.test"]);
    let shown = a.ask(&["directory", "show", "b.test"]);
    assert_eq!(shown["domain"], "b.test");
    assert!(!shown["domain_proven"].is_null());
    assert!(a.refusal(&["directory", "edit", "--set", "name=x"]).contains("not running"));
    assert!(a.refusal(&["peer", "invite"]).contains("not running"));
    a.ask(&["directory", "hide", "b.test"]);
    assert_eq!(a.directory(), ["a.test"]);
    assert_eq!(
        a.ask(&["store", "verify"])["findings"],
        serde_json::json!([]),
        "the store knows the new kinds"
    );
    a.node.restart();
    assert_eq!(a.directory(), ["a.test"]);
    a.ask(&["directory", "unhide", "b.test"]);
    assert_eq!(a.directory(), ["a.test", "b.test"]);
}

#[test]
fn the_keys_are_for_the_owner_and_the_root_key_may_go() {
    let mut a = Hoster::start("a");
    let keys = a.node.data_dir().join("keys");
    let mode = |name: &str| fs::metadata(keys.join(name)).expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("node.secret"), mode("root.secret")), (0o700, 0o600, 0o600));
    assert_eq!(a.ask(&["status"])["federation"]["root_key_on_disk"], true);
    fs::remove_file(keys.join("root.secret")).expect("the root key goes offline");
    assert!(a.node.stop().success());
    a.node.restart();
    assert_eq!(a.ask(&["status"])["federation"]["root_key_on_disk"], false);
    a.edit("name=Without its root");
    assert_eq!(a.listing_of("a.test")["name"], "Without its root");
}

#[test]
fn fields_that_no_listing_has_are_refused_with_a_reason() {
    let a = Hoster::start("a");
    assert!(a.refusal(&["directory", "edit", "--set", "nom=x"]).contains("there is no field"));
    assert!(a.refusal(&["directory", "edit", "--set", "place.cell=nowhere"]).contains("place.cell"));
    assert!(
        a.refusal(&["directory", "vouch", "a.test", "--point", "x", "--method", "met"])
            .contains("own listing")
    );
    assert!(a.refusal(&["directory", "show", "nobody.test"]).contains("not in the directory"));
    a.ask(&["directory", "edit", "--set", "place.name=Namur", "--set", "place.cell=50.4,4.8"]);
    let found = a.ask(&["directory", "search", "--near", "namur"]);
    assert_eq!(found[0]["domain"], "a.test");
    assert!(a.refusal(&["directory", "search", "--near", "Atlantis"]).contains("Atlantis"));
}

#[test]
fn a_disk_without_room_refuses_in_words_and_goes_on_later() {
    let mut a = Hoster::start("a");
    assert!(a.node.stop().success());
    let config = a.node.home().join("essaim.toml");
    let enough = fs::read_to_string(&config).expect("the configuration");
    // As if the disk were nearly full: the store keeps more free than there is.
    fs::write(&config, format!("{enough}\n[limits]\ndisk_reserve = \"8000000 GB\"\n"))
        .expect("a configuration");
    a.node.restart();
    assert!(a.refusal(&["directory", "edit", "--set", "name=No room"]).contains("disk is full"));
    assert!(a.refusal(&["peer", "invite"]).contains("disk is full"));
    assert_eq!(a.directory(), ["a.test"], "reading goes on");
    assert!(a.node.stop().success());
    fs::write(&config, enough).expect("a configuration");
    a.node.restart();
    a.edit("name=Room");
    assert_eq!(a.listing_of("a.test")["name"], "Room");
}
