//! Pages for people: a visit, and the answer to it.

pub(crate) mod front;
mod problem;

use std::convert::Infallible;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use essaim_directory::View;
use essaim_directory::import::Draft;
use essaim_directory::journal::Journal;
use essaim_directory::observation::Observation;
use essaim_types::{ListingId, Timestamp};

use crate::assets::is_known;
use crate::frame::Frame;
use crate::language::{Language, reading_order};
use crate::node::{Away, Host};
use crate::routes::App;

pub(crate) use problem::{Broken, Problem};

/// Somebody asks for a page.
pub(crate) struct Visit {
    app: App,
    /// The language of the page.
    pub(crate) language: Language,
    /// In which order the reader would like to read what others have written.
    pub(crate) order: Vec<String>,
    /// What stands behind `?`, as it was sent.
    pub(crate) query: String,
    /// The path behind the language, without the query.
    path: String,
    headers: HeaderMap,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let path = parts.uri.path();
        let accept = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let accept = accept.unwrap_or_default();
        let of_path = Language::of_path(path);
        let language =
            of_path.or_else(|| Language::preferred(accept)).unwrap_or_else(|| app.node.host().language);
        let behind = of_path.and_then(|language| path.strip_prefix('/')?.strip_prefix(language.code()));
        Ok(Self {
            app: app.clone(),
            language,
            order: reading_order(language, accept),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            path: behind.filter(|rest| !rest.is_empty()).unwrap_or("/").to_owned(),
            headers: parts.headers.clone(),
        })
    }
}

impl Visit {
    /// What `look` makes of the directory.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Away> {
        self.app.window.look(&*self.app.node, look).await
    }

    /// What nodes have seen of a hoster, as far as it is kept here.
    pub(crate) fn observations(&self, of: ListingId) -> Vec<Observation> {
        self.app.node.observations(of)
    }

    /// What `look` makes of the directory and its journal.
    pub(crate) async fn look_since<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View, &Journal, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Away> {
        self.app.window.look_since(&*self.app.node, look).await
    }

    /// Hosters that are only mentioned.
    pub(crate) async fn mentioned(&self) -> Result<Vec<Draft>, Away> {
        self.app.node.mentioned().await
    }

    /// Whose node it is.
    pub(crate) fn host(&self) -> Host {
        self.app.node.host()
    }

    /// Whether the reader has what has this `ETag`.
    pub(crate) fn knows(&self, etag: &str) -> bool {
        is_known(&self.headers, etag)
    }

    /// Whether the reader asks for this media type by name.
    pub(crate) fn accepts(&self, media_type: &str) -> bool {
        let accepted = self.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accepted.flat_map(|value| value.split(',')).any(|range| {
            range.split(';').next().is_some_and(|range| range.trim().eq_ignore_ascii_case(media_type))
        })
    }

    /// What is around the content of the page.
    pub(crate) fn frame(&self) -> Frame {
        let rest = match self.query.is_empty() {
            true => self.path.clone(),
            false => format!("{}?{}", self.path, self.query),
        };
        Frame::new(self.language, self.app.node.host(), rest)
    }

    /// A page as it goes out; 304 if the reader has it already.
    pub(crate) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let Ok(html) = page.render() else {
            return (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be written.\n").into_response();
        };
        let etag = format!("W/\"{}\"", blake3::hash(html.as_bytes()).to_hex().get(..16).unwrap_or_default());
        let headers = [
            // Kept, but asked for each time: what is in it may change at any moment.
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (header::CONTENT_LANGUAGE, HeaderValue::from_static(self.language.code())),
            (header::VARY, HeaderValue::from_static("accept-language")),
        ];
        let tag = HeaderValue::from_str(&etag).map(|etag| [(header::ETAG, etag)]);
        match tag {
            Ok(tag) if status == StatusCode::OK && is_known(&self.headers, &etag) => {
                (StatusCode::NOT_MODIFIED, headers, tag).into_response()
            }
            Ok(tag) if status == StatusCode::OK => {
                (status, headers, tag, [(header::CONTENT_TYPE, HTML)], html).into_response()
            }
            _ => (status, headers, [(header::CONTENT_TYPE, HTML)], html).into_response(),
        }
    }
}

/// `/`: the front page in the language that the browser prefers.
pub(crate) async fn choose_language(visit: Visit) -> Response {
    let to = format!("/{}/", visit.language.code());
    (StatusCode::FOUND, [(header::LOCATION, to), (header::VARY, "accept-language".to_owned())])
        .into_response()
}

/// `/fr`: there is one address of each page.
pub(crate) async fn with_slash(visit: Visit) -> Response {
    let to = format!("/{}/", visit.language.code());
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response()
}

/// No such path.
pub(crate) async fn absent(visit: Visit) -> Response {
    visit.problem(&Problem::Absent)
}

/// The path is there, but not for this method.
pub(crate) async fn wrong_method(visit: Visit) -> Response {
    visit.problem(&Problem::WrongMethod)
}

const HTML: &str = "text/html; charset=utf-8";
