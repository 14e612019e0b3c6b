//! Every bound of this crate, by name.

use std::time::Duration;

use essaim_types::ByteSize;

/// What strangers and peers may take. The defaults are for a hoster; tests make them small.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Connections that are being set up by others. Counted before a byte of theirs is read.
    pub connections_pending_in: u32,
    /// Connections that we are setting up.
    pub connections_pending_out: u32,
    /// Connections that others made.
    pub connections_in: u32,
    /// Connections that we made. Apart from the others', so that they cannot take all the room (eclipse).
    pub connections_out: u32,
    /// Connections with one peer: two, because both may dial in the same moment.
    pub connections_per_peer: u32,
    /// Connections, set up or not, from one IPv4 address or IPv6 /64. This machine's own are not counted.
    pub connections_per_host: u32,
    /// Memory of the whole process above which no connection is made.
    pub process_memory: ByteSize,
    /// How long setting up a connection may take.
    pub connection_setup: Duration,
    /// A connection without streams is kept this long. Not the 10 s of libp2p: links outside gossip's mesh would go.
    pub connection_idle: Duration,
    /// Addresses of one peer that are tried, and answers that are taken for one name.
    pub addresses_per_peer: usize,
    /// Dials that callers wait for.
    pub dials: usize,
    /// Peers that `keep` stays connected to.
    pub kept_peers: usize,
    /// Peers that `block` keeps out. The oldest entry goes first.
    pub blocked_peers: usize,
    /// The first wait before a kept peer is dialled again; it doubles ..
    pub redial_first: Duration,
    /// .. up to this.
    pub redial_last: Duration,
    /// Between two pings over a connection.
    pub ping_every: Duration,
    /// One that is not answered for so long has failed. The connection is closed at the second in a row, for which libp2p may wait 10 s more.
    pub ping_timeout: Duration,
    /// A connected peer without any of our topics is disconnected after this long, and dialled again.
    pub subscription_grace: Duration,
    /// That is not done again to the same peer before this has passed; it doubles each time.
    pub subscription_cooldown: Duration,
    /// How often those are looked at.
    pub tick: Duration,

    /// Commands that wait for the actor. Callers wait when it is full.
    pub commands: usize,
    /// Events that wait for the owner. Gossip above it is ignored and counted; requests are answered "busy".
    pub events: usize,
    /// Places among them that gossip and requests leave free for news of peers.
    pub events_reserve: usize,

    /// Bytes of one gossip message.
    pub gossip_bytes: usize,
    /// Messages that wait to be sent to one peer.
    pub gossip_queue: usize,
    /// New messages that one peer may bring in a second. More is ignored.
    pub gossip_messages_per_second: u32,
    /// Bytes of them.
    pub gossip_bytes_per_second: u32,
    /// The burst that is let through, in seconds of those rates.
    pub gossip_burst_seconds: u32,
    /// Heartbeat of gossip.
    pub gossip_heartbeat: Duration,
    /// Peers under one IP address before gossip's score falls.
    pub gossip_peers_per_host: u32,

    /// Bytes of the body of a request.
    pub request_bytes: usize,
    /// Bytes of the body of an answer.
    pub response_bytes: usize,
    /// Requests of ours that one peer has not answered.
    pub requests_out_per_peer: usize,
    /// Requests of ours that nobody has answered.
    pub requests_out: usize,
    /// Requests of one peer that we have not answered.
    pub requests_in_per_peer: usize,
    /// Requests of all peers that we have not answered.
    pub requests_in: usize,
    /// Bytes of requests that are being read or answered, of all peers.
    pub requests_in_bytes: ByteSize,
    /// How long a request may take, on either side.
    pub request_timeout: Duration,

    /// Bulk connections, of all peers, both ways.
    pub bulk_connections: usize,
    /// Bulk connections of one peer, both ways.
    pub bulk_connections_per_peer: usize,
    /// Bulk connections that others made, set up or not, from one IPv4 address or IPv6 /64. This machine's own are not
    /// counted.
    pub bulk_connections_per_host: u32,
    /// Bulk handshakes that others have begun.
    pub bulk_handshakes: usize,
    /// Bulk streams of one connection that the peer may have open.
    pub bulk_streams: u32,
    /// Bytes of the subject of a bulk stream.
    pub bulk_subject: usize,
    /// Bulk streams that wait for the owner. More are refused as busy.
    pub bulk_waiting: usize,
    /// How long the handshake and the opening of a stream may take.
    pub bulk_setup: Duration,
    /// How long the owner may take to accept or refuse a stream.
    pub bulk_decision: Duration,
    /// A bulk connection on which nothing comes for this long after a stream was opened on it is taken for dead: the stream is opened on
    /// a new one.
    pub bulk_silence: Duration,
    /// A bulk stream in which nothing moves is ended after this long; so is a connection without streams.
    pub bulk_idle: Duration,
    /// A bulk stream is ended after this long, whatever moves.
    pub bulk_total: Duration,
    /// Bytes of one stream that are sent before the reader has taken them.
    pub bulk_stream_window: ByteSize,
    /// The same of one connection.
    pub bulk_connection_window: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_pending_in: 32,
            connections_pending_out: 32,
            connections_in: 96,
            connections_out: 64,
            connections_per_peer: 2,
            connections_per_host: 8,
            process_memory: ByteSize::gib(1),
            connection_setup: Duration::from_secs(10),
            connection_idle: Duration::from_secs(600),
            addresses_per_peer: 8,
            dials: 64,
            kept_peers: 64,
            blocked_peers: 4096,
            redial_first: Duration::from_secs(1),
            redial_last: Duration::from_secs(300),
            ping_every: Duration::from_secs(15),
            ping_timeout: Duration::from_secs(20),
            subscription_grace: Duration::from_secs(30),
            subscription_cooldown: Duration::from_secs(60),
            tick: Duration::from_millis(500),
            commands: 64,
            events: 1024,
            events_reserve: 128,
            gossip_bytes: 20 << 10,
            gossip_queue: 128,
            gossip_messages_per_second: 50,
            gossip_bytes_per_second: 64 << 10,
            gossip_burst_seconds: 2,
            gossip_heartbeat: Duration::from_secs(1),
            gossip_peers_per_host: 10,
            request_bytes: 256 << 10,
            response_bytes: 256 << 10,
            requests_out_per_peer: 8,
            requests_out: 256,
            requests_in_per_peer: 8,
            requests_in: 256,
            requests_in_bytes: ByteSize::mib(16),
            request_timeout: Duration::from_secs(20),
            bulk_connections: 64,
            bulk_connections_per_peer: 4,
            bulk_connections_per_host: 8,
            bulk_handshakes: 16,
            bulk_streams: 96,
            bulk_subject: 256,
            bulk_waiting: 32,
            bulk_setup: Duration::from_secs(10),
            bulk_decision: Duration::from_secs(30),
            bulk_silence: Duration::from_secs(3),
            bulk_idle: Duration::from_secs(60),
            bulk_total: Duration::from_secs(24 * 3600),
            bulk_stream_window: ByteSize::mib(4),
            bulk_connection_window: ByteSize::mib(8),
        }
    }
}
