//! Who may do what: accounts, their addresses, passwords, quotas and state, and the journal of administrative acts.
//!
//! Everything is an object in the log (specs/03-accounts.md). Sockets, protocols and mailboxes do not live here; the
//! time of a login and the peer's address are arguments.
#![warn(missing_docs, clippy::indexing_slicing)]

mod authenticate;
mod config;
mod domains;
mod elsewhere;
mod generate;
mod hash;
mod hoster;
mod journal;
mod ledger;
mod logins;
mod manage;
mod pool;
mod record;
mod relocation;
mod resolve;
mod storage;
mod throttle;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use essaim_store::Store;
use essaim_types::{AccountId, ListingId};

use authenticate::Answer;
use hash::Hasher;
use logins::Logins;
use pool::Pool;
use throttle::Throttle;

pub use authenticate::{AuthError, Authenticated, LoginStats};
pub use config::{AccountsConfig, ConfigError, HashConfig, LoginCacheConfig, ThrottleConfig};
pub use domains::LocalDomains;
pub use hoster::OpenAccountsError;
pub use journal::Journal;
pub use ledger::{
    Aside, ConfirmError, Identity, KitError, LearnError, Recovered, Sign, Signer, Told,
    WITNESSED_BYTES_PER_HOSTER, Witnessed,
};
pub use manage::NoSuchAccount;
pub use manage::address::{AddAddressError, AddressError, RemoveAddressError, ShareError};
pub use manage::arrive::ArriveError;
pub use manage::create::{CreateError, Created, NewAccount, Quota};
pub use manage::delete::{DeleteError, DeleteProgress};
pub use manage::password::{AppPasswordError, NewAppPassword, NewPassword, PasswordError, SetPasswordError};
pub use manage::profile::ChangeError;
pub use manage::show::{AppPassword, Details, Password, SharedAddress, Summary};
pub use record::Relocation;
pub use record::{
    AccountState, Act, Actor, AddressUse, AppPasswordId, AuditEntry, CredentialId, Departure, DisplayName,
    FormerAddress, Language, Origin, ParseProfileError, RecordError,
};
pub use relocation::{RELOCATIONS_MAX, relocation_of};
pub use resolve::{Matched, Moved, Recipients, Resolution};
pub use storage::StorageError;

/// All accounts of a node. A cheap handle; clones are the same accounts.
#[derive(Debug, Clone)]
pub struct Accounts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    hoster: AccountId,
    listing: Option<ListingId>,
    domains: LocalDomains,
    config: AccountsConfig,
    hasher: Hasher,
    pool: Pool,
    logins: Arc<Logins<Answer>>,
    throttle: Mutex<Throttle>,
    throttled: AtomicU64,
    remembered: AtomicU64,
}

impl Accounts {
    /// The accounts of this store. The first time, the hoster's own account is made. Without the hoster's `listing` there is no
    /// making of accounts: their first entry names it.
    pub async fn open(
        store: Store,
        config: AccountsConfig,
        domains: LocalDomains,
        listing: Option<ListingId>,
    ) -> Result<Self, OpenAccountsError> {
        config.check()?;
        let hasher = Hasher::new(&config.hash)?;
        let pool = Pool::new(config.hash.at_once, config.hash.waiting_max, hasher.cost_kib());
        let logins = Logins::new(&config.cache, generate::random());
        let throttle = Mutex::new(Throttle::new(&config.throttle, generate::random()));
        let hoster = hoster::find_or_create(&store).await?;
        let (throttled, remembered) = (AtomicU64::new(0), AtomicU64::new(0));
        let inner = Inner {
            store,
            hoster,
            listing,
            domains,
            config,
            hasher,
            pool,
            logins,
            throttle,
            throttled,
            remembered,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The hoster's own account: its objects are the addresses, the queue and the journal.
    pub fn hoster(&self) -> AccountId {
        self.0.hoster
    }

    /// The domains whose mail this node takes.
    pub fn domains(&self) -> &LocalDomains {
        &self.0.domains
    }
}
