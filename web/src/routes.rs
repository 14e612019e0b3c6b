//! Which path answers what.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::metrics::{Metric, text};

/// What the pages need to know of the node that they belong to.
pub trait Node: Send + Sync + 'static {
    /// What stands on the front page.
    fn front_page(&self) -> String;
    /// The signed card by which the domain says which hoster it belongs to (`specs/08-identity.md`); `None` if there is none yet.
    fn card(&self) -> Option<Vec<u8>>;
    /// `Err` says in one sentence why the node cannot serve now.
    fn ready(&self) -> Result<(), String>;
    /// All counters, now.
    fn metrics(&self) -> Vec<Metric>;
}

/// Who can reach the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The operator's own programs: metrics too.
    Internal,
    /// Everybody.
    Public,
}

/// All routes of a listener.
pub fn router(node: Arc<dyn Node>, surface: Surface) -> Router {
    let mut router = Router::new()
        .route("/", get(front_page))
        .route("/.well-known/essaim", get(card))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready));
    if surface == Surface::Internal {
        router = router.route("/metrics", get(metrics));
    }
    router.fallback(absent).layer(map_response(guard)).with_state(node)
}

async fn front_page(State(node): State<Arc<dyn Node>>) -> String {
    node.front_page()
}

/// RFC 8615. Other hosters' nodes fetch it, once a day each.
async fn card(State(node): State<Arc<dyn Node>>) -> Response {
    match node.card() {
        Some(card) => ([(header::CONTENT_TYPE, "application/cbor")], card).into_response(),
        None => absent().await,
    }
}

/// The process answers: that is all.
async fn live() -> &'static str {
    "alive\n"
}

async fn ready(State(node): State<Arc<dyn Node>>) -> Response {
    match node.ready() {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn metrics(State(node): State<Arc<dyn Node>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&node.metrics()))
        .into_response()
}

async fn absent() -> Response {
    (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response()
}

/// Nothing here is a page with active content, to be framed, or to be kept by anybody.
async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
