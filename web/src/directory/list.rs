//! The list of hosters.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use essaim_directory::query::Filter;

use crate::frame::Frame;
use crate::pages::{Problem, Visit};

#[derive(Template)]
#[template(path = "directory/list.html")]
struct ListPage {
    frame: Frame,
    total: usize,
    domains: Vec<String>,
}

pub(crate) async fn show(visit: Visit) -> Response {
    if visit.query.len() > QUERY_MAX {
        return visit.problem(&Problem::TooLong);
    }
    let found = visit.look(|directory, now| {
        let found = directory.find(now, &Filter::default());
        let domains = found.hits.iter().filter_map(|hit| hit.listing.domain.as_deref().map(str::to_owned));
        (found.hits.len(), domains.take(PAGE).collect())
    });
    match found.await {
        Ok((total, domains)) => {
            visit.page(StatusCode::OK, &ListPage { frame: visit.frame(), total, domains })
        }
        Err(_) => visit.problem(&Problem::Away),
    }
}

/// Hosters on one page.
const PAGE: usize = 20;
/// Bytes of a query.
const QUERY_MAX: usize = 2_000;
