//! The machine of another operator of a hoster.

use std::path::Path;

use essaim_harness::Node;
use essaim_harness::node::text;
use serde_json::Value;

use crate::{Hoster, eventually};

impl Hoster {
    /// Makes the machine of another operator of this hoster in a data directory that is empty, lets its key in, and waits until it may edit.
    ///
    /// # Panics
    /// If that does not work.
    pub fn operator(&self, machine: Node) -> Operator {
        let link = self.ask(&["operator", "invite"]);
        let link = link["link"].as_str().expect("a link");
        let output = machine.essaim(&["operator", "join", link, "--json"], "");
        assert!(output.status.success(), "operator join: {}", text(&output));
        let joined: Value = serde_json::from_slice(&output.stdout).expect("JSON on standard output");
        let key = joined["key"].as_str().expect("a key").to_owned();
        let machine = Self { domain: self.domain.clone(), node: machine };
        let mut operator = Operator { key, machine };
        operator.machine.node.restart();
        self.ask(&["operator", "add", &operator.key]);
        eventually("the operator's machine knows that it may edit", || !operator.roles().is_empty());
        operator
    }
}

/// A machine that edits for a hoster and is none of its nodes.
#[derive(Debug)]
pub struct Operator {
    /// What the keyring knows it by.
    pub key: String,
    /// Commands on it.
    pub machine: Hoster,
}

impl Operator {
    /// What its key may do, as far as it knows itself.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn roles(&self) -> Vec<Value> {
        let keys = self.machine.ask(&["operator", "list"]);
        let here = keys.as_array().expect("an array").iter().find(|key| key["here"] == true);
        here.expect("its own key")["roles"].as_array().expect("roles").clone()
    }

    /// Where its data are.
    pub fn home(&self) -> &Path {
        self.machine.node.home()
    }
}
