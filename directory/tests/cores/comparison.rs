//! Comparisons that take place when they should, and go on when a peer does not.

use std::collections::BTreeMap;
use std::time::Duration;

use essaim_directory::message::{Answer, Name, Request};
use essaim_directory::{Directory, Input, Origin, Output, Policy};
use essaim_identity::PublicKey;
use essaim_types::{ListingId, Timestamp};

use crate::net::{Keys, Net, key};

const START: Timestamp = Timestamp(1_800_000_000_000);

/// What is asked, of whom, under which name.
fn questions(outputs: &[Output]) -> Vec<(PublicKey, u64, Request)> {
    let question = |output: &Output| match output {
        Output::Ask { peer, ask, request } => Some((*peer, *ask, Request::parse(request)?)),
        _ => None,
    };
    outputs.iter().filter_map(question).collect()
}

fn answer(core: &mut Directory, now: Timestamp, ask: u64, answer: &Answer) -> Vec<Output> {
    core.handle(now, Input::Answered { ask, answer: answer.to_bytes() })
}

fn connected(peers: usize) -> (Directory, Vec<(PublicKey, u64, Request)>) {
    let mut core = Directory::new(Policy::default(), [1; 32]);
    let peers = (0..peers).map(|at| key(&format!("peer {at}")).public());
    let out: Vec<Output> = peers.flat_map(|peer| core.handle(START, Input::Connected(peer))).collect();
    let asked = questions(&out);
    (core, asked)
}

/// With 5 % of all questions lost and half the nodes mute, a few of 10,000 nodes waited a quarter of an hour for an update: each of the 32
/// neighbours who said "the same" at the start had doubled the time until the next comparison.
#[test]
fn neighbours_who_hold_the_same_do_not_put_off_the_next_comparison() {
    let (mut core, asked) = connected(32);
    assert_eq!(asked.len(), 32);
    for (_, ask, _) in asked {
        answer(&mut core, START, ask, &Answer::Same);
    }
    let mut rounds = Vec::new();
    for tick in 0..360 {
        let now = START.after(Duration::from_secs(10 * tick));
        for (_, ask, _) in questions(&core.handle(now, Input::Tick)) {
            rounds.push(now);
            answer(&mut core, now, ask, &Answer::Same);
        }
    }
    let longest = rounds.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap();
    assert!(longest <= Duration::from_secs(100), "{longest:?} between two");
    assert!((50..80).contains(&rounds.len()), "{} in an hour", rounds.len());
}

#[test]
fn a_comparison_that_breaks_off_begins_again_with_another_peer_at_once() {
    let (mut core, asked) = connected(3);
    asked.iter().for_each(|(_, ask, _)| drop(answer(&mut core, START, *ask, &Answer::Same)));
    let first = questions(&core.handle(START, Input::Tick));
    let [(silent, ask, Request::Root(_))] = first.as_slice() else { panic!("{first:?}") };
    let second = questions(&core.handle(START, Input::Unanswered { ask: *ask }));
    let [(other, ask, Request::Root(_))] = second.as_slice() else { panic!("{second:?}") };
    assert_ne!(silent, other);
    // It differs, and then the peer says that it was asked too much, which is no answer to this question.
    let third = questions(&answer(&mut core, START, *ask, &Answer::Buckets(vec![7; 2_048].into())));
    let [(same, ask, Request::Summaries { .. })] = third.as_slice() else { panic!("{third:?}") };
    assert_eq!(same, other);
    let fourth = questions(&answer(&mut core, START, *ask, &Answer::Same));
    assert!(matches!(fourth.as_slice(), [(peer, _, Request::Root(_))] if peer != other), "{fourth:?}");
    // A connection that ends leaves a question open too.
    let fifth = questions(&core.handle(START, Input::Disconnected(fourth[0].0)));
    assert!(matches!(fifth.as_slice(), [(peer, _, Request::Root(_))] if *peer != fourth[0].0), "{fifth:?}");
}

#[test]
fn peers_who_never_answer_are_asked_four_times_a_round() {
    let (mut core, asked) = connected(32);
    asked.iter().for_each(|(_, ask, _)| drop(core.handle(START, Input::Unanswered { ask: *ask })));
    let mut count = 0;
    for tick in 0..360 {
        let now = START.after(Duration::from_secs(10 * tick));
        let mut open = questions(&core.handle(now, Input::Tick));
        while let Some((_, ask, _)) = open.pop() {
            count += 1;
            open.extend(questions(&core.handle(now, Input::Unanswered { ask })));
        }
    }
    assert!((200..320).contains(&count), "{count} in an hour");
}

