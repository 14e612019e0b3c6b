//! The sentences: the same in every language, each of them used, none missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_language_has_the_same_sentences_with_the_same_variables() {
    for file in ["pages.ftl", "words.ftl", "countries.ftl"] {
        let english = sentences("en", file);
        assert!(english.len() > 30);
        for language in ["fr", "nl"] {
            let other = sentences(language, file);
            assert_eq!(
                other.keys().collect::<Vec<_>>(),
                english.keys().collect::<Vec<_>>(),
                "{language}/{file}"
            );
            for (key, variables) in &english {
                assert_eq!(&other[key], variables, "{language}/{file}: {key}");
            }
        }
    }
}

#[test]
fn every_file_of_sentences_can_be_read_to_its_end() {
    for language in ["en", "fr", "nl"] {
        for file in ["pages.ftl", "words.ftl", "countries.ftl"] {
            let text = fs::read_to_string(folder("texts").join(language).join(file)).unwrap();
            let read = fluent_bundle::FluentResource::try_new(text);
            assert!(read.is_ok(), "{language}/{file}: {:?}", read.err().map(|(_, errors)| errors));
        }
    }
}

#[test]
fn every_sentence_that_is_used_exists_and_every_one_that_exists_is_used() {
    let mut sources = String::new();
    for root in ["src", "templates"] {
        for path in files(&folder(root)) {
            sources.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    let known = sentences("en", "pages.ftl");
    for call in ["say(\"", "count(\"", ".name(\"", "others(\""] {
        for rest in sources.split(call).skip(1) {
            let key: String = rest.chars().take_while(|c| *c != '"').collect();
            assert!(known.contains_key(&key), "{key} is used and does not exist");
        }
    }
    // Keys that are put together.
    let families = ["problem-", "tier-", "asked-", "month-"];
    for key in known.keys().filter(|key| !families.iter().any(|family| key.starts_with(family))) {
        assert!(sources.contains(&format!("\"{key}\"")), "{key} exists and is not used");
    }
}

/// The keys of a file, each with its variables.
fn sentences(language: &str, file: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(folder("texts").join(language).join(file)).unwrap();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with([' ', '}'])) {
            current = key.to_owned();
            assert!(!found.contains_key(key), "{language}/{file} has {key} twice");
            found.insert(current.clone(), BTreeSet::new());
        }
        for variable in line.split('$').skip(1) {
            let name: String = variable.chars().take_while(char::is_ascii_alphanumeric).collect();
            if !name.is_empty() {
                found.get_mut(&current).unwrap().insert(name);
            }
        }
    }
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
