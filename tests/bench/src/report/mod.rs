//! The samples of a run, and what is made of them: a table, a plot, and JSON for other programs.

mod goals;
mod markdown;
mod svg;

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::contender::{Contender, Side};
use crate::measure::Line;

pub(crate) use goals::Goals;

/// All lines of a run.
#[derive(Debug)]
pub(crate) struct Report {
    machine: Vec<String>,
    sides: Vec<(Side, String)>,
    rows: Vec<Row>,
    took: Duration,
    phases: Vec<(&'static str, Duration)>,
}

/// One line with the samples of both sides.
#[derive(Debug)]
struct Row {
    line: Line,
    essaim: Vec<f64>,
    debian: Vec<f64>,
}

/// What the values count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    Milliseconds,
    Mebibytes,
}

/// What we want of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// This many times better than the other side.
    Times(f64),
    /// Our own value is at most this.
    AtMost(f64),
    /// The line is for information.
    None,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Higher,
    Lower,
}

impl Report {
    /// An empty report.
    pub(crate) fn new(machine: Vec<String>, contenders: &[Box<dyn Contender>]) -> Self {
        let sides = contenders.iter().map(|contender| (contender.side(), contender.describe())).collect();
        Self { machine, sides, rows: Vec::new(), took: Duration::ZERO, phases: Vec::new() }
    }

    /// One more sample.
    pub(crate) fn add(&mut self, line: &Line, side: Side, value: f64) {
        let at = self.rows.iter().position(|row| row.line.name == line.name).unwrap_or_else(|| {
            self.rows.push(Row { line: line.clone(), essaim: Vec::new(), debian: Vec::new() });
            self.rows.len() - 1
        });
        match side {
            Side::Essaim => self.rows[at].essaim.push(value),
            Side::Debian => self.rows[at].debian.push(value),
        }
    }

    /// Something to know about the numbers.
    pub(crate) fn note(&mut self, line: String) {
        self.machine.push(line);
    }

    /// How long all of it took.
    pub(crate) fn set_duration(&mut self, took: Duration) {
        self.took = took;
    }

    /// How long a part of it took, what is not measured included.
    pub(crate) fn set_phase(&mut self, name: &'static str, took: Duration) {
        self.phases.push((name, took));
    }

    /// Which goals were met.
    pub(crate) fn goals(&self) -> Goals {
        goals::judge(&self.rows)
    }

    /// The line of the table with this name.
    pub(crate) fn line(&self, name: &str) -> String {
        self.rows.iter().find(|row| row.line.name == name).map(markdown::row).unwrap_or_default()
    }

    /// The whole report as Markdown.
    pub(crate) fn markdown(&self) -> String {
        markdown::page(self)
    }

    /// `report.md`, `report.json` and `ratios.svg` into this folder.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::write(folder.join("report.md"), self.markdown())?;
        fs::write(folder.join("ratios.svg"), svg::ratios(&self.rows))?;
        fs::write(folder.join("report.json"), format!("{:#}\n", self.json()))
    }

    fn json(&self) -> serde_json::Value {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "name": row.line.name, "unit": row.line.unit.symbol(), "essaim": row.essaim, "debian": row.debian,
                    "ratio": row.ratio(), "met": row.met(),
                })
            })
            .collect();
        json!({ "machine": self.machine, "seconds": self.took.as_secs(), "rows": rows })
    }
}

impl Row {
    /// How many times better the node is; `None` if a side is missing.
    fn ratio(&self) -> Option<f64> {
        let (ours, theirs) = (median(&self.essaim)?, median(&self.debian)?);
        match self.line.better {
            Better::Higher => Some(ours / theirs),
            Better::Lower => Some(theirs / ours),
        }
    }
}

impl Row {
    /// Whether its goal was met; `None` if it has none, or a value to judge it is missing.
    fn met(&self) -> Option<bool> {
        match self.line.goal {
            Goal::Times(times) => self.ratio().map(|ratio| ratio >= times),
            Goal::AtMost(limit) => median(&self.essaim).map(|value| value <= limit),
            Goal::None => None,
        }
    }

    fn missed(&self) -> bool {
        self.met() == Some(false)
    }
}

impl Unit {
    fn symbol(self) -> &'static str {
        match self {
            Self::PerSecond => "messages/s",
            Self::Milliseconds => "ms",
            Self::Mebibytes => "MiB",
        }
    }
}

/// The middle value.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// Events per second.
pub(crate) fn per_second(count: usize, took: Duration) -> f64 {
    u32::try_from(count).map_or(f64::NAN, f64::from) / took.as_secs_f64()
}

/// A duration for the table.
pub(crate) fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

/// A size for the table.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    u32::try_from(bytes / 1024).map_or(f64::NAN, f64::from) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_above_one_is_always_good_for_us() {
        let row = |better| Row {
            line: Line { name: String::new(), unit: Unit::Milliseconds, better, goal: Goal::Times(1.0) },
            essaim: vec![1.0, 9.0, 2.0],
            debian: vec![4.0],
        };
        assert_eq!(row(Better::Lower).ratio(), Some(2.0));
        assert!(!row(Better::Lower).missed() && row(Better::Higher).missed());
        assert_eq!(row(Better::Higher).ratio(), Some(0.5));
    }
}
