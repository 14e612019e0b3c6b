//! One hoster: what it says of itself, and why that is believed.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use essaim_directory::query::NameFault;

use crate::frame::Frame;
use crate::pages::{Problem, Visit};

#[derive(Template)]
#[template(path = "directory/hoster.html")]
struct HosterPage {
    frame: Frame,
    domain: String,
    services: Vec<String>,
    about: Option<(String, String)>,
}

pub(crate) async fn show(visit: Visit, Path(name): Path<String>) -> Response {
    let order = visit.order.clone();
    let found = visit.look(move |directory, now| {
        let listing = directory.named(now, &name)?;
        let hit = directory.show(now, listing).ok_or(NameFault::Unknown)?;
        let order: Vec<&str> = order.iter().map(String::as_str).collect();
        let about = hit.listing.description(&order).map(|(lang, text)| (lang.to_owned(), text.to_owned()));
        let services = hit.listing.services.iter().map(str::to_owned).collect();
        Ok::<_, NameFault>((hit.listing.domain.as_deref().unwrap_or_default().to_owned(), services, about))
    });
    match found.await {
        Ok(Ok((domain, services, about))) => {
            visit.page(StatusCode::OK, &HosterPage { frame: visit.frame(), domain, services, about })
        }
        Ok(Err(NameFault::Unknown)) => visit.problem(&Problem::NoHoster),
        Ok(Err(NameFault::Several)) => visit.problem(&Problem::SeveralHosters),
        Err(_) => visit.problem(&Problem::Away),
    }
}
