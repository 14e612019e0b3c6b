//! A peer that is not essaim: a bare libp2p swarm that speaks as much of the protocols as a test needs.

use std::time::Duration;

use essaim_network::{Limits, PeerKey};
use futures::StreamExt;
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, ValidationMode, Version};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent, behaviour::toggle::Toggle};
use libp2p::{Multiaddr, Swarm, SwarmBuilder, ping};

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
