//! One task owns the swarm. It moves bytes between it and the owner and waits for nothing else: no signature is checked
//! here, no name resolved, no file read.

mod commands;
mod connections;
mod gossip;
mod kept;
mod links;
mod outlet;
mod requests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::gossipsub::TopicHash;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Swarm, identify, ping};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::address::{Address, resolve_all};
use crate::behaviour::{Behaviour, BehaviourEvent, ident_topic};
use crate::bulk::Bulk;
use crate::command::{Answer, Command};
use crate::counters::Counters;
use crate::error::DialError;
use crate::event::Event;
use crate::label::{Service, Topic};
use crate::limits::Limits;

use kept::{Bounced, KeptPeers};
use links::Links;
use outlet::Outlet;
use requests::{Asked, Replying};

/// The swarm and everything that is remembered about it. Every table is bounded by `Limits`.
pub(crate) struct Actor {
    swarm: Swarm<Behaviour>,
    commands: mpsc::Receiver<Command>,
    outlet: Outlet,
    limits: Arc<Limits>,
    counters: Arc<Counters>,
    topics: HashMap<TopicHash, Topic>,
    services: HashSet<Service>,
    announce: Vec<Address>,
    bulk: Bulk,
    bulk_port: u16,
    links: Links,
    kept: KeptPeers,
    bounced: Bounced,
    /// In the order of blocking.
    blocked: VecDeque<PeerId>,
    /// Who waits for a connection to this peer.
    dials: HashMap<PeerId, Vec<Answer<Result<(), DialError>>>>,
    resolving: FuturesUnordered<BoxFuture<'static, (PeerId, Vec<Multiaddr>)>>,
    asked: Asked,
    replying: Replying,
}

/// What `start` decided.
pub(crate) struct Setup {
    pub(crate) swarm: Swarm<Behaviour>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) topics: Vec<Topic>,
    pub(crate) services: Vec<Service>,
    pub(crate) announce: Vec<Address>,
    pub(crate) bulk: Bulk,
    pub(crate) bulk_port: u16,
}

impl Actor {
    pub(crate) fn new(setup: Setup) -> Self {
        let Setup { swarm, commands, events, limits, counters, topics, services, announce, bulk, bulk_port } =
            setup;
        Self {
            swarm,
            commands,
            outlet: Outlet::new(events, limits.events_reserve),
            counters,
            topics: topics.into_iter().map(|topic| (ident_topic(&topic).hash(), topic)).collect(),
            services: services.into_iter().collect(),
            announce,
            bulk,
            bulk_port,
            links: Links::new(),
            kept: KeptPeers::new(limits.kept_peers, limits.redial_first, limits.redial_last),
            bounced: Bounced::default(),
            blocked: VecDeque::new(),
            dials: HashMap::new(),
            resolving: FuturesUnordered::new(),
            asked: Asked::default(),
            replying: Replying::default(),
            limits,
        }
    }

    /// Until `Shutdown`, or until nobody holds a handle.
    pub(crate) async fn run(mut self) {
        let mut tick = interval(self.limits.tick);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let outlet = self.outlet.channel();
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Shutdown { answer }) => {
                        self.close().await;
                        drop(self);
                        let _ = answer.send(());
                        return;
                    }
                    Some(command) => self.obey(command),
                    None => return self.close().await,
                },
                event = self.swarm.select_next_some() => self.note(event),
                Some(reply) = self.replying.next() => self.reply(reply),
                Some((peer, addresses)) = self.resolving.next() => self.dial_kept(peer, addresses),
                _ = tick.tick() => self.tick(Instant::now()),
                _ = outlet.reserve(), if self.outlet.is_waiting() => self.outlet.flush(),
            }
        }
    }

    fn note(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.note_behaviour(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.connection_made(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => {
                self.connection_gone(peer_id, connection_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                self.dial_failed(peer, &error)
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                tracing::debug!(%error, "a connection was refused or did not come about");
                self.counters.connections_refused.add();
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                if let Some(address) = Address::from_multiaddr(&address) {
                    self.outlet.tell(Event::Listening { address });
                }
            }
            SwarmEvent::ListenerClosed { reason: Err(error), addresses, .. } => {
                tracing::error!(?addresses, %error, "no longer listening for other nodes");
            }
            // The rest is told twice by libp2p, or is about addresses of others, which the directory knows better.
            _ => {}
        }
    }

    fn note_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(event) => self.note_gossip(event),
            BehaviourEvent::Requests(event) => self.note_request(event),
            BehaviourEvent::Ping(ping::Event { peer, result: Ok(round_trip), .. }) => {
                if let Some(link) = self.links.get_mut(&peer) {
                    link.round_trip = Some(round_trip);
                }
            }
            // Whoever speaks no ping is let be. Who does and is silent for 20 s is not there any more: a TCP connection over a broken
            // link would stay for a quarter of an hour, and nobody would call the peer meanwhile.
            BehaviourEvent::Ping(ping::Event { connection, result: Err(failure), .. }) => {
                if !matches!(failure, ping::Failure::Unsupported) {
                    self.swarm.close_connection(connection);
                }
            }
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                if let Some(link) = self.links.get_mut(&peer_id) {
                    link.name(&info.agent_version);
                }
            }
            BehaviourEvent::Identify(_) => {}
        }
    }

    fn tick(&mut self, now: Instant) {
        self.bounce_mute_peers(now);
        self.forget_requests(now);
        let links = &self.links;
        let limit = self.limits.addresses_per_peer;
        for (peer, addresses) in self.kept.due(now, |peer| links.contains_key(peer)) {
            self.resolving.push(Box::pin(async move { (peer, resolve_all(&addresses, limit).await) }));
        }
    }

    /// Says goodbye to everybody, but does not wait long for it.
    async fn close(&mut self) {
        self.commands.close();
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            // `Err` is: not connected.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let gone = async {
            while self.swarm.connected_peers().next().is_some() {
                self.swarm.select_next_some().await;
            }
        };
        if timeout(GOODBYE, gone).await.is_err() {
            tracing::debug!("some peers did not hear that this node stops");
        }
    }
}

/// How long peers may take to close at the end.
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(1);
