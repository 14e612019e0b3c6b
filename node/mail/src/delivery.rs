//! Mail comes in: bytes are spooled as they arrive, then one commit puts the message before every local recipient and, for
//! a submission, into the queue for the others. `250` is sent after that commit.

mod once;

use essaim_accounts::{Moved, Recipients};
use essaim_smtp::{Needs, NeedsReader, QueueId as MessageName};
use essaim_store::{
    AppendError as BlobError, CommitError, Content, ContentRef, ContentWriter, Store, Tx, TxError,
};
use essaim_types::{AccountId, Address, Domain};

use crate::mailbox::{self, AppendError, Appended, Arrival, Flags, MailboxError, ObjectsError};
use crate::message::Summarizer;
use crate::queue::{self, Course, Heading, Outgoing};
use crate::record::INBOX_ID;
use once::Getter;

pub use once::Once;

/// A message whose bytes are still arriving. Dropped without [`Incoming::finish`], it leaves only garbage for the sweeper.
#[derive(Debug)]
pub struct Incoming {
    writer: ContentWriter,
    summarizer: Summarizer,
    needs: NeedsReader,
}

/// A message whose bytes have arrived.
#[derive(Debug, Clone)]
pub struct Spooled {
    pub content: ContentRef,
    /// The summary of the bytes, as it is stored.
    pub summary: Vec<u8>,
    /// What a host elsewhere must offer to be given it.
    pub needs: Needs,
}

/// From whom, and to whom.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    /// What the sender is told that the message is called here. It goes with what is queued.
    pub name: Option<MessageName>,
    /// The reverse-path; `None` is the null reverse-path.
    pub sender: Option<Address>,
    /// Local accounts; naming one twice delivers once.
    pub local: Vec<AccountId>,
    /// What goes elsewhere.
    pub remote: Option<Remote>,
    /// What goes to the homes of accounts that have moved away.
    pub forward: Vec<Forward>,
    /// Bytes at the beginning that are for those who live here: they are not sent on.
    pub local_head: u32,
    /// Who hands it over, if they may do so twice.
    pub once: Option<Once>,
}

/// Mail for an account that has moved away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    pub account: AccountId,
    /// Its address, as the sender has written it.
    pub recipient: Address,
    /// Of the hoster where it lives.
    pub home: Domain,
}

/// The part of a submission that goes elsewhere.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Who sends it.
    pub account: AccountId,
    /// None of them lives here.
    pub recipients: Vec<Address>,
    /// The hoster through which it goes; `None`: to the domains of the recipients.
    pub through: Option<Heading>,
    /// RFC 6531: the sender said that it may be internationalized. Whether it is, its header shows.
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
    Store(#[from] TxError),
}

impl Envelope {
    /// Adds whom an address leads to. An account that has moved gets a message once, under the first of its addresses.
    pub fn add(&mut self, to: Recipients) {
        self.local.extend(to.accounts);
        for moved in to.moved.into_iter().map(Forward::to_home) {
            if self.forward.iter().all(|known| known.account != moved.account) {
                self.forward.push(moved);
            }
        }
    }
}

impl Forward {
    /// As the old home knows where the account lives.
    pub fn to_home(moved: Moved) -> Self {
        let Moved { account, recipient, departure } = moved;
        let home = departure.home_domain();
        Self { account, recipient, home }
    }
}

impl DeliverError {
    /// The account that is not written to here now, because it moves or has moved, if that is the reason.
    pub fn moving(&self) -> Option<AccountId> {
        let error = match self {
            Self::Append { source: AppendError::Store(error), .. } | Self::Store(error) => error,
            Self::Append {
                source: AppendError::Mailbox(MailboxError::Store(ObjectsError::Tx(error))),
                ..
            } => error,
            Self::Append { .. } | Self::Queue(_) => return None,
        };
        match error {
            TxError::Fenced { account } | TxError::Status { account, .. } => Some(*account),
            _ => None,
        }
    }
}

impl Incoming {
    /// Begins a message.
    pub fn new(store: &Store) -> Self {
        Self {
            writer: store.content_writer(Content::Mail),
            summarizer: Summarizer::new(),
            needs: NeedsReader::default(),
        }
    }

    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.summarizer.push(bytes);
        self.needs.push(bytes);
        self.writer.push(bytes)
    }

    /// All bytes have come.
    pub fn finish(self) -> Result<Spooled, BlobError> {
        let content = self.writer.finish()?;
        Ok(Spooled { content, summary: self.summarizer.finish().encode(), needs: self.needs.finish() })
    }
}

/// Puts a message before everybody it is for, in one commit. Returns where it came to stand. If one of them is being moved it waits; if that
/// takes too long nobody has the message, and the sender tries again.
pub async fn deliver(
    store: &Store,
    hoster: AccountId,
    envelope: Envelope,
    message: Spooled,
) -> Result<Vec<(AccountId, Appended)>, CommitError<DeliverError>> {
    let local = envelope.local.clone();
    store.commit_to(&local, move |tx| deliver_within(tx, hoster, envelope, message)).await
}

/// The same as a step of a larger transaction.
pub fn deliver_within(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    envelope: Envelope,
    message: Spooled,
) -> Result<Vec<(AccountId, Appended)>, DeliverError> {
    let Envelope { name, sender, mut local, remote, forward, local_head, once } = envelope;
    let is_new = |tx: &mut Tx<'_>, getter: Getter<'_>| match &once {
        Some(once) => once.is_new(tx, hoster, getter),
        None => Ok(true),
    };
    local.sort_unstable();
    local.dedup();
    let mut delivered = Vec::with_capacity(local.len());
    for account in local {
        if !is_new(tx, Getter::Account(account))? {
            continue;
        }
        let arrival = Arrival {
            content: message.content.clone(),
            flags: Flags::default(),
            internal_date: None,
            summary: message.summary.clone(),
        };
        let appended = mailbox::ensure_defaults(tx, account)
            .map_err(AppendError::from)
            .and_then(|()| mailbox::append(tx, account, INBOX_ID, arrival))
            .map_err(|source| DeliverError::Append { account, source })?;
        delivered.push((account, appended));
    }
    let (content, needs) = (message.content, message.needs);
    let mut outgoing = Vec::new();
    for Forward { account, recipient, home } in forward {
        if !is_new(tx, Getter::Address(&recipient))? {
            continue;
        }
        let heading = Some(Heading { domain: home, course: Course::Forward { account } });
        let (name, sender, content) = (name.clone(), sender.clone(), content.clone());
        let recipients = vec![recipient];
        outgoing.push(Outgoing {
            name,
            account,
            sender,
            recipients,
            heading,
            skip: local_head,
            content,
            needs,
        });
    }
    if let Some(Remote { account, mut recipients, through, smtputf8 }) = remote {
        let mut kept = Vec::with_capacity(recipients.len());
        for recipient in recipients.drain(..) {
            if is_new(tx, Getter::Address(&recipient))? {
                kept.push(recipient);
            }
        }
        // A header beyond ASCII that nobody announced goes out as it came in: hosts that mind are rarer than such mail.
        let needs = Needs { smtputf8: smtputf8 && needs.smtputf8, ..needs };
        let (recipients, heading, skip) = (kept, through, local_head);
        outgoing.push(Outgoing { name, account, sender, recipients, heading, skip, content, needs });
    }
    queue::enqueue(tx, hoster, outgoing)?;
    Ok(delivered)
}
