//! One listing for programs: JSON-LD of any, and of the own hoster `librehost.json` and the files for CHATONS.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use essaim_directory::View;
use essaim_directory::export::{Software, chatons, jsonld, librehost as network};
use essaim_directory::journal::{Journal, Mark};
use essaim_directory::query::Hit;
use essaim_types::Timestamp;

use super::document::{Document, JSON, Refusal};
use crate::node::Away;
use crate::pages::Visit;

/// `/directory/NAME.jsonld`, or `/directory/NAME` with `Accept: application/ld+json`; who takes anything is sent to the page.
pub(super) async fn linked_data(visit: Visit, Path(name): Path<String>) -> Response {
    let listing = match name.strip_suffix(".jsonld") {
        Some(listing) => listing.to_owned(),
        None if visit.accepts(LINKED_DATA) => name,
        None => {
            let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let to = format!("/{}/directory/{name}", visit.language.code());
            let headers = [(header::LOCATION, to), (header::VARY, "accept, accept-language".to_owned())];
            return (StatusCode::FOUND, headers).into_response();
        }
    };
    let look = move |directory: &View, journal: &Journal, now| {
        // What this node does not show to people it does not tell programs either.
        let listing = directory.named(now, &listing).ok()?;
        let hit = directory.finder(now, &Default::default()).find(listing)?;
        Some((journal.mark(), jsonld::organization(&hit).to_string()))
    };
    answer(&visit, LINKED_DATA, visit.look_since(look).await, "such listing")
}

/// The own hoster for LibreHosters.
pub(super) async fn librehost(visit: Visit) -> Response {
    let order = visit.order.clone();
    let look = move |directory: &View, journal: &Journal, now| {
        let (hit, languages) = own(directory, now, &order)?;
        let text = serde_json::to_string_pretty(&network::librehost(hit.listing, &languages)).ok()?;
        Some((journal.mark(), text + "\n"))
    };
    answer(&visit, JSON, visit.look_since(look).await, "listing of this hoster yet")
}

/// The own hoster and its services for CHATONS.
pub(super) async fn properties(visit: Visit, Path(name): Path<String>) -> Response {
    let (order, host) = (visit.order.clone(), visit.host());
    let look = move |directory: &View, journal: &Journal, now| {
        let (hit, languages) = own(directory, now, &order)?;
        let service = chatons::file_named(host.domain.as_str(), &name)?;
        let software = Software { name: "Essaim", version: host.version, licence: env!("CARGO_PKG_LICENSE") };
        let files = chatons::Files {
            listing: hit.listing,
            base: &host.base,
            generator: software,
            mail_software: Some(software),
            languages: &languages,
            now,
        };
        let text = match service {
            None => files.organization(),
            Some(service) => files.service(service)?,
        };
        Some((journal.mark(), text))
    };
    answer(&visit, PROPERTIES, visit.look_since(look).await, "such file")
}

fn own<'a, 'o>(directory: &'a View, now: Timestamp, order: &'o [String]) -> Option<(Hit<'a>, Vec<&'o str>)> {
    let hit = directory.show(now, directory.own_listing()?)?;
    Some((hit, order.iter().map(String::as_str).collect()))
}

fn answer(
    visit: &Visit,
    media_type: &'static str,
    seen: Result<Option<(Mark, String)>, Away>,
    what: &str,
) -> Response {
    match seen {
        Ok(Some((mark, text))) => {
            let etag = format!("{mark}.{}", visit.language.code());
            Document { media_type, etag, body: Body::from(text) }.answer(visit)
        }
        Ok(None) => Refusal::absent(what),
        Err(Away) => Refusal::away(),
    }
}

/// JSON-LD 1.1 section 10.
const LINKED_DATA: &str = "application/ld+json";
/// All of it is ASCII.
const PROPERTIES: &str = "text/plain; charset=utf-8";
