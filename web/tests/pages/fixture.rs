//! A node with a directory of hosters that exist only here, and what it answers.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use essaim_directory::document::Edit;
use essaim_directory::import::Draft as Mention;
use essaim_directory::journal::Journal;
use essaim_directory::listing::parse_edit;
use essaim_directory::observation::{Door, MailNames, Observation, Reach, Service, Sight};
use essaim_directory::{Directory, DomainOutcome, Input, Origin, Output, Policy};
use essaim_sim::hoster::{genesis, node_key};
use essaim_types::{ListingId, Timestamp};
use essaim_web::{Away, Host, Language, Look, LookSince, Metric, Node, Router, Surface, router};
use tower::ServiceExt;

/// The time at which everything here happens.
pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// A node of which only the pages exist.
pub(crate) struct Shop {
    directory: Mutex<Directory>,
    /// What it has seen itself.
    seen: Option<Observation>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Node for Shop {
    fn host(&self) -> Host {
        let (name, contact) = ("Chez <nous>".to_owned(), "human@h0.test".to_owned());
        let (domain, base) = ("h0.test".parse().unwrap(), "https://h0.test".to_owned());
        Host { name, domain, base, version: "0", contact, language: Language::French }
    }

    fn look(&self, look: Look) -> Pin<Box<dyn Future<Output = Result<(), Away>> + Send + '_>> {
        look(&self.directory.lock().unwrap(), NOW);
        Box::pin(std::future::ready(Ok(())))
    }

    fn look_since(&self, look: LookSince) -> Pin<Box<dyn Future<Output = Result<(), Away>> + Send + '_>> {
        let directory = self.directory.lock().unwrap();
        let mut journal = Journal::new([1; 8]);
        let steps = journal.observe(NOW, &directory);
        journal.take_in(steps);
        look(&directory, &journal, NOW);
        Box::pin(std::future::ready(Ok(())))
    }

    fn mentioned(&self) -> Pin<Box<dyn Future<Output = Result<Vec<Mention>, Away>> + Send + '_>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn observations(&self, of: ListingId) -> Vec<Observation> {
        let ours = self.seen.as_ref().filter(|seen| seen.subject == of);
        ours.cloned().into_iter().collect()
    }

    fn card(&self) -> Option<Vec<u8>> {
        None
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }
}

/// The routes of a node whose directory has these hosters; the first is its own.
pub(crate) fn serve(hosters: &[Vec<Edit>]) -> Router {
    serve_proven(hosters, |_| true)
}

/// A node that knows two hosters, of which only its own is proven.
pub(crate) fn unproven() -> Router {
    serve_proven(&[fields(&[("service.mail", "yes")]), fields(&[("service.mail", "yes")])], |at| at == 0)
}

fn serve_proven(hosters: &[Vec<Edit>], is_proven: impl Fn(usize) -> bool) -> Router {
    let mut directory = Directory::new(Policy::default(), [1; 32]);
    for (at, edits) in hosters.iter().enumerate() {
        for record in records(at, edits) {
            tell(&mut directory, &record, is_proven(at));
        }
    }
    let (own, _) = genesis(0);
    directory.adopt(NOW, own, node_key(0), Origin::Existing);
    let seen = (hosters.len() > 1).then(|| mail_answers(own, genesis(1).0));
    router(Arc::new(Shop { directory: Mutex::new(directory), seen }), Surface::Public)
}

/// The first hoster's node has just seen that the second takes mail.
fn mail_answers(observer: ListingId, subject: ListingId) -> Observation {
    let ip = IpAddr::from([192, 0, 2, 1]);
    let door = Door { service: Service::Smtp, port: 25 };
    let sight = Sight {
        host: 0,
        ip,
        door,
        reach: Reach::Answers,
        said: None,
        tls: None,
        postmaster: Some(250),
        milliseconds: 12,
    };
    Observation {
        observer,
        key: node_key(0).public(),
        subject,
        time: NOW,
        domain: "h1.test".parse().unwrap(),
        asked: vec![door],
        mail: MailNames::default(),
        hosts: Vec::new(),
        sights: vec![sight],
        clock_ahead: None,
    }
}

/// The fields of a listing as an operator types them.
pub(crate) fn fields(pairs: &[(&str, &str)]) -> Vec<Edit> {
    pairs.iter().map(|(key, text)| parse_edit(key, text).unwrap()).collect()
}

/// A node whose hosters say everything, something, and what strangers might say.
pub(crate) fn three() -> Router {
    let full = fields(&[
        ("name", "Les Abeilles"),
        ("description.fr", "Une coopérative à Namur"),
        ("description.nl", "Een coöperatie in Namen"),
        ("website", "https://abeilles.example/"),
        ("place.country", "BE"),
        ("place.name", "Liège"),
        ("place.cell", "50.4,4.8"),
        ("service.mail", "yes"),
        ("service.files", "yes"),
        ("language.fr", "yes"),
        ("price.monthly", "350"),
        ("price.currency", "EUR"),
        ("join.open", "yes"),
        ("join.url", "https://abeilles.example/rejoindre"),
        ("legal.form", "cooperative"),
        ("contact.email", "a@abeilles.example"),
        ("contact.phone", "+32 81 12 34 56"),
        ("terms.url", "https://abeilles.example/terms"),
        ("charter.chatons", "https://abeilles.example/chatons"),
        ("maintenance.from", "1800010000"),
        ("maintenance.until", "1800013600"),
        ("maintenance.note.fr", "Un disque"),
    ]);
    let hostile = fields(&[
        ("name", "<script>alert(\"1\")</script>'--><img src=x>"),
        ("description.en", "</p><svg onload=alert(1)>\n{{ 7*7 }} &amp; &lt; \u{5d0}\u{5d1}"),
        ("place.name", "\"><b>Bad"),
        ("place.country", "ZZ"),
        ("place.cell", "-33.9,151.2"),
        ("service.x-unknown-thing", "yes"),
        ("contact.matrix", "@a:<b>.example"),
        ("join.note.en", "javascript:alert(1)"),
        ("language.xx", "yes"),
    ]);
    serve(&[full, hostile, fields(&[("service.mail", "yes"), ("provider", "home")])])
}

/// What a request is answered.
pub(crate) async fn request(app: &Router, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 10 << 20).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// What GET is answered.
pub(crate) async fn get(app: &Router, path: &str) -> Answer {
    request(app, Method::GET, path, &[(header::ACCEPT_LANGUAGE.as_str(), "fr")]).await
}

/// What hoster `at` tells others.
fn records(at: usize, edits: &[Edit]) -> Vec<Vec<u8>> {
    let (listing, entry) = genesis(at);
    let mut core = Directory::new(Policy::default(), [3; 32]);
    core.adopt(NOW, listing, node_key(at), Origin::New);
    core.publish_keyring(NOW, &entry).unwrap();
    core.edit(NOW, edits).unwrap();
    core.hoster(listing).unwrap().records()
}

/// As gossip, from many peers: there is no pace on strangers who say one thing. Its domain says yes, or nothing.
fn tell(directory: &mut Directory, record: &[u8], is_proven: bool) {
    let name = record.iter().rev().nth(20).copied().unwrap_or_default();
    let from = node_key(900_100 + usize::from(name)).public();
    for output in directory.handle(NOW, Input::Gossip { from, ticket: 0, bytes: record.to_vec() }) {
        if let Output::CheckDomain { listing, domain } = output
            && is_proven
        {
            directory.handle(NOW, Input::DomainChecked { listing, domain, outcome: DomainOutcome::Proven });
        }
    }
}
