//! The shared directory as a value: bytes from strangers in, verdicts and listings out. No clock, no socket, no disk.
#![warn(clippy::indexing_slicing, missing_docs)]

pub mod beat;
pub mod bundle;
mod dice;
mod directory;
pub mod document;
pub mod envelope;
pub mod explain;
pub mod export;
pub mod guard;
mod hoster;
pub mod import;
pub mod journal;
pub mod listing;
pub mod log;
pub mod message;
pub mod observation;
mod pace;
mod parking;
mod properties;
pub mod query;
pub mod refusal;
pub mod statement;
mod times;
pub mod trust;
mod view;
pub mod wire;

pub use directory::{
    Alert, CommandError, Directory, DomainOutcome, Hidden, Input, Numbers, Origin, Output, Policy, Row,
    RowKey,
};
pub use hoster::{DOMAIN_GRACE, DomainState, Hoster};
pub use view::View;
