//! Arrows point down only. A new arrow is a design change: discuss it, then edit this table and ARCHITECTURE.md together.

use std::collections::BTreeSet;

use essaim_tidy::files;
use essaim_tidy::packages::Packages;

/// Crate, whether it is pure, and what it may be built with.
const ARROWS: &[(&str, Kind, &[&str])] = &[
    ("essaim-types", Kind::Pure, &[]),
    ("essaim-smtp", Kind::Pure, &["essaim-types"]),
    ("essaim-imap", Kind::Pure, &["essaim-types"]),
    ("essaim-identity", Kind::Pure, &["essaim-types"]),
    ("essaim-directory", Kind::Pure, &["essaim-types", "essaim-identity"]),
    ("essaim-migration", Kind::Pure, &["essaim-types", "essaim-identity"]),
    ("essaim-store", Kind::Store, &["essaim-types"]),
    ("essaim-accounts", Kind::Rules, &["essaim-types", "essaim-identity", "essaim-store"]),
    (
        "essaim-mail",
        Kind::Rules,
        &["essaim-types", "essaim-smtp", "essaim-imap", "essaim-store", "essaim-accounts"],
    ),
    ("essaim-moving", Kind::Rules, &["essaim-types", "essaim-identity", "essaim-migration", "essaim-store"]),
    ("essaim-network", Kind::Shell, &["essaim-types", "essaim-identity"]),
    ("essaim-web", Kind::Shell, &["essaim-types", "essaim-directory"]),
    (
        "essaim",
        Kind::Shell,
        &[
            "essaim-types",
            "essaim-smtp",
            "essaim-imap",
            "essaim-identity",
            "essaim-directory",
            "essaim-migration",
            "essaim-store",
            "essaim-accounts",
            "essaim-mail",
            "essaim-moving",
            "essaim-network",
            "essaim-web",
        ],
    ),
    ("essaim-harness", Kind::Test, &[]),
    ("essaim-tidy", Kind::Test, &[]),
    ("essaim-interop", Kind::Test, &["essaim-harness", "essaim-federation"]),
    ("essaim-crash", Kind::Test, &["essaim-harness"]),
    (
        "essaim-federation",
        Kind::Test,
        &["essaim-types", "essaim-identity", "essaim-migration", "essaim-network", "essaim-harness"],
    ),
    ("essaim-browser", Kind::Test, &["essaim-harness", "essaim-federation"]),
    ("essaim-bench", Kind::Test, &["essaim-harness"]),
    ("essaim-sim", Kind::Test, &["essaim-types", "essaim-identity", "essaim-directory"]),
];

/// What a crate may know besides other crates of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Layers 0 and 1: no tokio, no redb, no socket, no file, no clock, no global randomness.
    Pure,
    /// The only crate that names redb.
    Store,
    /// Layer 3.
    Rules,
    /// Layers 4 and 5.
    Shell,
    /// Knows the product by its command line and protocols only.
    Test,
}

#[test]
fn every_crate_is_built_only_with_crates_below_it() {
    let packages = Packages::load();
    let mut faults = Vec::new();
    for member in packages.members() {
        let Some((_, _, allowed)) = ARROWS.iter().find(|(name, ..)| *name == member) else {
            faults.push(format!("{member} is in no layer"));
            continue;
        };
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        faults.extend(packages.arrows_of(member).difference(&allowed).map(|to| format!("{member} -> {to}")));
    }
    files::none_of(&faults, "arrows that the table in tests/tidy/tests/layers.rs does not have:");
}

#[test]
fn the_table_names_crates_that_exist() {
    let packages = Packages::load();
    let members = packages.members();
    let gone: Vec<String> = ARROWS
        .iter()
        .filter(|(name, ..)| !members.contains(name))
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    files::none_of(&gone, "in the table of layers, but not in the workspace:");
}

#[test]
fn architecture_md_has_the_same_table() {
    let page = files::text("ARCHITECTURE.md");
    let mut faults = Vec::new();
    for (name, kind, allowed) in ARROWS.iter().filter(|(_, kind, _)| *kind != Kind::Test) {
        let Some(said) = table_row(&page, name) else {
            faults.push(format!("{name} ({kind:?}) has no row"));
            continue;
        };
        let meant: BTreeSet<String> =
            allowed.iter().map(|to| to.trim_start_matches("essaim-").to_owned()).collect();
        if said != Row::All && said != Row::These(meant) {
            faults.push(format!("{name}: {said:?} instead of {allowed:?}"));
        }
    }
    files::none_of(&faults, "the table in ARCHITECTURE.md and the one in tests/tidy/tests/layers.rs differ:");
}

#[test]
fn pure_crates_know_no_runtime_no_disk_and_no_randomness() {
    let packages = Packages::load();
    let mut faults = Vec::new();
    for (name, ..) in ARROWS.iter().filter(|(_, kind, _)| *kind == Kind::Pure) {
        let closure = packages.closure_of(name, SEALED);
        faults.extend(
            IMPURE
                .iter()
                .filter(|impure| closure.contains(**impure))
                .map(|impure| format!("{name} -> {impure}")),
        );
    }
    files::none_of(&faults, "layers 0 and 1 get time, randomness and bytes as arguments:");
}

#[test]
fn only_the_store_names_redb() {
    let packages = Packages::load();
    let mut faults = Vec::new();
    for (name, kind, _) in ARROWS.iter().filter(|(name, ..)| *name != "essaim-store") {
        let direct = files::text(&manifest_of(name)).lines().any(|line| line.starts_with("redb"));
        if direct || (*kind == Kind::Pure && packages.closure_of(name, &[]).contains("redb")) {
            faults.push((*name).to_owned());
        }
    }
    for file in files::ending(".rs")
        .iter()
        .filter(|file| !file.starts_with("node/store/") && !file.starts_with("tests/tidy/"))
    {
        if files::text(file).contains("redb::") {
            faults.push(file.clone());
        }
    }
    files::none_of(&faults, "node/store is the only crate that names redb:");
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let faults: Vec<String> = files::ending("Cargo.toml")
        .into_iter()
        .filter(|path| path != "Cargo.toml" && !path.contains("fuzz/"))
        .filter(|path| !files::text(path).contains("[lints]\nworkspace = true"))
        .collect();
    files::none_of(&faults, "add [lints] workspace = true:");
}

/// The right side of a row of the table.
#[derive(Debug, PartialEq, Eq)]
enum Row {
    All,
    These(BTreeSet<String>),
}

fn table_row(page: &str, name: &str) -> Option<Row> {
    page.lines().find_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let (crates, allowed) = (cells.next()?, cells.next()?);
        crates.split(',').any(|cell| cell.trim() == name).then(|| match allowed {
            "all of the above" => Row::All,
            "-" => Row::These(BTreeSet::new()),
            list => Row::These(list.split(',').map(|cell| cell.trim().to_owned()).collect()),
        })
    })
}

fn manifest_of(name: &str) -> String {
    let wanted = format!("name = \"{name}\"");
    let manifests = files::ending("Cargo.toml");
    let found = manifests.into_iter().find(|path| files::text(path).lines().any(|line| line == wanted));
    found.unwrap_or_else(|| panic!("no Cargo.toml of {name} is tracked"))
}

/// Random actors are only made by calls that directory/clippy.toml forbids.
const SEALED: &[&str] = &["automerge"];

const IMPURE: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "async-std",
    "smol",
    "redb",
    "rustls",
    "getrandom",
    "rand",
    "rand_core",
    "fastrand",
    "tempfile",
    "memmap2",
    "rustix",
    "nix",
    "chrono",
];
