//! Two operators of one hoster, each on a machine of their own.

use std::time::Instant;

use essaim_federation::internet::{Internet, Weather};
use essaim_federation::{Hoster, eventually};
use essaim_harness::Node;
use essaim_harness::tools::note;

#[test]
fn an_operator_edits_from_a_machine_of_their_own_until_the_key_is_taken_out() {
    let (a, b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    b.sees(&["a.test", "b.test"]);
    let machine = Node::builder().domain("a.test").listening("peer").prepare();
    let mut bee = a.operator(machine);
    bee.machine.sees(&["a.test", "b.test"]);
    assert_eq!(bee.roles(), ["edit"]);

    bee.machine.edit("name=From another machine");
    for hoster in [&a, &b] {
        hoster.sees_name("a.test", "From another machine");
    }
    assert_eq!(b.listing_of("a.test")["addresses"], a.listing_of("a.test")["addresses"]);
    // It is an operator's machine and no more than that.
    assert!(bee.machine.refusal(&["peer", "invite"]).contains("no node of the hoster"));
    assert!(bee.machine.refusal(&["operator", "invite"]).contains("no node of the hoster"));
    assert!(bee.machine.refusal(&["operator", "remove", &bee.key]).contains("root key"));
    let vouch = ["directory", "vouch", "b.test", "--point", "backups", "--method", "met"];
    assert!(bee.machine.refusal(&vouch).contains("may not do this"));

    assert!(bee.machine.node.stop().success());
    bee.machine.node.restart();
    bee.machine.edit("legal.form=cooperative");
    eventually("the edit arrives", || b.listing_of("a.test")["legal_form"] == "cooperative");

    assert!(a.refusal(&["operator", "add", &bee.key]).contains("already"));
    a.ask(&["operator", "remove", &bee.key]);
    eventually("it hears that it is dismissed", || bee.roles().is_empty());
    assert!(bee.machine.refusal(&["directory", "edit", "--set", "name=Mine"]).contains("may not do this"));
    assert!(a.refusal(&["operator", "add", &bee.key]).contains("revoked"));
    for hoster in [&a, &b] {
        assert_eq!(hoster.listing_of("a.test")["name"], "From another machine", "what it said before stays");
    }
    let acts = a.ask(&["audit"]).to_string();
    assert!(acts.contains("operator.add") && acts.contains("operator.remove"), "{acts}");
    assert!(a.refusal(&["operator", "remove", &own_key(&a)]).contains("key of the hoster's node"));
}

#[test]
fn who_has_no_root_key_appoints_nobody() {
    let a = Hoster::start("a");
    let machine = Node::builder().domain("a.test").listening("peer").prepare();
    let bee = a.operator(machine);
    let keys = a.node.data_dir().join("keys");
    std::fs::rename(keys.join("root.secret"), a.node.home().join("offline")).unwrap();
    assert!(a.refusal(&["operator", "remove", &bee.key]).contains("root key is not on this machine"));
    std::fs::rename(a.node.home().join("offline"), keys.join("root.secret")).unwrap();
    a.ask(&["operator", "remove", &bee.key]);
    eventually("no restart was needed", || bee.roles().is_empty());
}

#[test]
fn parted_machines_of_one_hoster_edit_and_nothing_is_lost() {
    let Some(internet) = Internet::with(4, Weather::GOOD) else { return };
    let hosters: Vec<Hoster> = (0..3).map(|number| internet.hoster(number)).collect();
    hosters[1].join(&hosters[0]);
    hosters[2].join(&hosters[1]);
    let domains = ["h0.example", "h1.example", "h2.example"];
    for hoster in &hosters {
        hoster.sees(&domains);
    }
    let bee = hosters[0].operator(internet.machine(3, "h0.example"));
    bee.machine.sees(&domains);
    bee.machine.edit("name=Before");
    hosters[2].sees_name("h0.example", "Before");

    // The laptop is in a train.
    internet.part(3);
    bee.machine.edit("legal.form=cooperative");
    bee.machine.edit("name=From the train");
    hosters[0].edit("energy=renewable");
    hosters[0].edit("name=From the office");
    hosters[2].sees_name("h0.example", "From the office");
    eventually("the connections are given up", || bee.machine.connected() == 0);
    assert_eq!(bee.machine.listing_of("h0.example")["name"], "From the train");

    internet.heal();
    let healed = Instant::now();
    let all: Vec<&Hoster> = hosters.iter().chain([&bee.machine]).collect();
    for hoster in &all {
        eventually("both edits are seen", || {
            let listing = hoster.listing_of("h0.example");
            listing["legal_form"] == "cooperative" && listing["energy"] == "renewable"
        });
    }
    note(&format!("two parted operators agreed {:?} after the link was mended", healed.elapsed()));
    let shown = |hoster: &Hoster| hoster.ask(&["directory", "show", "h0.example"]);
    let name = shown(&hosters[0])["name"].clone();
    for hoster in &all {
        let listing = shown(hoster);
        assert_eq!(listing["name"], name, "one of the two, and everywhere the same");
        let mut both = vec![name.clone(), listing["also_written"]["name"][0].clone()];
        both.sort_by_key(ToString::to_string);
        assert_eq!(both, ["From the office", "From the train"], "the other is told");
    }

    // Somebody finds the laptop.
    internet.part(3);
    hosters[0].ask(&["operator", "remove", &bee.key]);
    bee.machine.edit("name=Stolen");
    internet.heal();
    eventually("it hears that it is dismissed", || bee.roles().is_empty());
    hosters[0].edit("name=Ours");
    for hoster in &all {
        hoster.sees_name("h0.example", "Ours");
        let listing = shown(hoster);
        assert!(!listing.to_string().contains("Stolen"), "{listing}");
        assert_eq!(
            (&listing["legal_form"], &listing["energy"]),
            (&"cooperative".into(), &"renewable".into())
        );
    }
}

fn own_key(hoster: &Hoster) -> String {
    let keys = hoster.ask(&["operator", "list"]);
    let here = keys.as_array().expect("an array").iter().find(|key| key["here"] == true);
    here.expect("its own key")["key"].as_str().expect("a text").to_owned()
}
