//! Gossip between real nodes.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use essaim_network::{Judged, Limits, PublishError, Verdict};
use tokio::time::Instant;

use crate::support::{Peer, changes, description, quick, soon};

#[tokio::test]
async fn two_nodes_gossip() {
    let (mut ann, mut bob) = (Peer::start(1).await, Peer::start(2).await);
    ann.befriend(&mut bob).await;
    ann.publish("hello").await;
    let message = bob.message().await;
    assert_eq!((message.from, message.topic, &message.bytes[..]), (ann.key(), changes(), &b"hello"[..]));
    assert_eq!(bob.handle.verdict(message.ticket, Verdict::Accept).await, Ok(Judged::Done));
    assert_eq!(bob.handle.counts().gossip_received, 1);
    assert_eq!(ann.handle.counts().gossip_published, 1);
}

#[tokio::test]
async fn anonymous_messages_are_all_delivered() {
    // With gossipsub's default id every anonymous message has the same one, and only the first arrives.
    let (mut ann, mut bob) = (Peer::start(1).await, Peer::start(2).await);
    ann.befriend(&mut bob).await;
    for text in ["one", "two", "three"] {
        ann.publish(text).await;
        assert_eq!(bob.accept().await, text);
    }
}

#[tokio::test]
async fn five_nodes_in_a_line_gossip() {
    let mut line = Vec::new();
    for number in 1..=5 {
        line.push(Peer::start(number).await);
    }
    for number in 1..line.len() {
        let (left, right) = line.split_at_mut(number);
        left.last_mut().unwrap().befriend(&mut right[0]).await;
    }
    line[0].publish("pass it on").await;
    for peer in &mut line[1..] {
        assert_eq!(peer.accept().await, "pass it on");
    }
    line[4].publish("and back").await;
    for peer in line[..4].iter_mut().rev() {
        assert_eq!(peer.accept().await, "and back");
    }
}

/// Ann - Bob - Cid in a line; Bob gives this verdict on the first of two messages.
async fn what_cid_hears_if_bob_says(verdict: Verdict) -> (Bytes, f64) {
    let (mut ann, mut bob, mut cid) = (Peer::start(1).await, Peer::start(2).await, Peer::start(3).await);
    ann.befriend(&mut bob).await;
    bob.befriend(&mut cid).await;
    ann.publish("first").await;
    let message = bob.message().await;
    assert_eq!(bob.handle.verdict(message.ticket, verdict).await, Ok(Judged::Done));
    ann.publish("second").await;
    assert_eq!(bob.accept().await, "second");
    let heard = cid.accept().await;
    let ann_at_bob = bob.handle.peers().await.unwrap().into_iter().find(|peer| peer.peer == ann.key());
    (heard, ann_at_bob.unwrap().score)
}

#[tokio::test]
async fn a_rejected_message_is_not_forwarded_and_costs_its_bringer() {
    let (heard, score) = what_cid_hears_if_bob_says(Verdict::Reject).await;
    assert_eq!(heard, "second");
    assert!(score < 0.0, "{score}");
}

#[tokio::test]
async fn r18_an_ignored_message_is_not_forwarded_and_costs_nobody_anything() {
    let (heard, score) = what_cid_hears_if_bob_says(Verdict::Ignore).await;
    assert_eq!(heard, "second");
    assert!(score >= 0.0, "{score}");
}

#[tokio::test]
async fn a_late_verdict_says_that_it_is_late() {
    let hasty = Limits { gossip_heartbeat: Duration::from_millis(10), ..quick() };
    let (mut ann, mut bob) = (Peer::start(1).await, Peer::with(description(2, hasty)).await);
    ann.befriend(&mut bob).await;
    ann.publish("hello").await;
    let message = bob.message().await;
    // Time has to pass, and nothing tells when: twelve of Bob's heartbeats, and many more to be sure.
    let forgotten = Duration::from_secs(1);
    tokio::time::interval_at(Instant::now() + forgotten, forgotten).tick().await;
    assert_eq!(bob.handle.verdict(message.ticket, Verdict::Accept).await, Ok(Judged::TooLate));
    assert_eq!(bob.handle.counts().gossip_verdict_late, 1);
}

#[tokio::test]
async fn publishing_without_peers_says_so_and_works_once_somebody_is_there() {
    let (mut ann, mut bob) = (Peer::start(1).await, Peer::start(2).await);
    let bytes = Bytes::from_static(b"hello");
    let error = ann.handle.publish(changes(), bytes.clone()).await.unwrap_err();
    assert_eq!(error, PublishError::NoPeers { topic: changes() });
    assert!(error.is_temporary());
    ann.befriend(&mut bob).await;
    ann.handle.publish(changes(), bytes.clone()).await.unwrap();
    assert_eq!(bob.accept().await, bytes);
    let again = ann.handle.publish(changes(), bytes).await.unwrap_err();
    assert_eq!(again, PublishError::Duplicate);
    assert!(!again.is_temporary());
}

