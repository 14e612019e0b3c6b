//! How far long work has come: told by whoever does it, shown by whoever waits, whether in this process or behind the control socket.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Where the work stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// What is being done, for a person.
    pub(crate) phase: String,
    pub(crate) done: u64,
    /// Unknown for work whose end is not in sight.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) total: Option<u64>,
    pub(crate) unit: Unit,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    Bytes,
    Messages,
    Objects,
    Answers,
}

/// The end that works. Only the latest step is kept: a slow reader slows nobody and fills nothing.
#[derive(Debug, Clone)]
pub(crate) struct Progress(watch::Sender<Option<Step>>);

/// The end that waits.
pub(crate) type Steps = watch::Receiver<Option<Step>>;

/// Both ends.
pub(crate) fn channel() -> (Progress, Steps) {
    let (sender, receiver) = watch::channel(None);
    (Progress(sender), receiver)
}

impl Progress {
    pub(crate) fn report(&self, step: Step) {
        self.0.send_replace(Some(step));
    }

    /// Nobody waits any more: the work may stop where it can be resumed.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

/// A bar on standard error; nothing if that is not a terminal.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
    shown: Option<(String, Option<u64>)>,
}

impl Bar {
    pub(crate) fn new() -> Self {
        Self { bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()), shown: None }
    }

    pub(crate) fn show(&mut self, step: &Step) {
        let shape = (step.phase.clone(), step.total);
        if self.shown.as_ref() != Some(&shape) {
            self.bar.set_style(style(step));
            self.bar.set_message(step.phase.clone());
            if let Some(total) = step.total {
                self.bar.set_length(total);
            }
            self.shown = Some(shape);
        }
        self.bar.set_position(step.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(step: &Step) -> ProgressStyle {
    let template = match (step.unit, step.total) {
        (Unit::Bytes, Some(_)) => "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        (Unit::Bytes, None) => "{msg} {spinner} {bytes} {bytes_per_sec}",
        (Unit::Messages | Unit::Objects, Some(_)) => {
            "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}"
        }
        (Unit::Answers, _) => "{msg} {spinner} {human_pos}/{human_len}",
        (Unit::Messages | Unit::Objects, None) => "{msg} {spinner} {human_pos} {per_sec}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Shows steps until the work is done, and gives back what it brought.
pub(crate) async fn watch_while<T>(mut steps: Steps, work: impl Future<Output = T>) -> T {
    let mut bar = Bar::new();
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            outcome = &mut work => return outcome,
            changed = steps.changed() => match changed {
                Ok(()) => if let Some(step) = steps.borrow_and_update().as_ref() { bar.show(step) },
                Err(_) => return work.await,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(done: u64) -> Step {
        Step { phase: "verifying".to_owned(), done, total: Some(10), unit: Unit::Bytes }
    }

    #[tokio::test]
    async fn the_latest_step_is_what_a_slow_reader_sees() {
        let (progress, mut steps) = channel();
        (1..=5).for_each(|done| progress.report(step(done)));
        steps.changed().await.unwrap();
        assert_eq!(steps.borrow_and_update().clone(), Some(step(5)));
        assert!(!progress.is_abandoned());
        drop(steps);
        assert!(progress.is_abandoned());
    }

    #[test]
    fn every_shape_of_bar_is_a_valid_template() {
        for unit in [Unit::Bytes, Unit::Messages, Unit::Objects, Unit::Answers] {
            for total in [None, Some(10)] {
                Bar::new().show(&Step { phase: "x".to_owned(), done: 3, total, unit });
            }
        }
    }
}
