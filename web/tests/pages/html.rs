//! What is in a page: sound HTML, links that lead somewhere, the same page in other languages.

use std::collections::{BTreeSet, VecDeque};

use axum::http::StatusCode;
use scraper::{Html, Selector};

use crate::fixture::{fields, get, serve, three};

#[tokio::test]
async fn every_page_is_sound_and_every_link_inside_leads_somewhere() {
    let app = three();
    let mut open: VecDeque<String> = ["/fr/", "/nl/", "/en/"].map(str::to_owned).into();
    // What people ask that no page links to.
    open.extend(
        ["/fr/directory?near=Liege&price=1&open=yes", "/en/directory?price=x&near=Nowhere", "/fr/absent"]
            .map(str::to_owned),
    );
    let mut known: BTreeSet<String> = open.iter().cloned().collect();
    while let Some(path) = open.pop_front() {
        let answer = get(&app, &path).await;
        let asked_for_it = path.contains("absent") || path.contains("price=x");
        assert!(
            answer.status.is_success() || answer.status.is_redirection() || asked_for_it,
            "{path}: {}",
            answer.status
        );
        let onwards = answer.header("location");
        if !onwards.is_empty() && known.insert(onwards.to_owned()) {
            open.push_back(onwards.to_owned());
        }
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        let page = Html::parse_document(&answer.text());
        assert_eq!(page.errors, Vec::<std::borrow::Cow<'_, str>>::new(), "{path}");
        for (what, wanted) in
            [("html[lang]", 1), ("main", 1), ("h1", 1), ("script", 0), ("[style]", 0), ("[onclick]", 0)]
        {
            assert_eq!(page.select(&Selector::parse(what).unwrap()).count(), wanted, "{path}: {what}");
        }
        let ids: Vec<&str> =
            page.select(&Selector::parse("[id]").unwrap()).filter_map(|at| at.attr("id")).collect();
        assert_eq!(
            ids.iter().collect::<BTreeSet<_>>().len(),
            ids.len(),
            "{path}: two elements have one id: {ids:?}"
        );
        for link in page.select(&Selector::parse("[href]").unwrap()).filter_map(|at| at.attr("href")) {
            let link = link.split('#').next().unwrap_or_default();
            if link.starts_with('/') && known.len() < PAGES_MAX && known.insert(link.to_owned()) {
                open.push_back(link.to_owned());
            }
        }
    }
    assert!(known.len() > 28, "{known:?}");
}

#[tokio::test]
async fn a_page_is_the_same_in_other_languages() {
    let app = three();
    let page = get(&app, "/fr/directory?near=Liege&service=mail").await.text();
    assert!(
        page.contains(
            "<link rel=\"alternate\" hreflang=\"nl\" href=\"/nl/directory?near=Liege&#38;service=mail\">"
        ),
        "{page}"
    );
    assert!(page.contains("<html lang=\"fr\">"));
    // A description in the reader's order, marked with its own language.
    let english = get(&app, "/en/directory/h0.test").await.text();
    assert!(english.contains("lang=\"fr\" dir=\"auto\">Une coopérative"), "{english}");
    let dutch = get(&app, "/nl/directory/h0.test").await.text();
    assert!(dutch.contains("lang=\"nl\" dir=\"auto\">Een coöperatie"));
}

#[tokio::test]
async fn a_place_is_found_without_its_accents_and_nothing_found_says_what_would_help() {
    let app = three();
    let near = get(&app, "/en/directory?near=LIEGE").await.text();
    assert!(
        near.contains("1 hoster<") && near.contains("less than a kilometre away")
            || near.contains(" km away"),
        "{near}"
    );
    let none = get(&app, "/en/directory?near=Liege&form=association").await.text();
    assert!(none.contains("No hoster matches."), "{none}");
    assert!(
        none.contains("<a href=\"/en/directory?near=Liege\">without “Association”: 1 more</a>"),
        "{none}"
    );
    let nowhere = get(&app, "/en/directory?near=Atlantis").await;
    assert_eq!(nowhere.status, StatusCode::BAD_REQUEST);
    assert!(nowhere.text().contains("No hoster says that it is there"));
}

#[tokio::test]
async fn a_page_tells_where_facts_come_from_and_how_to_join() {
    let page = get(&three(), "/en/directory/h0.test").await.text();
    for wanted in [
        "declared less than an hour ago",
        "This node asked the domain",
        "This is the hoster of this node itself.",
        "Nobody has vouched for this hoster yet.",
        "<a class=\"button\" href=\"https://abeilles.example/rejoindre\" rel=\"noopener nofollow\">Apply to join</a> <small class=\"host\"><bdi>abeilles.example</bdi></small>",
        "href=\"tel:+3281123456\"",
        "€3.50 a month",
        "15 January 2027, 10:46 to 11:46 UTC",
    ] {
        assert!(page.contains(wanted), "{wanted} is not in {page}");
    }
}

#[tokio::test]
async fn what_this_node_has_seen_is_told_from_what_is_declared() {
    let app = serve(&[
        fields(&[("name", "Own")]),
        fields(&[("service.mail", "yes"), ("service.files", "yes"), ("energy", "grid")]),
    ]);
    let page = get(&app, "/en/directory/h1.test").await.text();
    assert!(page.contains("<bdi>Mail (checked by this node less than an hour ago)</bdi>"), "{page}");
    assert!(page.contains("<bdi>Files</bdi>") && page.contains("declared less than an hour ago"), "{page}");
    // A row is no more certain than its least certain field.
    assert!(!page.contains("<small class=\"source\">checked"), "{page}");
}

/// Pages that are read in all: the filters can be combined without end.
const PAGES_MAX: usize = 400;
