//! Bytes between nodes. It carries; it decides nothing: it knows no directory, no store, and who is welcome is told to
//! it.
//!
//! One task owns the libp2p swarm ([`Network::start`]): gossip on named topics, requests to named services, connections
//! that are kept. Beside it a QUIC endpoint carries bulk data ([`Handle::open_stream`]). Both prove the key of the
//! other side. What is promised on the wire stands in `specs/10-network.md`.

#![warn(missing_docs)]

mod actor;
mod address;
mod behaviour;
mod bulk;
mod command;
mod config;
mod counters;
mod crowd;
mod error;
mod event;
mod handle;
mod key;
mod label;
mod limits;
mod rate;
mod request;
mod start;

pub use address::{Address, AddressError, PeerAddress, Transport};
pub use bulk::{BulkStream, IncomingStream, OpenError, Opening, Progress};
pub use command::{Kept, PeerInfo};
pub use config::NetworkConfig;
pub use counters::Counts;
pub use error::{Closed, DialError, PublishError, RequestError, StartError};
pub use event::{Direction, Event, Judged, Message, Reply, ReplyError, Request, Ticket, Verdict};
pub use handle::Handle;
pub use key::{NodeSecret, PeerKey, PeerKeyError};
pub use label::{LabelError, Purpose, Service, Topic};
pub use limits::Limits;
pub use start::{Network, Node};
