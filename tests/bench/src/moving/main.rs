//! `essaim-bench-move`: an account that goes from one hoster to another, beside what people use for that today: `doveadm backup` over TCP
//! (dsync) and mbsync, both between two dovecots. All on one machine and one disk, in one run.

mod dovecots;
mod essaim;
mod freeze;
mod neighbour;
mod report;
mod way;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use essaim_bench::{machine, memory};
use essaim_harness::binary;
use essaim_harness::peers::MailFormat;

use crate::dovecots::{Dovecots, Tool};
use crate::essaim::Hosters;
use crate::report::Report;
use crate::way::{Load, Way, measure};

/// Moves accounts between two servers with each tool and writes a table to tests/bench/out/moving.md.
#[derive(Debug, Parser)]
struct Arguments {
    /// 100,000 messages of each size, fifty moves for the time that writes are held. Otherwise a tenth.
    #[arg(long)]
    long: bool,
    /// Only loads whose name contains this: small, mail, large, held.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Only the node.
    #[arg(long)]
    without_dovecot: bool,
    /// Where all of them keep their mail; a new folder is made inside. Default: the target directory.
    #[arg(long, value_name = "DIR")]
    disk: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let disk = arguments.disk.clone().unwrap_or_else(binary::target);
    fs::create_dir_all(&disk).with_context(|| format!("making {}", disk.display()))?;
    let room = tempfile::Builder::new().prefix("bench-").tempdir_in(&disk)?;
    let loads = Load::all(arguments.long);
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| name.contains(only));
    let mut report = Report::new(machine::describe(room.path())?);

    let mut ways: Vec<Box<dyn Way>> = vec![Box::new(Hosters::start(room.path()))];
    if !arguments.without_dovecot
        && let Some(dovecots) = Dovecots::start(room.path(), MailFormat::Mdbox, &loads)
    {
        ways.extend([Tool::Dsync, Tool::Mbsync].into_iter().filter_map(|tool| dovecots.with(tool)));
    }
    for load in loads.iter().filter(|load| wanted(load.name)) {
        for way in &mut ways {
            say(&format!("{}: filling {} messages of {} KiB", way.name(), load.count, load.size >> 10));
            way.fill(load)?;
            let moved = measure(way.as_mut(), load)?;
            say(&report.add(load, way.name(), moved));
        }
    }
    if wanted("held") {
        report.held(freeze::measure(room.path(), if arguments.long { 50 } else { 10 })?);
    }
    let out = binary::workspace().join("tests/bench/out");
    fs::create_dir_all(&out)?;
    report.write(&out)?;
    say(&report.to_string());
    say(&format!("written to {}", out.display()));
    Ok(())
}

/// A line for the person who waits.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Bytes that all processes of these hold now, each shared page once.
fn held_by(processes: &[u32]) -> u64 {
    memory::of(processes).proportional
}
