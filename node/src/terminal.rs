//! Standard output: text for people, JSON for scripts. Standard error: what went wrong.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// For whom a command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    People,
    Scripts,
}

impl Audience {
    /// The answer of a command. A reader that has closed the pipe has seen enough.
    pub(crate) fn show<T: Serialize>(self, answer: &T, text: impl FnOnce(&T) -> String) {
        let text = match self {
            Self::People => text(answer),
            Self::Scripts => serde_json::to_string_pretty(answer)
                .unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}")),
        };
        print(&text);
    }

    /// A command that was not done. Scripts find the same on standard output as JSON.
    pub(crate) fn complain(self, failure: &Failure) {
        if self == Self::Scripts {
            print(&serde_json::json!({ "error": failure }).to_string());
        }
        remark(&format!("essaim: {failure}"));
    }
}

/// A line or more to standard output.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(out, "{text}{end}").and_then(|()| out.flush());
}

/// A line or more to standard error.
pub(crate) fn remark(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Rows with aligned columns, two spaces apart.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let header = header.iter().map(|cell| (*cell).to_owned()).collect();
    let lines = std::iter::once(&header).chain(rows).map(|row| line(row, &widths));
    lines.collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, &width)| format!("{cell:<width$}"));
    format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["é".to_owned(), "1".to_owned()], vec!["longer".to_owned(), String::new()]];
        assert_eq!(table(&["name", "n"], &rows), "name    n\né       1\nlonger\n");
    }
}
