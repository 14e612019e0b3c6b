//! One address for one question, and names of hosters.

use axum::http::StatusCode;

use crate::fixture::{fields, get, serve, three, unproven};

#[tokio::test]
async fn what_a_form_sends_becomes_the_shortest_address_of_the_question() {
    let app = three();
    let sent = "/fr/directory?near=Liege&within=50&q=&price=&country=&form=&charter=&trust=&utm_source=x";
    let answer = get(&app, sent).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, "/fr/directory?near=Liege"));
    assert_eq!(get(&app, "/fr/directory?near=Liege").await.status, StatusCode::OK);
    assert_eq!(get(&app, "/fr").await.header("location"), "/fr/");
}

#[tokio::test]
async fn a_long_list_has_pages_and_the_last_one_is_shown_to_who_goes_too_far() {
    let hosters: Vec<_> = (0..45).map(|at| fields(&[("name", &format!("Hoster {at:02}"))])).collect();
    let app = serve(&hosters);
    let first = get(&app, "/en/directory").await.text();
    assert!(
        first.contains("45 hosters")
            && first.contains("Page 1 of 3")
            && first.contains("href=\"/en/directory?page=2\""),
        "{first}"
    );
    let last = get(&app, "/en/directory?page=99").await.text();
    assert!(
        last.contains("Page 3 of 3") && last.contains("Hoster 44") && last.contains("start=\"41\""),
        "{last}"
    );
}

#[tokio::test]
async fn a_hoster_is_found_by_domain_and_by_id_and_else_the_page_says_what_to_do() {
    let app = three();
    let page = get(&app, "/fr/directory/h0.test").await.text();
    let id: String = page.split("<code>").nth(1).unwrap().chars().take_while(|c| *c != '<').collect();
    assert_eq!(get(&app, &format!("/fr/directory/{id}")).await.status, StatusCode::OK);
    let none = get(&app, "/fr/directory/absent.test").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert!(
        none.text().contains("n’est pas dans l’annuaire") && none.text().contains("mailto:human@h0.test")
    );
}

#[tokio::test]
async fn a_name_that_is_none_leads_nowhere() {
    let app = three();
    for path in [
        "/fr/directory/%00",
        "/fr/directory/%ff%fe",
        "/fr/directory/..%2f..%2fetc",
        "/fr/directory/h0.test/",
        "/assets/%ff",
    ] {
        assert_eq!(get(&app, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_listing_that_its_domain_does_not_confirm_is_not_shown() {
    let app = unproven();
    assert_eq!(get(&app, "/fr/directory/h1.test").await.status, StatusCode::NOT_FOUND);
    let page = get(&app, "/fr/directory").await.text();
    assert!(!page.contains("h1.test") && page.contains("h0.test"), "{page}");
    // But whoever runs the node sees itself.
    assert_eq!(get(&app, "/fr/directory/h0.test").await.status, StatusCode::OK);
}
