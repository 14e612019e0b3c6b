//! The records of moves: objects of the hoster's own account.

use essaim_identity::account::MoveId;
use essaim_identity::cbor::{self, Bounded};
use essaim_migration::moving::source::SourceRecord;
use essaim_migration::moving::target::{Step, TargetRecord};
use essaim_store::{Put, Store, Tx, TxError};
use essaim_types::{AccountId, BlobId, ObjectKind};

use crate::MovingError;

/// Where the record of one move is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Records {
    /// The hoster's own account.
    pub hoster: AccountId,
    /// The move.
    pub id: MoveId,
}

/// A record that is kept as an object.
pub trait StoredRecord: Bounded + Clone + Send + 'static {
    /// The blobs that the object names beside its value.
    fn blobs(&mut self) -> Option<&mut Vec<BlobId>>;
}

impl StoredRecord for SourceRecord {
    fn blobs(&mut self) -> Option<&mut Vec<BlobId>> {
        None
    }
}

impl StoredRecord for TargetRecord {
    fn blobs(&mut self) -> Option<&mut Vec<BlobId>> {
        match &mut self.step {
            Step::Adopting(adopted) | Step::Prepared(adopted, _) => Some(&mut adopted.staged),
            Step::Invited | Step::Active { .. } | Step::Aborted(_) => None,
        }
    }
}

impl Records {
    /// What was saved last; `None` if nothing was.
    ///
    /// # Errors
    /// The store's, or a record of a later version.
    pub fn load<R: StoredRecord>(&self, store: &Store) -> Result<Option<R>, MovingError> {
        let Some(object) = store.read()?.get(self.hoster, ObjectKind::MOVE, &self.id.0)? else {
            return Ok(None);
        };
        let (version, value) = object.value.split_first().ok_or(MovingError::Record)?;
        if *version != VERSION {
            return Err(MovingError::Record);
        }
        let mut record: R = cbor::decode(value).map_err(|_| MovingError::Record)?;
        if let Some(blobs) = record.blobs() {
            *blobs = object.blobs;
        }
        Ok(Some(record))
    }

    /// Makes a record durable by itself.
    ///
    /// # Errors
    /// The store's.
    pub async fn save<R: StoredRecord>(&self, store: &Store, record: R) -> Result<(), MovingError> {
        let records = *self;
        Ok(store.commit(move |tx| records.put(tx, record)).await?)
    }

    /// Writes a record in a transaction with what it says.
    pub(crate) fn put<R: StoredRecord>(self, tx: &mut Tx<'_>, mut record: R) -> Result<(), TxError> {
        let blobs = record.blobs().map(std::mem::take).unwrap_or_default();
        let mut value = vec![VERSION];
        value.extend(cbor::encode(&record));
        tx.put(self.hoster, ObjectKind::MOVE, &self.id.0, Put::new(value).blobs(blobs))
    }
}

const VERSION: u8 = 1;
