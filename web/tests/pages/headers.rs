//! What every answer has in its head, and how long it may be kept.

use axum::http::{Method, StatusCode};

use crate::fixture::{get, request, three};

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_its_reader() {
    let app = three();
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/fr"),
        (Method::GET, "/fr/"),
        (Method::HEAD, "/fr/directory"),
        (Method::GET, "/fr/directory/h0.test"),
        (Method::GET, "/fr/directory/absent.test"),
        (Method::GET, "/health/live"),
        (Method::GET, "/metrics"),
        (Method::GET, "/assets/style.0.css"),
        (Method::GET, "/assets/..%2f..%2fCargo.toml"),
        (Method::POST, "/fr/directory"),
        (Method::OPTIONS, "/fr/"),
        (Method::TRACE, "/"),
        (Method::from_bytes(b"BREW").unwrap(), "/fr/directory/h0.test"),
    ] {
        let answer = request(&app, method.clone(), path, &[]).await;
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            ),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{method} {path}: {name}");
        }
        assert!(!answer.header("permissions-policy").is_empty());
        assert!(!answer.header("cache-control").is_empty(), "{method} {path}");
        assert!(method != Method::HEAD || answer.body.is_empty());
    }
}

#[tokio::test]
async fn what_only_reads_refuses_what_writes_and_says_so() {
    let app = three();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::CONNECT, Method::TRACE] {
        let answer = request(&app, method.clone(), "/nl/directory", &[]).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header("allow"), "GET,HEAD");
        assert!(answer.text().contains("human@h0.test"), "{method}");
    }
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_a_name_that_changes_with_them() {
    let app = three();
    let page = get(&app, "/fr/directory").await.text();
    for (begin, content_type) in [
        ("/assets/style.", "text/css; charset=utf-8"),
        ("/assets/map.", "image/svg+xml"),
        ("/assets/icon.", "image/svg+xml"),
    ] {
        let from = page.find(begin).unwrap();
        let path: String = page[from..].chars().take_while(|c| !"\"#".contains(*c)).collect();
        let asset = get(&app, &path).await;
        assert_eq!((asset.status, asset.header("content-type")), (StatusCode::OK, content_type));
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        let known = request(&app, Method::GET, &path, &[("if-none-match", asset.header("etag"))]).await;
        assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
        let gone = get(&app, &path.replace(begin, &format!("{begin}0"))).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_page_that_the_reader_has_is_not_sent_again() {
    let app = three();
    let page = get(&app, "/fr/directory").await;
    assert_eq!(page.header("cache-control"), "no-cache");
    for tag in [page.header("etag"), "*", &format!("\"x\", {}", page.header("etag"))] {
        let known =
            request(&app, Method::GET, "/fr/directory", &[("if-none-match", tag), ("accept-language", "fr")])
                .await;
        assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0), "{tag}");
    }
    let other =
        request(&app, Method::GET, "/fr/directory", &[("if-none-match", "W/\"0000000000000000\"")]).await;
    assert_eq!(other.status, StatusCode::OK);
    let small = request(&app, Method::GET, "/fr/directory", &[("accept-encoding", "gzip")]).await;
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.headers.get_all("vary").iter().count() >= 2, "{:?}", small.headers);
}

#[tokio::test]
async fn the_first_address_leads_to_the_language_of_the_browser() {
    let app = three();
    for (accept, path) in [("nl-BE,en;q=0.5", "/nl/"), ("de", "/fr/"), ("", "/fr/"), ("en", "/en/")] {
        let answer = request(&app, Method::GET, "/", &[("accept-language", accept)]).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, path), "{accept}");
        assert_eq!(answer.header("vary").split(',').next(), Some("accept-language"));
    }
}
