//! What a running node pays attention to besides its connections: signals, the certificate, its store, and the watchdog of systemd.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};
use tracing::info;

use super::notify;
use crate::failure::Failure;
use crate::listen::tls::Tls;
use crate::services::Services;

/// What a node is told by signals. Made before anybody learns that the node is ready, so that none is lost.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Failure> {
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            reload: listen(SignalKind::hangup())?,
        })
    }
}

/// Returns when the node shall stop: in order, or because its store has failed.
pub(super) async fn until_end(node: &Services, tls: Option<&Tls>, signals: Signals) -> Result<(), Failure> {
    let Signals { mut terminate, mut interrupt, mut reload } = signals;
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watchdog = interval(watchdog_period());
    let mut certificate = std::pin::pin!(follow_certificate(tls));
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = reload.recv() => match tls {
                Some(tls) => tls.reload(),
                None => info!("there is no certificate to read again"),
            },
            _ = look.tick() => if node.store.stats().poisoned {
                return Err(Failure::new("the store has failed and takes nothing more")
                    .hint("see the log for the cause, repair the disk, start the node again, then run essaim store verify"));
            },
            // A node whose runtime hangs does not come here, and systemd starts it anew.
            _ = watchdog.tick() => notify(&[NotifyState::Watchdog]),
            () = &mut certificate => {}
        }
    }
}

/// Somebody presses Ctrl-C again.
pub(super) async fn second_signal() {
    match (listen(SignalKind::terminate()), listen(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

async fn follow_certificate(tls: Option<&Tls>) {
    match tls {
        Some(tls) => tls.follow_changes().await,
        None => std::future::pending().await,
    }
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::caused("could not listen to signals", &error))
}

/// Twice as often as systemd asks for; almost never if it does not.
fn watchdog_period() -> Duration {
    sd_notify::watchdog_enabled()
        .map_or(Duration::from_secs(24 * 3600), |period| (period / 2).max(Duration::from_millis(100)))
}

const LOOK_EVERY: Duration = Duration::from_secs(1);
