//! How much a member may send elsewhere in an hour: an account whose password was stolen does not become a spam cannon.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use essaim_types::{AccountId, Timestamp};

/// Recipients elsewhere, counted by account. Accounts that are silent for an hour are forgotten, so it is as large as the hoster is.
#[derive(Debug)]
pub(crate) struct Pace {
    per_hour: u32,
    sent: Mutex<Sent>,
}

#[derive(Debug, Default)]
struct Sent {
    accounts: HashMap<AccountId, Budget>,
    cleaned: Option<Timestamp>,
}

/// A bucket that leaks: what was sent, as of when.
#[derive(Debug, Clone, Copy)]
struct Budget {
    used: f64,
    at: Timestamp,
}

impl Pace {
    pub(crate) fn new(per_hour: u32) -> Arc<Self> {
        Arc::new(Self { per_hour, sent: Mutex::default() })
    }

    /// Counts one recipient, if there is room for it now.
    pub(super) fn admits(&self, account: AccountId, now: Timestamp) -> bool {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.clean(now);
        let budget = sent.accounts.entry(account).or_insert(Budget { used: 0.0, at: now });
        let limit = f64::from(self.per_hour);
        let leaked = now.since(budget.at).as_secs_f64() / HOUR.as_secs_f64() * limit;
        *budget = Budget { used: (budget.used - leaked).max(0.0), at: now };
        let fits = budget.used + 1.0 <= limit;
        if fits {
            budget.used += 1.0;
        }
        fits
    }
}

impl Sent {
    fn clean(&mut self, now: Timestamp) {
        if self.cleaned.is_none_or(|cleaned| now.since(cleaned) >= HOUR) {
            self.accounts.retain(|_, budget| now.since(budget.at) < HOUR);
            self.cleaned = Some(now);
        }
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: u8) -> AccountId {
        AccountId::from_bytes([number; 32])
    }

    #[test]
    fn a_budget_comes_back_with_time_and_is_each_members_own() {
        let pace = Pace::new(60);
        let start = Timestamp(1_700_000_000_000);
        assert!((0..60).all(|_| pace.admits(account(1), start)));
        assert!(!pace.admits(account(1), start));
        assert!(pace.admits(account(2), start));
        let later = start.after(Duration::from_secs(61));
        assert!(pace.admits(account(1), later) && !pace.admits(account(1), later));
    }

    #[test]
    fn the_silent_are_forgotten() {
        let pace = Pace::new(10);
        let start = Timestamp(1_700_000_000_000);
        (0..100).for_each(|number| assert!(pace.admits(account(number), start)));
        assert!(pace.admits(account(200), start.after(HOUR)));
        assert_eq!(pace.sent.lock().unwrap().accounts.len(), 1);
    }
}
