//! Permits to write to an account, and fences that hold writers back while it changes its host. See "Permits and fences" in
//! specs/01-store.md.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use essaim_types::{AccountId, Lsn};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Which accounts are being written to, and which are fenced.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    gates: Mutex<HashMap<AccountId, Gate>>,
    /// Fences that stand: mostly none, and then nobody looks any further.
    fences: AtomicUsize,
    numbers: AtomicU64,
    changed: Notify,
    changed_for_threads: Condvar,
}

#[derive(Debug, Default)]
struct Gate {
    permits: usize,
    fence: Option<Standing>,
}

/// A fence of an account.
#[derive(Debug, Clone, Copy)]
struct Standing {
    number: u64,
    until: Instant,
    /// All permits are back: whoever writes now has none.
    closed: bool,
}

/// An account for which no permit is given now, and until when at the latest.
#[derive(Debug, Clone, Copy)]
struct Held {
    account: AccountId,
    until: Instant,
}

/// Leave to write to some accounts, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    gates: Arc<Gates>,
    accounts: Vec<AccountId>,
}

/// Holds back whoever wants to write to an account: see [`crate::Store::fence`]. Dropping it lets them go on.
#[derive(Debug)]
pub struct Fence {
    raised: Raised,
    lsn: Lsn,
}

/// The part of a fence that is there before all permits are back.
#[derive(Debug)]
pub(crate) struct Raised {
    gates: Arc<Gates>,
    account: AccountId,
    number: u64,
}

impl Fence {
    pub(crate) fn new(raised: Raised, lsn: Lsn) -> Self {
        Self { raised, lsn }
    }

    /// Whose.
    pub fn account(&self) -> AccountId {
        self.raised.account
    }

    /// Where the account stands still.
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }
}

