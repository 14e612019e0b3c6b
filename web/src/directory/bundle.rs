//! `/directory/bundle`: all signed records, page by page, for nodes that do not rely on their peers alone.

use axum::body::Body;
use axum::response::Response;
use essaim_directory::bundle::MEDIA_TYPE;
use essaim_types::ListingId;

use super::document::{Document, Refusal};
use crate::pages::Visit;

/// The page that begins with the listing `from`, or the first.
pub(super) async fn show(visit: Visit) -> Response {
    let mut pairs = form_urlencoded::parse(visit.query.as_bytes());
    let from = match pairs.find(|(key, _)| key == "from") {
        None => ListingId::from_bytes([0; 32]),
        Some((_, text)) => match text.parse() {
            Ok(from) => from,
            Err(_) => return Refusal::of_key("from"),
        },
    };
    match visit.look(move |directory, now| directory.bundle(now, from).to_bytes()).await {
        Ok(bytes) => {
            let etag = blake3::hash(&bytes).to_hex().get(..32).unwrap_or_default().to_owned();
            Document { media_type: MEDIA_TYPE, etag, body: Body::from(bytes) }.answer(&visit)
        }
        Err(_) => Refusal::away(),
    }
}
