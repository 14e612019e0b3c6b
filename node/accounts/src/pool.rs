//! Where slow hashes are computed: off the async threads, in bounded memory, with a bounded queue.

use std::mem;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

use crate::hash::Memory;

/// Computes hashes. Those that run at the same time never use more memory than `at_once` hashes of the configured cost, and
/// those that neither run nor fit the queue are refused at once. When nothing runs, no memory is held.
#[derive(Debug)]
pub(crate) struct Pool {
    /// One permit for each KiB.
    memory: Arc<Semaphore>,
    memory_kib: u32,
    cost_kib: u32,
    places: usize,
    desk: Arc<Mutex<Desk>>,
    hashes: AtomicU64,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct Desk {
    /// How many run or wait.
    taken: usize,
    /// Memory for a hash of the configured cost, handed from one to the next: in fresh memory a hash takes half as long
    /// again, because the system has to map it page by page.
    spare: Vec<Memory>,
}

/// A place among those that run or wait.
#[derive(Debug)]
struct Place(Arc<Mutex<Desk>>);

/// Why work was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PoolError {
    #[error("too many password checks wait already")]
    Busy,
    #[error("{kib} KiB is more memory than all password checks together may use")]
    TooLarge { kib: u32 },
    #[error("the password check stopped unexpectedly")]
    Stopped,
}

impl Pool {
    /// For hashes of `cost_kib` each. Absent `at_once`: one for each core.
    pub(crate) fn new(at_once: Option<NonZeroUsize>, waiting_max: usize, cost_kib: u32) -> Self {
        let at_once = at_once.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let memory_kib = u32::try_from(at_once).unwrap_or(u32::MAX).saturating_mul(cost_kib);
        Self {
            memory: Arc::new(Semaphore::new(memory_kib as usize)),
            memory_kib,
            cost_kib,
            places: at_once.saturating_add(waiting_max),
            desk: Arc::default(),
            hashes: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Waits until `kib` of memory are free, then does the work in them on a blocking thread. A caller that goes away while
    /// it waits gives its place back; work that has begun is finished.
    pub(crate) async fn run<T, F>(&self, kib: u32, work: F) -> Result<T, PoolError>
    where
        F: FnOnce(&mut Memory) -> T + Send + 'static,
        T: Send + 'static,
    {
        if !self.fits(kib) {
            return Err(PoolError::TooLarge { kib });
        }
        let place = self.enter()?;
        let permits = Arc::clone(&self.memory).acquire_many_owned(kib).await;
        let permits = permits.map_err(|_| PoolError::Stopped)?;
        self.hashes.fetch_add(1, Ordering::Relaxed);
        let kept = kib == self.cost_kib;
        let work = move || {
            let mut memory = place.memory(kib, kept);
            let out = work(&mut memory);
            if kept {
                lock(&place.0).spare.push(memory);
            }
            // Whoever gets the permits next finds the memory.
            drop(permits);
            out
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| PoolError::Stopped)
    }

    /// Whether work that needs so much memory can ever run.
    pub(crate) fn fits(&self, kib: u32) -> bool {
        kib <= self.memory_kib
    }

    /// Pieces of work begun since the start.
    pub(crate) fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    /// Pieces of work refused because the queue was full.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many run or wait.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        lock(&self.desk).taken
    }

    fn enter(&self) -> Result<Place, PoolError> {
        let mut desk = lock(&self.desk);
        if desk.taken >= self.places {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(PoolError::Busy);
        }
        desk.taken += 1;
        Ok(Place(Arc::clone(&self.desk)))
    }
}

impl Place {
    /// Memory of another before, or new. A hash of another cost first frees what is kept, or both together would be more
    /// than the permits say.
    fn memory(&self, kib: u32, kept: bool) -> Memory {
        if !kept {
            let unused = mem::take(&mut lock(&self.0).spare);
            drop(unused);
        } else if let Some(memory) = lock(&self.0).spare.pop() {
            return memory;
        }
        Memory::new(kib)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut desk = lock(&self.0);
        desk.taken -= 1;
        let unused = if desk.taken == 0 { mem::take(&mut desk.spare) } else { Vec::new() };
        // Giving it back takes the system a while: not while others want to come in.
        drop(desk);
        drop(unused);
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    // A count and a list, changed in one step each.
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    use super::*;

    /// How much runs now and how much ever ran at the same time.
    #[derive(Debug, Default)]
    struct Gauge {
        now: AtomicUsize,
        peak: AtomicUsize,
    }

    impl Gauge {
        fn hold(&self, amount: usize) {
            let now = self.now.fetch_add(amount, Ordering::SeqCst) + amount;
            self.peak.fetch_max(now, Ordering::SeqCst);
            std::thread::yield_now();
            self.now.fetch_sub(amount, Ordering::SeqCst);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn work_at_the_same_time_never_needs_more_than_the_budget() {
        let pool = Arc::new(Pool::new(NonZeroUsize::new(3), 1000, 100));
        let gauge = Arc::new(Gauge::default());
        let mut tasks = Vec::new();
        for n in 0..200u32 {
            let (pool, gauge) = (Arc::clone(&pool), Arc::clone(&gauge));
            let kib = 50 + (n % 3) * 100;
            tasks.push(tokio::spawn(async move { pool.run(kib, move |_| gauge.hold(kib as usize)).await }));
        }
        for task in tasks {
            assert_eq!(task.await.unwrap(), Ok(()));
        }
        assert!(gauge.peak.load(Ordering::SeqCst) <= 300, "{gauge:?}");
        assert_eq!(pool.hashes(), 200);
        assert!(lock(&pool.desk).spare.is_empty(), "nothing is held when nothing runs");
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_says_try_later() {
        let pool = Arc::new(Pool::new(NonZeroUsize::new(1), 1, 10));
        let (go, wait) = mpsc::channel::<()>();
        let begin = |work: Box<dyn FnOnce(&mut Memory) + Send>| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(10, work).await })
        };
        let running = begin(Box::new(move |_| wait.recv().unwrap()));
        let waiting = begin(Box::new(|_| ()));
        while pool.taken() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.run(10, |_| ()).await, Err(PoolError::Busy));
        assert_eq!(pool.refused(), 1);
        go.send(()).unwrap();
        assert_eq!((running.await.unwrap(), waiting.await.unwrap()), (Ok(()), Ok(())));
        assert_eq!(pool.run(10, |_| ()).await, Ok(()));
    }

