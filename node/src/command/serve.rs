//! `essaim serve`: runs the node until it is told to stop.

use clap::Args;

use super::block_on;
use super::place::{Fallback, Place};
use crate::boot;
use crate::config::{Severity, check};
use crate::failure::{Exit, Failure};
use crate::logging::{self, Form};
use crate::owner;
use crate::terminal::remark;

/// Run the node. Without a configuration: a local one, to try out.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The form of log lines. How much is logged: ESSAIM_LOG=debug
    #[arg(long, value_enum, default_value_t = Form::Human)]
    log_format: Form,
}

impl Default for Serve {
    fn default() -> Self {
        Self { log_format: Form::Human }
    }
}

impl Serve {
    pub(super) fn run(self, place: &Place) -> Result<Exit, Failure> {
        let loaded = place.load(Fallback::Local)?;
        logging::start(self.log_format, tracing::Level::INFO)?;
        let findings = check(&loaded.config);
        for finding in findings.iter().filter(|finding| finding.severity == Severity::Warning) {
            remark(&format!("essaim: {}: {}", finding.key, finding.message));
        }
        if let Some(error) = findings.iter().find(|finding| finding.severity == Severity::Error) {
            let failure = Failure::new(format!("{}: {}", error.key, error.message));
            return Err(failure.hint("essaim config check tells everything that is wrong"));
        }
        owner::require_owner(&loaded.config.data_dir)?;
        block_on(boot::run(loaded))?;
        Ok(Exit::Done)
    }
}
