//! Percentiles, a table, a plot.

use std::fmt::Write as _;
use std::path::Path;

/// What one run showed.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was run.
    pub name: String,
    /// How long each node took to see each update, in milliseconds, ascending.
    pub times_ms: Vec<i64>,
    /// Nodes times updates that never saw it.
    pub missed: usize,
    /// Bytes that came to a node for each update.
    pub bytes: u64,
    /// What was promised: 99 of 100, and all, in milliseconds.
    pub target_ms: (i64, i64),
}

impl Row {
    /// The time within which so many of a hundred saw it.
    pub fn percentile(&self, percent: usize) -> i64 {
        let at = (self.times_ms.len() * percent / 100).min(self.times_ms.len().saturating_sub(1));
        self.times_ms.get(at).copied().unwrap_or(i64::MAX)
    }

    /// Whether the promise was kept.
    pub fn is_kept(&self) -> bool {
        self.missed == 0
            && self.percentile(99) <= self.target_ms.0
            && self.percentile(100) <= self.target_ms.1
    }
}

/// The runs as a table in Markdown.
pub fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "| run | p50 ms | p99 ms | all ms | missed | bytes per node and update | target p99 / all | kept |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let (p50, p99, all) = (row.percentile(50), row.percentile(99), row.percentile(100));
        let kept = if row.is_kept() { "yes" } else { "no" };
        let (name, missed, bytes, (target, target_all)) = (&row.name, row.missed, row.bytes, row.target_ms);
        let _ = writeln!(
            out,
            "| {name} | {p50} | {p99} | {all} | {missed} | {bytes} | {target} / {target_all} | {kept} |"
        );
    }
    out
}

/// The share of nodes that have seen an update over time, one line for each run; time on a logarithmic axis from 10 ms to 100 s.
pub fn plot(rows: &[Row]) -> String {
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 360\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"640\" height=\"360\" fill=\"white\"/>\n",
    );
    for (decade, label) in [(1.0, "10 ms"), (2.0, "100 ms"), (3.0, "1 s"), (4.0, "10 s"), (5.0, "100 s")] {
        let x = x_of(decade);
        let _ = writeln!(
            out,
            "<path d=\"M{x:.0} 20V310\" stroke=\"#ddd\"/><text x=\"{x:.0}\" y=\"326\" text-anchor=\"middle\">{label}</text>"
        );
    }
    for (index, row) in rows.iter().enumerate() {
        let colour = COLOURS.get(index % COLOURS.len()).copied().unwrap_or("black");
        let mut line = String::new();
        for percent in 0..=100usize {
            let ms = f64::from(u32::try_from(row.percentile(percent).clamp(10, 100_000)).unwrap_or(10));
            let y = 310.0 - 2.9 * f64::from(u32::try_from(percent).unwrap_or(0));
            let _ = write!(line, "{}{:.1} {y:.1}", if percent == 0 { 'M' } else { 'L' }, x_of(ms.log10()));
        }
        let y = 40 + 16 * index;
        let _ = writeln!(out, "<path d=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>");
        let _ = writeln!(out, "<text x=\"400\" y=\"{y}\" fill=\"{colour}\">{}</text>", row.name);
    }
    out.push_str("<text x=\"40\" y=\"346\">share of nodes that have seen an update (bottom 0, top 100 %) after this time</text>\n</svg>\n");
    out
}

/// Writes both beside the build's other files and prints the table.
#[expect(clippy::print_stdout, reason = "the table is what the run is for")]
pub fn publish(folder: &Path, name: &str, rows: &[Row]) {
    println!("{}", table(rows));
    for (ending, text) in [("md", table(rows)), ("svg", plot(rows))] {
        let path = folder.join(format!("{name}.{ending}"));
        match std::fs::write(&path, text) {
            Ok(()) => println!("{}", path.display()),
            Err(error) => println!("could not write {}: {error}", path.display()),
        }
    }
}

fn x_of(decade: f64) -> f64 {
    40.0 + (decade - 1.0) * 145.0
}

const COLOURS: [&str; 6] = ["#1b6ca8", "#c0392b", "#27803b", "#8e5ea2", "#b8860b", "#444444"];
