//! On what the numbers were measured.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A few lines for the head of the report, a measured sync of this disk among them.
pub fn describe(disk: &Path) -> anyhow::Result<Vec<String>> {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let sync = median_sync(disk)?;
    Ok(vec![
        format!("{cpus} cores: {}", cpu_model()),
        format!("{} of memory; Linux {}", total_memory(), first_line("/proc/sys/kernel/osrelease")),
        format!("load average before the run {}", load()),
        format!(
            "file system {}; writing 10 KiB and fdatasync takes {} µs (median of {SYNCS})",
            file_system(disk),
            sync.as_micros()
        ),
    ])
}

/// Of the last minute: the work of others, if it is much above the number of sessions.
pub fn load() -> String {
    first_line("/proc/loadavg").split_whitespace().next().unwrap_or("unknown").to_owned()
}

fn median_sync(disk: &Path) -> anyhow::Result<Duration> {
    let path = disk.join("sync-probe");
    let mut file = File::create(&path)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begin = Instant::now();
        file.write_all(&[0x5a; 10 * 1024])?;
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    fs::remove_file(path)?;
    times.sort();
    Ok(times[SYNCS / 2])
}

fn cpu_model() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    line.map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned())
}

fn total_memory() -> String {
    let info = first_line("/proc/meminfo");
    let kilobytes: u64 = info.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
    format!("{} MiB", kilobytes / 1024)
}

fn file_system(disk: &Path) -> String {
    let output = Command::new("stat").args(["--file-system", "--format=%T"]).arg(disk).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

const SYNCS: usize = 201;
