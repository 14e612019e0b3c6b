//! The log of each account, as objects: entries and salt in the member's account, the host's key in the hoster's
//! (`specs/14-account-log.md`). What an entry may say is decided in `essaim_identity::account`.

mod handover;
mod kit;
mod record;
mod recovered;
mod witnessed;

use essaim_identity::account::{
    AccountDraft, AccountEntry, AccountLog, AddressSalt, Host, Refusal, first_entry,
};
use essaim_identity::{Cosigned, Cosigning, RecordHash, SigningKey};
use essaim_store::{Put, Tx};
use essaim_types::{AccountId, Address, ListingId, ObjectKind, Timestamp};

use crate::Accounts;
use crate::generate::random;
use crate::record::RecordError;
use crate::storage::{Reads, StorageError, load, save};
use record::HostKey;

pub use kit::KitError;
pub use recovered::{Aside, ConfirmError, Recovered};
pub use witnessed::{LearnError, Sign, Signer, Told, WITNESSED_BYTES_PER_HOSTER, Witnessed};

/// What the log says of an account now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The hash of the last entry that stands.
    pub head: RecordHash,
    /// What it says.
    pub entry: AccountEntry,
    /// Whether this node has the host's key that it names: without it nothing can be signed here.
    pub hosted_here: bool,
}

/// A new account: its first entry, and the two secrets that belong to it.
#[derive(Debug)]
pub(crate) struct Founded {
    first: Cosigned<AccountEntry>,
    key: SigningKey,
    salt: AddressSalt,
}

impl Founded {
    /// An account at this hoster with these addresses. Its key is drawn here, so no two have the same id.
    pub(crate) fn new(listing: ListingId, addresses: &[Address], now: Timestamp) -> Self {
        let key = SigningKey::from_seed(&random());
        let salt = AddressSalt::from_bytes(random());
        let commits: Vec<_> = addresses.iter().map(|address| salt.commit(address)).collect();
        let draft = first_entry(Host { listing, key: key.public() }, &commits, now);
        let first = signed(&draft, &[&key]);
        Self { first, key, salt }
    }

    pub(crate) fn account(&self) -> AccountId {
        AccountId::from_bytes(*self.first.hash().as_bytes())
    }

    /// Writes entry, salt and key. The account is there already.
    pub(crate) fn save(&self, tx: &mut Tx<'_>, hoster: AccountId) -> Result<(), StorageError> {
        let account = self.account();
        tx.put(account, ObjectKind::ACCOUNT_LOG, SALT, Put::new(self.salt.as_bytes().to_vec()))?;
        save(tx, hoster, account.as_bytes(), &HostKey::of(&self.key))?;
        append(tx, account, &self.first)
    }
}

impl Accounts {
    /// The log of an account; `None` if it is from before there were logs, or not here.
    pub fn account_log(&self, account: AccountId) -> Result<Option<AccountLog>, StorageError> {
        read(&self.0.store.read()?, account)
    }

    /// The key that this hoster made for an account; `None` if it made none.
    pub fn host_key(&self, account: AccountId) -> Result<Option<SigningKey>, StorageError> {
        key(&self.0.store.read()?, self.0.hoster, account)
    }

    /// The hoster's listing, by which entries name it.
    pub fn listing(&self) -> Option<ListingId> {
        self.0.listing
    }
}

/// What the log of an account says now.
pub(crate) fn identity(
    from: &impl Reads,
    hoster: AccountId,
    account: AccountId,
) -> Result<Option<Identity>, StorageError> {
    let Some(log) = read(from, account)? else { return Ok(None) };
    let head = head(&log);
    let ours = key(from, hoster, account)?.is_some_and(|key| key.public() == head.record().host.key);
    Ok(Some(Identity { head: head.hash(), entry: head.record().clone(), hosted_here: ours }))
}

