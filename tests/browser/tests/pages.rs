//! Every page of a real node in a real browser.

use std::path::Path;

use essaim_browser::{Browser, three_hosters};
use essaim_harness::tools::{note, run};
use serde_json::Value;

#[test]
fn pages_are_sound_in_a_browser_in_every_language_light_and_dark_narrow_and_wide() {
    let Some(browser) = Browser::find() else { return };
    let [first, ..] = &three_hosters();
    let base = format!("http://{}", first.node.address("http"));
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    let output = run(&mut browser.script("pages.mjs", &base, &pictures), b"");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_str(&said).expect("a report in JSON");
    note(&format!(
        "{} views, largest page {} bytes with all that it needs; pictures in {}",
        report["views"],
        report["bytes_max"],
        pictures.display()
    ));
    assert_eq!(report["findings"], serde_json::json!([]), "{:#}", report["findings"]);
    // Seven pages, three languages, light and dark, narrow and wide.
    assert_eq!(report["views"], 7 * 3 * 2 * 2);
    // 60 kB are allowed, of which nothing is fetched twice.
    assert!(report["bytes_max"].as_u64().is_some_and(|bytes| (1..60_000).contains(&bytes)), "{report}");
}
