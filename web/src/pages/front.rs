//! The hoster's own front page: who it is, what it offers, how to join, where a human is.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::Visit;
use crate::directory::facts::{Fact, Part, contacts, facts};
use crate::directory::link::Link;
use crate::directory::shown::{Room, Said, Shown, said};
use crate::frame::Frame;

#[derive(Template)]
#[template(path = "front.html")]
struct FrontPage {
    frame: Frame,
    order: Vec<String>,
    /// `None` while the directory cannot be looked at: the page says what is configured.
    shown: Option<Shown>,
    facts: Vec<Fact>,
    contacts: Vec<Fact>,
    /// How many hosters the directory shows.
    hosters: usize,
}

pub(crate) async fn show(visit: Visit) -> Response {
    let looked = visit.look(|directory, now| {
        let own = directory.own_listing();
        let hit = own.and_then(|own| directory.show(now, own));
        let hosters = directory.hosters().filter(|hoster| hoster.is_proven(now)).count();
        (hit.map(|hit| Shown::of(&hit, directory, now)), hosters)
    });
    let (shown, hosters) = looked.await.unwrap_or_default();
    let (frame, order) = (visit.frame(), visit.order.clone());
    let of = |rows: &dyn Fn(&Shown) -> Vec<Fact>| shown.as_ref().map(rows).unwrap_or_default();
    let facts = of(&|shown| facts(shown, &frame, &order, None));
    let contacts = of(&|shown| contacts(shown, &frame));
    visit.page(StatusCode::OK, &FrontPage { frame, order, shown, facts, contacts, hosters })
}

impl FrontPage {
    /// The name that the listing has, else the configured one.
    fn name(&self) -> &str {
        self.shown.as_ref().and_then(|shown| shown.listing.name.as_deref()).unwrap_or(&self.frame.host.name)
    }

    fn join_note(&self, shown: &Shown) -> Option<Said> {
        said(&shown.listing.join.notes, &self.order)
    }

    fn join_link(&self, shown: &Shown) -> Option<Link> {
        shown.listing.join.url.as_deref().and_then(Link::to)
    }
}
