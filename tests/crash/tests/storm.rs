//! kill -9 in the middle of a storm, again and again: what was answered for is there exactly once.

use std::sync::atomic::{AtomicUsize, Ordering};

use essaim_crash::check::{Memory, keywords_are_kept};
use essaim_crash::ledger::Ledger;
use essaim_crash::storm::Storm;
use essaim_harness::generate::Random;
use essaim_harness::tools::{long_form, note};
use essaim_harness::{Account, Node, node};

#[test]
fn every_promise_survives_kill_9() {
    let rounds = if long_form() { 200 } else { 20 };
    let mut node = Node::start();
    let accounts: Vec<Account> =
        (0..3).map(|number| node.add_account(&format!("m{number}@a.test"))).collect();
    node.imap(&accounts[0]).and_then(|mut imap| imap.ok("CREATE storm")).expect("a folder");
    let ledger = Ledger::default();
    let mut memory = Memory::default();
    let mut random = Random::new(20);
    for round in 0..rounds {
        let storm = Storm { round, accounts: &accounts, ledger: &ledger, raging: AtomicUsize::new(0) };
        std::thread::scope(|scope| {
            storm.rage(scope, &node);
            let answers = 1 + random.below(150);
            let raged = ledger.wait_for(answers, || storm.raging.load(Ordering::SeqCst) > 0);
            assert!(raged, "the storm ended by itself before {answers} answers");
            node.kill();
        });
        verify(&node);
        if round % 4 == 3 {
            // Power fails again while it starts.
            node.kill_while_starting(random.below(60));
            verify(&node);
        }
        node.restart();
        let there = memory.look(&node, &accounts, &ledger);
        keywords_are_kept(&node, &accounts[0], &ledger);
        let answers = ledger.entries().answers;
        note(&format!(
            "round {} of {rounds}: {there} messages, {answers} answers kept, start-up {:?}",
            round + 1,
            node.start_up()
        ));
    }
    assert!(node.stop().success(), "an orderly end after all of it");
    verify(&node);
}

#[test]
fn an_index_that_is_lost_is_built_again() {
    let mut node = Node::start();
    let accounts = [node.add_account("m0@a.test")];
    node.imap(&accounts[0]).and_then(|mut imap| imap.ok("CREATE storm")).expect("a folder");
    let (ledger, mut memory) = (Ledger::default(), Memory::default());
    let storm = Storm { round: 0, accounts: &accounts, ledger: &ledger, raging: AtomicUsize::new(0) };
    std::thread::scope(|scope| {
        storm.rage(scope, &node);
        assert!(ledger.wait_for(100, || storm.raging.load(Ordering::SeqCst) > 0));
        node.kill();
    });
    node.restart();
    memory.look(&node, &accounts, &ledger);
    node.stop();
    let rebuilt = node.essaim(&["store", "rebuild-index"], "");
    assert!(rebuilt.status.success(), "{}", node::text(&rebuilt));
    verify(&node);
    node.restart();
    memory.look(&node, &accounts, &ledger);
}

/// `essaim store verify --json` finds nothing wrong.
fn verify(node: &Node) {
    let output = node.essaim(&["store", "verify", "--json"], "");
    assert!(output.status.success(), "store verify: {}", node::text(&output));
    let report: Result<serde_json::Value, _> = serde_json::from_slice(&output.stdout);
    assert!(report.is_ok(), "store verify --json wrote no JSON: {}", node::text(&output));
}
