//! R13 on real nodes: a newcomer whose only peer keeps others from it hears of them from two web servers.

use std::path::Path;

use essaim_federation::{Hoster, eventually};
use serde_json::Value;

/// What a hoster's web server tells, in a file, as an argument of the command.
fn told(by: &Hoster, directory: &Path) -> String {
    let file = directory.join(format!("{}.cbor", by.domain));
    std::fs::write(&file, by.get_bytes("/directory/bundle")).expect("a file");
    format!("{}={}", by.domain, file.display())
}

fn listings(of: &Value) -> usize {
    of.as_array().expect("an array").len()
}

#[test]
fn r13_two_web_servers_tell_a_newcomer_whom_its_peer_keeps_from_it() {
    let [a, b, c, sly, newcomer] = ["a", "b", "c", "sly", "newcomer"].map(Hoster::start);
    b.join(&a);
    c.join(&a);
    let others = ["a.test", "b.test", "c.test"];
    a.sees(&others);
    b.sees(&others);
    newcomer.join(&sly);
    newcomer.sees(&["newcomer.test", "sly.test"]);

    let home = tempfile::tempdir().expect("a directory");
    let (from_a, from_b) = (told(&a, home.path()), told(&b, home.path()));
    let command = ["directory", "compare", &from_a, &from_b];
    let warned = newcomer.checks_failed(&command);
    assert_eq!((warned["outcome"].as_str(), listings(&warned["missing"])), (Some("kept"), 3), "{warned}");
    assert_eq!(warned["missing"][0]["told_by"], serde_json::json!(["a.test", "b.test"]));
    assert_eq!(listings(&warned["unheard"]), 2, "of itself and its peer nobody has heard");

    // With one of them as a peer nothing is missing any more; it works without the node, too.
    newcomer.join(&a);
    newcomer.sees(&["a.test", "b.test", "c.test", "newcomer.test", "sly.test"]);
    eventually("nothing is missing", || newcomer.node.essaim(&command, "").status.success());
    let mut newcomer = newcomer;
    assert!(newcomer.node.stop().success());
    assert_eq!(listings(&newcomer.ask(&command)["missing"]), 0);

    // One witness is none, and a name of this machine has no web server.
    let refused = newcomer.node.essaim(&["directory", "compare", &from_a, "b.test", "--json"], "");
    assert_eq!(refused.status.code(), Some(1));
    let few: Value = serde_json::from_slice(&refused.stdout).expect("JSON");
    assert_eq!(
        (few["outcome"].as_str(), few["failed"][0]["domain"].as_str()),
        (Some("too-few"), Some("b.test"))
    );
}
