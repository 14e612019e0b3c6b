//! `[accounts]` of `essaim.toml`.

use std::num::NonZeroUsize;
use std::time::Duration;

use essaim_types::ByteSize;
use serde::{Deserialize, Serialize};

/// What the hoster decides about accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsConfig {
    /// Personal addresses of one account. Shared addresses and catch-alls do not count.
    pub addresses_max: usize,
    /// The quota of an account for which none is named. Mail and files count together.
    pub quota: ByteSize,
    /// Characters of a password that a member chooses, at least. NIST SP 800-63B section 3.1.1.2 asks for 8 or more.
    pub password_length_min: usize,
    /// App passwords of one account.
    pub app_passwords_max: usize,
    /// How long an entry of the journal of administrative acts is kept.
    #[serde(with = "humantime_serde")]
    pub audit_keep: Duration,
    /// How long after an account has moved to another hoster its mail clients and the mail to its old addresses are led there.
    #[serde(with = "humantime_serde")]
    pub lead_on: Duration,
    /// The cost of a password hash.
    pub hash: HashConfig,
    /// Right passwords that are remembered for a moment, in memory only.
    pub cache: LoginCacheConfig,
    /// The slowing down of guesses.
    pub throttle: ThrottleConfig,
}

/// argon2id (RFC 9106). The default is the first that OWASP's Password Storage Cheat Sheet recommends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HashConfig {
    /// Memory of one hash. At least 8 KiB for each lane, at most 1 GiB.
    pub memory: ByteSize,
    /// Passes over that memory, 1 to 16.
    pub passes: u32,
    /// Lanes, 1 to 16. They are computed one after another; more than 1 only fits hashes made elsewhere.
    pub lanes: u32,
    /// Hashes computed at the same time; memory in use is at most this many times `memory`. Absent: one for each core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_once: Option<NonZeroUsize>,
    /// Logins that may wait for a hash. Those above are told to try again later.
    pub waiting_max: usize,
}

/// Five connections of one mail client cost one hash, not five.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginCacheConfig {
    /// How long a right password is remembered after it was checked. A change of the password forgets it at once.
    #[serde(with = "humantime_serde")]
    pub keep: Duration,
    /// Passwords remembered, at most. 0 remembers none.
    pub entries_max: usize,
}

/// After some free failures every further one doubles the wait. Counts are in memory and start from nothing with the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThrottleConfig {
    /// Free failures at one login from one network (an IPv4 address, an IPv6 /64).
    pub failures_per_login: u32,
    /// Free failures from one network, whatever the login.
    pub failures_per_network: u32,
    /// Free failures from one neighbourhood (IPv4 /24, IPv6 /48).
    pub failures_per_neighbourhood: u32,
    /// Free failures at one login, whatever the network. Networks from which this login has succeeded are exempt.
    pub failures_per_address: u32,
    /// The first wait.
    #[serde(with = "humantime_serde")]
    pub first_delay: Duration,
    /// The longest wait.
    #[serde(with = "humantime_serde")]
    pub longest_delay: Duration,
    /// The longest wait that strangers all over the world can impose on a member who logs in from a new place.
    #[serde(with = "humantime_serde")]
    pub longest_delay_per_address: Duration,
    /// Failures are forgotten after this long without a new one.
    #[serde(with = "humantime_serde")]
    pub forget_after: Duration,
    /// Logins and networks remembered, at most, in each of the four tables.
    pub entries_max: usize,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            addresses_max: 2,
            quota: ByteSize::gib(10),
            password_length_min: 10,
            app_passwords_max: 32,
            audit_keep: Duration::from_secs(730 * 86_400),
            lead_on: Duration::from_secs(90 * 86_400),
            hash: HashConfig::default(),
            cache: LoginCacheConfig::default(),
            throttle: ThrottleConfig::default(),
        }
    }
}

impl Default for HashConfig {
    fn default() -> Self {
        Self { memory: ByteSize::mib(19), passes: 2, lanes: 1, at_once: None, waiting_max: 64 }
    }
}

impl Default for LoginCacheConfig {
    fn default() -> Self {
        Self { keep: Duration::from_secs(300), entries_max: 4096 }
    }
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            failures_per_login: 8,
            failures_per_network: 60,
            failures_per_neighbourhood: 240,
            failures_per_address: 60,
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(900),
            longest_delay_per_address: Duration::from_secs(60),
            forget_after: Duration::from_secs(3600),
            entries_max: 8192,
        }
    }
}

/// A value of `[accounts]` that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// argon2 refuses these costs, or they would let one login take minutes.
    #[error("accounts.hash: argon2 cannot use {memory} of memory, {passes} passes and {lanes} lanes")]
    HashCost {
        /// `accounts.hash.memory`
        memory: ByteSize,
        /// `accounts.hash.passes`
        passes: u32,
        /// `accounts.hash.lanes`
        lanes: u32,
    },
    /// Nobody could have an address, or log in.
    #[error("accounts.{key} must be at least 1")]
    Zero {
        /// The key below `[accounts]`.
        key: &'static str,
    },
    /// The waits would not grow.
    #[error("accounts.throttle.first_delay must be above zero and not above the longest delays")]
    Delays,
}

impl AccountsConfig {
    /// Whether the values work together. `essaim config check` shows the answer.
    pub fn check(&self) -> Result<(), ConfigError> {
        crate::hash::params(&self.hash)?;
        let throttle = &self.throttle;
        for (key, value) in
            [("addresses_max", self.addresses_max), ("throttle.entries_max", throttle.entries_max)]
        {
            if value == 0 {
                return Err(ConfigError::Zero { key });
            }
        }
        let longest = throttle.longest_delay.min(throttle.longest_delay_per_address);
        if throttle.first_delay.is_zero() || throttle.first_delay > longest {
            return Err(ConfigError::Delays);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_is_the_default_and_an_unknown_key_an_error() {
        assert_eq!(toml::from_str(""), Ok(AccountsConfig::default()));
        assert!(toml::from_str::<AccountsConfig>("addresses_maximum = 3").is_err());
        assert!(toml::from_str::<AccountsConfig>("[throttle]\nfailures = 3").is_err());
    }

    #[test]
    fn values_read_back_as_written() {
        let config = AccountsConfig {
            hash: HashConfig { at_once: NonZeroUsize::new(3), ..HashConfig::default() },
            ..AccountsConfig::default()
        };
        assert_eq!(toml::from_str(&toml::to_string(&config).unwrap()), Ok(config));
    }

    #[test]
    fn what_cannot_work_is_named() {
        assert_eq!(AccountsConfig::default().check(), Ok(()));
        let mut config = AccountsConfig::default();
        config.hash.memory = ByteSize::kib(4);
        assert!(matches!(config.check(), Err(ConfigError::HashCost { .. })));
        let mut config = AccountsConfig { addresses_max: 0, ..AccountsConfig::default() };
        assert_eq!(config.check(), Err(ConfigError::Zero { key: "addresses_max" }));
        config = AccountsConfig::default();
        config.throttle.first_delay = Duration::from_secs(61);
        assert_eq!(config.check(), Err(ConfigError::Delays));
    }
}
