//! Strangers write listings and addresses: nothing of it becomes anything but text.

use axum::http::{Method, StatusCode};
use proptest::prelude::*;
use scraper::{Html, Selector};
use tokio::runtime;

use crate::fixture::{get, request, three};

#[tokio::test]
async fn what_a_hoster_says_is_text() {
    let app = three();
    for path in
        ["/en/directory", "/en/directory/h1.test", "/fr/directory?q=alert", "/en/directory?country=ZZ"]
    {
        let text = get(&app, path).await.text();
        for never in ["<script", "<img", "<svg onload", "<b>", "\"><b>"] {
            assert!(!text.contains(never), "{path} has {never}");
        }
        let page = Html::parse_document(&text);
        assert!(page.errors.is_empty(), "{path}: {:?}", page.errors);
        for link in page.select(&Selector::parse("[href]").unwrap()).filter_map(|at| at.attr("href")) {
            let known = ["/", "#", "https://", "mailto:", "tel:"].iter().any(|begin| link.starts_with(begin));
            assert!(known && !link.starts_with("//"), "{path}: {link}");
        }
        let outside = Selector::parse("a[href^=http]").unwrap();
        let out = page.select(&outside);
        assert!(out.map(|link| link.attr("rel")).all(|rel| rel == Some("noopener nofollow")));
    }
    assert!(get(&app, "/en/directory").await.text().contains("&#60;script&#62;alert(&#34;1&#34;)"));
}

#[tokio::test]
async fn a_name_in_the_address_is_text_too() {
    let app = three();
    for query in [
        "q=%3Cscript%3Ealert(1)%3C/script%3E",
        "near=%22%3E%3Csvg%20onload%3D1%3E",
        "q=%E2%80%AEx",
        "q=%ff%fe",
        "near=%00",
    ] {
        let answer = get(&app, &format!("/en/directory?{query}")).await;
        let answer = match answer.status {
            StatusCode::FOUND => get(&app, answer.header("location")).await,
            _ => answer,
        };
        let text = answer.text();
        assert!(!text.contains("<script") && !text.contains("<svg onload"), "{query}: {text}");
        assert!(Html::parse_document(&text).errors.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn an_address_without_end_is_refused_by_name() {
    let app = three();
    for query in [format!("q={}", "a".repeat(2_000)), "&".repeat(2_001), "service=mail&".repeat(200)] {
        let answer = get(&app, &format!("/en/directory?{query}")).await;
        assert_eq!(answer.status, StatusCode::URI_TOO_LONG);
        assert!(answer.text().contains("This address is too long") && answer.body.len() < 8_000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_request_is_answered_by_a_mistake_of_ours(
        paths in proptest::collection::vec("/(fr|en|nl|assets|directory|\\.\\.|)/?(directory|%2e%2e|)/?[a-z0-9%._~-]{0,24}(\\?[a-z]{0,8}=?[!-;=?-~]{0,80})?", 24),
        accept in "[ -~]{0,60}",
    ) {
        let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
        thread_local! { static APP: essaim_web::Router = three(); }
        APP.with(|app| runtime.block_on(async {
            for path in &paths {
                if path.parse::<axum::http::Uri>().is_err() {
                    continue;
                }
                let answer = request(app, Method::GET, path, &[("accept-language", &accept), ("if-none-match", &accept)]).await;
                prop_assert!(answer.status.as_u16() < 500, "{path}: {}", answer.status);
                let location = answer.header("location");
                prop_assert!(location.is_empty() || location.starts_with("/fr") || location.starts_with("/en") || location.starts_with("/nl"), "{location}");
            }
            Ok(())
        }))?;
    }
}
