//! The rules of mail: what a mailbox and a message are, delivery, what IMAP commands do, the queue, import and export.
//!
//! Nothing here opens a socket: listeners and the sender of the queue live in the program.
#![warn(clippy::indexing_slicing)]

pub mod delivery;
pub mod imap;
pub mod mailbox;
pub mod message;
pub mod queue;
pub mod record;
pub mod transfer;

mod config;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use essaim_store::Store;
use essaim_types::{AccountId, Timestamp};

pub use config::MailConfig;

/// What the rules of mail stand on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Where everything is.
    pub store: Store,
    /// Mailboxes in use, in memory.
    pub catalog: Arc<mailbox::Catalog>,
    /// What the hoster decided.
    pub config: Arc<MailConfig>,
    /// The hoster's own account: the queue lives there.
    pub hoster: AccountId,
}

impl Mail {
    /// Over a store, for a hoster.
    pub fn new(store: Store, hoster: AccountId, config: MailConfig) -> Self {
        let catalog = Arc::new(mailbox::Catalog::new(store.clone()));
        Self { store, catalog, config: Arc::new(config), hoster }
    }

    /// The time, for what the clients of this node are told.
    pub(crate) fn now(&self) -> Timestamp {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(0).after(since_1970)
    }
}

/// Runs work that reads the disk or computes for long, without holding up the other tasks of the runtime.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor());
    match runtime {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
