//! A hoster as its operator has it, and waiting for what other hosters do.

mod http;
pub mod internet;
pub mod mail;
pub mod moving;
pub mod operator;
pub mod rogue;

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use essaim_harness::Node;
use essaim_harness::node::text;
use serde_json::Value;

pub use http::Answer;

/// A hoster with one node. The directory is seen through its command line.
#[derive(Debug)]
pub struct Hoster {
    /// Its domain, below `.test`.
    pub domain: String,
    /// Its node.
    pub node: Node,
}

impl Hoster {
    /// A hoster whose node runs and talks to others on this machine.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start(name: &str) -> Self {
        Self::configured(name, "")
    }

    /// The same, with more of `essaim.toml`.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn configured(name: &str, toml: &str) -> Self {
        let domain = format!("{name}.test");
        let node = Node::builder().domain(&domain).listening("peer").config(toml).start();
        Self { domain, node }
    }

    /// What a command answers with `--json`.
    ///
    /// # Panics
    /// If the command fails.
    pub fn ask(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "essaim {arguments:?} of {}: {}", self.domain, text(&output));
        serde_json::from_slice(&output.stdout).expect("JSON on standard output")
    }

    /// What a command answers with `--json` when its checks fail.
    ///
    /// # Panics
    /// If its exit code is another than 3.
    pub fn checks_failed(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(3),
            "essaim {arguments:?} of {}: {}",
            self.domain,
            text(&output)
        );
        serde_json::from_slice(&output.stdout).expect("JSON on standard output")
    }

    /// The sentence with which a command is refused.
    ///
    /// # Panics
    /// If the command succeeds.
    pub fn refusal(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "essaim {arguments:?} of {} is not refused", self.domain);
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON on standard output");
        let said = |key| answer["error"][key].as_str().unwrap_or_default().to_owned();
        assert!(!said("hint").is_empty(), "it does not say what to do: {answer}");
        said("message")
    }

    /// A link for another hoster.
    ///
    /// # Panics
    /// If there is none.
    pub fn invite(&self) -> String {
        self.ask(&["peer", "invite"])["link"].as_str().expect("a link").to_owned()
    }

    /// Takes an invitation of the other.
    ///
    /// # Panics
    /// If it is refused.
    pub fn join(&self, other: &Self) {
        let joined = self.ask(&["peer", "join", &other.invite()]);
        assert_eq!(joined["domain"], *other.domain);
    }

    /// The domains in its directory, in order.
    pub fn directory(&self) -> Vec<String> {
        let listings = self.ask(&["directory", "list"]);
        let domains = listings.as_array().expect("an array").iter();
        let mut domains: Vec<String> =
            domains.filter_map(|listing| listing["domain"].as_str().map(str::to_owned)).collect();
        domains.sort();
        domains
    }

    /// What it knows of the listing of a domain; `Null` if nothing.
    pub fn listing_of(&self, domain: &str) -> Value {
        let listings = self.ask(&["directory", "list", "--all"]);
        let found =
            listings.as_array().and_then(|all| all.iter().find(|listing| listing["domain"] == *domain));
        found.cloned().unwrap_or_default()
    }

    /// Waits until its directory has these domains.
    ///
    /// # Panics
    /// If that takes too long.
    pub fn sees(&self, domains: &[&str]) {
        eventually(&format!("{} sees {domains:?}", self.domain), || self.directory() == domains);
    }

    /// Waits until it knows this name of the hoster with this domain.
    ///
    /// # Panics
    /// If that takes too long.
    pub fn sees_name(&self, domain: &str, name: &str) {
        eventually(&format!("{} hears that {domain} is {name:?}", self.domain), || {
            self.listing_of(domain)["name"] == *name
        });
    }

    /// Edits its listing; asks again while the node waits for what its peers have of it.
    ///
    /// # Panics
    /// If that takes too long.
    pub fn edit(&self, set: &str) {
        eventually(&format!("{} edits {set:?}", self.domain), || {
            self.run(&["directory", "edit", "--set", set]).status.success()
        });
    }

    /// How many nodes it is connected with.
    pub fn connected(&self) -> usize {
        let peers = self.ask(&["peer", "list"]);
        let peers = peers.as_array().expect("an array").iter();
        peers.filter(|peer| !peer["connection"].is_null()).count()
    }

    /// Keeps a copy of the data of a node that is down.
    ///
    /// # Panics
    /// If it cannot be copied.
    pub fn keep_copy(&self, at: &Path) {
        copy(&self.node.data_dir(), at);
    }

    /// What was written since the copy is lost.
    ///
    /// # Panics
    /// If it cannot be copied back.
    pub fn put_back(&self, copied: &Path) {
        std::fs::remove_dir_all(self.node.data_dir()).expect("the newer data are lost");
        copy(copied, &self.node.data_dir());
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        self.node.essaim(&arguments, "")
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp can be started");
    assert!(status.success(), "cp of {} failed", from.display());
}

/// Asks until it is so.
///
/// # Panics
/// If it is not so after [`PATIENCE`].
pub fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not within {} s: {what}", PATIENCE.as_secs());
    }
}

/// Longer than anything takes, also on a machine that is far too busy.
pub const PATIENCE: Duration = Duration::from_secs(90);
