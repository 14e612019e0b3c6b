//! Headers that every answer has, and how long an answer may be kept.

use axum::http::header::{self, Entry};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

/// A page brings its own style, its own pictures and its own forms; nothing runs in it, and nobody frames it.
pub(crate) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        // What everybody's scripts may read, everybody's pages may load.
        headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    }
    if let Entry::Vacant(unsaid) = headers.entry(header::CACHE_CONTROL) {
        unsaid.insert(HeaderValue::from_static("no-store"));
    }
    response
}

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const FIXED: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    ),
];
