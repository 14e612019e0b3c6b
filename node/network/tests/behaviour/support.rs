//! Nodes on loopback, and waiting for what they tell, with a bound.

use std::collections::VecDeque;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use essaim_identity::SigningKey;
use essaim_network::{
    Address, Event, Handle, IncomingStream, Limits, Message, Network, NetworkConfig, Node, NodeSecret,
    PeerKey, Request, Service, Topic, Verdict,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Longer than anything takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A node and the news that nobody has asked for yet.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) handle: Handle,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) streams: mpsc::Receiver<IncomingStream>,
    pub(crate) listening: SocketAddr,
    set_aside: VecDeque<Event>,
}

/// Defaults, with pauses that a test can wait for.
pub(crate) fn quick() -> Limits {
    Limits {
        gossip_heartbeat: Duration::from_millis(100),
        tick: Duration::from_millis(20),
        redial_first: Duration::from_millis(50),
        ..Limits::default()
    }
}

pub(crate) fn secret(number: u8) -> NodeSecret {
    NodeSecret::from(&SigningKey::from_seed(&[number; 32]))
}

pub(crate) fn key(number: u8) -> PeerKey {
    secret(number).public()
}

pub(crate) fn changes() -> Topic {
    "changes".parse().unwrap()
}

pub(crate) fn sync() -> Service {
    "sync/1".parse().unwrap()
}

pub(crate) fn description(number: u8, limits: Limits) -> Node {
    Node {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        config: NetworkConfig::default(),
        limits,
        secret: secret(number),
        topics: vec![changes(), "beats".parse().unwrap()],
        services: vec![sync()],
    }
}

/// Something that should happen, and the test fails if it does not.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it happens within half a minute")
}

/// On a port that was in use a moment ago: the system may need another to give it back.
pub(crate) async fn start_again(node: &Node) -> Network {
    soon(async {
        loop {
            match Network::start(node.clone()).await {
                Ok(network) => return network,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await
}

impl From<Network> for Peer {
    fn from(Network { handle, events, streams, listening }: Network) -> Self {
        Self { handle, events, streams, listening, set_aside: VecDeque::new() }
    }
}

impl Peer {
    pub(crate) async fn start(number: u8) -> Self {
        Self::with(description(number, quick())).await
    }

    pub(crate) async fn with(node: Node) -> Self {
        Network::start(node).await.unwrap().into()
    }

    pub(crate) fn quic(&self) -> Address {
        Address::quic(self.listening)
    }

    pub(crate) fn tcp(&self) -> Address {
        Address::tcp(self.listening)
    }

    pub(crate) fn key(&self) -> PeerKey {
        self.handle.me()
    }

    /// The first event like this, in the order in which they came. The others stay for later.
    pub(crate) async fn wait_for(&mut self, is_it: impl Fn(&Event) -> bool) -> Event {
        if let Some(place) = self.set_aside.iter().position(&is_it) {
            return self.set_aside.remove(place).expect("found there");
        }
        loop {
            let event = soon(self.events.recv()).await.expect("the network runs");
            if is_it(&event) {
                return event;
            }
            self.set_aside.push_back(event);
        }
    }

    pub(crate) async fn connected(&mut self, to: PeerKey) {
        self.wait_for(|event| matches!(event, Event::Connected { peer, .. } if *peer == to)).await;
    }

    pub(crate) async fn disconnected(&mut self, from: PeerKey) {
        self.wait_for(|event| matches!(event, Event::Disconnected { peer } if *peer == from)).await;
    }

    pub(crate) async fn subscribed(&mut self, who: PeerKey) {
        let topic = changes();
        let told = |event: &Event| matches!(event, Event::Subscribed { peer, topic: told } if *peer == who && *told == topic);
        self.wait_for(told).await;
    }

    pub(crate) async fn listening(&mut self) -> Address {
        match self.wait_for(|event| matches!(event, Event::Listening { .. })).await {
            Event::Listening { address } => address,
            other => unreachable!("{other:?}"),
        }
    }

    pub(crate) async fn message(&mut self) -> Message {
        match self.wait_for(|event| matches!(event, Event::Message(_))).await {
            Event::Message(message) => message,
            other => unreachable!("{other:?}"),
        }
    }

    pub(crate) async fn request(&mut self) -> Request {
        match self.wait_for(|event| matches!(event, Event::Request(_))).await {
            Event::Request(request) => request,
            other => unreachable!("{other:?}"),
        }
    }

    /// Takes the next message, accepts it and returns its bytes.
    pub(crate) async fn accept(&mut self) -> Bytes {
        let message = self.message().await;
        self.handle.verdict(message.ticket, Verdict::Accept).await.unwrap();
        message.bytes
    }

    pub(crate) async fn dial(&self, other: &Self) {
        soon(self.handle.dial(other.key(), &[other.quic()])).await.unwrap();
    }

    /// Connected, and both know the topics of the other.
    pub(crate) async fn befriend(&mut self, other: &mut Self) {
        self.dial(other).await;
        self.subscribed(other.key()).await;
        other.subscribed(self.key()).await;
    }

    pub(crate) async fn publish(&self, text: &str) {
        self.handle.publish(changes(), Bytes::copy_from_slice(text.as_bytes())).await.unwrap();
    }
}
