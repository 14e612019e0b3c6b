//! A node asks its neighbours how it looks from outside.

use std::net::{SocketAddr, TcpListener};

use essaim_federation::{Hoster, eventually};
use serde_json::{Value, json};

/// What a check says, by its id.
fn check<'a>(answer: &'a Value, id: &str) -> &'a Value {
    let checks = answer["checks"].as_array().expect("an array");
    checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no check {id}: {answer:#}"))
}

fn looked(answer: &Value) -> usize {
    let hosters = answer["hosters"].as_array().expect("an array");
    hosters.iter().filter(|hoster| hoster["looked"] == true).count()
}

/// The node tells its peers another port for a service, as a router would that passes it on to another machine.
fn pass_on(hoster: &Hoster, service: &str, to: SocketAddr) {
    let file = hoster.node.data_dir().join("run/ports.json");
    let mut ports: Value = serde_json::from_slice(&std::fs::read(&file).expect("ports.json")).expect("JSON");
    ports[service] = json!(to.to_string());
    std::fs::write(&file, ports.to_string()).expect("ports.json can be written");
}

/// Two hosters who see each other as proven.
fn neighbours() -> (Hoster, Hoster) {
    let (a, b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    a.sees(&["a.test", "b.test"]);
    b.sees(&["a.test", "b.test"]);
    for (hoster, other) in [(&a, &b), (&b, &a)] {
        eventually("the addresses of nodes are in the listings", || {
            hoster.listing_of(&other.domain)["addresses"].as_array().is_some_and(|all| !all.is_empty())
        });
    }
    (a, b)
}

#[test]
fn a_neighbour_sees_every_door_and_keeps_what_it_saw() {
    let (a, b) = neighbours();
    a.node.add_account("postmaster@a.test");
    let answer = a.ask(&["doctor", "--from-peers"]);
    assert_eq!((looked(&answer), answer["ok"].as_bool()), (1, Some(true)), "{answer:#}");
    for service in ["smtp", "submission", "submissions", "imap", "imaps", "peer-tcp", "peer-quic"] {
        assert_eq!(check(&answer, &format!("port.{service}"))["verdict"], "well", "{service}: {answer:#}");
    }
    assert_eq!(check(&answer, "smtp.postmaster")["verdict"], "well");
    assert_eq!(check(&answer, "clock")["verdict"], "well");
    // Self-signed: good enough between nodes of one machine.
    assert_eq!(check(&answer, "tls.imaps")["verdict"], "warning");
    assert_eq!(check(&answer, "tls.imaps")["seen_by"], json!(["b.test"]));

    // The observer has asked itself: what the listing says is probed there, and others are told what was seen.
    let field = |hoster: &Hoster, name: &str| {
        let shown = hoster.ask(&["directory", "show", "a.test"]);
        let fields = shown["fields"].as_array().expect("an array").iter();
        fields.clone().find(|field| field["field"] == name).map(|field| field["source"].clone())
    };
    assert_eq!(field(&b, "address.1"), Some(json!("probed")));
    assert_eq!(field(&b, "service.mail"), Some(json!("probed")));
    assert_eq!(field(&b, "name"), Some(json!("declared")));
    assert_eq!(field(&a, "address.1"), Some(json!("declared")), "nobody proves himself");
    let c = Hoster::start("c");
    c.join(&b);
    c.sees(&["a.test", "b.test", "c.test"]);
    eventually("c hears from b what it saw of a", || {
        let seen = c.ask(&["directory", "show", "a.test"])["seen_from_outside"].clone();
        seen[0]["by"] == "b.test" && seen[0]["doors"].as_array().is_some_and(|doors| doors.len() == 7)
    });
    assert_eq!(field(&c, "address.1"), Some(json!("declared")), "hearsay makes nothing probed");
}

#[test]
fn a_neighbour_sees_a_closed_port_a_wrong_certificate_and_a_missing_postmaster() {
    let (a, b) = neighbours();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    pass_on(&a, "imap", closed);
    // The other hoster's ports: its certificate is for another name, and it takes no mail for this domain.
    pass_on(&a, "imaps", b.node.address("imaps"));
    pass_on(&a, "smtp", b.node.address("smtp"));
    // Something that is no mail server.
    pass_on(&a, "submission", a.node.address("imap"));
    let answer = a.checks_failed(&["doctor", "--from-peers", "--peers", "2"]);
    assert_eq!(answer["ok"], false);
    for id in ["port.imap", "tls.imaps", "smtp.postmaster", "port.submission"] {
        let check = check(&answer, id);
        assert_eq!(check["verdict"], "wrong", "{id}: {answer:#}");
        assert!(!check["todo"].as_str().expect("text").is_empty(), "{id} does not say what to do");
    }
    assert!(check(&answer, "port.imap")["message"].as_str().expect("text").contains("is closed"));
    assert!(check(&answer, "tls.imaps")["message"].as_str().expect("text").contains("is not for a.test"));
    assert_eq!(check(&answer, "port.imaps")["verdict"], "well");
    assert_eq!(check(&answer, "port.submissions")["verdict"], "well");
}

#[test]
fn without_neighbours_it_says_how_to_get_one() {
    let a = Hoster::start("a");
    assert!(a.refusal(&["doctor", "--from-peers"]).contains("no other hoster's node is connected"));
}

#[test]
fn r22_a_neighbour_looks_a_few_times_an_hour_and_no_more() {
    let (a, _b) = neighbours();
    a.node.add_account("postmaster@a.test");
    for _ in 0..6 {
        assert_eq!(looked(&a.ask(&["doctor", "--from-peers"])), 1);
    }
    let answer = a.checks_failed(&["doctor", "--from-peers"]);
    assert_eq!(looked(&answer), 0);
    assert!(answer["hosters"][0]["why"].as_str().expect("text").contains("often enough"));
}
