//! Two nodes.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use essaim_bench::fill;
use essaim_harness::node::text;
use essaim_harness::{Account, Imap, Node};
use serde_json::Value;

use crate::neighbour::Neighbour;
use crate::way::{Load, Way};

/// Two hosters that are peers.
#[derive(Debug)]
pub(crate) struct Hosters {
    pub(crate) old: Node,
    pub(crate) new: Node,
    members: BTreeMap<String, Member>,
    neighbour: Account,
}

/// Somebody who will move.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) account: Account,
    words: String,
}

impl Hosters {
    /// # Panics
    /// If they do not come up.
    pub(crate) fn start(room: &Path) -> Self {
        let start = |domain| {
            let node =
                Node::builder().domain(domain).inside(room).tls("off").listening("peer").config(LIMITS);
            node.ready_within(Duration::from_secs(60)).start()
        };
        let (old, new) = (start("a.test"), start("b.test"));
        let link = ask(&new, &["peer", "invite"]).expect("an invitation");
        ask(&old, &["peer", "join", link["link"].as_str().expect("a link")]).expect("they are peers");
        let neighbour = old.add_account("neighbour@a.test");
        Self { old, new, members: BTreeMap::new(), neighbour }
    }

    /// A member of the old one, with words.
    pub(crate) fn member(&self, name: &str) -> anyhow::Result<Member> {
        let account = self.old.add_account(&format!("{name}@a.test"));
        let kit = ask(&self.old, &["account", "kit", &account.address])?;
        let words = kit["words"].as_array().context("words")?.iter().filter_map(Value::as_str);
        Ok(Member { words: words.collect::<Vec<_>>().join(" "), account })
    }

    /// Moves; what the command answered.
    pub(crate) fn move_away(&self, member: &Member) -> anyhow::Result<Value> {
        let code = ask(&self.new, &["account", "accept"])?;
        let code = code["code"].as_str().context("a code")?;
        let mut command = self.old.command();
        command.args([
            "account",
            "move",
            &member.account.address,
            "--accept",
            code,
            "--words-stdin",
            "--json",
        ]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("standard input")?.write_all(member.words.as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "{}", text(&output));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    pub(crate) fn session(node: &Node, account: &Account) -> io::Result<Imap> {
        let mut imap = Imap::connect(node.address("imap"))?;
        imap.login(&account.address, &account.password)?;
        Ok(imap)
    }
}

impl Way for Hosters {
    fn name(&self) -> &'static str {
        "essaim"
    }

    fn fill(&mut self, load: &Load) -> anyhow::Result<()> {
        let member = self.member(&load.member())?;
        fill::inbox(&|| Self::session(&self.old, &member.account), load.name, load.count, load.size)?;
        self.members.insert(load.member(), member);
        Ok(())
    }

    fn carry(&self, load: &Load) -> anyhow::Result<()> {
        self.move_away(&self.members[&load.member()]).map(drop)
    }

    fn arrived(&self, load: &Load) -> io::Result<usize> {
        let member = &self.members[&load.member()].account;
        let there = Account { address: format!("{}@b.test", load.member()), ..member.clone() };
        let exists = Self::session(&self.new, &there)?.ok("SELECT INBOX")?.exists();
        Ok(exists.map_or(0, |exists| exists as usize))
    }

    fn processes(&self) -> [Vec<u32>; 2] {
        [vec![self.old.pid()], vec![self.new.pid()]]
    }

    fn neighbour(&self) -> io::Result<Neighbour> {
        Neighbour::new(Self::session(&self.old, &self.neighbour)?)
    }
}

/// What a command answers.
fn ask(node: &Node, arguments: &[&str]) -> anyhow::Result<Value> {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let output = node.essaim(&arguments, "");
    ensure!(output.status.success(), "essaim {arguments:?}: {}", text(&output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// All load comes from one address.
const LIMITS: &str =
    "[limits]\nmessages_per_minute = 0\nrecipients_per_hour = 100000000\nconnections_per_minute = 0\n";
