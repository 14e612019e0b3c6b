//! The whole directory for programs: `/directory.json`, `.csv` and `.atom`, with the same questions as the page.

use axum::body::Body;
use axum::response::Response;
use essaim_directory::View;
use essaim_directory::export::atom::{self, Feed};
use essaim_directory::export::json::{ChangesJson, DraftJson};
use essaim_directory::export::{Request, csv as lines, page};
use essaim_directory::journal::{Journal, Mark};
use essaim_directory::query::Filter;
use essaim_types::Timestamp;
use futures::stream;

use super::document::{Document, JSON, Refusal};
use super::form::Form;
use crate::node::Away;
use crate::pages::Visit;

/// What a program asks for.
#[derive(Debug, Clone)]
struct Asked {
    form: Form,
    since: Option<Mark>,
    limit: usize,
    mentioned: bool,
}

/// What changed since a state, or everything, at most [`LISTINGS_MAX`] listings at once.
pub(super) async fn json(visit: Visit) -> Response {
    let asked = match Asked::read(&visit.query) {
        Ok(asked) => asked,
        Err(key) => return Refusal::of_key(key),
    };
    let mentioned = match asked.mentioned {
        true => match visit.mentioned().await {
            Ok(drafts) => Some(drafts),
            Err(Away) => return Refusal::away(),
        },
        false => None,
    };
    let look = move |directory: &View, journal: &Journal, now| {
        let request =
            Request { filter: asked.filter(directory, now)?, since: asked.since, limit: asked.limit };
        let page = page(directory, journal, now, &request);
        let mentioned = mentioned.map(|drafts| {
            let drafts = drafts.iter().filter(|draft| request.filter.accepts(&draft.listing()));
            drafts.map(DraftJson::of).collect()
        });
        let changes = ChangesJson { mentioned, ..ChangesJson::of(&page, directory.own_listing()) };
        Ok((journal.mark(), changes))
    };
    let (mark, changes) = match visit.look_since(look).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(key)) => return Refusal::of_key(key),
        Err(Away) => return Refusal::away(),
    };
    let Ok(text) = serde_json::to_vec(&changes) else { return Refusal::away() };
    let etag = match &changes.mentioned {
        None => mark.to_string(),
        Some(mentioned) => format!("{mark}.{}", fingerprint(mentioned)),
    };
    Document { media_type: JSON, etag, body: Body::from(text) }.answer(&visit)
}

/// All that match, a line each; written part by part, so that a large directory is never in memory as text.
pub(super) async fn csv(visit: Visit) -> Response {
    let asked = match Asked::read(&visit.query) {
        Ok(asked) => Asked { since: None, limit: LINES_AT_ONCE, ..asked },
        Err(key) => return Refusal::of_key(key),
    };
    let etag = match visit.look_since(probe(asked.clone())).await {
        Ok(Ok(mark)) => format!("{mark}.{}", visit.language.code()),
        Ok(Err(key)) => return Refusal::of_key(key),
        Err(Away) => return Refusal::away(),
    };
    let document = Document { media_type: CSV, etag, body: Body::empty() };
    let answer = document.answer(&visit);
    if answer.status() != axum::http::StatusCode::OK {
        return answer;
    }
    let begin = (visit, Some((asked, lines::header())));
    let body = stream::try_unfold(begin, |(visit, next)| async move {
        let Some((asked, head)) = next else { return Ok::<_, std::io::Error>(None) };
        let (text, asked) =
            part(&visit, asked).await.map_err(|Away| std::io::Error::other("the node stops"))?;
        Ok(Some((head + &text, (visit, asked.map(|asked| (asked, String::new()))))))
    });
    answer.map(|_| Body::from_stream(body))
}

/// Some lines, and what to ask for next.
async fn part(visit: &Visit, asked: Asked) -> Result<(String, Option<Asked>), Away> {
    let order = visit.order.clone();
    let look = move |directory: &View, journal: &Journal, now| {
        let filter = asked.filter(directory, now).map_err(|_| Away)?;
        let page = page(directory, journal, now, &Request { filter, since: asked.since, limit: asked.limit });
        let languages: Vec<&str> = order.iter().map(String::as_str).collect();
        let text: String = page.hits.iter().map(|hit| lines::row(hit, &languages)).collect();
        Ok((text, page.more.then_some(Asked { since: Some(page.state), ..asked })))
    };
    visit.look_since(look).await?
}

/// The latest events.
pub(super) async fn atom(visit: Visit) -> Response {
    let asked = match Asked::read(&visit.query) {
        Ok(asked) => asked,
        Err(key) => return Refusal::of_key(key),
    };
    let (base, code) = (visit.host().base, visit.language.code());
    let look = move |directory: &View, journal: &Journal, now| {
        let language = atom::Language::from_code(code).unwrap_or_default();
        let feed = Feed { base: &base, language, filter: asked.filter(directory, now)? };
        Ok((journal.mark(), atom::feed(directory, journal, now, &feed)))
    };
    match visit.look_since(look).await {
        Ok(Ok((mark, xml))) => {
            let etag = format!("{mark}.{code}");
            Document { media_type: "application/atom+xml", etag, body: Body::from(xml) }.answer(&visit)
        }
        Ok(Err(key)) => Refusal::of_key(key),
        Err(Away) => Refusal::away(),
    }
}

/// Whether the question can be answered, and the state of now.
fn probe(asked: Asked) -> impl FnOnce(&View, &Journal, Timestamp) -> Result<Mark, &'static str> {
    move |directory, journal, now| asked.filter(directory, now).map(|_| journal.mark())
}

impl Asked {
    /// `Err` names the key that cannot be understood.
    fn read(query: &str) -> Result<Self, &'static str> {
        if query.len() > QUERY_MAX {
            return Err("the whole query");
        }
        let (form, faults) = Form::read(query);
        if let Some(fault) = faults.first() {
            return Err(fault.key.name());
        }
        let mut asked = Self { form, since: None, limit: LISTINGS_MAX, mentioned: false };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "since" => asked.since = Some(value.parse().map_err(|_| "since")?),
                "limit" => asked.limit = value.parse::<usize>().map_err(|_| "limit")?.clamp(1, LISTINGS_MAX),
                "mentioned" => asked.mentioned = matches!(&*value, "yes" | "1" | "true"),
                _ => {}
            }
        }
        Ok(asked)
    }

    fn filter(&self, directory: &View, now: Timestamp) -> Result<Filter, &'static str> {
        self.form.filter(directory, now).map_err(|fault| fault.key.name())
    }
}

/// Differs when a hoster that is mentioned does.
fn fingerprint(mentioned: &[DraftJson]) -> String {
    let text = serde_json::to_vec(mentioned).unwrap_or_default();
    blake3::hash(&text).to_hex().get(..16).unwrap_or_default().to_owned()
}

/// RFC 7111 section 5.1.
const CSV: &str = "text/csv; charset=utf-8; header=present";
/// Listings of one answer: about a megabyte and a half.
pub(super) const LISTINGS_MAX: usize = 1_000;
/// Lines that are written between two looks at the directory.
const LINES_AT_ONCE: usize = 500;
/// Bytes behind `?`.
const QUERY_MAX: usize = 2_000;
