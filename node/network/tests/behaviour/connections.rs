//! Who is connected with whom.

use std::time::Duration;

use essaim_network::{
    Closed, DialError, Direction, Kept, Limits, Network, NetworkConfig, PeerAddress, StartError,
};
use essaim_types::ByteSize;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::support::{Peer, description, key, quick, soon, start_again};

#[tokio::test]
async fn both_transports_work_and_are_told() {
    let (mut ann, mut bob, mut cid) = (Peer::start(1).await, Peer::start(2).await, Peer::start(3).await);
    soon(ann.handle.dial(bob.key(), &[bob.quic()])).await.unwrap();
    soon(ann.handle.dial(cid.key(), &[cid.tcp()])).await.unwrap();
    ann.connected(bob.key()).await;
    ann.connected(cid.key()).await;
    bob.connected(ann.key()).await;
    cid.connected(ann.key()).await;
    let mut peers = ann.handle.peers().await.unwrap();
    peers.sort_by_key(|peer| peer.address != Some(bob.quic()));
    assert_eq!((peers[0].peer, peers[0].direction), (bob.key(), Direction::Outgoing));
    assert_eq!(peers[1].address, Some(cid.tcp()));
    assert_eq!(bob.handle.peers().await.unwrap()[0].direction, Direction::Incoming);
}

#[tokio::test]
async fn another_key_at_the_address_is_found_out() {
    let (ann, bob) = (Peer::start(1).await, Peer::start(2).await);
    for address in [bob.quic(), bob.tcp()] {
        let refused = soon(ann.handle.dial(key(9), &[address])).await;
        assert_eq!(refused, Err(DialError::WrongPeer { peer: key(9) }));
    }
    assert!(ann.handle.peers().await.unwrap().is_empty());
}

#[tokio::test]
async fn dialling_says_why_it_failed() {
    let ann = Peer::start(1).await;
    assert_eq!(ann.handle.dial(key(2), &[]).await, Err(DialError::NoAddress { peer: key(2) }));
    assert_eq!(ann.handle.dial(ann.key(), &[ann.quic()]).await, Err(DialError::Myself { peer: ann.key() }));
    let gone = Peer::start(3).await;
    let address = gone.tcp();
    gone.handle.shutdown().await;
    let unreachable = soon(ann.handle.dial(key(3), &[address])).await.unwrap_err();
    assert!(matches!(unreachable, DialError::Unreachable { .. }), "{unreachable}");
    assert!(unreachable.is_temporary());
}

#[tokio::test]
async fn a_kept_peer_is_called_again_when_it_comes_back() {
    let mut ann = Peer::start(1).await;
    let bob = Peer::start(2).await;
    let listening = bob.listening;
    assert_eq!(ann.handle.keep(bob.key(), vec![bob.quic(), bob.tcp()]).await, Ok(Kept::Yes));
    ann.connected(key(2)).await;
    bob.handle.shutdown().await;
    drop(bob);
    ann.disconnected(key(2)).await;
    let mut again = description(2, quick());
    again.listen = listening;
    again.config.bulk_port = Some(0);
    let mut bob = Peer::from(start_again(&again).await);
    ann.connected(key(2)).await;
    ann.subscribed(key(2)).await;
    bob.subscribed(key(1)).await;
    ann.publish("you are back").await;
    assert_eq!(bob.accept().await, "you are back");
}

#[tokio::test]
async fn seeds_are_kept() {
    let bob = Peer::start(2).await;
    let mut node = description(1, quick());
    let seed = PeerAddress { peer: bob.key(), address: bob.quic() };
    node.config = NetworkConfig { seeds: vec![seed], ..NetworkConfig::default() };
    let mut ann = Peer::with(node).await;
    ann.connected(bob.key()).await;
    ann.handle.disconnect(bob.key()).await.unwrap();
    ann.disconnected(bob.key()).await;
    ann.connected(bob.key()).await;
    ann.handle.release(bob.key()).await.unwrap();
}

