//! `essaim store verify`.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::step;
use crate::command::place::Place;
use crate::command::{ask, view};
use crate::failure::{Exit, Failure, causes};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Check everything: each byte against its hash, each reference, each count. Exit code 3 if anything is wrong.
#[derive(Debug, Args)]
pub(crate) struct Verify {}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VerifyStore {}

/// The answer of `store verify --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Verified {
    ok: bool,
    segments: u64,
    bytes: u64,
    blobs: u64,
    transactions: u64,
    accounts: u64,
    objects: u64,
    /// The first things that are wrong, each with what to do.
    findings: Vec<String>,
    findings_total: u64,
}

impl Verify {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let verified = ask(place, VerifyStore {})?;
        audience.show(&verified, Verified::text);
        Ok(if verified.ok { Exit::Done } else { Exit::ChecksFailed })
    }
}

impl Operation for VerifyStore {
    type Answer = Verified;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Verified, Failure> {
        let (store, progress) = (node.store.clone(), caller.progress.clone());
        let verify = move || store.verify(&mut |done| progress.report(step(done)));
        let verified = tokio::task::spawn_blocking(verify).await;
        let report = verified.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let report = report.map_err(|error| Failure::new(causes(&error)))?;
        Ok(Verified {
            ok: report.findings_total == 0,
            segments: report.segments,
            bytes: report.bytes,
            blobs: report.blobs,
            transactions: report.transactions,
            accounts: report.accounts,
            objects: report.objects,
            findings: report.findings.iter().map(ToString::to_string).collect(),
            findings_total: report.findings_total,
        })
    }
}

impl Verified {
    fn text(&self) -> String {
        let mut text = format!(
            "{} in {} segments: {} blobs, {} transactions, {} accounts, {} objects.\n",
            view::size(self.bytes),
            self.segments,
            self.blobs,
            self.transactions,
            self.accounts,
            self.objects
        );
        match self.findings_total {
            0 => text.push_str("Everything is as it should be.\n"),
            total => text.push_str(&format!("{total} things are wrong:\n")),
        }
        for finding in &self.findings {
            text.push_str(&format!("  {finding}\n"));
        }
        text
    }
}
