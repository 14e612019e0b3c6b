//! Pages that say what went wrong, what to do, and whom to write to.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, Response as HttpResponse, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::ResponseForPanic;

use super::{HTML, Visit};
use crate::frame::Frame;
use crate::node::Node;
use crate::routes::App;

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// There is no such page.
    Absent,
    /// No hoster of this name is in the directory.
    NoHoster,
    /// Several hosters say that they have this domain.
    SeveralHosters,
    /// The address is longer than anything that is asked here.
    TooLong,
    /// The method is none of GET and HEAD.
    WrongMethod,
    /// The directory cannot be looked at now.
    Away,
    /// A mistake of ours.
    Broken,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    title: Cow<'static, str>,
    what: Cow<'static, str>,
    hint: Cow<'static, str>,
}

impl Problem {
    fn status(self) -> StatusCode {
        match self {
            Self::Absent | Self::NoHoster => StatusCode::NOT_FOUND,
            Self::SeveralHosters => StatusCode::CONFLICT,
            Self::TooLong => StatusCode::URI_TOO_LONG,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Its name in `texts/*.ftl`.
    fn key(self) -> &'static str {
        match self {
            Self::Absent => "problem-absent",
            Self::NoHoster => "problem-no-hoster",
            Self::SeveralHosters => "problem-several-hosters",
            Self::TooLong => "problem-too-long",
            Self::WrongMethod => "problem-wrong-method",
            Self::Away => "problem-away",
            Self::Broken => "problem-broken",
        }
    }

    fn page(self, mut frame: Frame) -> ProblemPage {
        // What is not there has no twin in other languages.
        frame.rest = "/".to_owned();
        let key = self.key();
        let (title, what) = (frame.say(key), frame.say(&format!("{key}-what")));
        let hint = frame.say(&format!("{key}-hint"));
        ProblemPage { frame, title, what, hint }
    }
}

impl Visit {
    /// The page that says what went wrong.
    pub(crate) fn problem(&self, problem: &Problem) -> Response {
        let mut response = self.page(problem.status(), &problem.page(self.frame()));
        if *problem == Problem::Away {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        response
    }
}

/// The page after a mistake of ours.
#[derive(Clone)]
pub(crate) struct Broken(Arc<dyn Node>);

impl Broken {
    pub(crate) fn of(app: &App) -> Self {
        Self(Arc::clone(&app.node))
    }
}

impl ResponseForPanic for Broken {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, _: Box<dyn Any + Send + 'static>) -> HttpResponse<Body> {
        tracing::error!("a page ended in a panic");
        let host = self.0.host();
        let frame = Frame::new(host.language, host, "/".to_owned());
        let html = Problem::Broken.page(frame).render().unwrap_or_default();
        (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, HTML)], html).into_response()
    }
}