#[tokio::test]
async fn a_blocked_peer_is_refused_both_ways_until_it_is_not() {
    let (mut ann, mut bob) = (Peer::start(1).await, Peer::start(2).await);
    ann.befriend(&mut bob).await;
    ann.handle.block(bob.key()).await.unwrap();
    ann.disconnected(bob.key()).await;
    bob.disconnected(ann.key()).await;
    let refused = ann.handle.dial(bob.key(), &[bob.quic()]).await;
    assert_eq!(refused, Err(DialError::Blocked { peer: bob.key() }));
    // Bob gets through the handshake, then out.
    let _ = soon(bob.handle.dial(ann.key(), &[ann.quic()])).await;
    soon(async {
        while ann.handle.counts().connections_refused == 0 {
            ann.handle.peers().await.unwrap();
        }
    })
    .await;
    assert!(ann.handle.peers().await.unwrap().is_empty());
    ann.handle.unblock(bob.key()).await.unwrap();
    ann.dial(&bob).await;
    ann.connected(bob.key()).await;
}

#[tokio::test]
async fn blocked_peers_bounds_the_list_and_the_oldest_goes() {
    let mut ann = Peer::with(description(1, Limits { blocked_peers: 1, ..quick() })).await;
    let (bob, cid) = (Peer::start(2).await, Peer::start(3).await);
    ann.handle.block(bob.key()).await.unwrap();
    ann.handle.block(cid.key()).await.unwrap();
    ann.dial(&bob).await;
    ann.connected(bob.key()).await;
    assert_eq!(ann.handle.dial(cid.key(), &[cid.quic()]).await, Err(DialError::Blocked { peer: cid.key() }));
}

#[tokio::test]
async fn two_that_call_each_other_at_once_end_up_connected_with_topics() {
    let (mut ann, mut bob) = (Peer::start(1).await, Peer::start(2).await);
    let (there, back) = ([bob.quic()], [ann.quic()]);
    let both = async { tokio::join!(ann.handle.dial(bob.key(), &there), bob.handle.dial(ann.key(), &back)) };
    let (one, two) = soon(both).await;
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    ann.subscribed(bob.key()).await;
    bob.subscribed(ann.key()).await;
    ann.publish("hello").await;
    assert_eq!(bob.accept().await, "hello");
}

#[tokio::test]
async fn a_node_without_topics_expects_none() {
    let silent = |number| {
        let mut node = description(number, Limits { subscription_grace: Duration::ZERO, ..quick() });
        node.topics.clear();
        node
    };
    let (mut ann, bob) = (Peer::with(silent(1)).await, Peer::with(silent(2)).await);
    ann.dial(&bob).await;
    ann.connected(bob.key()).await;
    // Ten of the actor's ticks.
    for _ in 0..10 {
        tokio::time::interval_at(Instant::now() + quick().tick, quick().tick).tick().await;
    }
    assert_eq!(ann.handle.counts().subscription_bounces, 0);
    assert_eq!(ann.handle.peers().await.unwrap().len(), 1);
}

#[tokio::test]
async fn connections_in_bounds_the_strangers() {
    let mut ann = Peer::with(description(1, Limits { connections_in: 1, ..quick() })).await;
    let (bob, cid) = (Peer::start(2).await, Peer::start(3).await);
    bob.dial(&ann).await;
    ann.connected(bob.key()).await;
    let _ = soon(cid.handle.dial(ann.key(), &[ann.tcp()])).await;
    soon(async {
        while ann.handle.counts().connections_refused == 0 {
            ann.handle.peers().await.unwrap();
        }
    })
    .await;
    assert_eq!(ann.handle.peers().await.unwrap().len(), 1);
    // Our own calls have places of their own.
    ann.handle.dial(cid.key(), &[cid.quic()]).await.unwrap();
    ann.connected(cid.key()).await;
}

#[tokio::test]
async fn connections_pending_in_refuses_before_the_handshake() {
    let ann = Peer::with(description(1, Limits { connections_pending_in: 0, ..quick() })).await;
    let bob = Peer::start(2).await;
    for address in [ann.quic(), ann.tcp()] {
        let refused = soon(bob.handle.dial(ann.key(), &[address])).await;
        assert!(matches!(refused, Err(DialError::Unreachable { .. })), "{refused:?}");
    }
    assert_eq!(ann.handle.counts().connections_refused, 2);
}

#[tokio::test]
async fn connections_out_and_pending_out_and_dials_bound_our_calls() {
    let bob = Peer::start(2).await;
    for limits in [
        Limits { connections_pending_out: 0, ..quick() },
        Limits { connections_out: 0, ..quick() },
        Limits { dials: 0, ..quick() },
    ] {
        let ann = Peer::with(description(1, limits)).await;
        let refused = soon(ann.handle.dial(bob.key(), &[bob.quic()])).await;
        assert!(matches!(refused, Err(DialError::Limit { .. })), "{refused:?}");
        ann.handle.shutdown().await;
    }
}

