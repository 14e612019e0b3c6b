//! `essaim config check` and `essaim config describe`.

use clap::Subcommand;
use serde::Serialize;

use super::place::{Fallback, Place};
use crate::config::{Finding, KeyDescription, Problem, Severity, check, describe};
use crate::failure::{Exit, Failure};
use crate::terminal::Audience;

/// The configuration: what is wrong with it, and which keys there are.
#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Say what is wrong or unwise in the configuration. Exit code 3 if the node would refuse it.
    Check,
    /// Print every key with what it does and its default.
    Describe,
}

/// The answer of `config check --json`.
#[derive(Debug, Serialize)]
struct Checked {
    /// The node can run with it.
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    data_dir: String,
    /// Environment variables that were used.
    environment: Vec<String>,
    /// What cannot be read.
    problems: Vec<Problem>,
    /// What can be read and is wrong or unwise.
    findings: Vec<Finding>,
}

impl Config {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        match self {
            Self::Check => {
                let checked = Checked::of(place);
                audience.show(&checked, Checked::text);
                Ok(if checked.ok { Exit::Done } else { Exit::ChecksFailed })
            }
            Self::Describe => {
                audience.show(&describe(), |keys| keys.iter().map(described).collect());
                Ok(Exit::Done)
            }
        }
    }
}

impl Checked {
    fn of(place: &Place) -> Self {
        match place.read(Fallback::Machine) {
            Ok(loaded) => {
                let findings = check(&loaded.config);
                Self {
                    ok: findings.iter().all(|finding| finding.severity != Severity::Error),
                    file: loaded.file.map(|file| file.display().to_string()),
                    data_dir: loaded.config.data_dir.display().to_string(),
                    environment: loaded.environment,
                    problems: Vec::new(),
                    findings,
                }
            }
            Err(error) => Self {
                ok: false,
                file: None,
                data_dir: place.data_dir().display().to_string(),
                environment: Vec::new(),
                problems: error.problems,
                findings: Vec::new(),
            },
        }
    }

    fn text(&self) -> String {
        let mut text = match &self.file {
            Some(file) => format!("{file}: "),
            None if self.problems.is_empty() => "no configuration file, the defaults hold: ".to_owned(),
            None => String::new(),
        };
        for problem in &self.problems {
            text.push_str(&format!("{problem}\n"));
        }
        let verdict = match (self.ok, self.findings.is_empty()) {
            (true, true) => "in order\n",
            (true, false) => "usable, but look at this\n",
            (false, false) => "the node refuses to start with this\n",
            (false, true) => {
                "\nThe node refuses to start with this. essaim config describe lists every key.\n"
            }
        };
        text.push_str(verdict);
        for finding in &self.findings {
            let severity = match finding.severity {
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            text.push_str(&format!("  {severity}: {}: {}\n", finding.key, finding.message));
        }
        text
    }
}

fn described(key: &KeyDescription) -> String {
    let value = match (&key.default, &key.example) {
        (Some(default), _) => format!(" = {default}"),
        (None, Some(example)) => format!("   (not set; for example {example})"),
        (None, None) => String::new(),
    };
    format!("{}{value}\n    {}\n", key.key, key.doc)
}
