//! Guessing is slowed down. Pure: the time is an argument, and so is the key that hides what was tried.
//!
//! Four tables count the same failure: by login and network, by network, by neighbourhood of networks, by login. After
//! some free failures each further one doubles the wait, and only one attempt at a time is let through.

mod table;

use std::net::IpAddr;
use std::time::Duration;

use essaim_types::{ListingId, Timestamp};

use crate::config::ThrottleConfig;
use table::{Key, Rule, Table};

/// Counts failures and says who has to wait.
#[derive(Debug)]
pub(crate) struct Throttle {
    hide: [u8; 32],
    login_from: Table,
    network: Table,
    neighbourhood: Table,
    login: Table,
}

/// Who tries: the same four keys for the same login from the same network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who {
    login_from: Key,
    network: Key,
    neighbourhood: Key,
    login: Key,
}

/// An attempt that is being checked. Until its outcome is told it counts as one that may fail, so that a thousand guesses
/// at the same time are not a thousand free ones.
#[derive(Debug)]
#[must_use = "tell the throttle how the attempt ended"]
pub(crate) struct Attempt(Who);

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Right,
    Wrong,
    /// The password was not checked.
    Unknown,
}

impl Throttle {
    /// `hide` is a random key: the tables hold hashes, so that nobody can aim at their slots or read logins from memory.
    pub(crate) fn new(config: &ThrottleConfig, hide: [u8; 32]) -> Self {
        let table = |free, longest| {
            let (first, forget_after) = (config.first_delay, config.forget_after);
            Table::new(Rule { free, first, longest, forget_after }, config.entries_max)
        };
        Self {
            hide,
            login_from: table(config.failures_per_login, config.longest_delay),
            network: table(config.failures_per_network, config.longest_delay),
            neighbourhood: table(config.failures_per_neighbourhood, config.longest_delay),
            login: table(config.failures_per_address, config.longest_delay_per_address),
        }
    }

    /// The keys of a login, as its text is compared, from a peer.
    pub(crate) fn who(&self, login: &str, peer: IpAddr) -> Who {
        self.keys(login, peer, None)
    }

    /// The same from a peer that another hoster leads here. Where it is, is that hoster's word, and counts apart: so nobody else is kept waiting by it.
    /// The login is the same.
    pub(crate) fn who_led(&self, login: &str, peer: IpAddr, by: ListingId) -> Who {
        self.keys(login, peer, Some(by))
    }

    fn keys(&self, login: &str, peer: IpAddr, led_by: Option<ListingId>) -> Who {
        let [network, neighbourhood] = networks(peer);
        let key = |scope: u8, network: &[u8], login: &str| {
            let mut hasher = blake3::Hasher::new_keyed(&self.hide);
            if let Some(hoster) = led_by.filter(|_| !network.is_empty()) {
                hasher.update(&[LED]).update(hoster.as_bytes());
            }
            hasher.update(&[scope]).update(network).update(login.as_bytes());
            let mut key = [0; 16];
            hasher.finalize_xof().fill(&mut key);
            Key(key)
        };
        Who {
            login_from: key(0, &network, login),
            network: key(1, &network, ""),
            neighbourhood: key(2, &neighbourhood, ""),
            login: key(3, &[], login),
        }
    }

    /// Whether an attempt may be made now, or how long to wait.
    pub(crate) fn check(&self, who: &Who, now: Timestamp) -> Result<(), Duration> {
        let mut wait = self
            .login_from
            .wait(who.login_from, now)
            .max(self.network.wait(who.network, now))
            .max(self.neighbourhood.wait(who.neighbourhood, now));
        if !self.login_from.has_succeeded(who.login_from, now) {
            wait = wait.max(self.login.wait(who.login, now));
        }
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// Begins an attempt, if one may be made now.
    pub(crate) fn begin(&mut self, who: Who, now: Timestamp) -> Result<Attempt, Duration> {
        self.check(&who, now)?;
        self.each(&who, |table, key| table.begin(key, now));
        Ok(Attempt(who))
    }

    /// Counts how an attempt ended.
    pub(crate) fn end(&mut self, attempt: Attempt, outcome: Outcome, now: Timestamp) {
        let Attempt(who) = attempt;
        match outcome {
            Outcome::Wrong => self.each(&who, |table, key| table.fail(key, now)),
            Outcome::Unknown => self.each(&who, |table, key| table.give_back(key)),
            Outcome::Right => {
                self.each(&who, |table, key| table.give_back(key));
                self.succeeded(&who, now);
            }
        }
    }

    /// This login is at home in this network: its failures there are forgiven. Those of the network and of the login
    /// elsewhere are not, or a guesser with one account of their own could wash theirs away.
    pub(crate) fn succeeded(&mut self, who: &Who, now: Timestamp) {
        self.login_from.succeed(who.login_from, now);
    }

    fn each(&mut self, who: &Who, mut act: impl FnMut(&mut Table, Key)) {
        act(&mut self.login_from, who.login_from);
        act(&mut self.network, who.network);
        act(&mut self.neighbourhood, who.neighbourhood);
        act(&mut self.login, who.login);
    }
}

/// The network of a peer and its neighbourhood: IPv4 /32 and /24, IPv6 /64 and /48 (what one household and one customer
/// get: RFC 6177). The first byte tells the families apart.
fn networks(peer: IpAddr) -> [[u8; 17]; 2] {
    let keep = |family: u8, address: &[u8], len: usize| {
        let mut network = [0; 17];
        let kept = std::iter::once(&family).chain(address.iter().take(len));
        network.iter_mut().zip(kept).for_each(|(to, from)| *to = *from);
        network
    };
    match peer.to_canonical() {
        IpAddr::V4(ip) => [keep(4, &ip.octets(), 4), keep(4, &ip.octets(), 3)],
        IpAddr::V6(ip) => [keep(6, &ip.octets(), 8), keep(6, &ip.octets(), 6)],
    }
}

/// Before the listing of a hoster that leads peers here; no scope.
const LED: u8 = 0xff;

#[cfg(test)]
mod tests;