#[tokio::test]
async fn process_memory_stops_connections() {
    let ann = Peer::with(description(1, Limits { process_memory: ByteSize(1), ..quick() })).await;
    let bob = Peer::start(2).await;
    let refused = soon(ann.handle.dial(bob.key(), &[bob.quic()])).await;
    assert!(matches!(refused, Err(DialError::Limit { .. })), "{refused:?}");
    let refused = soon(bob.handle.dial(ann.key(), &[ann.quic()])).await;
    assert!(matches!(refused, Err(DialError::Unreachable { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_and_nothing_stays() {
    let ann = Peer::start(1).await;
    let mut node = description(2, quick());
    node.listen = ann.listening;
    let error = Network::start(node).await.unwrap_err();
    let StartError::Listen { address, source, .. } = error else { panic!("{error}") };
    assert_eq!((address, source.kind()), (ann.listening, std::io::ErrorKind::AddrInUse));
}

#[tokio::test]
async fn after_shutdown_everything_says_closed() {
    let mut ann = Peer::start(1).await;
    ann.handle.shutdown().await;
    ann.handle.shutdown().await;
    assert_eq!(ann.handle.peers().await, Err(Closed));
    assert_eq!(ann.handle.dial(key(2), &[]).await, Err(DialError::Closed(Closed)));
    while soon(ann.events.recv()).await.is_some() {}
}

#[tokio::test]
async fn the_last_handle_ends_the_network() {
    let (ann, mut bob) = (Peer::start(1).await, Peer::start(2).await);
    ann.dial(&bob).await;
    bob.connected(key(1)).await;
    let Peer { handle, mut events, .. } = ann;
    drop(handle);
    while soon(events.recv()).await.is_some() {}
    bob.disconnected(key(1)).await;
}

#[tokio::test]
async fn announced_addresses_are_told_instead_of_those_listened_on() {
    let mut node = description(1, quick());
    let public: essaim_network::Address = "/dns/hoster.example/udp/4001/quic-v1".parse().unwrap();
    node.config.announce = vec![public.clone()];
    let ann = Peer::with(node).await;
    assert_eq!(ann.handle.listen_addresses().await, Ok(vec![public]));
    let mut bob = Peer::start(2).await;
    for _ in 0..2 {
        bob.listening().await;
    }
    let mut told = bob.handle.listen_addresses().await.unwrap();
    told.sort_by_key(ToString::to_string);
    assert_eq!(told, [bob.tcp(), bob.quic()]);
}

/// A program that hangs: its kernel goes on taking bytes, nobody reads them.
#[tokio::test]
async fn ping_timeout_closes_the_connection_of_who_does_not_answer() {
    let often = Limits {
        ping_every: Duration::from_millis(50),
        ping_timeout: Duration::from_millis(300),
        // Nothing else ends it.
        connection_idle: Duration::from_secs(3600),
        subscription_grace: Duration::from_secs(3600),
        ..quick()
    };
    let mut ann = Peer::with(description(1, often)).await;
    let mut bob = Peer::start(3).await;
    ann.befriend(&mut bob).await;
    let (tell, place) = oneshot::channel();
    let (hang, hangs) = oneshot::channel::<()>();
    let (end, ends) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let peer = runtime.block_on(Peer::start(2));
        tell.send(peer.tcp()).unwrap();
        // All of it runs here, until it does not.
        let _ = runtime.block_on(hangs);
        let _ = ends.recv();
    });
    soon(ann.handle.dial(key(2), &[place.await.unwrap()])).await.unwrap();
    ann.connected(key(2)).await;
    soon(async { while ann.handle.peers().await.unwrap().iter().any(|peer| peer.round_trip.is_none()) {} })
        .await;
    hang.send(()).unwrap();
    ann.disconnected(key(2)).await;
    let left = ann.handle.peers().await.unwrap();
    assert_eq!(left.iter().map(|peer| peer.peer).collect::<Vec<_>>(), [key(3)], "who answers stays");
    drop(end);
    thread.join().unwrap();
}
