//! `essaim store stats`.

use std::path::Path;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::command::place::Place;
use crate::command::{ask, view};
use crate::failure::{Exit, Failure, causes};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Show how large the store is, and what it has done since it was opened.
#[derive(Debug, Args)]
pub(crate) struct Stats {}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoreStats {}

/// The answer of `store stats --json`, and a part of `status --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StatsView {
    pub(crate) accounts: u64,
    pub(crate) objects: u64,
    /// The sum of the accounts' quota charges.
    pub(crate) charged_bytes: u64,
    pub(crate) segments: u64,
    pub(crate) disk_bytes: u64,
    pub(crate) commits: u64,
    pub(crate) batches: u64,
    pub(crate) syncs: u64,
    pub(crate) checkpoints: u64,
    pub(crate) appended_bytes: u64,
    pub(crate) blobs: u64,
    pub(crate) blobs_known: u64,
    pub(crate) no_space: u64,
    /// The store has failed: the node must be restarted.
    pub(crate) poisoned: bool,
}

impl Stats {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        audience.show(&ask(place, StoreStats {})?, StatsView::text);
        Ok(Exit::Done)
    }
}

impl Operation for StoreStats {
    type Answer = StatsView;

    async fn perform(self, node: &Services, _: &Caller) -> Result<StatsView, Failure> {
        let node = node.clone();
        let measured = tokio::task::spawn_blocking(move || measure(&node)).await;
        measured.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}

fn measure(node: &Services) -> Result<StatsView, Failure> {
    let unreadable = |error| Failure::new(causes(&error));
    let (mut accounts, mut objects, mut charged) = (0, 0, 0);
    for account in node.store.read().map_err(unreadable)?.accounts().map_err(unreadable)? {
        let (_, state) = account.map_err(unreadable)?;
        accounts += 1;
        objects += state.objects;
        charged += state.used.0;
    }
    let stats = node.store.stats();
    Ok(StatsView {
        accounts,
        objects,
        charged_bytes: charged,
        segments: stats.segments,
        disk_bytes: disk_bytes(&node.config.store_dir()),
        commits: stats.commits,
        batches: stats.batches,
        syncs: stats.syncs,
        checkpoints: stats.checkpoints,
        appended_bytes: stats.appended_bytes,
        blobs: stats.blobs,
        blobs_known: stats.blobs_known,
        no_space: stats.no_space,
        poisoned: stats.poisoned,
    })
}

/// Two levels are all that a store has.
fn disk_bytes(dir: &Path) -> u64 {
    let files = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten();
    let size = |entry: &std::fs::DirEntry| {
        entry.metadata().map_or(0, |meta| if meta.is_file() { meta.len() } else { 0 })
    };
    let inner = |entry: &std::fs::DirEntry| files(&entry.path()).map(|entry| size(&entry)).sum::<u64>();
    files(dir).map(|entry| size(&entry) + inner(&entry)).sum()
}

impl StatsView {
    fn text(&self) -> String {
        format!(
            "on disk        {} in {} segments and the index\naccounts       {} with {} objects, {} charged\n\
             since opening  {} commits in {} batches, {} syncs, {} checkpoints, {} appended, {} blobs and {} known before\n{}",
            view::size(self.disk_bytes),
            self.segments,
            self.accounts,
            self.objects,
            view::size(self.charged_bytes),
            self.commits,
            self.batches,
            self.syncs,
            self.checkpoints,
            view::size(self.appended_bytes),
            self.blobs,
            self.blobs_known,
            if self.poisoned { "The store has failed: restart the node.\n" } else { "" },
        )
    }
}
