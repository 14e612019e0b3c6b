//! Mail comes in: bytes are spooled as they arrive, then one commit puts the message before every local recipient and, for
//! a submission, into the queue for the others. `250` is sent after that commit.

use essaim_store::{AppendError as BlobError, CommitError, Content, ContentRef, ContentWriter, Store, Tx};
use essaim_types::{AccountId, Address};

use crate::mailbox::{self, AppendError, Appended, Arrival};
use crate::message::Summarizer;
use crate::queue::{self, Outgoing};
use crate::record::{INBOX_ID, SystemFlags};

/// A message whose bytes are still arriving. Dropped without [`Incoming::finish`], it leaves only garbage for the sweeper.
#[derive(Debug)]
pub struct Incoming {
    writer: ContentWriter,
    summarizer: Summarizer,
}

/// A message whose bytes have arrived.
#[derive(Debug, Clone)]
pub struct Spooled {
    pub content: ContentRef,
    /// The summary of the bytes, as it is stored.
    pub summary: Vec<u8>,
}

/// From whom, and to whom.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    /// The reverse-path; `None` is the null reverse-path.
    pub sender: Option<Address>,
    /// Local accounts; naming one twice delivers once.
    pub local: Vec<AccountId>,
    /// What goes elsewhere.
    pub remote: Option<Remote>,
}

/// The part of a submission that goes elsewhere.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Who sends it.
    pub account: AccountId,
    /// None of them lives here.
    pub recipients: Vec<Address>,
    /// RFC 6531: the header needs SMTPUTF8.
    pub smtputf8: bool,
}

/// Why a message was not taken in. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    #[error("could not put the message into the inbox of account {account}")]
    Append {
        account: AccountId,
        #[source]
        source: AppendError,
    },
    #[error("could not queue the message")]
    Queue(#[from] queue::EnqueueError),
    #[error(transparent)]
    Store(#[from] essaim_store::TxError),
}

impl Incoming {
    /// Begins a message.
    pub fn new(store: &Store) -> Self {
        Self { writer: store.content_writer(Content::Mail), summarizer: Summarizer::new() }
    }

    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.summarizer.push(bytes);
        self.writer.push(bytes)
    }

    /// All bytes have come.
    pub fn finish(self) -> Result<Spooled, BlobError> {
        let content = self.writer.finish()?;
        Ok(Spooled { content, summary: self.summarizer.finish().encode() })
    }
}

/// Puts a message before everybody it is for, in one commit. Returns where it came to stand.
pub async fn deliver(
    store: &Store,
    hoster: AccountId,
    envelope: Envelope,
    message: Spooled,
) -> Result<Vec<(AccountId, Appended)>, CommitError<DeliverError>> {
    store.commit(move |tx| deliver_within(tx, hoster, envelope, message)).await
}

/// The same as a step of a larger transaction.
pub fn deliver_within(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    envelope: Envelope,
    message: Spooled,
) -> Result<Vec<(AccountId, Appended)>, DeliverError> {
    let Envelope { sender, mut local, remote } = envelope;
    local.sort_unstable();
    local.dedup();
    let mut delivered = Vec::with_capacity(local.len());
    for account in local {
        let arrival = Arrival {
            content: message.content.clone(),
            flags: SystemFlags::default(),
            keywords: Vec::new(),
            internal_date: None,
            summary: message.summary.clone(),
        };
        let appended = mailbox::ensure_defaults(tx, account)
            .map_err(AppendError::from)
            .and_then(|()| mailbox::append(tx, account, INBOX_ID, arrival))
            .map_err(|source| DeliverError::Append { account, source })?;
        delivered.push((account, appended));
    }
    if let Some(Remote { account, recipients, smtputf8 }) = remote {
        queue::enqueue(
            tx,
            hoster,
            [Outgoing { account, sender, recipients, content: message.content, smtputf8 }],
        )?;
    }
    Ok(delivered)
}
