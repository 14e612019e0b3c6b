//! The directory in the formats of others: out by `export`, in by `import` and `edit --from-...`.

use std::path::PathBuf;

use essaim_federation::{Hoster, eventually};
use serde_json::Value;

const CHATONS: &str = "file.class = Organization\nfile.datetime = 2026-07-07T12:00:00\n\
    organization.name = Les Chatons\norganization.description = Un h\\u00e9bergeur\n\
    organization.website = https://www.chatons.example/\norganization.type = ASSOCIATION\n\
    organization.country.code = FR\norganization.legal.url = http://chatons.example/\n";
const LIBREHOSTS: &str = r#"[
    {"name": "Bees", "homeUrl": "https://bees.example/", "communicationLanguages": ["en"], "description": "Honey"},
    {"name": "Nobody", "description": "no home page"}
]"#;

/// A file that is gone with the test.
struct File(#[expect(dead_code, reason = "removed at the end")] tempfile::TempDir, PathBuf);

impl File {
    fn new(name: &str, content: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(name);
        std::fs::write(&path, content).expect("it can be written");
        Self(dir, path)
    }

    fn path(&self) -> &str {
        self.1.to_str().expect("UTF-8")
    }
}

fn exported(hoster: &Hoster, arguments: &[&str]) -> Value {
    hoster.ask(&[&["directory", "export", "--format"], arguments].concat())
}

fn document(hoster: &Hoster, arguments: &[&str]) -> String {
    exported(hoster, arguments)["document"].as_str().expect("a document").to_owned()
}

fn names(changes: &Value) -> Vec<&str> {
    let listings = changes["listings"].as_array().expect("an array").iter();
    listings.filter_map(|listing| listing["name"].as_str()).collect()
}

#[test]
fn every_format_tells_what_the_listing_says() {
    let a = Hoster::start("a");
    a.edit("name=Les Abeilles & fils");
    a.edit("legal.since=2018");
    assert_eq!(names(&exported(&a, &["json"])), ["Les Abeilles & fils"]);
    // One schema: what the list shows is what is exported.
    assert_eq!(exported(&a, &["json"])["listings"], a.ask(&["directory", "list"]));
    assert!(document(&a, &["csv"]).contains(",a.test,Les Abeilles & fils,"));
    assert!(document(&a, &["atom"]).contains("Les Abeilles &amp; fils has joined"));
    let jsonld: Value = serde_json::from_str(&document(&a, &["jsonld"])).expect("JSON");
    assert_eq!((&jsonld["@type"], &jsonld["foundingDate"]), (&"Organization".into(), &"2018".into()));
    let librehost: Value = serde_json::from_str(&document(&a, &["librehost", "a.test"])).expect("JSON");
    assert_eq!(librehost["name"], "Les Abeilles & fils");
    assert!(document(&a, &["chatons"]).contains("organization.name = Les Abeilles & fils\n"));
    assert!(document(&a, &["chatons", "--service", "mail"]).contains("software.name = Essaim\n"));
    assert!(a.refusal(&["directory", "export", "--format", "csv", "a.test"]).contains("only for"));
    assert!(a.refusal(&["directory", "export", "--format", "json", "--since", "x"]).contains("--since x"));
}

#[test]
fn a_reader_is_told_what_changed_since_over_restarts() {
    let (mut a, b) = (Hoster::start("a"), Hoster::start("b"));
    b.join(&a);
    a.sees(&["a.test", "b.test"]);
    let first = exported(&a, &["json"]);
    assert_eq!((first["complete"].as_bool(), names(&first).len()), (Some(true), 2));
    let state = first["state"].as_str().expect("a state");
    assert!(a.node.stop().success());
    a.node.restart();
    b.edit("name=La Ruche");
    a.sees_name("b.test", "La Ruche");
    let second = exported(&a, &["json", "--since", state]);
    assert_eq!((second["complete"].as_bool(), names(&second)), (Some(false), vec!["La Ruche"]));
    a.ask(&["directory", "hide", "b.test"]);
    let state = second["state"].as_str().expect("a state");
    let third = exported(&a, &["json", "--since", state]);
    assert_eq!(third["gone"][0]["listing"], second["listings"][0]["listing"]);
}

#[test]
fn hosters_that_others_mention_are_kept_apart_until_they_are_forgotten() {
    let mut a = Hoster::start("a");
    let (chatons, librehosts) = (File::new("o.properties", CHATONS), File::new("l.json", LIBREHOSTS));
    let import = |hoster: &Hoster, file: &File, more: &[&str]| {
        let arguments = ["directory", "import", file.path(), "--from", "libreho.st"];
        hoster.ask(&[arguments.as_slice(), more].concat())
    };
    let seen = import(&a, &librehosts, &["--dry-run"]);
    assert_eq!(seen["mentioned"][0]["draft"], "bees.example");
    assert_eq!(seen["left_out"][0]["field"], "Nobody");
    assert_eq!(a.ask(&["directory", "list", "--mentioned"]).as_array().map(Vec::len), Some(1));
    import(&a, &librehosts, &[]);
    let taken = import(&a, &chatons, &["--language", "fr"]);
    assert_eq!(taken["left_out"][0]["field"], "organization.legal.url");

    assert!(a.node.stop().success());
    a.node.restart();
    let mentioned = a.ask(&["directory", "list", "--mentioned"]);
    let by: Vec<_> =
        mentioned.as_array().expect("an array").iter().map(|shown| &shown["mentioned_by"]).collect();
    assert_eq!(by, [&Value::Null, &"libreho.st".into(), &"libreho.st".into()]);
    let found = a.ask(&["directory", "search", "honey", "--mentioned"]);
    assert_eq!((found[0]["draft"].as_str(), &found[1]), (Some("bees.example"), &Value::Null));
    assert_eq!(a.ask(&["directory", "show", "chatons.example"])["descriptions"]["fr"], "Un hébergeur");
    // No listing: neither in the list nor in what others get.
    assert_eq!(a.directory(), ["a.test"]);
    assert_eq!(names(&exported(&a, &["json"])).len(), 1);
    assert_eq!(exported(&a, &["json", "--mentioned"])["mentioned"].as_array().map(Vec::len), Some(2));

    a.ask(&["directory", "forget", "bees.example"]);
    assert!(a.refusal(&["directory", "forget", "bees.example"]).contains("nobody mentions"));
    let audit = a.ask(&["audit"]).to_string();
    assert!(audit.contains("directory.import") && audit.contains("directory.forget"), "{audit}");
    assert_eq!(a.ask(&["directory", "list", "--mentioned"]).as_array().map(Vec::len), Some(2));
}

#[test]
fn a_draft_gives_way_to_a_listing_of_the_same_domain() {
    let (a, b) = (Hoster::start("a"), Hoster::start("b"));
    let file = File::new("b.json", r#"{"name": "Hearsay", "homeUrl": "https://b.test/"}"#);
    a.ask(&["directory", "import", file.path(), "--from", "somebody"]);
    assert_eq!(a.ask(&["directory", "show", "b.test"])["mentioned_by"], "somebody");
    b.join(&a);
    eventually("the draft is not shown any more", || {
        let shown = a.ask(&["directory", "list", "--mentioned"]);
        let shown = shown.as_array().expect("an array");
        shown.len() == 2 && shown.iter().all(|shown| shown["mentioned_by"].is_null())
    });
    // Nor has the other hoster heard of it.
    assert_eq!(b.ask(&["directory", "list", "--mentioned"]).as_array().map(Vec::len), Some(2));
}

#[test]
fn a_hoster_fills_its_listing_from_the_file_it_has() {
    let a = Hoster::start("a");
    a.edit("place.country=BE");
    let file = File::new("o.properties", CHATONS);
    let refused = a.refusal(&["directory", "edit", "--from-chatons", file.path()]);
    assert!(refused.contains("nobody can be asked"), "{refused}");
    a.ask(&["directory", "edit", "--from-chatons", file.path(), "--yes"]);
    let listing = a.listing_of("a.test");
    assert_eq!((&listing["place"]["country"], &listing["legal_form"]), (&"BE".into(), &"association".into()));
    assert_eq!(listing["descriptions"]["en"], "Un hébergeur");
    assert_eq!(listing["domain"], "a.test");
}

#[test]
fn a_bad_file_is_refused_with_the_line_that_is_wrong() {
    let a = Hoster::start("a");
    let import = |name: &str, content: &str| {
        let file = File::new(name, content);
        a.refusal(&["directory", "import", file.path(), "--from", "x"])
    };
    assert!(import("x.json", "{\n\"name\": ,\n}").contains("line 2, column"));
    assert!(import("x.json", &"[".repeat(50)).contains("nested deeper"));
    assert!(import("x.properties", "a = b\nc = \\u12\n").contains("line 2 has an escape"));
    assert!(import("x.properties", "file.class = Service\n").contains("not Organization"));
    assert!(import("x.txt", "a").contains("does not tell its format"));
}
