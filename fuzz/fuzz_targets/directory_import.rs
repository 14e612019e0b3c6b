//! Files in which others tell of hosters: what is taken from them is a listing, and can be kept, shown and written again.
#![no_main]

use essaim_directory::export::chatons::Files;
use essaim_directory::export::json::DraftJson;
use essaim_directory::export::{Software, librehost as write};
use essaim_directory::import::{Draft, Found, chatons, librehost};
use essaim_directory::listing::{check, parse_edit};
use essaim_fuzz::split;
use essaim_types::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut knobs, file) = split(data);
    let language = knobs.pick(&[None, Some("fr")]);
    let found = match knobs.turn() % 2 {
        0 => librehost::read(file, language).unwrap_or_default(),
        _ => chatons::read(file, language).into_iter().collect(),
    };
    for found in found {
        check_found(found);
    }
});

fn check_found(found: Found) {
    let edits = found.fields.iter().map(|(key, text)| parse_edit(key, text).expect("every field is possible"));
    let fields = edits.filter_map(|edit| Some((edit.key, edit.value?))).collect();
    assert_eq!(check(&fields), Ok(()), "all together are no listing");
    assert!(!found.fields.is_empty(), "a hoster of whom nothing is said");
    let domain = found.domain.clone();
    let Some(draft) = Draft::new(found, "somebody", Timestamp(0)) else { return };
    let kept = essaim_identity::cbor::encode(&draft);
    let draft = essaim_identity::cbor::decode::<Draft>(&kept).expect("what is kept is read");
    let listing = draft.listing();
    assert_eq!(listing.domain.as_deref(), domain.as_deref());
    let json = serde_json::to_vec(&DraftJson::of(&draft)).expect("it is JSON");
    serde_json::from_slice::<DraftJson>(&json).expect("it is read back");
    let file = serde_json::to_vec(&write::librehost(&listing, &["fr"])).expect("it is JSON");
    let again = librehost::read(&file, Some("fr")).expect("our own file is read");
    assert_eq!(again.first().and_then(|found| found.domain.clone()).is_some(), listing.domain.is_some());
    let software = Software { name: "Essaim", version: "0", licence: "AGPL-3.0-or-later" };
    let (mail_software, languages, now) = (None, ["fr"].as_slice(), Timestamp(0));
    let files = Files { listing: &listing, base: "https://a.test", generator: software, mail_software, languages, now };
    let file = files.organization();
    assert!(file.is_ascii());
    // A name in quotes loses them, for there are generators that put all values in quotes.
    let Some(name) = listing.name.as_deref().filter(|name| !name.starts_with(['\'', '"'])) else { return };
    let again = chatons::read(file.as_bytes(), Some("fr")).expect("our own file is read");
    assert_eq!(again.fields.get("name").map(String::as_str), Some(name));
}