#[test]
fn who_is_asked_and_holds_something_else_asks_back_but_not_for_every_question() {
    let (mut core, asked) = connected(2);
    let (peer, ..) = asked[0];
    asked.iter().for_each(|(_, ask, _)| drop(answer(&mut core, START, *ask, &Answer::Same)));
    let later = START.after(Duration::from_secs(60));
    let ask = |core: &mut Directory, from, root| {
        questions(
            &core.handle(later, Input::Asked { from, ticket: 0, request: Request::Root(root).to_bytes() }),
        )
    };
    let back = ask(&mut core, peer, [7; 32]);
    assert!(matches!(back.as_slice(), [(to, _, Request::Root(_))] if *to == peer), "{back:?}");
    let Request::Root(ours) = back[0].2 else { panic!("{back:?}") };
    answer(&mut core, later, back[0].1, &Answer::Same);
    assert_eq!(ask(&mut core, peer, [8; 32]), [], "just compared");
    assert_eq!(ask(&mut core, asked[1].0, ours), [], "nothing differs");
    assert_eq!(ask(&mut core, key("stranger").public(), [7; 32]), [], "no connection");
}

/// What a newcomer is told by four peers at one time is 100 listings, not four times 100.
#[test]
fn a_newcomer_with_many_peers_asks_for_each_listing_once() {
    let (mut core, asked) = connected(4);
    let listings: Vec<ListingId> =
        (0..100).map(|at| ListingId::from_bytes(*blake3::hash(&[at]).as_bytes())).collect();
    let mut open = Vec::new();
    for (_, ask, _) in asked {
        open.extend(questions(&answer(&mut core, START, ask, &Answer::Buckets(vec![7; 2_048].into()))));
    }
    let mut told: BTreeMap<ListingId, usize> = BTreeMap::new();
    let mut waiting = Vec::new();
    for (_, ask, question) in open {
        assert!(matches!(question, Request::Summaries { .. }));
        let summary =
            |listing: &ListingId| essaim_directory::message::Summary { listing: *listing, digest: [1; 16] };
        let mut summaries: Vec<_> = listings.iter().map(summary).collect();
        summaries.sort_by_key(|summary| summary.listing);
        waiting.extend(questions(&answer(
            &mut core,
            START,
            ask,
            &Answer::Summaries { summaries, next: None },
        )));
    }
    for (_, _, question) in &waiting {
        let Request::Records(names) = question else { panic!("{question:?}") };
        names.iter().for_each(|Name(listing)| *told.entry(*listing).or_default() += 1);
    }
    assert_eq!((told.len(), told.values().max()), (100, Some(&1)));
    // Who was asked goes away: another is asked for the same.
    let next = questions(&core.handle(START, Input::Disconnected(waiting[0].0)));
    let again: usize = next
        .iter()
        .filter_map(|(_, _, question)| match question {
            Request::Records(names) => Some(names.len()),
            _ => None,
        })
        .sum();
    assert_eq!(again, 100);
}

#[test]
fn a_restored_node_whose_first_questions_were_lost_asks_again() {
    let net = Net::started(&["a", "b", "c", "d"]);
    let keys = Keys::new("a");
    let mut core = Directory::load(Policy::default(), [2; 32], net.nodes[0].disk(), net.now);
    core.adopt(net.now, keys.id(), key("a"), Origin::Existing);
    let mut lost = Vec::new();
    for at in 1..4 {
        lost.extend(questions(&core.handle(net.now, Input::Connected(net.nodes[at].keys.node.public()))));
    }
    for (_, ask, _) in lost {
        core.handle(net.now, Input::Unanswered { ask });
    }
    assert!(core.is_restoring());
    let asked = questions(&core.handle(net.now.after(Duration::from_secs(30)), Input::Tick));
    let own =
        |question: &Request| matches!(question, Request::Records(names) if names.contains(&Name(keys.id())));
    let mut told = 0;
    for (_, ask, _) in asked.iter().filter(|(_, _, question)| own(question)) {
        told += 1;
        answer(&mut core, net.now, *ask, &Answer::Records { records: Vec::new(), complete: 1 });
    }
    assert_eq!(told, 3);
    assert!(!core.is_restoring());
}
