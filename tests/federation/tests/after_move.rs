//! Mail after a move: to the old address, from whoever writes to it, and in its name.

use std::io::Write;
use std::process::{Output, Stdio};

use essaim_federation::mail::Member;
use essaim_federation::{Hoster, eventually};
use essaim_harness::Account;
use essaim_harness::node::text;
use serde_json::Value;

const HASTE: &str =
    "[limits]\nmessages_per_minute = 0\nrecipients_per_hour = 100000000\nconnections_per_minute = 0\n";

#[test]
fn mail_from_outside_to_the_old_address_lands_at_the_home_as_it_came() {
    let [a, b] = hosters(["a", "b"], HASTE);
    let alice = a.member("alice");
    let there = moves(&a, &b, &alice, "");
    let letter = b"From: x@outside.test\r\nSubject: from outside\r\n\r\n.A dot, and \xc3\xa9\r\n";
    let mut smtp = a.node.smtp().expect("a connection");
    let taken =
        smtp.deliver("x@outside.test", &["Alice+list@a.test"], letter).and_then(|reply| reply.expect(250));
    taken.expect("the old hoster takes it");
    let arrived = there.inbox(&b).has(1).messages().remove(0);
    assert!(arrived.ends_with(letter), "{}", String::from_utf8_lossy(&arrived));
    let trace = String::from_utf8_lossy(&arrived[..arrived.len() - letter.len()]).into_owned();
    assert!(trace.starts_with("Return-Path: <x@outside.test>\r\nReceived: from a.test\r\n"), "{trace}");
    assert_eq!(trace.matches("Return-Path").count(), 1, "{trace}");
    for text in [
        "(federation channel of a.test;",
        "\tby b.test (Essaim)",
        "\tby a.test (Essaim)",
        "for <Alice+list@a.test>",
    ] {
        assert!(trace.contains(text), "no {text:?} in {trace}");
    }
    eventually("the queue is empty", || a.queue().is_empty());
    assert_eq!(there.inbox(&b).count(), 1, "once");
}

/// Hosters of these names, each a peer of the first.
fn hosters<const N: usize>(names: [&str; N], toml: &str) -> [Hoster; N] {
    let hosters = names.map(|name| Hoster::configured(name, toml));
    let mut domains = names.map(|name| format!("{name}.test"));
    domains.sort();
    let domains: Vec<&str> = domains.iter().map(String::as_str).collect();
    for (number, hoster) in hosters.iter().enumerate() {
        hosters[..number].iter().for_each(|earlier| hoster.join(earlier));
    }
    hosters.iter().for_each(|hoster| hoster.sees(&domains));
    hosters
}

/// Moves an account to where it gets the same name, or the one that is given; the member as they are there.
fn moves(from: &Hoster, to: &Hoster, member: &Member, address: &str) -> Member {
    let made = from.ask(&["account", "kit", member.address()]);
    let words: Vec<&str> =
        made["words"].as_array().expect("words").iter().filter_map(Value::as_str).collect();
    moves_with(from, to, member, address, &words.join(" "))
}

fn moves_with(from: &Hoster, to: &Hoster, member: &Member, address: &str, words: &str) -> Member {
    let name = member.address().split_once('@').expect("an address").0;
    let address = if address.is_empty() { format!("{name}@{}", to.domain) } else { address.to_owned() };
    let code =
        to.ask(&["account", "accept", "--address", &address])["code"].as_str().expect("a code").to_owned();
    let mut command = from.node.command();
    command.args(["account", "move", member.address(), "--accept", &code, "--words-stdin", "--json"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the essaim binary can be started");
    child.stdin.take().expect("it reads the words").write_all(words.as_bytes()).expect("it reads the words");
    let moved: Output = child.wait_with_output().expect("it ends");
    assert!(moved.status.success(), "{}", text(&moved));
    Member { account: Account { address, ..member.account.clone() } }
}
