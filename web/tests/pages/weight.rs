//! What a page weighs and how long it takes when the directory is large.

use std::time::{Duration, Instant};

use axum::http::Method;
use essaim_directory::document::Edit;

use crate::fixture::{fields, request, serve};

/// 1,000 hosters; 10,000 in the long form (`ESSAIM_LONG=1`). How many there are changes neither the number of hosters on a page nor
/// that of spots on its map.
#[tokio::test]
async fn a_page_of_a_large_directory_is_small_and_quick() {
    let long = std::env::var_os("ESSAIM_LONG").is_some();
    let count = if long { 10_000 } else { 1_000 };
    let hosters: Vec<Vec<Edit>> = (0..count).map(listing).collect();
    let app = serve(&hosters);
    for path in [
        "/fr/directory",
        "/fr/directory?near=Commune+7&within=250&open=yes",
        "/fr/directory?q=sauvegardes&page=9",
    ] {
        let mut times = Vec::new();
        for _ in 0..if long { 100 } else { 10 } {
            let began = Instant::now();
            let page = request(&app, Method::GET, path, &[("accept-encoding", "gzip")]).await;
            times.push(began.elapsed());
            assert_eq!(page.header("content-encoding"), "gzip", "{path}: {}", page.status);
            assert!(page.body.len() <= WEIGHT_MAX, "{path}: {} bytes", page.body.len());
            if times.len() == 1 {
                println!("{path} of {count} hosters: {} bytes", page.body.len());
            }
        }
        times.sort_unstable();
        let p99 = times[times.len() * 99 / 100];
        println!("{path} of {count} hosters: median {:?}, p99 {p99:?} (this build)", times[times.len() / 2]);
        // What is asked for is 50 ms of a build that is optimised.
        if long && !cfg!(debug_assertions) {
            assert!(p99 <= TIME_MAX, "{path}: {p99:?}");
        }
    }
}

fn listing(at: usize) -> Vec<Edit> {
    let text = "Nous hébergeons le courrier, les fichiers et les agendas de nos membres, sans publicité, sur des machines que \
        nous connaissons; les sauvegardes sont chez nos voisins, chiffrées, et nous répondons au téléphone.";
    let name = format!("Coopérative {at}");
    let place = format!("Commune {}", at % 600);
    let cell = format!("{}.{},{}.{}", 40 + at % 25, at / 3 % 10, at / 25 % 25, at / 7 % 10);
    let service = ["service.files", "service.calendar", "service.chat", "service.web"][at % 4];
    let language = ["language.fr", "language.nl", "language.de", "language.es"][at % 4];
    fields(&[
        ("name", &name),
        ("description.fr", text),
        ("description.nl", text),
        ("description.en", text),
        ("place.name", &place),
        ("place.cell", &cell),
        ("place.country", ["BE", "FR", "NL", "DE"][at % 4]),
        ("service.mail", "yes"),
        (service, "yes"),
        (language, "yes"),
        ("price.monthly", "350"),
        ("price.currency", "EUR"),
        ("join.open", if at.is_multiple_of(2) { "yes" } else { "no" }),
        ("legal.form", "cooperative"),
    ])
}

/// The goal is 15 kB, the limit 60: with the style sheet and without the map, which browsers keep.
const WEIGHT_MAX: usize = 15_000;
const TIME_MAX: Duration = Duration::from_millis(50);
