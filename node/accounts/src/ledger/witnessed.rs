//! What this hoster knows of accounts' logs as a witness: entries that it was told, receipts, the highest head that it has seen. `WITNESS` objects
//! of the hoster's account; the key is a letter, an account, and what there may be several of (`specs/14-account-log.md`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use essaim_identity::account::{AccountEntry, AccountLog, Highest, WitnessReceipt, Witnesses};
use essaim_identity::{Cosigned, PublicKey, RecordHash, Signed, Unverified, cbor};
use essaim_store::{Put, Tx};
use essaim_types::{AccountId, ListingId, ObjectKind};

use super::{DAMAGED, entry};
use crate::Accounts;
use crate::record::RecordError;
use crate::storage::{Reads, StorageError, from_store, settle};

/// What somebody tells of an account's log. That signatures are genuine, and receipts of whom they say, is checked already.
#[derive(Debug)]
pub struct Told {
    /// Whose log.
    pub account: AccountId,
    /// Who tells it: the room that new entries take is this hoster's.
    pub by: ListingId,
    /// Entries, in any order.
    pub entries: Vec<Cosigned<AccountEntry>>,
    /// Receipts, in any order.
    pub receipts: Vec<Signed<WitnessReceipt>>,
}

/// Signs with a key that only the caller has.
pub type Sign = dyn Fn(&WitnessReceipt) -> Signed<WitnessReceipt> + Send + Sync;

/// Signs receipts for this hoster.
#[derive(Clone)]
pub struct Signer {
    /// The hoster.
    pub listing: ListingId,
    /// Its node.
    pub node: PublicKey,
    /// Signs with the node's key.
    pub sign: Arc<Sign>,
}

/// What this hoster knows of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// Its log.
    pub log: AccountLog,
    /// The highest head that was ever seen.
    pub highest: Option<Highest>,
}

/// Why nothing was learnt. What was known stays.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// The first entry is not among what is told, and not known.
    #[error("the first entry of the account's log is missing")]
    NoBeginning,
    /// As much as one hoster may tell.
    #[error("more than {WITNESSED_BYTES_PER_HOSTER} bytes of account logs are kept for one hoster")]
    Full,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

from_store!(LearnError);

impl Accounts {
    /// What is known of an account's log, of one that is served here too; `None` if nothing is.
    pub fn witnessed(&self, account: AccountId) -> Result<Option<Witnessed>, StorageError> {
        let rows = Rows::of(&self.0.store.read()?, self.0.hoster, account)?;
        Ok(rows.log().map(|log| Witnessed { log, highest: rows.highest }))
    }

    /// Takes in what is told, and signs, with `signer`, what it has not seen before. `silent` is the host that has not been heard of, if it has
    /// not. When this returns, receipts are on the disk.
    pub async fn learn(
        &self,
        told: Told,
        signer: Option<Signer>,
        witnesses: Witnesses,
        silent: Option<ListingId>,
    ) -> Result<Witnessed, LearnError> {
        let hoster = self.0.hoster;
        let learnt = self.0.store.commit(move |tx| -> Result<Witnessed, LearnError> {
            let rows = Rows::of(tx, hoster, told.account)?;
            let mut log = match rows.log() {
                Some(log) => log,
                None => begin(&told).ok_or(LearnError::NoBeginning)?,
            };
            // What is refused is not kept; the rest is.
            let _ = log.accept_all(told.entries);
            for receipt in told.receipts {
                let _ = log.witness(receipt);
            }
            if let Some(signer) = &signer {
                testify(&mut log, signer, silent, tx);
            }
            let added = rows.save_entries(tx, hoster, &log)?;
            charge(tx, hoster, told.by, added)?;
            rows.save_receipts(tx, hoster, &log)?;
            let highest = rows.save_highest(tx, hoster, &log, &witnesses)?;
            Ok(Witnessed { log, highest: Some(highest) })
        });
        settle(learnt.await)
    }
}

