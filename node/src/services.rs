//! What a node consists of, opened in order. The same for the running node and for a command that works without one.

use std::path::Path;
use std::sync::Arc;

use essaim_accounts::{Accounts, LocalDomains, OpenAccountsError};
use essaim_mail::Mail;
use essaim_mail::queue::Queue;
use essaim_smtp::srs::Srs;
use essaim_store::{OpenError, Options, Store};
use essaim_types::ListingId;

use crate::config::Config;
use crate::failure::Failure;
use crate::federation::{Federation, Keys, domain_record};
use crate::leading::Sessions;
use crate::moving::Moves;
use crate::replica::Replicas;
use crate::vitals::Vitals;

/// The parts of an open node. Clones are the same node.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Store,
    pub(crate) accounts: Accounts,
    pub(crate) mail: Mail,
    pub(crate) queue: Queue,
    pub(crate) federation: Federation,
    pub(crate) moves: Moves,
    pub(crate) sessions: Sessions,
    pub(crate) replicas: Replicas,
    /// How senders are rewritten whose mail is passed on by MX.
    pub(crate) srs: Arc<Srs>,
    pub(crate) vitals: Arc<Vitals>,
}

impl Services {
    /// Opens everything in the data directory; makes it if it is empty.
    pub(crate) async fn open(config: Config) -> Result<Self, Failure> {
        let dir = config.store_dir();
        let listing = listing(&config)?;
        let options = store_options(&config);
        let opened = tokio::task::spawn_blocking(move || Store::open(&dir, &options)).await;
        let store = match opened {
            Ok(opened) => opened.map_err(|error| unopened(&config.data_dir, &error))?,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let hoster = &config.hoster;
        let domains = LocalDomains::new(hoster.domain.clone(), hoster.domains.iter().cloned());
        let accounts = Accounts::open(store.clone(), config.accounts.clone(), domains, listing)
            .await
            .map_err(|error| no_accounts(&error))?;
        let mail = Mail::new(store.clone(), accounts.hoster(), config.mail.rules());
        let queue = Queue::new(
            store.clone(),
            accounts.clone(),
            hoster.hostname().clone(),
            hoster.language.into(),
            config.mail.queue.clone(),
        );
        let federation = Federation::new(store.clone(), accounts.hoster(), config.data_dir.clone());
        let srs = Arc::new(Srs::new(Keys::derive(&config.data_dir, SRS_KEY)?, config.hoster.domain.clone()));
        Ok(Self {
            srs,
            config: Arc::new(config),
            store,
            accounts,
            mail,
            queue,
            federation,
            moves: Moves::default(),
            sessions: Sessions::default(),
            replicas: Replicas::default(),
            vitals: Vitals::new(),
        })
    }

    /// Makes the index durable, so that the next start is quick.
    pub(crate) async fn close(self) {
        let store = self.store.clone();
        drop(self);
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!(
                "the store could not be closed in order; the next start reads the last changes again"
            );
        }
    }
}

/// Whose accounts these are. A new node gets its keys with its store, because the first entry of each account names the hoster.
fn listing(config: &Config) -> Result<Option<ListingId>, Failure> {
    if !config.store_dir().exists() && Keys::read(&config.data_dir)?.is_none() {
        Keys::make(&config.data_dir)?;
    }
    Ok(domain_record(config).map(|record| record.listing))
}

/// How the store is run on this node.
pub(crate) fn store_options(config: &Config) -> Options {
    Options { cache: config.limits.store_cache, reserve: config.limits.disk_reserve, ..Options::default() }
}

/// What the key is for with which rewritten senders are marked.
const SRS_KEY: &str = "essaim 2026 rewritten sender 1";

/// Why the store of this directory cannot be used.
pub(crate) fn unopened(data_dir: &Path, error: &OpenError) -> Failure {
    let dir = data_dir.display();
    match error {
        OpenError::Locked => Failure::new(format!("another essaim already uses the data directory {dir}"))
            .hint("stop it first, or choose another directory with --data-dir"),
        OpenError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
            Failure::new(format!("the disk of {dir} is full"))
                .hint("make room, then start again; nothing was lost")
        }
        error => Failure::caused(format_args!("the store in {dir} cannot be opened"), error),
    }
}

fn no_accounts(error: &OpenAccountsError) -> Failure {
    Failure::caused("the accounts cannot be opened", error)
}
