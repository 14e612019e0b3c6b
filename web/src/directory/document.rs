//! Documents for programs: public, for scripts of every origin, kept for a minute and asked for again with their `ETag`.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::pages::Visit;

/// A document as it goes out.
pub(super) struct Document {
    pub(super) media_type: &'static str,
    /// What is true of the content, without quotes: equal as long as nothing that matters is different.
    pub(super) etag: String,
    pub(super) body: Body,
}

impl Document {
    /// 304 if the reader has it already.
    pub(super) fn answer(self, visit: &Visit) -> Response {
        let etag = format!("W/\"{}\"", self.etag);
        let known = visit.knows(&etag);
        let headers = [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag")),
            (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60")),
            (header::VARY, HeaderValue::from_static("accept, accept-language")),
        ];
        let etag = HeaderValue::from_str(&etag).map(|etag| [(header::ETAG, etag)]);
        match (etag, known) {
            (Ok(etag), true) => (StatusCode::NOT_MODIFIED, headers, etag).into_response(),
            (Ok(etag), false) => {
                (headers, etag, [(header::CONTENT_TYPE, self.media_type)], self.body).into_response()
            }
            (Err(_), _) => (headers, [(header::CONTENT_TYPE, self.media_type)], self.body).into_response(),
        }
    }
}

/// Why there is no document, as JSON: who asks is a program.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    error: Reason,
}

#[derive(Debug, Serialize)]
struct Reason {
    message: String,
    hint: &'static str,
}

impl Refusal {
    /// Something in the address cannot be understood.
    pub(super) fn of_key(key: &str) -> Response {
        let message = format!("the value of {key} cannot be understood");
        Self::answer(StatusCode::BAD_REQUEST, message, "specs/13-formats.md lists keys and values")
    }

    /// The node cannot look now.
    pub(super) fn away() -> Response {
        let message = "the directory cannot be looked at now".to_owned();
        Self::answer(StatusCode::SERVICE_UNAVAILABLE, message, "ask again in a minute")
    }

    /// There is no such thing.
    pub(super) fn absent(what: &str) -> Response {
        Self::answer(
            StatusCode::NOT_FOUND,
            format!("there is no {what}"),
            "/directory.json lists what there is",
        )
    }

    fn answer(status: StatusCode, message: String, hint: &'static str) -> Response {
        let text = serde_json::to_string(&Self { error: Reason { message, hint } }).unwrap_or_default();
        let origin = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"), (header::CONTENT_TYPE, JSON)];
        (status, origin, text + "\n").into_response()
    }
}

/// RFC 8259.
pub(super) const JSON: &str = "application/json";
