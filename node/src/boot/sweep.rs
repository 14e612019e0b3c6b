//! Once a day the store gives back the space of blobs that nothing names any more.

use std::error::Error;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tracing::{info, warn};

use crate::services::Services;
use crate::shutdown::Stop;
use crate::vitals::now;

/// Sweeps until the node stops.
pub(super) async fn daily(node: Services, stop: Stop) {
    let mut day = interval_at(Instant::now() + FIRST_AFTER, EVERY);
    day.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = day.tick() => sweep(&node).await,
            () = stop.requested() => return,
        }
    }
}

async fn sweep(node: &Services) {
    let store = node.store.clone();
    match tokio::task::spawn_blocking(move || store.collect_garbage(now(), GRACE)).await {
        Ok(Ok(swept)) => info!(
            segments = swept.segments,
            blobs = swept.blobs,
            freed_bytes = swept.bytes,
            left_bytes = swept.left,
            "swept the store"
        ),
        Ok(Err(error)) => warn!(error = &error as &dyn Error, "could not sweep the store; tomorrow again"),
        Err(error) => warn!(error = &error as &dyn Error, "sweeping the store ended early; tomorrow again"),
    }
}

/// A message that is on its way in may name its blobs late: DESIGN invariant 3, specs/01-store.md.
const GRACE: Duration = Duration::from_secs(24 * 3600);
const EVERY: Duration = Duration::from_secs(24 * 3600);
/// Not while everybody reconnects after a start.
const FIRST_AFTER: Duration = Duration::from_secs(10 * 60);
