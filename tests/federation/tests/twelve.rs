//! Twelve hosters, each joined by one that is there already.

use essaim_federation::{Hoster, eventually};

#[test]
fn twelve_hosters_hold_the_same_directory() {
    let mut hosters: Vec<Hoster> = Vec::new();
    for number in 0..12_usize {
        let new = Hoster::start(&format!("h{number:02}"));
        // A tree: the eleventh is four steps away from the first.
        if let Some(parent) = number.checked_sub(1).map(|before| before / 2) {
            new.join(&hosters[parent]);
        }
        hosters.push(new);
    }
    let domains: Vec<String> = (0..12).map(|number| format!("h{number:02}.test")).collect();
    for hoster in &hosters {
        eventually("all are seen by all", || hoster.directory() == domains);
    }
    hosters[11].edit("name=The last");
    for hoster in &hosters {
        hoster.sees_name("h11.test", "The last");
    }
}
