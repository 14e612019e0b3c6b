//! Which path answers what.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::language::Language;
use crate::metrics::text;
use crate::node::{Node, Window};
use crate::pages::{self, Problem, Visit};
use crate::{assets, directory, headers};

/// Who can reach the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The operator's own programs: metrics too.
    Internal,
    /// Everybody.
    Public,
}

/// What handlers have in common.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) node: Arc<dyn Node>,
    pub(crate) window: Arc<Window>,
}

/// All routes of a listener.
pub fn router(node: Arc<dyn Node>, surface: Surface) -> Router {
    let app = App { node, window: Arc::new(Window::new()) };
    let mut router = Router::new()
        .route("/", get(pages::choose_language))
        .route("/.well-known/essaim", get(card))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/assets/{name}", get(asset))
        .merge(directory::exports());
    if surface == Surface::Internal {
        router = router.route("/metrics", get(metrics));
    }
    for language in Language::ALL {
        let root = format!("/{}", language.code());
        router = router
            .route(&root, get(pages::with_slash))
            .route(&format!("{root}/"), get(pages::front::show))
            .merge(directory::pages(&root));
    }
    router
        .fallback(pages::absent)
        .method_not_allowed_fallback(pages::wrong_method)
        .layer(CatchPanicLayer::custom(pages::Broken::of(&app)))
        .layer(CompressionLayer::new())
        .layer(map_response(headers::guard))
        .with_state(app)
}

/// RFC 8615. Other hosters' nodes fetch it, once a day each.
async fn card(visit: Visit, State(app): State<App>) -> Response {
    match app.node.card() {
        Some(card) => ([(header::CONTENT_TYPE, "application/cbor")], card).into_response(),
        None => visit.problem(&Problem::Absent),
    }
}

/// The process answers: that is all.
async fn live() -> &'static str {
    "alive\n"
}

async fn ready(State(app): State<App>) -> Response {
    match app.node.ready() {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn metrics(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&app.node.metrics()))
        .into_response()
}

async fn asset(visit: Visit, name: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    match name.ok().and_then(|Path(name)| assets::answer(&name, &headers)) {
        Some(answer) => answer,
        None => visit.problem(&Problem::Absent),
    }
}
