//! Passwords that were right a moment ago, and checks that are being made now. In memory only.
//!
//! The stored hash is part of what is remembered. Who asks has just read it from the store, so a changed or revoked
//! password is refused from the commit on, with nothing to invalidate and nobody to wake.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use essaim_types::{Secret, Timestamp};
use tokio::sync::watch;

use crate::config::LoginCacheConfig;

/// Who logs in, the stored hash and the password, without any of them: BLAKE3 under a key that lives as long as the
/// process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LoginKey([u8; 32]);

/// Remembers at most `entries_max` logins, and at most one running check for each password of an account.
#[derive(Debug)]
pub(crate) struct Logins<V> {
    key: [u8; 32],
    keep: Duration,
    entries_max: usize,
    state: Mutex<State<V>>,
}

/// Where a login stands.
#[derive(Debug)]
pub(crate) enum Entry<V> {
    /// Checked before, and right.
    Remembered,
    /// Somebody is checking the same password of the same account now.
    Running(watch::Receiver<Option<V>>),
    /// Nobody is: check it, and tell those that come meanwhile.
    Mine(Running<V>),
}

/// The duty to check. Dropped without an answer, those who wait learn that there is none.
#[derive(Debug)]
pub(crate) struct Running<V> {
    logins: Arc<Logins<V>>,
    key: LoginKey,
    answer: watch::Sender<Option<V>>,
    outcome: Option<V>,
}

#[derive(Debug)]
struct State<V> {
    /// Until when.
    remembered: HashMap<LoginKey, Timestamp>,
    /// In the order in which they end: all are kept equally long.
    order: VecDeque<(LoginKey, Timestamp)>,
    running: HashMap<LoginKey, watch::Receiver<Option<V>>>,
}

impl<V: Clone> Logins<V> {
    pub(crate) fn new(config: &LoginCacheConfig, key: [u8; 32]) -> Arc<Self> {
        let state = State { remembered: HashMap::new(), order: VecDeque::new(), running: HashMap::new() };
        let (keep, entries_max) = (config.keep, config.entries_max);
        Arc::new(Self { key, keep, entries_max, state: Mutex::new(state) })
    }

    /// The key of a login: `subject` is its text as it is compared.
    pub(crate) fn key(&self, subject: &str, stored: &str, password: &Secret) -> LoginKey {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [subject, stored, password.expose()] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        LoginKey(*hasher.finalize().as_bytes())
    }

    /// What is known of this login now.
    pub(crate) fn enter(self: &Arc<Self>, key: LoginKey, now: Timestamp) -> Entry<V> {
        let mut state = self.lock();
        if state.remembered.get(&key).is_some_and(|until| now < *until) {
            return Entry::Remembered;
        }
        if let Some(answer) = state.running.get(&key) {
            return Entry::Running(answer.clone());
        }
        let (answer, receiver) = watch::channel(None);
        state.running.insert(key, receiver);
        Entry::Mine(Running { logins: Arc::clone(self), key, answer, outcome: None })
    }

    fn lock(&self) -> MutexGuard<'_, State<V>> {
        // Nothing between lock and unlock panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Clone> Running<V> {
    /// The password is right: remembers it for a while and tells those who wait, in one step, so that nobody checks
    /// again. `key` is another than it began with if the password was hashed anew.
    pub(crate) fn right(self, key: LoginKey, now: Timestamp, answer: V) {
        let (keep, entries_max) = (self.logins.keep, self.logins.entries_max);
        self.logins.lock().remember(key, now.after(keep), now, entries_max);
        self.tell(answer);
    }

    /// To wait for the answer like everybody else.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<V>> {
        self.answer.subscribe()
    }

    /// Tells those who wait, and remembers nothing.
    pub(crate) fn tell(mut self, answer: V) {
        self.outcome = Some(answer);
    }
}

impl<V> Drop for Running<V> {
    /// Who comes after this does not find a check that has ended; who came before gets its answer.
    fn drop(&mut self) {
        self.logins.state.lock().unwrap_or_else(PoisonError::into_inner).running.remove(&self.key);
        if let Some(outcome) = self.outcome.take() {
            self.answer.send_replace(Some(outcome));
        }
    }
}

