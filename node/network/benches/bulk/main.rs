//! One gibibyte over loopback, many ways in turn in one run, so that the ratios hold whatever else the machine does: a plain TCP copy (no
//! encryption: the limit of loopback), bulk streams, libp2p-stream over both transports, and the programs with which people copy files.
//!
//! `cargo bench -p essaim-network`; `ESSAIM_BENCH_MIB=256` for less, `ESSAIM_BENCH_ROUNDS=5` for more,
//! `ESSAIM_BENCH_WINDOW_MIB=16` for other windows than those of `Limits`. The programs are those of Debian's `openssh-server` and `rclone`;
//! what is not installed is said and left out.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and stops where it is surprised"
)]

mod cpu;
mod ours;
mod tools;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::Runtime;

use self::tools::Tool;

/// Read and written at once by everything in this process.
const PIECE: usize = 256 << 10;

/// How long it took, and what all processes worked for it: the second holds on a busy machine too.
#[derive(Clone, Copy)]
struct Sample {
    wall: Duration,
    cpu: Duration,
}

/// A way.
struct Row {
    name: &'static str,
    samples: Vec<Sample>,
    leaves: Leaves,
    /// To this file, if it writes one.
    run: Box<dyn Fn(&Path) -> Sample>,
}

/// What is there afterwards.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    Nothing,
    File,
}

fn main() {
    let mebibytes = setting("ESSAIM_BENCH_MIB", 1024);
    let rounds = setting("ESSAIM_BENCH_ROUNDS", 3);
    let bytes = mebibytes << 20;
    let files = tempfile::tempdir_in(memory()).unwrap();
    let from = files.path().join("from");
    std::fs::write(&from, content(bytes)).unwrap();
    println!(
        "{mebibytes} MiB over loopback, median of {rounds} rounds in turn, files in {}; in one process with 2 threads: the first five",
        memory().display()
    );
    let mut rows = ours(bytes, &from);
    rows.extend(Tool::all(files.path()).into_iter().map(|tool| {
        let (from, name) = (from.clone(), tool.name());
        row(name, Leaves::File, move |to| tool.copy(&from, to))
    }));
    for round in 0..rounds {
        for (at, row) in rows.iter_mut().enumerate() {
            // A new name each time: rclone does nothing where it believes that the file is there.
            let to = files.path().join(format!("to-{round}-{at}"));
            row.samples.push((row.run)(&to));
            if row.leaves == Leaves::File {
                assert_eq!(std::fs::metadata(&to).unwrap().len(), bytes, "{} copied all of it", row.name);
                std::fs::remove_file(&to).unwrap();
            }
        }
    }
    report(bytes, &rows);
}

fn ours(bytes: u64, from: &Path) -> Vec<Row> {
    let from = from.to_owned();
    let (quic, tcp) = ("/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0");
    let nothing = Leaves::Nothing;
    vec![
        row("plain TCP copy, no encryption", nothing, move |_| here(ours::plain_tcp(bytes))),
        row("bulk stream", nothing, move |_| here(ours::bulk(bytes))),
        row("libp2p-stream, QUIC", nothing, move |_| here(ours::libp2p_stream(bytes, quic))),
        row("libp2p-stream, TCP + Noise + yamux", nothing, move |_| here(ours::libp2p_stream(bytes, tcp))),
        row("bulk stream, file to file", Leaves::File, move |to| here(ours::bulk_files(&from, to))),
    ]
}

fn row(name: &'static str, leaves: Leaves, run: impl Fn(&Path) -> Sample + 'static) -> Row {
    Row { name, samples: Vec::new(), leaves, run: Box::new(run) }
}

/// In this process, with two threads for both sides.
fn here(transfer: impl Future<Output = Duration>) -> Sample {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime: Runtime = runtime.unwrap();
    let before = cpu::of_this_process();
    let wall = runtime.block_on(transfer);
    Sample { wall, cpu: cpu::of_this_process().saturating_sub(before) }
}

impl Sample {
    fn median(samples: &[Self]) -> Self {
        let middle = |pick: fn(&Self) -> Duration| {
            let mut times: Vec<_> = samples.iter().map(pick).collect();
            times.sort();
            times[times.len() / 2]
        };
        Self { wall: middle(|sample| sample.wall), cpu: middle(|sample| sample.cpu) }
    }
}

fn report(bytes: u64, rows: &[Row]) {
    #[expect(clippy::cast_precision_loss, reason = "a rate to print")]
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    let median = |row: &Row| Sample::median(&row.samples);
    let wall = |at: usize| median(&rows[at]).wall.as_secs_f64();
    let (tcp, bulk) = (wall(0), wall(1));
    println!("| | MiB/s | of plain TCP | of the bulk stream | CPU s/GiB |\n|---|---|---|---|---|");
    for row in rows {
        let sample = median(row);
        let wall = sample.wall.as_secs_f64();
        let work = sample.cpu.as_secs_f64() * 1024.0 / mebibytes;
        println!(
            "| {} | {:.0} | {:.1} % | {:.2} | {work:.2} |",
            row.name,
            mebibytes / wall,
            100.0 * tcp / wall,
            bulk / wall
        );
    }
}

/// Files that are no disk's.
fn memory() -> PathBuf {
    let shared = PathBuf::from("/dev/shm");
    if shared.is_dir() { shared } else { std::env::temp_dir() }
}

/// Nothing that could be made smaller on its way.
fn content(bytes: u64) -> Vec<u8> {
    let mut content = vec![0; usize::try_from(bytes).unwrap()];
    blake3::Hasher::new().finalize_xof().fill(&mut content);
    content
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}
