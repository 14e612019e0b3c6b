//! `essaim store rebuild-index`: only while the node is down.

use clap::Args;
use serde::Serialize;

use super::step;
use crate::command::block_on;
use crate::command::place::Place;
use crate::control::{self, Reached};
use crate::failure::{Exit, Failure};
use crate::progress;
use crate::services::{store_options, unopened};
use crate::terminal::Audience;

/// Throw the index away and compute it again from the segments. The node must be stopped.
#[derive(Debug, Args)]
pub(crate) struct RebuildIndex {
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
}

/// The answer of `store rebuild-index --json`.
#[derive(Debug, Serialize)]
struct Rebuilt {
    dry_run: bool,
    transactions: u64,
    segments: u64,
}

impl RebuildIndex {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let config = place.node()?.config;
        let rebuilt = block_on(async {
            if let Reached::Node(_) = control::connect(&config.data_dir).await? {
                return Err(Failure::new("the node is running and uses the index")
                    .hint("stop it first: systemctl stop essaim, or Ctrl-C where it runs"));
            }
            if self.dry_run {
                return Ok(Rebuilt {
                    dry_run: true,
                    transactions: 0,
                    segments: segments(&config.store_dir())?,
                });
            }
            let (reporter, steps) = progress::channel();
            let (dir, options) = (config.store_dir(), store_options(&config));
            let rebuild = tokio::task::spawn_blocking(move || {
                essaim_store::rebuild_index(&dir, &options, &mut |done| reporter.report(step(done)))
            });
            let report = progress::watch_while(steps, rebuild).await;
            let report = report.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            let report = report.map_err(|error| unopened(&config.data_dir, &error))?;
            Ok(Rebuilt { dry_run: false, transactions: report.transactions, segments: report.segments })
        })?;
        audience.show(&rebuilt, Rebuilt::text);
        Ok(Exit::Done)
    }
}

impl Rebuilt {
    fn text(&self) -> String {
        if self.dry_run {
            return format!("The index would be removed and computed again from {} segments.", self.segments);
        }
        format!(
            "The index is computed again: {} transactions in {} segments.",
            self.transactions, self.segments
        )
    }
}

fn segments(store: &std::path::Path) -> Result<u64, Failure> {
    let dir = store.join("segments");
    let entries = std::fs::read_dir(&dir);
    let entries =
        entries.map_err(|error| Failure::caused(format_args!("could not read {}", dir.display()), &error))?;
    Ok(entries.count() as u64)
}
