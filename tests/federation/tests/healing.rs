//! R19 on real nodes: a connection over which no topics were told is as good as none, and looks like a good one.

use std::time::{Duration, Instant};

use essaim_federation::mail::pair;
use essaim_federation::rogue::{Link, Rogue};

#[test]
fn r19_a_node_ends_a_connection_without_topics_within_a_minute_and_calls_again() {
    let (a, mut b) = pair("");
    b.node.pin("peer");
    let at = b.node.address("peer");
    assert!(b.node.stop().success());
    // Who answers there is b by its key, speaks gossip, and wants nothing.
    let mut mute = Rogue::without_topics(&b, at);
    mute.waits_for(Link::Made);
    let since = Instant::now();
    mute.waits_for(Link::Ended);
    let healing = since.elapsed();
    assert!(healing > Duration::from_secs(20), "a slow peer has its time: {healing:?}");
    assert!(healing < Duration::from_secs(60), "{healing:?}");
    mute.waits_for(Link::Made);
    assert!(since.elapsed() < Duration::from_secs(60), "and is called again");
    drop(mute);
    // The next call finds the whole b.
    b.node.restart();
    b.edit("name=Whole again");
    a.sees_name("b.test", "Whole again");
}
