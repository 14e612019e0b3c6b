//! The end of the report: which goals were met and which were not.

use std::fmt;

use super::markdown::{goal, number};
use super::{Goal, Row, median};

/// The lines that have a goal, each with what was wanted and what came out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Goals {
    pub(crate) met: Vec<String>,
    pub(crate) missed: Vec<String>,
    /// There is nothing to hold the line against: a side was not measured.
    pub(crate) open: Vec<String>,
}

pub(super) fn judge(rows: &[Row]) -> Goals {
    let mut goals = Goals { met: Vec::new(), missed: Vec::new(), open: Vec::new() };
    for row in rows.iter().filter(|row| row.line.goal != Goal::None) {
        let list = match row.met() {
            Some(true) => &mut goals.met,
            Some(false) => &mut goals.missed,
            None => &mut goals.open,
        };
        let found = match row.line.goal {
            Goal::AtMost(_) => {
                median(&row.essaim).map(|value| format!("{} {}", number(value), row.line.unit.symbol()))
            }
            Goal::Times(_) | Goal::None => row.ratio().map(|ratio| format!("{} times", number(ratio))),
        };
        let found = found.unwrap_or_else(|| "not measured".to_owned());
        list.push(format!("{}: {found} (goal: {})", row.line.name, goal(row)));
    }
    goals
}

impl fmt::Display for Goals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, list) in
            [("Goals met", &self.met), ("Goals missed", &self.missed), ("Goals not judged", &self.open)]
        {
            if !list.is_empty() || title == "Goals missed" {
                writeln!(f, "{title}: {}", list.len())?;
                list.iter().try_for_each(|line| writeln!(f, "- {line}"))?;
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Line;

    #[test]
    fn each_line_with_a_goal_is_in_one_list() {
        let row = |name: &str, goal, essaim: &[f64], debian: &[f64]| Row {
            line: Line::time(name).with_goal(goal),
            essaim: essaim.to_vec(),
            debian: debian.to_vec(),
        };
        let rows = [
            row("fast", Goal::Times(1.0), &[2.0], &[5.0]),
            row("slow", Goal::Times(3.0), &[2.0], &[5.0]),
            row("alone", Goal::Times(1.0), &[2.0], &[]),
            row("small", Goal::AtMost(2.0), &[2.0], &[]),
            row("known", Goal::None, &[2.0], &[1.0]),
        ];
        let goals = judge(&rows);
        assert_eq!(goals.met, ["fast: 2.50 times (goal: equal)", "small: 2.00 ms (goal: at most 2 ms)"]);
        assert_eq!(goals.missed, ["slow: 2.50 times (goal: 3 times)"]);
        assert_eq!(goals.open, ["alone: not measured (goal: equal)"]);
        assert!(goals.to_string().contains("Goals missed: 1\n- slow"));
    }
}
