//! The wish to stop, as every loop hears it.

use tokio::sync::watch;

/// The end that decides. Dropping it is a wish to stop as well.
#[derive(Debug)]
pub(crate) struct Shutdown(watch::Sender<bool>);

/// The end that listens; one for each loop.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

/// Both ends.
pub(crate) fn channel() -> (Shutdown, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Shutdown(sender), Stop(receiver))
}

impl Shutdown {
    /// From now on every [`Stop::requested`] is ready.
    pub(crate) fn request(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Waits until the node shall stop. Ready again and again afterwards.
    pub(crate) async fn requested(&self) {
        let mut receiver = self.0.clone();
        let _ = receiver.wait_for(|stop| *stop).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_hears_the_request_whenever_they_listen() {
        let (shutdown, stop) = channel();
        let early = tokio::spawn({
            let stop = stop.clone();
            async move { stop.requested().await }
        });
        shutdown.request();
        early.await.unwrap();
        stop.requested().await;
    }

    #[tokio::test]
    async fn a_dropped_sender_is_a_request() {
        let (shutdown, stop) = channel();
        drop(shutdown);
        stop.requested().await;
    }
}
