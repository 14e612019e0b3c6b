//! Where log lines go: standard error, as text for people or JSON for collectors. How much: `ESSAIM_LOG`.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::failure::Failure;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Text.
    Human,
    /// One JSON object a line.
    Json,
}

/// Begins to log: `default` and above, or what `ESSAIM_LOG` says, such as "debug" or "info,essaim_mail=trace".
pub(crate) fn start(form: Form, default: Level) -> Result<(), Failure> {
    let filter = filter(std::env::var(VARIABLE).ok().as_deref(), default)?;
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match form {
        Form::Human => fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).boxed(),
        Form::Json => fmt::layer().with_writer(io::stderr).json().flatten_event(true).boxed(),
    };
    // A second start, in tests, keeps the first.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    Ok(())
}

fn filter(wanted: Option<&str>, default: Level) -> Result<Targets, Failure> {
    match wanted.filter(|text| !text.trim().is_empty()) {
        // What libp2p warns of is an ordinary day among strangers; what matters is told where it is handled.
        None => Ok(Targets::new().with_default(default).with_target("libp2p", Level::ERROR)),
        Some(text) => text.parse().map_err(|_| {
            Failure::new(format!("{VARIABLE}={text} is not a level of logging"))
                .hint(
                    "write error, warn, info, debug or trace, or one for each crate: info,essaim_mail=debug",
                )
                .usage()
        }),
    }
}

const VARIABLE: &str = "ESSAIM_LOG";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_a_word_or_one_for_each_crate() {
        let targets = filter(Some("warn,essaim_mail=trace"), Level::INFO).unwrap();
        assert!(targets.would_enable("essaim_mail", &Level::TRACE));
        assert!(!targets.would_enable("essaim", &Level::INFO));
        assert!(filter(None, Level::INFO).unwrap().would_enable("essaim", &Level::INFO));
        assert_eq!(filter(Some("loud=very"), Level::INFO).unwrap_err().exit, crate::failure::Exit::Usage);
    }
}
