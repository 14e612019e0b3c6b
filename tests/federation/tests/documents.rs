//! The directory for programs that ask over HTTP.

use essaim_federation::{Hoster, eventually};
use serde_json::Value;

fn names(changes: &Value) -> Vec<&str> {
    let listings = changes["listings"].as_array().expect("an array").iter();
    listings.filter_map(|listing| listing["name"].as_str()).collect()
}

/// A document that is not five seconds old: the command has the node look anew.
fn fresh(hoster: &Hoster, path: &str) -> Value {
    hoster.ask(&["directory", "export", "--format", "json"]);
    hoster.get_json(path)
}

#[test]
fn every_document_has_its_type_and_is_for_every_origin() {
    let a = Hoster::start("a");
    a.edit("name=Les Abeilles");
    eventually("the edit is in the document", || names(&fresh(&a, "/directory.json")) == ["Les Abeilles"]);
    let id = a.listing_of("a.test")["listing"].as_str().expect("an id").to_owned();
    for (path, media_type, text) in [
        ("/directory.json", "application/json", "\"format\":\"essaim-directory/1\""),
        ("/directory.csv", "text/csv; charset=utf-8; header=present", ",Les Abeilles,"),
        ("/directory.atom", "application/atom+xml", "Les Abeilles"),
        (&format!("/directory/{id}.jsonld"), "application/ld+json", "\"Les Abeilles\""),
        ("/librehost.json", "application/json", "\"name\": \"Les Abeilles\""),
        ("/.well-known/chatonsinfos/a.test.properties", "text/plain; charset=utf-8", "subs.mail = https://"),
        (
            "/.well-known/chatonsinfos/a.test-mail.properties",
            "text/plain; charset=utf-8",
            "software.name = Essaim",
        ),
    ] {
        let answer = a.get(path, &[]);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.headers["content-type"], media_type, "{path}");
        assert_eq!(answer.headers["access-control-allow-origin"], "*", "{path}");
        assert_eq!(answer.headers["cache-control"], "public, max-age=60", "{path}");
        assert!(answer.body.contains(text), "{path}: {}", answer.body);
        let etag = format!("If-None-Match: {}", answer.headers["etag"]);
        let again = a.get(path, &[&etag]);
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        assert_eq!(again.headers["etag"], answer.headers["etag"], "{path}");
    }
    let linked = a.get(&format!("/directory/{id}"), &["Accept: text/html;q=0.5, application/ld+json"]);
    assert_eq!(linked.headers["content-type"], "application/ld+json");
    let page = a.get(&format!("/directory/{id}"), &["Accept: text/html", "Accept-Language: nl"]);
    assert_eq!((page.status, &page.headers["location"]), (302, &format!("/nl/directory/{id}")));
}

#[test]
fn a_program_polls_with_what_it_knows() {
    let (a, b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    eventually("both are in the document", || names(&fresh(&a, "/directory.json")).len() == 2);
    let first = a.get_json("/directory.json?limit=1");
    assert_eq!((first["complete"].as_bool(), first["more"].as_bool()), (Some(true), Some(true)));
    let state = first["state"].as_str().expect("a state");
    let second = a.get_json(&format!("/directory.json?since={state}"));
    assert_eq!((names(&second).len(), second["more"].as_bool()), (1, Some(false)));
    let state = second["state"].as_str().expect("a state").to_owned();
    b.edit("join.open=yes");
    let since = format!("/directory.json?since={state}&open=yes");
    eventually("the change is told", || names(&fresh(&a, &since)).len() == 1);
    let open = a.get("/directory.csv?open=yes", &[]);
    assert_eq!((open.body.lines().count(), open.body.contains(",b.test,")), (2, true), "{}", open.body);
    a.ask(&["directory", "hide", "b.test"]);
    eventually("what is hidden is gone", || !fresh(&a, &since)["gone"][0]["since"].is_null());
    assert_eq!(a.get_json("/directory.json?since=0000000000000000-1")["complete"], true);
}

#[test]
fn what_cannot_be_understood_is_refused_in_json() {
    let a = Hoster::start("a");
    for (path, status) in [
        ("/directory.json?since=yesterday", 400),
        ("/directory.json?limit=many", 400),
        ("/directory.json?near=Atlantis", 400),
        ("/directory.csv?price=cheap", 400),
        ("/directory.atom?country=Belgium", 400),
        ("/directory/nobody.test.jsonld", 404),
        ("/.well-known/chatonsinfos/b.test.properties", 404),
        ("/.well-known/chatonsinfos/a.test-chess.properties", 404),
    ] {
        let answer = a.get(path, &[]);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let error: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert!(error["error"]["message"].is_string() && error["error"]["hint"].is_string(), "{error}");
    }
}
