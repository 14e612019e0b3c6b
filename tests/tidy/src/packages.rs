//! What `cargo metadata` says: packages and the arrows between them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::files;

/// The resolved graph of the workspace.
#[derive(Debug)]
pub struct Packages {
    names: BTreeMap<String, String>,
    members: BTreeSet<String>,
    /// From id to the ids that it is built with; tests and build scripts left out.
    arrows: BTreeMap<String, BTreeSet<String>>,
}

impl Packages {
    /// Asks cargo.
    ///
    /// # Panics
    /// If cargo does not answer.
    pub fn load() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .current_dir(files::root())
            .args([
                "metadata",
                "--format-version",
                "1",
                "--quiet",
                "--filter-platform",
                "x86_64-unknown-linux-gnu",
            ])
            .output()
            .expect("cargo can be started");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
        Self::read(&metadata)
    }

    /// The crates of the workspace, by name.
    pub fn members(&self) -> BTreeSet<&str> {
        self.members.iter().map(|id| self.name(id)).collect()
    }

    /// The crates of the workspace that this one is built with.
    pub fn arrows_of(&self, member: &str) -> BTreeSet<&str> {
        let all = self.ids(member).into_iter().filter_map(|id| self.arrows.get(id)).flatten();
        all.filter(|id| self.members.contains(*id)).map(|id| self.name(id)).collect()
    }

    /// Everything that this crate is built with, however far down; what lies below the crates named `sealed` is left out.
    pub fn closure_of(&self, member: &str, sealed: &[&str]) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut open = self.ids(member);
        while let Some(id) = open.pop() {
            if sealed.contains(&self.name(id)) {
                continue;
            }
            for next in self.arrows.get(id).into_iter().flatten() {
                if seen.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        seen.into_iter().map(|id| self.name(id)).collect()
    }

    fn read(metadata: &Value) -> Self {
        let names = array(&metadata["packages"])
            .map(|package| (string(&package["id"]), string(&package["name"])))
            .collect();
        let members = array(&metadata["workspace_members"]).map(string).collect();
        let arrows = array(&metadata["resolve"]["nodes"])
            .map(|node| {
                let built_with = array(&node["deps"])
                    .filter(|dep| array(&dep["dep_kinds"]).any(|kind| kind["kind"].is_null()));
                (string(&node["id"]), built_with.map(|dep| string(&dep["pkg"])).collect())
            })
            .collect();
        Self { names, members, arrows }
    }

    fn name(&self, id: &str) -> &str {
        self.names.get(id).map_or("", String::as_str)
    }

    fn ids(&self, name: &str) -> Vec<&str> {
        self.names.iter().filter(|(_, known)| *known == name).map(|(id, _)| id.as_str()).collect()
    }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