/// Everything that is kept of one account.
struct Rows {
    account: AccountId,
    /// Of this hoster as a witness, by hash.
    entries: BTreeMap<RecordHash, Cosigned<AccountEntry>>,
    /// Of the account itself, if it is here.
    own: Vec<Cosigned<AccountEntry>>,
    receipts: BTreeMap<(RecordHash, ListingId), Signed<WitnessReceipt>>,
    highest: Option<Highest>,
}

impl Rows {
    fn of(from: &impl Reads, hoster: AccountId, account: AccountId) -> Result<Self, StorageError> {
        let mut entries = BTreeMap::new();
        for (_, object) in from.objects_below(hoster, ObjectKind::WITNESS, &key(ENTRY, account, &[]))? {
            let entry = entry(&object.value)?;
            entries.insert(entry.hash(), entry);
        }
        let mut receipts = BTreeMap::new();
        for (_, object) in from.objects_below(hoster, ObjectKind::WITNESS, &key(RECEIPT, account, &[]))? {
            let receipt = receipt(&object.value)?;
            receipts.insert((receipt.record().entry, receipt.record().witness), receipt);
        }
        let highest = from.object(hoster, ObjectKind::WITNESS, &key(HIGHEST, account, &[]))?;
        let highest = highest.map(|object| cbor::decode(&object.value).map_err(|_| DAMAGED)).transpose()?;
        let own = super::entries(from, account)?;
        Ok(Self { account, entries, own, receipts, highest })
    }

    fn log(&self) -> Option<AccountLog> {
        let all = || self.own.iter().chain(self.entries.values());
        let first = all().find(|entry| entry.hash().as_bytes() == self.account.as_bytes())?;
        let mut log = AccountLog::found(first.clone()).ok()?;
        let _ = log.accept_all(all().cloned());
        for receipt in self.receipts.values() {
            let _ = log.witness(receipt.clone());
        }
        Some(log)
    }

    /// How many bytes are new.
    fn save_entries(&self, tx: &mut Tx<'_>, hoster: AccountId, log: &AccountLog) -> Result<u64, LearnError> {
        let mut added = 0;
        for entry in log.entries().filter(|entry| !self.entries.contains_key(&entry.hash())) {
            let wire = entry.to_wire();
            added += wire.len() as u64;
            put(tx, hoster, &key(ENTRY, self.account, entry.hash().as_bytes()), wire)?;
        }
        Ok(added)
    }

    fn save_receipts(
        &self,
        tx: &mut Tx<'_>,
        hoster: AccountId,
        log: &AccountLog,
    ) -> Result<(), StorageError> {
        for receipt in log.receipts() {
            let said = receipt.record();
            if self.receipts.get(&(said.entry, said.witness)) == Some(receipt) {
                continue;
            }
            let last = [said.entry.as_bytes().as_slice(), said.witness.as_bytes()].concat();
            put(tx, hoster, &key(RECEIPT, self.account, &last), receipt.to_wire())?;
        }
        Ok(())
    }

    fn save_highest(
        &self,
        tx: &mut Tx<'_>,
        hoster: AccountId,
        log: &AccountLog,
        witnesses: &Witnesses,
    ) -> Result<Highest, StorageError> {
        let head = log.state(witnesses, tx.now()).head;
        let now = match self.highest {
            Some(seen) => seen.advance(log, head).unwrap_or(seen),
            None => Highest::of(head),
        };
        if self.highest != Some(now) {
            put(tx, hoster, &key(HIGHEST, self.account, &[]), cbor::encode(&now))?;
        }
        Ok(now)
    }
}

fn begin(told: &Told) -> Option<AccountLog> {
    let first = told.entries.iter().find(|entry| entry.hash().as_bytes() == told.account.as_bytes())?;
    AccountLog::found(first.clone()).ok()
}

