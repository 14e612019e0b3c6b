//! What is measured, in this order. Both sides take turns at each line of the table.

mod append;
mod memory;
mod read;
mod smtp;
mod start_up;

use std::time::Instant;

use essaim_harness::Account;

use crate::contender::Contender;
use crate::plan::Plan;
use crate::report::{Better, Goal, Report, Unit};
use crate::say;

/// What every measurement gets.
pub(crate) struct Bench<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) accounts: &'a [Account],
    pub(crate) contenders: &'a mut [Box<dyn Contender>],
    pub(crate) report: &'a mut Report,
    only: Option<&'a str>,
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) better: Better,
    pub(crate) goal: Goal,
}

/// Everything, or what `only` names.
pub(crate) fn run(
    plan: &Plan,
    accounts: &[Account],
    contenders: &mut [Box<dyn Contender>],
    report: &mut Report,
    only: Option<&str>,
) -> anyhow::Result<()> {
    let mut bench = Bench { plan, accounts, contenders, report, only };
    for (name, measure) in PHASES {
        let began = Instant::now();
        measure(&mut bench)?;
        bench.report.set_phase(name, began.elapsed());
    }
    Ok(())
}

impl Bench<'_> {
    /// Shall this line be measured?
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_none_or(|only| name.to_lowercase().contains(&only.to_lowercase()))
    }

    /// Does any of these lines have to be measured?
    pub(crate) fn wants_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.wants(name))
    }

    /// Lets the sides take turns at one line; `turn` gets the number of the turn and returns the value.
    pub(crate) fn alternate(
        &mut self,
        line: Line,
        turns: usize,
        mut turn: impl FnMut(&mut dyn Contender, usize) -> anyhow::Result<f64>,
    ) -> anyhow::Result<()> {
        if !self.wants(&line.name) {
            return Ok(());
        }
        for number in 0..turns {
            for contender in self.contenders.iter_mut() {
                let value = turn(contender.as_mut(), number)?;
                self.report.add(&line, contender.side(), value);
            }
        }
        say(&self.report.line(&line.name));
        Ok(())
    }
}

impl Line {
    /// Messages per second.
    pub(crate) fn rate(name: impl Into<String>, goal: f64) -> Self {
        Self { name: name.into(), unit: Unit::PerSecond, better: Better::Higher, goal: Goal::Times(goal) }
    }

    /// Milliseconds.
    pub(crate) fn time(name: impl Into<String>) -> Self {
        Self { name: name.into(), unit: Unit::Milliseconds, better: Better::Lower, goal: Goal::Times(1.0) }
    }

    /// Mebibytes.
    pub(crate) fn memory(name: impl Into<String>) -> Self {
        Self { name: name.into(), unit: Unit::Mebibytes, better: Better::Lower, goal: Goal::Times(1.0) }
    }

    /// The same line with another goal.
    pub(crate) fn with_goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }
}

type Measure = fn(&mut Bench<'_>) -> anyhow::Result<()>;

const PHASES: [(&str, Measure); 7] = [
    ("idle", memory::with_nobody_connected),
    ("idle sessions", memory::with_idle_sessions),
    ("SMTP", smtp::run),
    ("APPEND", append::run),
    ("reading", read::run),
    ("a large mailbox", memory::with_a_large_mailbox),
    ("start-up", start_up::run),
];
