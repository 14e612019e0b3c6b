//! `essaim-bench`: the node beside Debian's postfix and dovecot, in one run, on one disk, with the same durability.
//!
//! Here: what is measured, in which order, and the report. Not here: servers and clients, which are the harness's.
//! The two take turns (A B A B), because a machine is never the same twice; what counts is the ratio of the medians.

mod contender;
mod measure;
mod plan;
mod report;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser;
use essaim_bench::{machine, mail};
use essaim_harness::binary;
use essaim_harness::peers::MailFormat;

use crate::contender::{Contender, Debian, Essaim};
use crate::plan::Plan;
use crate::report::Report;

/// Compares the node with Debian's postfix and dovecot and writes a table and a plot to tests/bench/out.
#[derive(Debug, Parser)]
struct Arguments {
    /// 20,000 messages to read, 100,000 at start-up, three turns: under five minutes. This is the default.
    #[arg(long, conflicts_with = "long")]
    short: bool,
    /// 100,000 messages to read, a million at start-up, five turns.
    #[arg(long)]
    long: bool,
    /// Only measurements whose name contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Dovecot's format: mdbox is its fastest; maildir is what small hosters use.
    #[arg(long, value_enum, default_value = "mdbox")]
    format: Format,
    /// Do not start postfix and dovecot.
    #[arg(long, conflicts_with = "without_essaim")]
    without_debian: bool,
    /// Do not start the node.
    #[arg(long)]
    without_essaim: bool,
    /// End with code 3 if a goal is missed.
    #[arg(long)]
    strict: bool,
    /// Where both keep their mail; a new folder is made inside. Default: the target directory.
    #[arg(long, value_name = "DIR")]
    disk: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Maildir,
    Mdbox,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let plan = if arguments.long { Plan::long() } else { Plan::short() };
    let began = Instant::now();
    let disk = arguments.disk.clone().unwrap_or_else(binary::target);
    fs::create_dir_all(&disk).with_context(|| format!("making {}", disk.display()))?;
    let room = tempfile::Builder::new().prefix("bench-").tempdir_in(&disk)?;
    let format = match arguments.format {
        Format::Maildir => MailFormat::Maildir,
        Format::Mdbox => MailFormat::Mdbox,
    };

    say("setting up: accounts and mail to read");
    let accounts = mail::accounts(plan.accounts);
    let mut contenders: Vec<Box<dyn Contender>> = Vec::new();
    if !arguments.without_essaim {
        contenders.push(Box::new(Essaim::start(room.path(), &accounts)?));
    }
    if !arguments.without_debian
        && let Some(debian) = Debian::start(room.path(), format, &accounts)
    {
        contenders.push(Box::new(debian));
    }
    anyhow::ensure!(!contenders.is_empty(), "there is nothing to measure");

    let mut report = Report::new(machine::describe(room.path())?, &contenders);
    report.set_phase("setting up", began.elapsed());
    measure::run(&plan, &accounts, &mut contenders, &mut report, arguments.only.as_deref())?;
    report.set_duration(began.elapsed());
    let out = binary::workspace().join("tests/bench/out");
    fs::create_dir_all(&out)?;
    report.write(&out)?;
    say(&format!("written to {}", out.display()));
    say(&report.markdown());
    let missed = !report.goals().missed.is_empty();
    Ok(if arguments.strict && missed { ExitCode::from(MISSED) } else { ExitCode::SUCCESS })
}

/// A line for the person who waits.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// As every command of `essaim`: checks failed.
const MISSED: u8 = 3;