#[tokio::test]
async fn what_cannot_be_published_is_refused() {
    let (mut ann, mut bob) = (Peer::start(1).await, Peer::start(2).await);
    ann.befriend(&mut bob).await;
    let limit = Limits::default().gossip_bytes;
    let largest = Bytes::from(vec![7; limit]);
    let larger = Bytes::from(vec![7; limit + 1]);
    let refused = ann.handle.publish(changes(), larger).await;
    assert_eq!(refused, Err(PublishError::TooLarge { size: limit + 1, limit }));
    let unknown = "unknown".parse::<essaim_network::Topic>().unwrap();
    let refused = ann.handle.publish(unknown.clone(), Bytes::new()).await;
    assert_eq!(refused, Err(PublishError::UnknownTopic { topic: unknown }));
    ann.handle.publish(changes(), largest.clone()).await.unwrap();
    assert_eq!(bob.accept().await, largest);
}

#[tokio::test]
async fn gossip_bytes_bounds_what_a_peer_may_bring() {
    // Ann's limit is larger than Bob's, so that Bob sees what his own would not let out.
    let large = Limits { gossip_bytes: 400, ..quick() };
    let small = Limits { gossip_bytes: 100, ..quick() };
    let mut ann = Peer::with(description(1, large)).await;
    let mut bob = Peer::with(description(2, small)).await;
    ann.befriend(&mut bob).await;
    ann.publish(&"x".repeat(101)).await;
    ann.publish("small").await;
    assert_eq!(bob.accept().await, "small");
    assert_eq!(bob.handle.counts().gossip_oversize, 1);
    assert!(bob.handle.peers().await.unwrap()[0].score < 0.0);
}

#[tokio::test]
async fn r11_a_flood_from_one_peer_is_ignored_while_others_pass() {
    let mut bob = Peer::start(1).await;
    let (mut flooder, mut cid) = (Peer::start(2).await, Peer::start(3).await);
    flooder.befriend(&mut bob).await;
    cid.befriend(&mut bob).await;
    let allowed = u64::from(quick().gossip_messages_per_second * quick().gossip_burst_seconds);
    let flood = async {
        let mut sent = 0_u64;
        for number in 0..5_000_u32 {
            let bytes = Bytes::copy_from_slice(&number.to_be_bytes());
            sent += u64::from(flooder.handle.publish(changes(), bytes).await.is_ok());
        }
        sent
    };
    let honest = async {
        for number in 0..20 {
            cid.publish(&format!("honest {number}")).await;
            tokio::task::yield_now().await;
        }
    };
    let listen = async {
        let mut honest = BTreeSet::new();
        while honest.len() < 20 {
            let message = bob.message().await;
            if message.bytes.starts_with(b"honest") {
                assert_eq!(message.from, cid.key());
                honest.insert(message.bytes.clone());
            }
            bob.handle.verdict(message.ticket, Verdict::Accept).await.unwrap();
        }
    };
    let (sent, (), ()) = soon(async { tokio::join!(flood, honest, listen) }).await;
    assert!(sent > 1_000, "the flood was one: {sent}");
    let counts = bob.handle.counts();
    assert!(counts.gossip_over_rate > sent / 2 || counts.gossip_received < sent, "{counts:?}");
    assert!(counts.gossip_over_rate > allowed, "{counts:?}");
    let score =
        bob.handle.peers().await.unwrap().into_iter().find(|peer| peer.peer == flooder.key()).unwrap().score;
    assert!(score >= 0.0, "a rate is our own rule and costs no score: {score}");
}

