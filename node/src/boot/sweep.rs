//! Once a day the store gives back the space of blobs that nothing names any more.

use std::error::Error;
use std::time::Duration;

use essaim_store::Store;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tracing::{info, warn};

use crate::services::Services;
use crate::shutdown::Stop;
use crate::vitals::now;

/// Sweeps until the node stops.
pub(super) async fn daily(node: Services, stop: Stop) {
    each_day(stop, || sweep(node.store.clone())).await;
}

/// Does something some time after the start and then once a day, one after another, until the node stops.
async fn each_day<F: Future<Output = ()>>(stop: Stop, mut act: impl FnMut() -> F) {
    let mut day = interval_at(Instant::now() + FIRST_AFTER, EVERY);
    day.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = day.tick() => act().await,
            () = stop.requested() => return,
        }
    }
}

async fn sweep(store: Store) {
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::shutdown;

    /// When it was done, in minutes after the start, if the first time takes so long and the node stops after `minutes`.
    async fn done_at(mut took: Duration, minutes: u64) -> Vec<u64> {
        let (shutdown, stop) = shutdown::channel();
        let (start, done) = (Instant::now(), RefCell::new(Vec::new()));
        let act = || {
            done.borrow_mut().push(start.elapsed().as_secs() / 60);
            tokio::time::sleep(std::mem::take(&mut took))
        };
        let end = async {
            tokio::time::sleep(Duration::from_secs(minutes * 60)).await;
            shutdown.request();
        };
        tokio::join!(each_day(stop, act), end);
        done.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_after_the_start_and_then_comes_once_a_day() {
        assert_eq!(done_at(Duration::ZERO, 9).await, [0; 0]);
        assert_eq!(done_at(Duration::ZERO, 3 * DAY).await, [10, DAY + 10, 2 * DAY + 10]);
    }

    /// A machine that slept, or a disk that is slow.
    #[tokio::test(start_paused = true)]
    async fn days_that_were_missed_are_not_made_up_for() {
        let three_days = Duration::from_secs(3 * 24 * 3600);
        assert_eq!(done_at(three_days, 5 * DAY).await, [10, 3 * DAY + 10, 4 * DAY + 10]);
    }

    const DAY: u64 = 24 * 60;
}
