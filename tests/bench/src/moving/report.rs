//! The table.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::neighbour::Latencies;
use crate::way::{Load, Moved};

/// All moves of a run.
#[derive(Debug)]
pub(crate) struct Report {
    machine: Vec<String>,
    rows: Vec<Row>,
    held: Option<Latencies>,
}

#[derive(Debug)]
struct Row {
    load: Load,
    way: &'static str,
    moved: Moved,
}

impl Report {
    pub(crate) fn new(machine: Vec<String>) -> Self {
        Self { machine, rows: Vec::new(), held: None }
    }

    /// One more; the line for people who wait.
    pub(crate) fn add(&mut self, load: &Load, way: &'static str, moved: Moved) -> String {
        let row = Row { load: load.clone(), way, moved };
        let line = row.to_string();
        self.rows.push(row);
        line
    }

    /// How long writes were held.
    pub(crate) fn held(&mut self, held: Latencies) {
        self.held = Some(held);
    }

    /// `moving.md` and `moving.json`.
    pub(crate) fn write(&self, out: &Path) -> io::Result<()> {
        fs::write(out.join("moving.md"), self.to_string())?;
        let held = self
            .held
            .as_ref()
            .map(|held| json!({ "p50_ms": ms(held.percentile(50)), "p99_ms": ms(held.percentile(99)) }));
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let all = json!({ "machine": self.machine, "rows": rows, "held": held });
        fs::write(out.join("moving.json"), serde_json::to_vec_pretty(&all)?)
    }
}

impl Row {
    fn rate(&self) -> f64 {
        self.load.count as f64 / self.moved.took.as_secs_f64()
    }

    /// Mebibytes of mail in a second.
    fn speed(&self) -> f64 {
        mebibytes(self.load.bytes()) / self.moved.took.as_secs_f64()
    }

    fn json(&self) -> Value {
        let Moved { took, wire, grown, quiet, meanwhile } = &self.moved;
        json!({
            "load": self.load.name, "way": self.way, "messages": self.load.count, "bytes": self.load.bytes(),
            "seconds": took.as_secs_f64(), "wire_bytes": wire, "grown_bytes": grown,
            "neighbour_p99_ms": [ms(quiet.percentile(99)), ms(meanwhile.percentile(99))],
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moved { took, wire, grown, quiet, meanwhile } = &self.moved;
        write!(
            f,
            "| {} | {} | {:.1} | {:.0} | {:.1} | {:.0} | {:.0} / {:.0} | {:.1} | {:.1} |",
            self.load.name,
            self.way,
            took.as_secs_f64(),
            self.rate(),
            self.speed(),
            mebibytes(*wire),
            mebibytes(grown[0]),
            mebibytes(grown[1]),
            ms(quiet.percentile(99)).unwrap_or(f64::NAN),
            ms(meanwhile.percentile(99)).unwrap_or(f64::NAN),
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Accounts that move\n")?;
        self.machine.iter().try_for_each(|line| writeln!(f, "- {line}"))?;
        writeln!(
            f,
            "\n| load | way | seconds | messages/s | MiB/s | MiB on the wire | MiB grown, old / new | p99 of others before, ms | meanwhile, ms |\n\
             |---|---|---|---|---|---|---|---|---|"
        )?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        if let Some(held) = &self.held {
            let at = |percent| ms(held.percentile(percent)).unwrap_or(f64::NAN);
            writeln!(f, "\nWrites were held {:.0} ms (p50), {:.0} ms (p99).", at(50), at(99))?;
        }
        Ok(())
    }
}

fn ms(time: Option<Duration>) -> Option<f64> {
    time.map(|time| time.as_secs_f64() * 1e3)
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
