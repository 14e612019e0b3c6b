//! The libp2p behaviours of a node, put together, and the settings of each with their reasons.

use std::collections::HashMap;

use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{
    self, ConfigBuilder, IdentTopic, IdentityTransform, MaxCountSubscriptionFilter, MessageAuthenticity,
    MessageId, PeerScoreParams, PeerScoreThresholds, TopicHash, TopicScoreParams, ValidationMode, Version,
    WhitelistSubscriptionFilter,
};
use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p::{identify, memory_connection_limits, ping, request_response};

use crate::crowd;
use crate::error::StartError;
use crate::label::Topic;
use crate::limits::Limits;
use crate::request::{Codec, PROTOCOL};

/// Gossip that only knows our topics.
type Gossip =
    gossipsub::Behaviour<IdentityTransform, MaxCountSubscriptionFilter<WhitelistSubscriptionFilter>>;

/// The order matters: what refuses connections is asked first, before any of the others makes something for one.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) limits: connection_limits::Behaviour,
    pub(crate) crowd: crowd::Behaviour,
    pub(crate) memory: memory_connection_limits::Behaviour,
    pub(crate) blocked: allow_block_list::Behaviour<BlockedPeers>,
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
    pub(crate) gossip: Gossip,
    pub(crate) requests: request_response::Behaviour<Codec>,
}

impl Behaviour {
    pub(crate) fn new(pair: &Keypair, topics: &[Topic], limits: &Limits) -> Result<Self, StartError> {
        Ok(Self {
            limits: connection_limits::Behaviour::new(connection_limits(limits)),
            crowd: crowd::Behaviour::new(limits.connections_per_host),
            memory: memory_connection_limits::Behaviour::with_max_bytes(limits.process_memory.as_usize()),
            blocked: allow_block_list::Behaviour::default(),
            identify: identify::Behaviour::new(identify(pair)),
            ping: ping::Behaviour::new(
                ping::Config::new().with_interval(limits.ping_every).with_timeout(limits.ping_timeout),
            ),
            gossip: gossip(topics, limits).map_err(|error| StartError::Gossip(error.to_string()))?,
            requests: requests(limits),
        })
    }
}

/// The topic's name on the wire.
pub(crate) fn ident_topic(topic: &Topic) -> IdentTopic {
    IdentTopic::new(format!("/essaim/1/{topic}"))
}

fn connection_limits(limits: &Limits) -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits.connections_pending_in))
        .with_max_pending_outgoing(Some(limits.connections_pending_out))
        .with_max_established_incoming(Some(limits.connections_in))
        .with_max_established_outgoing(Some(limits.connections_out))
        .with_max_established_per_peer(Some(limits.connections_per_peer))
}

/// Without the addresses that are listened on: they would tell everybody about the hoster's LAN.
fn identify(pair: &Keypair) -> identify::Config {
    identify::Config::new("essaim/1".to_owned(), pair.public())
        .with_agent_version(concat!("essaim/", env!("CARGO_PKG_VERSION")).to_owned())
        .with_hide_listen_addrs(true)
        .with_cache_size(0)
}

fn requests(limits: &Limits) -> request_response::Behaviour<Codec> {
    // One timeout for both sides; the handle has its own, in case this one does not come.
    let streams = limits.requests_in_per_peer + limits.requests_out_per_peer;
    let config = request_response::Config::default()
        .with_request_timeout(limits.request_timeout)
        .with_max_concurrent_streams(streams);
    let protocols = [(PROTOCOL, request_response::ProtocolSupport::Full)];
    request_response::Behaviour::with_codec(Codec::new(limits), protocols, config)
}

fn gossip(topics: &[Topic], limits: &Limits) -> Result<Gossip, Box<dyn std::error::Error>> {
    let hashes: Vec<TopicHash> = topics.iter().map(|topic| ident_topic(topic).hash()).collect();
    let filter = MaxCountSubscriptionFilter {
        filter: WhitelistSubscriptionFilter(hashes.iter().cloned().collect()),
        max_subscribed_topics: hashes.len(),
        // Both directions for each topic, and those that a later version may have.
        max_subscriptions_per_request: hashes.len() * 2 + FOREIGN_TOPICS,
    };
    let config = gossip_config(limits)?;
    let mut gossip = Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)?;
    gossip.with_peer_score(score(hashes, limits), thresholds())?;
    for topic in topics {
        gossip.subscribe(&ident_topic(topic))?;
    }
    Ok(gossip)
}

fn gossip_config(limits: &Limits) -> Result<gossipsub::Config, gossipsub::ConfigBuilderError> {
    ConfigBuilder::default()
        .protocol_id("/essaim/gossip/1", Version::V1_1)
        // Messages carry their own signatures; who publishes is nobody's business, and any node may publish again.
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(limits.gossip_bytes + FRAME_OVERHEAD)
        .max_publish_messages(PUBLISH_PER_RPC)
        .max_control_messages_sent(CONTROL_PER_RPC)
        .connection_handler_queue_len(limits.gossip_queue)
        .heartbeat_interval(limits.gossip_heartbeat)
        .heartbeat_initial_delay(limits.gossip_heartbeat)
        .mesh_n(8)
        .mesh_n_low(6)
        .mesh_n_high(12)
        .mesh_outbound_min(3)
        .gossip_lazy(8)
        .gossip_factor(0.25)
        .flood_publish(true)
        .history_length(HISTORY)
        .history_gossip(4)
        .duplicate_cache_time(std::time::Duration::from_secs(600))
        .build()
}

