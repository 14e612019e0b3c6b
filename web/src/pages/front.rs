//! The hoster's own front page.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::Visit;
use crate::frame::Frame;

#[derive(Template)]
#[template(path = "front.html")]
struct FrontPage {
    frame: Frame,
}

pub(crate) async fn show(visit: Visit) -> Response {
    visit.page(StatusCode::OK, &FrontPage { frame: visit.frame() })
}
