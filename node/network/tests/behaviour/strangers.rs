//! A peer that is not essaim: a bare libp2p swarm that speaks as much of the protocols as a test needs.

use std::time::Duration;

use essaim_network::{Limits, PeerKey};
use futures::StreamExt;
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, ValidationMode, Version};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent, behaviour::toggle::Toggle};
use libp2p::{Multiaddr, Swarm, SwarmBuilder, ping};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Peer, description, key, quick, soon};

#[derive(NetworkBehaviour)]
struct Stranger {
    ping: ping::Behaviour,
    gossip: Toggle<gossipsub::Behaviour>,
}

/// Listens on a free port of loopback.
async fn stranger(number: u8, gossip: Option<gossipsub::Behaviour>) -> (Swarm<Stranger>, Multiaddr) {
    let mut seed = [number; 32];
    let pair = libp2p::identity::Keypair::ed25519_from_bytes(&mut seed).unwrap();
    let behaviour = Stranger { ping: ping::Behaviour::default(), gossip: gossip.into() };
    let mut swarm = SwarmBuilder::with_existing_identity(pair)
        .with_tokio()
        .with_quic()
        .with_behaviour(|_| behaviour)
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
        .build();
    swarm.listen_on("/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap()).unwrap();
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = soon(swarm.select_next_some()).await {
            return (swarm, address);
        }
    }
}

fn gossip() -> gossipsub::Behaviour {
    let config = gossipsub::ConfigBuilder::default()
        .protocol_id("/essaim/gossip/1", Version::V1_1)
        .validation_mode(ValidationMode::Anonymous)
        .heartbeat_interval(Duration::from_millis(100))
        .build()
        .unwrap();
    gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, config).unwrap()
}

async fn dial(ann: &Peer, peer: PeerKey, address: &Multiaddr) {
    soon(ann.handle.dial(peer, &[address.to_string().parse().unwrap()])).await.unwrap();
}

#[tokio::test]
async fn r19_a_connection_without_subscriptions_is_healed() {
    let grace = Duration::from_millis(200);
    let mut ann = Peer::with(description(1, Limits { subscription_grace: grace, ..quick() })).await;
    // What a lost hello looks like: it speaks gossip, and has told no topic.
    let (mut stranger, address) = stranger(2, Some(gossip())).await;
    let mut closed = 0;
    let run = async move {
        loop {
            match stranger.select_next_some().await {
                SwarmEvent::ConnectionClosed { .. } => {
                    closed += 1;
                    let gossip = stranger.behaviour_mut().gossip.as_mut().unwrap();
                    gossip.subscribe(&IdentTopic::new("/essaim/1/changes")).unwrap();
                }
                SwarmEvent::Behaviour(StrangerEvent::Gossip(gossipsub::Event::Subscribed { .. }))
                    if closed > 0 =>
                {
                    return closed;
                }
                _ => {}
            }
        }
    };
    let heal = async {
        dial(&ann, key(2), &address).await;
        ann.connected(key(2)).await;
        ann.disconnected(key(2)).await;
        ann.connected(key(2)).await;
        ann.subscribed(key(2)).await;
    };
    let (closed, ()) = soon(async { tokio::join!(run, heal) }).await;
    assert_eq!((closed, ann.handle.counts().subscription_bounces), (1, 1));
}

#[tokio::test]
async fn connections_per_peer_bounds_what_one_peer_may_open() {
    let ann = Peer::with(description(1, Limits { connections_per_peer: 2, ..quick() })).await;
    let (mut stranger, _) = stranger(2, None).await;
    for _ in 0..3 {
        let address = ann.quic().to_string().parse::<Multiaddr>().unwrap();
        let opts = DialOpts::peer_id(ann.key().to_string().parse().unwrap());
        stranger.dial(opts.condition(PeerCondition::Always).addresses(vec![address]).build()).unwrap();
    }
    let refused = async {
        while ann.handle.counts().connections_refused == 0 {
            ann.handle.peers().await.unwrap();
        }
    };
    tokio::select! {
        () = soon(refused) => {}
        () = async { loop { stranger.select_next_some().await; } } => {}
    }
    assert_eq!(ann.handle.peers().await.unwrap()[0].connections, 2);
}

#[tokio::test]
async fn connection_setup_ends_who_says_nothing() {
    let ann =
        Peer::with(description(1, Limits { connection_setup: Duration::from_millis(200), ..quick() })).await;
    let mut silent = tokio::net::TcpStream::connect(ann.listening).await.unwrap();
    let mut heard = Vec::new();
    // It is told our protocols, then closed.
    let _ = soon(silent.read_to_end(&mut heard)).await;
    soon(async {
        while ann.handle.counts().connections_refused == 0 {
            ann.handle.peers().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn nonsense_instead_of_a_handshake_harms_nobody() {
    let ann = Peer::start(1).await;
    let nonsense: Vec<u8> =
        (0..64 << 10).map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let udp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for place in [ann.listening, ann.handle.bulk_address()] {
        for piece in nonsense.chunks(1200) {
            udp.send_to(piece, place).await.unwrap();
        }
    }
    let mut tcp = tokio::net::TcpStream::connect(ann.listening).await.unwrap();
    let _ = tcp.write_all(&nonsense).await;
    let _ = soon(tcp.read_to_end(&mut Vec::new())).await;
    let mut bob = Peer::start(2).await;
    bob.dial(&ann).await;
    bob.connected(ann.key()).await;
}

#[tokio::test]
async fn connection_idle_ends_what_nobody_uses_and_gossip_is_not_expected_of_who_has_none() {
    let limits = Limits {
        connection_idle: Duration::from_millis(300),
        subscription_grace: Duration::ZERO,
        subscription_cooldown: Duration::ZERO,
        ..quick()
    };
    let mut ann = Peer::with(description(1, limits)).await;
    let (mut stranger, address) = stranger(2, None).await;
    let run = async move {
        loop {
            if let SwarmEvent::ConnectionClosed { .. } = stranger.select_next_some().await {
                return;
            }
        }
    };
    let idle = async {
        dial(&ann, key(2), &address).await;
        ann.connected(key(2)).await;
        ann.disconnected(key(2)).await;
    };
    soon(async { tokio::join!(run, idle) }).await;
    assert!(ann.handle.counts().subscription_bounces <= 1, "at most before it was known");
    assert_eq!(
        Limits::default().connection_idle,
        Duration::from_secs(600),
        "libp2p's 10 s lose links outside the mesh"
    );
}