impl<V> State<V> {
    fn remember(&mut self, key: LoginKey, until: Timestamp, now: Timestamp, max: usize) {
        while let Some(&(oldest, ends)) = self.order.front() {
            if self.order.len() < max && now < ends {
                break;
            }
            self.order.pop_front();
            // The same login may have been checked again since; then a later line of the order names its end.
            if self.remembered.get(&oldest).is_some_and(|until| *until == ends) {
                self.remembered.remove(&oldest);
            }
        }
        if max > 0 {
            self.remembered.insert(key, until);
            self.order.push_back((key, until));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Arc<Logins<u32>>;

    fn logins(entries_max: usize) -> Tested {
        Logins::new(&LoginCacheConfig { entries_max, ..LoginCacheConfig::default() }, [7; 32])
    }

    fn key(logins: &Tested, n: usize) -> LoginKey {
        logins.key("a@b.test", "hash", &Secret::new(n.to_string()))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds)
    }

    fn check(logins: &Tested, key: LoginKey, now: Timestamp) -> bool {
        match logins.enter(key, now) {
            Entry::Mine(mine) => {
                mine.right(key, now, 1);
                true
            }
            Entry::Remembered => false,
            Entry::Running(_) => panic!("nobody else checks"),
        }
    }

    #[test]
    fn a_right_password_is_remembered_for_five_minutes() {
        let logins = logins(8);
        assert!(check(&logins, key(&logins, 1), at(0)));
        assert!(!check(&logins, key(&logins, 1), at(299)));
        assert!(check(&logins, key(&logins, 2), at(0)), "another password is not");
        assert!(check(&logins, key(&logins, 1), at(300)));
    }

    #[test]
    fn never_more_than_the_bound_and_the_oldest_goes_first() {
        let logins = logins(4);
        for n in 0..100 {
            assert!(check(&logins, key(&logins, n), at(0)));
            let state = logins.lock();
            assert!(state.remembered.len() <= 4 && state.order.len() <= 4);
        }
        assert!(!check(&logins, key(&logins, 99), at(0)));
        assert!(check(&logins, key(&logins, 0), at(0)));
    }

    #[test]
    fn a_bound_of_none_remembers_nothing() {
        let logins = logins(0);
        assert!(check(&logins, key(&logins, 1), at(0)) && check(&logins, key(&logins, 1), at(0)));
        assert!(logins.lock().order.is_empty());
    }

    #[test]
    fn what_has_ended_makes_room() {
        let logins = logins(8);
        for n in 0..8 {
            check(&logins, key(&logins, n), at(0));
        }
        check(&logins, key(&logins, 9), at(301));
        assert_eq!(logins.lock().remembered.len(), 1);
        assert_eq!(logins.lock().order.len(), 1);
    }

    #[test]
    fn another_hash_another_login_or_another_process_is_another_key() {
        let (logins, restarted) =
            (logins(8), Tested::clone(&Logins::new(&LoginCacheConfig::default(), [8; 32])));
        let key =
            |logins: &Tested, subject, stored, password| logins.key(subject, stored, &Secret::new(password));
        let one = key(&logins, "ab", "cd", "ef");
        assert_eq!(one, key(&logins, "ab", "cd", "ef"));
        for other in [
            key(&logins, "a", "bcd", "ef"),
            key(&logins, "ab", "c", "def"),
            key(&logins, "ab", "new", "ef"),
            key(&restarted, "ab", "cd", "ef"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[tokio::test]
    async fn those_who_come_meanwhile_get_the_same_answer() {
        let logins = logins(8);
        let enter = || logins.enter(key(&logins, 1), at(0));
        let Entry::Mine(mine) = enter() else { panic!("first") };
        let Entry::Running(mut other) = enter() else { panic!("second") };
        mine.right(key(&logins, 1), at(0), 42);
        assert_eq!(*other.wait_for(Option::is_some).await.unwrap(), Some(42));
        assert!(matches!(enter(), Entry::Remembered));
    }

    #[tokio::test]
    async fn a_check_that_has_ended_answers_nobody_who_comes_later() {
        let logins = logins(8);
        let enter = || logins.enter(key(&logins, 1), at(0));
        let Entry::Mine(mine) = enter() else { panic!("first") };
        let mut early = mine.subscribe();
        let late = async {
            early.wait_for(Option::is_some).await.unwrap();
            matches!(enter(), Entry::Mine(_))
        };
        mine.tell(1);
        assert!(late.await);
    }

    #[tokio::test]
    async fn a_check_that_never_ends_leaves_nobody_waiting() {
        let logins = logins(8);
        let enter = || logins.enter(key(&logins, 1), at(0));
        let Entry::Mine(mine) = enter() else { panic!("first") };
        let Entry::Running(mut other) = enter() else { panic!("second") };
        drop(mine);
        assert!(other.wait_for(Option::is_some).await.is_err());
        assert!(matches!(enter(), Entry::Mine(_)));
    }
}
