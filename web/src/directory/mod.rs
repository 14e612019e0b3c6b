//! The directory of hosters: pages for people, and the same in open formats for programs.

mod bundle;
mod document;
pub(crate) mod facts;
mod form;
mod hoster;
pub(crate) mod link;
mod list;
mod listing;
mod map;
pub(crate) mod shown;
mod whole;

use axum::Router;
use axum::routing::get;
use essaim_directory::bundle::PATH as BUNDLE;
use essaim_directory::export::chatons;

use crate::routes::App;

/// The pages below the root of a language, such as `/fr`.
pub(crate) fn pages(root: &str) -> Router<App> {
    Router::new()
        .route(&format!("{root}/directory"), get(list::show))
        .route(&format!("{root}/directory/{{name}}"), get(hoster::show))
}

/// The same for programs, with one address whatever the language.
pub(crate) fn exports() -> Router<App> {
    Router::new()
        .route("/directory.json", get(whole::json))
        .route("/directory.csv", get(whole::csv))
        .route("/directory.atom", get(whole::atom))
        .route(BUNDLE, get(bundle::show))
        .route("/directory/{name}", get(listing::linked_data))
        .route("/librehost.json", get(listing::librehost))
        .route(&format!("{}{{name}}", chatons::FOLDER), get(listing::properties))
}