    #[tokio::test]
    async fn memory_is_handed_on_while_others_wait_and_given_back_at_the_end() {
        let pool = Arc::new(Pool::new(NonZeroUsize::new(1), 9, 10));
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let pool = Arc::clone(&pool);
                let where_it_is = |memory: &mut Memory| format!("{:p}", memory.blocks());
                tokio::spawn(async move { pool.run(10, where_it_is).await })
            })
            .collect();
        let mut seen = std::collections::HashSet::new();
        for task in tasks {
            seen.insert(task.await.unwrap().unwrap());
        }
        assert_eq!(seen.len(), 1);
        assert!(lock(&pool.desk).spare.is_empty());
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_gives_its_place_back() {
        let pool = Arc::new(Pool::new(NonZeroUsize::new(1), 1, 10));
        let (go, wait) = mpsc::channel::<()>();
        let running = {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(10, move |_| wait.recv().unwrap()).await })
        };
        let waiting = {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(10, |_| ()).await })
        };
        while pool.taken() < 2 {
            tokio::task::yield_now().await;
        }
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert_eq!(pool.taken(), 1);
        go.send(()).unwrap();
        assert_eq!(running.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn work_that_can_never_fit_or_panics_is_an_error() {
        let pool = Pool::new(NonZeroUsize::new(1), 1, 10);
        assert_eq!(pool.run(11, |_| ()).await, Err(PoolError::TooLarge { kib: 11 }));
        assert_eq!(pool.run(10, |_| panic!("on purpose")).await, Err::<(), _>(PoolError::Stopped));
        assert_eq!(pool.run(10, |_| 1).await, Ok(1), "memory and place were given back");
    }
}