/// How long each of `count` messages of Cid's takes to be told to Bob's owner, who has a verdict for everything.
async fn waits(cid: &Peer, bob: &mut Peer, round: &str, count: u32) -> Vec<Duration> {
    let mut waits = Vec::new();
    for number in 0..count {
        let text = format!("honest {round} {number}");
        let said = Instant::now();
        cid.publish(&text).await;
        while bob.accept().await != text {}
        waits.push(said.elapsed());
    }
    waits.sort_unstable();
    waits
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_p99_of_others_over_real_connections_less_than_doubles_in_a_flood() {
    const COUNT: u32 = 200;
    // What a message takes on a link of the world, in the middle of the simulation's harsh ones: loopback takes none of it.
    const LINK: Duration = Duration::from_millis(80);
    let limits = Limits { gossip_messages_per_second: 1_000, ..quick() };
    let mut bob = Peer::with(description(1, limits)).await;
    let (mut flooder, mut cid) = (Peer::start(2).await, Peer::start(3).await);
    flooder.befriend(&mut bob).await;
    cid.befriend(&mut bob).await;
    let p99 = |waits: Vec<Duration>| waits[waits.len() * 99 / 100 - 1];
    let mut seen = Vec::new();
    // Others use this machine too: once of five is enough.
    for round in 0..5 {
        let quiet = p99(waits(&cid, &mut bob, &format!("quiet {round}"), COUNT).await);
        let flood = async {
            // 10,000 a second, ten at a time.
            let mut tick = tokio::time::interval(Duration::from_millis(1));
            for number in 0_u64.. {
                tick.tick().await;
                for part in 0..10 {
                    let bytes = [round, number, part].map(u64::to_be_bytes).concat();
                    let _ = flooder.handle.publish(changes(), bytes.into()).await;
                }
            }
        };
        let name = format!("flooded {round}");
        let over = bob.handle.counts().gossip_over_rate;
        let measure = async {
            // From when on it is more than a peer may bring.
            while bob.handle.counts().gossip_over_rate == over {
                bob.accept().await;
            }
            waits(&cid, &mut bob, &name, COUNT).await
        };
        let flooded = tokio::select! {
            waits = soon(measure) => p99(waits),
            () = flood => unreachable!("it goes on"),
        };
        seen.push((quiet, flooded));
        if flooded + LINK < 2 * (quiet + LINK) {
            break;
        }
    }
    let counts = bob.handle.counts();
    println!("p99 without and with a flood: {seen:?}, {} over the rate", counts.gossip_over_rate);
    assert!(counts.gossip_over_rate > 0, "it was a flood: {counts:?}");
    let kept = |(quiet, flooded): &(Duration, Duration)| *flooded + LINK < 2 * (*quiet + LINK);
    assert!(seen.iter().any(kept), "{seen:?}");
}

#[tokio::test]
async fn an_owner_that_does_not_read_costs_messages_and_nothing_else() {
    let full = Limits { events: 8, events_reserve: 4, gossip_messages_per_second: 1000, ..quick() };
    let mut ann = Peer::start(1).await;
    let mut bob = Peer::with(description(2, full)).await;
    ann.befriend(&mut bob).await;
    for number in 0..50 {
        ann.publish(&format!("{number}")).await;
    }
    // The actor still answers, although its owner does not read.
    soon(async {
        while bob.handle.counts().gossip_owner_full < 40 {
            bob.handle.peers().await.unwrap();
        }
    })
    .await;
    // News of peers have a place.
    let cid = Peer::start(3).await;
    cid.dial(&bob).await;
    bob.connected(cid.key()).await;
    assert!(bob.handle.counts().gossip_received <= 8);
}

#[tokio::test]
async fn gossip_queue_bounds_what_waits_for_a_peer() {
    let mut ann = Peer::with(description(1, Limits { gossip_queue: 1, ..quick() })).await;
    let mut bob = Peer::start(2).await;
    ann.befriend(&mut bob).await;
    let bytes = |number: u32| Bytes::from(number.to_be_bytes().repeat(1000));
    let messages = (0..200).map(|number| ann.handle.publish(changes(), bytes(number)));
    let outcomes = soon(futures::future::join_all(messages)).await;
    let full = Err(PublishError::QueuesFull { peers: 1 });
    let count = outcomes.iter().filter(|outcome| **outcome == full).count();
    assert!(count > 0 && count < 200, "{count} of 200");
    // gossipsub has noted it all the same.
    let first = u32::try_from(outcomes.iter().position(|outcome| *outcome == full).unwrap()).unwrap();
    assert_eq!(ann.handle.publish(changes(), bytes(first)).await, Err(PublishError::Duplicate));
    assert!(PublishError::QueuesFull { peers: 1 }.is_temporary());
}

#[tokio::test]
async fn the_owners_esteem_counts() {
    let (mut ann, mut bob) = (Peer::start(1).await, Peer::start(2).await);
    ann.befriend(&mut bob).await;
    ann.handle.esteem(bob.key(), 20.0).await.unwrap();
    let score = ann.handle.peers().await.unwrap()[0].score;
    assert!((20.0..21.0).contains(&score), "{score}");
}

#[tokio::test]
async fn a_topic_that_is_not_ours_is_not_followed() {
    let mut other = description(1, quick());
    other.topics = vec!["elsewhere".parse().unwrap(), changes()];
    let mut ann = Peer::with(other).await;
    let mut bob = Peer::start(2).await;
    ann.befriend(&mut bob).await;
    let elsewhere = "elsewhere".parse::<essaim_network::Topic>().unwrap();
    let refused = ann.handle.publish(elsewhere.clone(), Bytes::from_static(b"x")).await;
    assert_eq!(refused, Err(PublishError::NoPeers { topic: elsewhere }));
    let topics = bob.handle.peers().await.unwrap()[0].topics.clone();
    assert!(topics.iter().all(|topic| *topic == changes()), "{topics:?}");
}

#[tokio::test]
async fn news_of_listening_comes_with_the_chosen_port() {
    let mut ann = Peer::start(1).await;
    let port = ann.listening.port();
    assert_ne!(port, 0);
    for _ in 0..2 {
        let address = ann.listening().await;
        assert_eq!(address.port(), port, "UDP and TCP have one port");
    }
}
