//! Closures that wait for the writer: a bounded queue between async callers and one thread.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bounded queue. Callers wait for a place, the writer for work.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    places: Arc<Semaphore>,
    state: Mutex<State<T>>,
    arrived: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<(T, OwnedSemaphorePermit)>,
    closed: bool,
}

/// What the writer finds.
#[derive(Debug)]
pub(crate) enum Taken<T> {
    Work(Vec<T>),
    /// Nothing came for as long as asked.
    Idle,
    /// Nothing will come any more.
    Closed,
}

impl<T> Queue<T> {
    pub(crate) fn new(places: usize) -> Self {
        let state = State { waiting: VecDeque::new(), closed: false };
        Self {
            places: Arc::new(Semaphore::new(places.max(1))),
            state: Mutex::new(state),
            arrived: Condvar::new(),
        }
    }

    /// Waits for a place and takes it; gives the work back if the queue is closed.
    pub(crate) async fn push(&self, work: T) -> Result<(), T> {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return Err(work) };
        let mut state = self.lock();
        if state.closed {
            return Err(work);
        }
        state.waiting.push_back((work, place));
        self.arrived.notify_one();
        Ok(())
    }

    /// Takes up to `most` of what waits; waits itself if nothing does, at most for `patience` if that is given.
    pub(crate) fn take(&self, most: usize, patience: Option<Duration>) -> Taken<T> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return Taken::Closed;
            }
            let Some(patience) = patience else {
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let waited = self.arrived.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            if waited.1.timed_out() && state.waiting.is_empty() && !state.closed {
                return Taken::Idle;
            }
        }
        let count = state.waiting.len().min(most);
        Taken::Work(state.waiting.drain(..count).map(|(work, _)| work).collect())
    }

    /// Takes nothing more; what waits is still worked on.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.places.close();
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a future on this thread, for callers that are not async.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
