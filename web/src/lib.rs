//! All that is HTTP. Now: the first pages, health, metrics and the card, which is also fetched from others. It knows
//! nothing of mail, the store or the network: the program hands it a [`Node`] to ask.
#![warn(clippy::indexing_slicing, missing_docs)]

mod assets;
mod connection;
mod directory;
mod fetch;
mod frame;
mod headers;
mod language;
mod metrics;
mod node;
mod pages;
mod routes;
mod texts;

pub use axum::Router;
pub use connection::{Timeouts, serve};
pub use fetch::{FetchError, Wanted, fetch};
pub use language::Language;
pub use metrics::{Kind, Metric, Sample};
pub use node::{Away, Host, Look, LookSince, Node};
pub use routes::{Surface, router};