impl Gates {
    /// Waits until none of the accounts is fenced, at most [`FENCE_MAX`]; else names one that is. All are taken at once: nobody waits for one while
    /// holding another.
    pub(crate) async fn permit(self: &Arc<Self>, accounts: &[AccountId]) -> Result<Permit, AccountId> {
        if self.try_permit(accounts).is_ok() {
            return Ok(self.taken(accounts));
        }
        let deadline = Instant::now() + FENCE_MAX;
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let Err(held) = self.try_permit(accounts) else { return Ok(self.taken(accounts)) };
            if Instant::now() >= deadline {
                return Err(held.account);
            }
            // Over or not, the accounts are looked at again.
            _ = timeout_at(held.until.min(deadline), changed).await;
        }
    }

    /// The same for callers that are not async.
    pub(crate) fn permit_blocking(self: &Arc<Self>, accounts: &[AccountId]) -> Result<Permit, AccountId> {
        let deadline = Instant::now() + FENCE_MAX;
        let mut gates = self.lock();
        while let Err(held) = self.take(&mut gates, accounts) {
            let now = Instant::now();
            if now >= deadline {
                return Err(held.account);
            }
            let patience = held.until.min(deadline) - now;
            let waited = self.changed_for_threads.wait_timeout(gates, patience);
            gates = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(gates);
        Ok(self.taken(accounts))
    }

    /// Gives out no more permits of an account; `None` if another fence stands.
    pub(crate) fn raise(self: &Arc<Self>, account: AccountId) -> Option<Raised> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut gates = self.lock();
        let gate = gates.entry(account).or_default();
        if self.standing(gate).is_some() {
            return None;
        }
        gate.fence = Some(Standing { number, until: Instant::now() + FENCE_MAX, closed: false });
        self.fences.fetch_add(1, Ordering::Release);
        Some(Raised { gates: Arc::clone(self), account, number })
    }

    /// Whether a transaction without a permit must keep off.
    pub(crate) fn is_closed(&self, account: &AccountId) -> bool {
        if self.fences.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut gates = self.lock();
        let gate = gates.get_mut(account);
        gate.and_then(|gate| self.standing(gate)).is_some_and(|standing| standing.closed)
    }

    fn try_permit(&self, accounts: &[AccountId]) -> Result<(), Held> {
        self.take(&mut self.lock(), accounts)
    }

    fn take(&self, gates: &mut HashMap<AccountId, Gate>, accounts: &[AccountId]) -> Result<(), Held> {
        if self.fences.load(Ordering::Acquire) > 0 {
            for account in accounts {
                let standing = gates.get_mut(account).and_then(|gate| self.standing(gate));
                if let Some(Standing { until, .. }) = standing {
                    return Err(Held { account: *account, until });
                }
            }
        }
        for account in accounts {
            gates.entry(*account).or_default().permits += 1;
        }
        Ok(())
    }

    fn taken(self: &Arc<Self>, accounts: &[AccountId]) -> Permit {
        Permit { gates: Arc::clone(self), accounts: accounts.to_vec() }
    }

    /// The fence of a gate. One that was forgotten is over.
    fn standing(&self, gate: &mut Gate) -> Option<Standing> {
        let over = |standing: &mut Standing| standing.until <= Instant::now();
        if gate.fence.take_if(over).is_some() {
            self.fences.fetch_sub(1, Ordering::Release);
        }
        gate.fence
    }

    fn tell(&self) {
        self.changed.notify_waiters();
        self.changed_for_threads.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Gate>> {
        // Whatever a panic left behind is still a set of counters.
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn is_idle(&self) -> bool {
        self.lock().is_empty() && self.fences.load(Ordering::Acquire) == 0
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut gates = self.gates.lock();
        let mut awaited = false;
        for account in &self.accounts {
            let Some(gate) = gates.get_mut(account) else { continue };
            gate.permits = gate.permits.saturating_sub(1);
            awaited |= gate.fence.is_some();
            if gate.permits == 0 && gate.fence.is_none() {
                gates.remove(account);
            }
        }
        drop(gates);
        if awaited {
            self.gates.tell();
        }
    }
}

impl Raised {
    /// Waits for the permits that are out, and lets nobody write after them; says whether all came back while the fence stood.
    pub(crate) async fn close(&self) -> bool {
        loop {
            let mut changed = pin!(self.gates.changed.notified());
            changed.as_mut().enable();
            let until = {
                let mut gates = self.gates.lock();
                let Some(gate) = gates.get_mut(&self.account) else { return false };
                self.gates.standing(gate);
                let idle = gate.permits == 0;
                let Some(standing) = gate.fence.as_mut().filter(|standing| standing.number == self.number)
                else {
                    return false;
                };
                standing.closed = idle;
                if idle {
                    return true;
                }
                standing.until
            };
            _ = timeout_at(until, changed).await;
        }
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        let mut gates = self.gates.lock();
        if let Some(gate) = gates.get_mut(&self.account) {
            if gate.fence.take_if(|standing| standing.number == self.number).is_some() {
                self.gates.fences.fetch_sub(1, Ordering::Release);
            }
            if gate.permits == 0 && gate.fence.is_none() {
                gates.remove(&self.account);
            }
        }
        drop(gates);
        self.gates.tell();
    }
}

/// A fence lasts at most so long, and a writer waits at most so long for fences.
pub const FENCE_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    const A: AccountId = AccountId::from_bytes([1; 32]);
    const B: AccountId = AccountId::from_bytes([2; 32]);

    #[tokio::test]
    async fn permits_are_shared_and_leave_nothing_behind() {
        let gates = Arc::new(Gates::default());
        let one = gates.permit(&[A, B]).await.unwrap();
        let two = gates.permit_blocking(&[A, A]).unwrap();
        assert!(!gates.is_idle());
        drop((one, two));
        assert!(gates.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_holds_one_account_while_waiting_for_another() {
        let gates = Arc::new(Gates::default());
        let fence = gates.raise(B).unwrap();
        let mut waiting = Box::pin(gates.permit(&[A, B]));
        assert!(timeout_at(Instant::now() + FENCE_MAX / 2, &mut waiting).await.is_err());
        assert!(gates.raise(A).unwrap().close().await, "account A is free");
        drop(fence);
        let again = gates.raise(B).unwrap();
        assert_eq!(waiting.await.unwrap_err(), B, "it does not wait for one fence after the other");
        drop(again);
        assert!(gates.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn a_fence_waits_for_permits_and_gives_up_in_time() {
        let gates = Arc::new(Gates::default());
        let permit = gates.permit(&[A]).await.unwrap();
        let begun = Instant::now();
        let fence = gates.raise(A).unwrap();
        assert!(gates.raise(A).is_none(), "one at a time");
        assert!(!gates.is_closed(&A), "who has a permit may go on");
        assert!(!fence.close().await);
        assert_eq!(begun.elapsed().as_secs(), FENCE_MAX.as_secs());
        let again = gates.raise(A).unwrap();
        drop(fence);
        assert!(gates.raise(A).is_none(), "an old fence does not end a new one");
        drop(again);
        drop(permit);
        let again = gates.raise(A).unwrap();
        assert!(again.close().await && gates.is_closed(&A));
        drop(again);
        assert!(gates.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn a_fence_that_was_forgotten_is_over() {
        let gates = Arc::new(Gates::default());
        let fence = gates.raise(A).unwrap();
        assert!(fence.close().await);
        let begun = Instant::now();
        drop(gates.permit(&[A]).await.unwrap());
        assert_eq!(begun.elapsed().as_secs(), FENCE_MAX.as_secs());
        assert!(!gates.is_closed(&A));
        drop(fence);
        assert!(gates.is_idle());
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_nothing_behind() {
        let gates = Arc::new(Gates::default());
        let fence = gates.raise(A).unwrap();
        for _ in 0..10 {
            let waiting = gates.permit(&[A, B]);
            tokio::select! { biased; _ = waiting => panic!("it is fenced"), () = std::future::ready(()) => {} }
        }
        drop(fence);
        assert!(gates.is_idle());
    }
}
