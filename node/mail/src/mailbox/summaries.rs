//! What is derived from messages' bytes (envelope, structure, preview), for messages that came without it: with an account that moved here, or before a
//! rebuild of the index. Readers compute it when they need it, one message after the other; this does it before they come.

use bytes::Bytes;
use essaim_store::{CommitError, ReadError, Store, TxError};
use essaim_types::{AccountId, BlobId, ObjectKind};

use crate::Mail;
use crate::message::Summary;

/// Why messages could not be summarized.
#[derive(Debug, thiserror::Error)]
pub enum SummarizeError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("could not keep what messages contain")]
    Commit(#[from] CommitError<TxError>),
}

/// A message without a summary: its key and the blobs of its bytes.
struct Bare {
    key: Bytes,
    blobs: Vec<BlobId>,
}

impl Mail {
    /// Computes what is not known of an account's messages; says of how many. It may run while the account is still on its way here, and again:
    /// what is known is not computed twice. Reads every such message and blocks for as long: not to be called from async code directly.
    pub fn summarize(&self, account: AccountId) -> Result<u64, SummarizeError> {
        let (mut done, mut after) = (0, Bytes::new());
        loop {
            let (bare, last) = self.bare(account, &after)?;
            let mut summaries = Vec::with_capacity(bare.len());
            for Bare { key, blobs } in bare {
                match read_blobs(&self.store, &blobs) {
                    Ok(bytes) => summaries.push((key, blobs, Summary::of(&bytes).encode())),
                    // It was deleted meanwhile, or is damaged: its reader is told.
                    Err(ReadError::NoSuchBlob { .. } | ReadError::Damaged { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            done += summaries.len() as u64;
            if !summaries.is_empty() {
                // What is derived is no change of the account: it needs no permit.
                self.store.commit_blocking(move |tx| {
                    for (key, blobs, summary) in summaries {
                        let object = tx.get(account, ObjectKind::MESSAGE, &key)?;
                        if object.is_some_and(|object| object.blobs == blobs) {
                            tx.put_derived(account, ObjectKind::MESSAGE, &key, summary)?;
                        }
                    }
                    Ok::<_, TxError>(())
                })?;
            }
            let Some(last) = last else { return Ok(done) };
            after = last;
        }
    }

    /// Of the next messages those without a summary, and the key of the last one looked at.
    fn bare(&self, account: AccountId, after: &[u8]) -> Result<(Vec<Bare>, Option<Bytes>), ReadError> {
        let snapshot = self.store.read()?;
        let (mut bare, mut last) = (Vec::new(), None);
        for row in snapshot.objects(account, Some((ObjectKind::MESSAGE, after)))?.take(AT_ONCE) {
            let (kind, key, object) = row?;
            if kind != ObjectKind::MESSAGE {
                break;
            }
            last = Some(key.clone());
            if snapshot.derived(account, kind, &key)?.is_none() {
                bare.push(Bare { key, blobs: object.blobs });
            }
        }
        Ok((bare, last))
    }
}

/// The bytes that some blobs hold together.
pub(crate) fn read_blobs(store: &Store, blobs: &[BlobId]) -> Result<Bytes, ReadError> {
    if let [only] = blobs {
        return store.blob(only);
    }
    let mut whole = Vec::new();
    for blob in blobs {
        whole.extend_from_slice(&store.blob(blob)?);
    }
    Ok(whole.into())
}

/// Messages that one commit keeps the summaries of: other commits wait for no more than these.
const AT_ONCE: usize = 128;