/// A receipt for each entry that has none of ours and of whose time we are.
fn testify(log: &mut AccountLog, signer: &Signer, silent: Option<ListingId>, tx: &Tx<'_>) {
    let signed = |hash: &RecordHash, log: &AccountLog| {
        log.receipts()
            .any(|receipt| (receipt.record().entry, receipt.record().witness) == (*hash, signer.listing))
    };
    let hashes: Vec<RecordHash> =
        log.entries().map(Cosigned::hash).filter(|hash| !signed(hash, log)).collect();
    for hash in hashes {
        let before = log.chain(&hash).nth(1).map(|before| before.record().host.listing);
        let host_silent = before.is_some() && before == silent;
        let said = log.testify(&hash, signer.listing, signer.node, tx.now(), host_silent);
        // Who may not sign, does not: it is the first entry, another was signed, or it is not of this time.
        if let Ok(said) = said {
            let _ = log.witness((signer.sign)(&said));
        }
    }
}

/// Counts what a hoster has told.
fn charge(tx: &mut Tx<'_>, hoster: AccountId, by: ListingId, added: u64) -> Result<(), LearnError> {
    if added == 0 {
        return Ok(());
    }
    let key = [TOLD, by.as_bytes()].concat();
    let before = tx.get(hoster, ObjectKind::WITNESS, &key)?;
    let before = before.map(|object| (&*object.value).try_into().map_err(|_| DAMAGED)).transpose()?;
    let told = before.map_or(0, u64::from_be_bytes).saturating_add(added);
    if told > WITNESSED_BYTES_PER_HOSTER {
        return Err(LearnError::Full);
    }
    Ok(put(tx, hoster, &key, told.to_be_bytes().to_vec())?)
}

fn put(tx: &mut Tx<'_>, hoster: AccountId, key: &[u8], value: Vec<u8>) -> Result<(), StorageError> {
    Ok(tx.put(hoster, ObjectKind::WITNESS, key, Put::new(value))?)
}

/// Receipts were checked before they were kept, by the keyring of then.
fn receipt(wire: &[u8]) -> Result<Signed<WitnessReceipt>, RecordError> {
    let receipt = Unverified::<WitnessReceipt>::parse(wire).map_err(|_| DAMAGED)?;
    let node = receipt.claims().node;
    receipt.verify(&node).map_err(|_| DAMAGED)
}

fn key(letter: &[u8], account: AccountId, last: &[u8]) -> Vec<u8> {
    [letter, account.as_bytes(), last].concat()
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("listing", &self.listing).finish_non_exhaustive()
    }
}

/// Of an entry; then its hash.
const ENTRY: &[u8] = b"e";
/// Of a receipt; then the entry's hash and the witness.
const RECEIPT: &[u8] = b"r";
/// Of the highest head.
const HIGHEST: &[u8] = b"h";
/// How many bytes of entries a hoster has told; then its listing.
const TOLD: &[u8] = b"n";
/// The most bytes of entries that are kept because one hoster told them.
pub const WITNESSED_BYTES_PER_HOSTER: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use essaim_store::{CommitError, Store};

    use super::*;

    #[test]
    fn one_hoster_tells_so_much_and_no_more() {
        let (store, hoster) = (Store::in_memory(), AccountId::from_bytes([1; 32]));
        store.commit_blocking(move |tx| tx.create_account(hoster, None)).unwrap();
        let tell = |by, bytes| {
            let by = ListingId::from_bytes([by; 32]);
            store.commit_blocking(move |tx| charge(tx, hoster, by, bytes))
        };
        assert!(tell(1, WITNESSED_BYTES_PER_HOSTER).is_ok());
        assert!(matches!(tell(1, 1), Err(CommitError::Refused(LearnError::Full))));
        assert!(tell(1, 0).is_ok(), "what is known already takes no room");
        assert!(tell(2, 1).is_ok(), "others have their own");
    }
}
