//! The directory of hosters: pages now; its exports (`/directory.json`, ...) get their routes here.

pub(crate) mod facts;
mod form;
mod hoster;
pub(crate) mod link;
mod list;
mod map;
pub(crate) mod shown;

use axum::Router;
use axum::routing::get;

use crate::routes::App;

/// The pages below the root of a language, such as `/fr`.
pub(crate) fn pages(root: &str) -> Router<App> {
    Router::new()
        .route(&format!("{root}/directory"), get(list::show))
        .route(&format!("{root}/directory/{{name}}"), get(hoster::show))
}
