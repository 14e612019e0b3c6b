//! Hosters, each in a network of its own, over links that delay, lose and break; their domains are proven by the DNS.

use std::time::{Duration, Instant};

use essaim_federation::internet::{Internet, Weather};
use essaim_federation::{Hoster, eventually};
use essaim_harness::tools::note;

#[test]
fn eight_hosters_find_each_other_are_parted_and_agree_again() {
    let Some(internet) = Internet::with(8, Weather::GOOD) else { return };
    let hosters: Vec<Hoster> = (0..8).map(|number| internet.hoster(number)).collect();
    for number in 1..8 {
        hosters[number].join(&hosters[(number - 1) / 2]);
    }
    let domains: Vec<String> = hosters.iter().map(|hoster| hoster.domain.clone()).collect();
    for hoster in &hosters {
        eventually("all are seen by all", || hoster.directory() == domains);
    }

    internet.change(Weather::HARSH);
    hosters[7].edit("name=The last");
    let edited = Instant::now();
    for hoster in &hosters {
        hoster.sees_name("h7.example", "The last");
    }
    note(&format!(
        "links of 80 to 100 ms that lose 2 %: eight hosters saw an edit within {:?}",
        edited.elapsed()
    ));

    internet.part(4);
    hosters[0].edit("name=On this side");
    hosters[5].edit("name=On the other");
    hosters[3].sees_name("h0.example", "On this side");
    hosters[7].sees_name("h5.example", "On the other");
    // Until the connections across are given up: what comes later does not come out of somebody's buffer.
    for hoster in &hosters {
        eventually("the other half is away", || hoster.connected() < 4);
    }
    assert_ne!(hosters[7].listing_of("h0.example")["name"], "On this side");
    assert_ne!(hosters[3].listing_of("h5.example")["name"], "On the other");
    internet.heal();
    let healed = Instant::now();
    for hoster in &hosters {
        hoster.sees_name("h0.example", "On this side");
        hoster.sees_name("h5.example", "On the other");
    }
    let [delivered, lost, stopped] = internet.packets();
    note(&format!(
        "halves agreed {:?} after the links were mended; packets: {delivered} delivered, {lost} lost, {stopped} stopped",
        healed.elapsed()
    ));
    assert!(healed.elapsed() < Duration::from_secs(120));
    assert!(lost > 0 && stopped > 0, "the weather was not what it should be");
}

#[test]
fn mail_waits_for_a_broken_link_and_arrives_once() {
    let Some(internet) = Internet::with(2, Weather::HARSH) else { return };
    let (sender, host) = (internet.hoster(0), internet.hoster(1));
    sender.join(&host);
    for hoster in [&sender, &host] {
        hoster.sees(&["h0.example", "h1.example"]);
    }
    // Each has asked the DNS for itself; mail knows it a second later, and making members takes longer.
    for (hoster, domain) in [&sender, &host].iter().zip(["h0.example", "h1.example"]) {
        eventually("it has proven itself", || {
            !hoster.ask(&["directory", "show", domain])["domain_proven"].is_null()
        });
    }
    let (alice, bob) = (sender.member("alice"), host.member("bob"));
    let mut inbox = internet.on(1, || bob.inbox(&host));
    let send = |subject: &str| {
        let letter = alice.letter(bob.address(), subject);
        internet.on(0, || alice.send(&sender, &[bob.address()], &letter));
        Instant::now()
    };
    let sent = send("over-a-poor-link");
    inbox.has(1);
    note(&format!("links of 80 to 100 ms that lose 2 %: a first message within {:?}", sent.elapsed()));
    eventually("it went over the channel", || (sender.sent("peer"), sender.sent("mx")) == (1, 0));

    internet.part(1);
    send("while-it-is-broken");
    eventually("it was tried", || sender.queue().iter().any(|entry| entry["attempts"].as_u64() > Some(0)));
    assert_eq!(inbox.count(), 1);
    internet.heal();
    sender.ask(&["queue", "retry"]);
    inbox.has(2);
    eventually("the queue is empty", || sender.queue().is_empty());
    assert_eq!(inbox.count(), 2);
    eventually("both went over the channel", || (sender.sent("peer"), sender.sent("mx")) == (2, 0));
}

#[test]
fn a_node_that_comes_back_from_an_old_copy_over_poor_links_does_not_fork() {
    let Some(internet) = Internet::with(4, Weather::HARSH) else { return };
    let mut hosters: Vec<Hoster> = (0..4).map(|number| internet.hoster(number)).collect();
    for number in 1..4 {
        hosters[number].join(&hosters[number - 1]);
    }
    let domains: Vec<String> = hosters.iter().map(|hoster| hoster.domain.clone()).collect();
    for hoster in &hosters {
        eventually("all are seen by all", || hoster.directory() == domains);
    }
    let old = hosters[0].node.home().join("old");
    assert!(hosters[0].node.stop().success());
    hosters[0].keep_copy(&old);
    hosters[0].node.restart();
    hosters[0].edit("name=Newer than the copy");
    hosters[3].sees_name("h0.example", "Newer than the copy");
    hosters[0].node.kill();
    hosters[0].put_back(&old);
    hosters[0].node.restart();
    hosters[0].edit("legal.form=cooperative");
    for hoster in &hosters {
        eventually("all hear of the edit", || hoster.listing_of("h0.example")["legal_form"] == "cooperative");
        assert_eq!(hoster.listing_of("h0.example")["name"], "Newer than the copy");
        assert_eq!(hoster.ask(&["directory", "show", "h0.example"])["forked"], false);
    }
}