/// The hash of topic and data. Without the data all anonymous messages would have one id (gossipsub's default); without
/// the topic, a good message sent on the wrong topic first would be the "duplicate" that stops the real one.
fn message_id(message: &gossipsub::Message) -> MessageId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(message.topic.as_str().as_bytes());
    hasher.update(&[0]);
    hasher.update(&message.data);
    let hash = hasher.finalize();
    MessageId::new(hash.as_bytes().split_at(MESSAGE_ID_BYTES).0)
}

fn score(topics: Vec<TopicHash>, limits: &Limits) -> PeerScoreParams {
    let hour = std::time::Duration::from_secs(3600);
    let topic = TopicScoreParams {
        topic_weight: 1.0,
        // P1, P2: a member of the mesh for long, first with messages.
        time_in_mesh_weight: 0.01,
        time_in_mesh_quantum: std::time::Duration::from_secs(1),
        time_in_mesh_cap: 1000.0,
        first_message_deliveries_weight: 1.0,
        first_message_deliveries_decay: gossipsub::score_parameter_decay(hour),
        first_message_deliveries_cap: 20.0,
        // P3: off. On a quiet topic nobody brings enough messages, and everybody would shut everybody out.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        // P4: what the owner rejects.
        invalid_message_deliveries_weight: -10.0,
        invalid_message_deliveries_decay: gossipsub::score_parameter_decay(hour),
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: topics.into_iter().map(|hash| (hash, topic.clone())).collect::<HashMap<_, _>>(),
        topic_score_cap: 60.0,
        // P5: `Handle::esteem`, as it is.
        app_specific_weight: 1.0,
        ip_colocation_factor_threshold: f64::from(limits.gossip_peers_per_host),
        ip_colocation_factor_weight: -5.0,
        // Several nodes of one machine, and all tests.
        ip_colocation_factor_whitelist: [[127, 0, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into()].into(),
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_threshold: 6.0,
        behaviour_penalty_decay: gossipsub::score_parameter_decay(hour),
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -40.0,
        publish_threshold: -80.0,
        graylist_threshold: -160.0,
        ..PeerScoreThresholds::default()
    }
}

/// Bytes around the data of one message in gossip's frame.
const FRAME_OVERHEAD: usize = 512;
/// Heartbeats for which a message is kept: a verdict must come before.
const HISTORY: usize = 12;
/// Messages in one frame from a peer.
const PUBLISH_PER_RPC: usize = 64;
/// Topics that we need not know, in one frame.
const FOREIGN_TOPICS: usize = 16;
/// Ids asked for or offered at once.
const CONTROL_PER_RPC: usize = 500;
/// Of BLAKE3's 32.
const MESSAGE_ID_BYTES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, data: &[u8]) -> gossipsub::Message {
        let topic = TopicHash::from_raw(topic);
        gossipsub::Message { source: None, data: data.to_vec(), sequence_number: None, topic }
    }

    #[test]
    fn anonymous_messages_have_different_ids() {
        let id = |topic, data| message_id(&message(topic, data));
        assert_ne!(id("a", b"one"), id("a", b"two"));
        assert_ne!(id("a", b"one"), id("b", b"one"), "the same data on two topics");
        assert_eq!(id("a", b"one"), id("a", b"one"));
        assert_eq!(id("a", b"one").0.len(), MESSAGE_ID_BYTES);
    }

    #[test]
    fn quiet_topics_cost_no_score() {
        let topic = ident_topic(&"changes".parse().unwrap()).hash();
        let score = score(vec![topic.clone()], &Limits::default());
        assert!(score.topics[&topic].mesh_message_deliveries_weight.abs() < f64::EPSILON);
        assert!(score.topics[&topic].mesh_failure_penalty_weight.abs() < f64::EPSILON);
    }

    #[test]
    fn gossip_peers_per_host_bounds_an_address_but_not_this_machine() {
        let score = score(Vec::new(), &Limits { gossip_peers_per_host: 3, ..Limits::default() });
        assert!((score.ip_colocation_factor_threshold - 3.0).abs() < f64::EPSILON);
        assert!(score.ip_colocation_factor_whitelist.contains(&[127, 0, 0, 1].into()));
    }

    #[test]
    fn settings_fit_together() {
        let pair = Keypair::generate_ed25519();
        let topics = ["changes".parse().unwrap(), "beats".parse().unwrap()];
        assert!(Behaviour::new(&pair, &topics, &Limits::default()).is_ok());
    }
}
