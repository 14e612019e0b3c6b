//! All that is HTTP. Now: the front page as text, health, metrics and the card, which is also fetched from others. It knows nothing of mail or the store: the program
//! hands it a [`Node`] to ask.
#![warn(clippy::indexing_slicing, missing_docs)]

mod connection;
mod fetch;
mod metrics;
mod routes;

pub use axum::Router;
pub use connection::{Timeouts, serve};
pub use fetch::{FetchError, Wanted, fetch};
pub use metrics::{Kind, Metric, Sample};
pub use routes::{Node, Surface, router};
