//! What never changes under its name: the name has the hash of the bytes in it.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file that pages refer to.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Where it is, such as `/assets/style.0123456789abcdef.css`.
    pub(crate) path: String,
    etag: String,
    content_type: &'static str,
    bytes: &'static [u8],
}

/// The one style sheet.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("style", "css", "text/css; charset=utf-8", include_bytes!("../assets/style.css"))
});
/// The outlines under the map.
pub(crate) static MAP: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("map", "svg", "image/svg+xml", include_bytes!("../assets/map.svg")));
/// The sign in the browser's tab.
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")));

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let hash = blake3::hash(bytes).to_hex();
        let hash = hash.get(..HASH_LENGTH).unwrap_or_default();
        Self {
            path: format!("/assets/{name}.{hash}.{extension}"),
            etag: format!("\"{hash}\""),
            content_type,
            bytes,
        }
    }
}

/// Answers with an asset, or says that there is none; never anything else of the machine's.
pub(crate) fn answer(name: &str, request: &HeaderMap) -> Option<Response> {
    let all: [&'static Asset; 3] = [&STYLE, &MAP, &ICON];
    let asset = all.into_iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(name))?;
    let etag = HeaderValue::from_str(&asset.etag).ok()?;
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::ETAG, etag),
    ];
    if is_known(request, &asset.etag) {
        return Some((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Some((headers, [(header::CONTENT_TYPE, asset.content_type)], asset.bytes).into_response())
}

/// Whether the client has what is named by this tag already (RFC 9110 section 13.1.2: compared weakly).
pub(crate) fn is_known(request: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tags = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    tags.flat_map(|tags| tags.split(',')).any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag))
}

/// Letters of the hash in a name: 64 bits tell versions of one file from each other.
const HASH_LENGTH: usize = 16;
