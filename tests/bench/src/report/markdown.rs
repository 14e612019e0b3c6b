//! The report as a page.

use super::{Goal, Report, Row, median};
use crate::contender::Side;

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let mut page = "# Essaim beside postfix and dovecot\n\n".to_owned();
    for line in &report.machine {
        page.push_str(&format!("- {line}\n"));
    }
    for (side, about) in &report.sides {
        let name = match side {
            Side::Essaim => "essaim",
            Side::Debian => "Debian",
        };
        page.push_str(&format!("- {name}: {about}\n"));
    }
    let phases: Vec<_> =
        report.phases.iter().map(|(name, took)| format!("{name} {}", took.as_secs())).collect();
    page.push_str(&format!(
        "- no TLS on either side; loopback; clients, servers and disk share the machine\n- {} s in all: {}\n\n",
        report.took.as_secs(),
        phases.join(", ")
    ));
    page.push_str(
        "Medians, with the lowest and highest of the turns. A ratio above 1 means that essaim is better.\n\n",
    );
    page.push_str("| | unit | essaim | postfix + dovecot | ratio | goal |\n|---|---|---|---|---|---|\n");
    for line in &report.rows {
        page.push_str(&row(line));
        page.push('\n');
    }
    page.push_str("\n![ratios](ratios.svg)\n\n");
    page.push_str(&report.goals().to_string());
    page
}

/// One line of the table.
pub(super) fn row(row: &Row) -> String {
    let ratio = row.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
    let mut goal = goal(row);
    if row.missed() {
        goal.push_str(": **missed**");
    }
    format!(
        "| {} | {} | {} | {} | {ratio} | {goal} |",
        row.line.name,
        row.line.unit.symbol(),
        cell(&row.essaim),
        cell(&row.debian)
    )
}

/// What was wanted of a line, in words.
pub(super) fn goal(row: &Row) -> String {
    match row.line.goal {
        Goal::Times(times) if times <= 1.0 => "equal".to_owned(),
        Goal::Times(times) => format!("{times:.0} times"),
        Goal::AtMost(limit) => format!("at most {limit:.0} {}", row.line.unit.symbol()),
        Goal::None => String::new(),
    }
}

fn cell(values: &[f64]) -> String {
    let Some(middle) = median(values) else { return "-".to_owned() };
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    if values.len() == 1 {
        number(middle)
    } else {
        format!("{} ({}..{})", number(middle), number(low), number(high))
    }
}

/// Three digits that matter.
pub(super) fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