/// Signs, for the host, that the account has these addresses now. An account without a log has nothing to say, and one whose log
/// takes no entry of the host alone now (frozen) says it with the next entry: the address itself works all the same.
pub(crate) fn follow_addresses(
    tx: &mut Tx<'_>,
    hoster: AccountId,
    account: AccountId,
    addresses: &[Address],
) -> Result<(), StorageError> {
    let (Some(mut log), Some(key), Some(salt)) =
        (read(tx, account)?, key(tx, hoster, account)?, salt(tx, account)?)
    else {
        return Ok(());
    };
    let commits: Vec<_> = addresses.iter().map(|address| salt.commit(address)).collect();
    let draft = AccountDraft::update(head(&log), after(&log, tx.now())).addresses(&commits);
    match accept(&mut log, signed(&draft, &[&key])) {
        Ok(entry) => append(tx, account, &entry),
        Err(refused) => {
            tracing::warn!(%account, error = %refused, "the log of {account} does not say its new addresses yet");
            Ok(())
        }
    }
}

fn read(from: &impl Reads, account: AccountId) -> Result<Option<AccountLog>, StorageError> {
    let mut entries = entries(from, account)?;
    let first = entries.iter().position(|entry| entry.hash().as_bytes() == account.as_bytes());
    let Some(first) = first else { return Ok(None) };
    let mut log = AccountLog::found(entries.swap_remove(first)).map_err(|_| DAMAGED)?;
    match log.accept_all(entries).first() {
        Some(_) => Err(DAMAGED.into()),
        None => Ok(Some(log)),
    }
}

/// As they are kept, in the order of their hashes.
fn entries(from: &impl Reads, account: AccountId) -> Result<Vec<Cosigned<AccountEntry>>, StorageError> {
    let objects = from.objects(account, ObjectKind::ACCOUNT_LOG, usize::MAX)?;
    let entries = objects.iter().filter(|(key, _)| key.first() == ENTRY.first() && key.len() == 33);
    Ok(entries.map(|(_, object)| entry(&object.value)).collect::<Result<_, RecordError>>()?)
}

fn key(from: &impl Reads, hoster: AccountId, account: AccountId) -> Result<Option<SigningKey>, StorageError> {
    Ok(load::<HostKey>(from, hoster, account.as_bytes())?.map(|kept| kept.key()))
}

fn salt(from: &impl Reads, account: AccountId) -> Result<Option<AddressSalt>, StorageError> {
    let Some(object) = from.object(account, ObjectKind::ACCOUNT_LOG, SALT)? else { return Ok(None) };
    let bytes = (&*object.value).try_into().map_err(|_| DAMAGED)?;
    Ok(Some(AddressSalt::from_bytes(bytes)))
}

/// The last entry that stands. What an account's own objects hold was in force when it was written: nothing of it waits for a clock that
/// was set back, or for witnesses.
fn head(log: &AccountLog) -> &Cosigned<AccountEntry> {
    log.settled_head()
}

/// Now, or the time of the head if the clock was set back since.
fn after(log: &AccountLog, now: Timestamp) -> Timestamp {
    now.max(head(log).record().ts)
}

fn accept(log: &mut AccountLog, entry: Cosigned<AccountEntry>) -> Result<Cosigned<AccountEntry>, Refusal> {
    log.accept(entry.clone()).map(|_| entry)
}

fn append(tx: &mut Tx<'_>, account: AccountId, entry: &Cosigned<AccountEntry>) -> Result<(), StorageError> {
    let key = [ENTRY, entry.hash().as_bytes()].concat();
    Ok(tx.put(account, ObjectKind::ACCOUNT_LOG, &key, Put::new(entry.to_wire()))?)
}

fn entry(wire: &[u8]) -> Result<Cosigned<AccountEntry>, RecordError> {
    Cosigning::parse(wire).map_err(|_| DAMAGED)?.verify().map_err(|_| DAMAGED)
}

fn signed(draft: &AccountDraft, keys: &[&SigningKey]) -> Cosigned<AccountEntry> {
    let mut entry = draft.propose().expect("what we draft is within the bounds of an entry");
    for key in keys {
        entry.sign(key).expect("we sign with fewer keys than an entry may have");
    }
    entry.verify().expect("signatures that were just made are genuine")
}

/// Before the hash of an entry.
const ENTRY: &[u8] = b"e";
/// The key of the salt.
const SALT: &[u8] = b"salt";
const DAMAGED: RecordError = RecordError::Damaged { kind: "account log" };
