//! A node that has a key and says what it likes on the channel: what a hoster with bad intentions, or a broken one, can do.

use std::net::SocketAddr;

use essaim_identity::SigningKey;
use essaim_network::{
    Address, BulkStream, Event, Limits, Network, NetworkConfig, Node, NodeSecret, Opening, PeerKey,
};
use essaim_types::base32;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::{Hoster, PATIENCE};

/// The node.
#[derive(Debug)]
pub struct Rogue {
    runtime: Runtime,
    network: Network,
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It is there.
    Made,
    /// It is gone.
    Ended,
}

/// One stream, on which lines are said and heard.
#[derive(Debug)]
pub struct Line<'a> {
    rogue: &'a Rogue,
    stream: BulkStream,
    heard: Vec<u8>,
}

impl Rogue {
    /// With the key of this hoster, whose own node is down.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn instead_of(hoster: &Hoster) -> Self {
        Self::with(&key_of(hoster), SocketAddr::from(([127, 0, 0, 1], 0)), &TOPICS)
    }

    /// The same, where its node was, and as if the one message that tells which topics it wants had been lost.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn without_topics(hoster: &Hoster, at: SocketAddr) -> Self {
        Self::with(&key_of(hoster), at, &[])
    }

    /// Somebody whom nobody knows.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn stranger() -> Self {
        Self::with(&SigningKey::from_seed(&[77; 32]), SocketAddr::from(([127, 0, 0, 1], 0)), &TOPICS)
    }

    fn with(key: &SigningKey, listen: SocketAddr, topics: &[&str]) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let node = Node {
            listen,
            config: NetworkConfig::default(),
            limits: Limits::default(),
            secret: NodeSecret::from(key),
            topics: topics.iter().map(|name| name.parse().expect("a topic")).collect(),
            services: Vec::new(),
        };
        let network = runtime.block_on(Network::start(node)).expect("a network");
        Self { runtime, network }
    }

    /// Waits until somebody is connected, or until somebody is not any more.
    ///
    /// # Panics
    /// If that takes too long.
    pub fn waits_for(&mut self, what: Link) {
        let events = &mut self.network.events;
        let wait = async {
            loop {
                match events.recv().await.expect("the network runs") {
                    Event::Connected { .. } if what == Link::Made => return,
                    Event::Disconnected { .. } if what == Link::Ended => return,
                    _ => {}
                }
            }
        };
        self.runtime.block_on(async { timeout(PATIENCE, wait).await }).expect("it happens in time");
    }

    /// Opens a stream for mail.
    ///
    /// # Panics
    /// If the node is not reached.
    pub fn open(&self, at: &Hoster) -> Line<'_> {
        self.open_for(at, "mail")
    }

    /// Opens a stream for a purpose.
    ///
    /// # Panics
    /// If the node is not reached.
    pub fn open_for(&self, at: &Hoster, purpose: &str) -> Line<'_> {
        let node: PeerKey = key_of(at).public().into();
        let handle = &self.network.handle;
        let open = async {
            handle.dial(node, &[Address::quic(at.node.address("peer"))]).await.expect("a connection");
            handle.open_stream(node, Opening::new(purpose.parse().expect("a purpose"))).await
        };
        let stream = self.runtime.block_on(open).expect("a stream");
        Line { rogue: self, stream, heard: Vec::new() }
    }
}

impl Line<'_> {
    /// Says this and returns the next reply, its last line.
    ///
    /// # Panics
    /// If none comes.
    pub fn say(&mut self, text: &str) -> String {
        self.write(format!("{text}\r\n").as_bytes());
        self.reply()
    }

    /// Bytes, whatever they are. A stream that was closed takes them without complaint.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.rogue.runtime.block_on(async { timeout(PATIENCE, self.stream.write_all(bytes)).await });
    }

    /// So many bytes; fewer if the stream ended before.
    ///
    /// # Panics
    /// If they do not come in time.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        while self.heard.len() < count {
            let mut piece = vec![0; count - self.heard.len()];
            let read = async { timeout(PATIENCE, self.stream.read(&mut piece)).await };
            match self.rogue.runtime.block_on(read).expect("bytes in time") {
                Ok(length) if length > 0 => self.heard.extend(piece.get(..length).unwrap_or_default()),
                Ok(_) | Err(_) => break,
            }
        }
        let count = count.min(self.heard.len());
        self.heard.drain(..count).collect()
    }

    /// The last line of the next reply; empty if the stream ended instead.
    ///
    /// # Panics
    /// If nothing comes in time.
    pub fn reply(&mut self) -> String {
        loop {
            let end = self.heard.windows(2).position(|pair| pair == b"\r\n");
            if let Some(end) = end {
                let line: Vec<u8> = self.heard.drain(..end + 2).collect();
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if line.as_bytes().get(3) == Some(&b'-') {
                    continue;
                }
                return line;
            }
            let mut buffer = [0; 4096];
            let read =
                self.rogue.runtime.block_on(async { timeout(PATIENCE, self.stream.read(&mut buffer)).await });
            match read.expect("something in time") {
                Ok(length @ 1..) => self.heard.extend_from_slice(buffer.get(..length).unwrap_or_default()),
                Ok(0) | Err(_) => return String::new(),
            }
        }
    }

    /// A conversation that has begun: the greeting is over.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn greeted(mut self) -> Self {
        assert!(self.reply().starts_with("220 "));
        assert!(self.say("EHLO rogue.test").starts_with("250 "));
        self
    }
}

/// What a node keeps to itself.
fn key_of(hoster: &Hoster) -> SigningKey {
    let file = hoster.node.data_dir().join("keys/node.secret");
    let text = std::fs::read_to_string(file).expect("the node's key");
    SigningKey::from_seed(&base32::decode(text.trim()).expect("a key"))
}

const TOPICS: [&str; 3] = ["changes", "beats", "alerts"];
