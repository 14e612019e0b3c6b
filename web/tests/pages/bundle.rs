//! The bundle as a node fetches it.

use axum::http::{Method, StatusCode};
use essaim_directory::bundle::{MEDIA_TYPE, PATH, Page, Told};
use essaim_types::ListingId;

use crate::fixture::{get, request, three, unproven};

#[tokio::test]
async fn a_bundle_tells_all_that_is_proven_and_nothing_else() {
    let first = ListingId::from_bytes([0; 32]);
    let answer = get(&three(), PATH).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, MEDIA_TYPE));
    let page = Page::parse(&answer.body, first).unwrap();
    let mut told = Told::default();
    told.add(&page).unwrap();
    assert_eq!((told.listings(), page.next), (3, None));
    let app = three();
    let again = [("if-none-match", answer.header("etag"))];
    assert_eq!(request(&app, Method::GET, PATH, &again).await.status, StatusCode::NOT_MODIFIED);
    let last = get(&app, &format!("{PATH}?from={}", ListingId::from_bytes([255; 32]))).await;
    assert_eq!(Page::parse(&last.body, first).unwrap().records, []);
    assert_eq!(get(&app, &format!("{PATH}?from=everything")).await.status, StatusCode::BAD_REQUEST);
    let page = Page::parse(&get(&unproven(), PATH).await.body, first).unwrap();
    let mut told = Told::default();
    told.add(&page).unwrap();
    assert_eq!(told.listings(), 1, "the own listing only");
}
