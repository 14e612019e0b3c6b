//! The member's words: made, committed to in the log, and shown once.

use essaim_identity::account::{AccountDraft, AccountEntry, Kit, Refusal, Role};
use essaim_identity::{Cosigned, KeySet};
use essaim_store::Tx;
use essaim_types::AccountId;

use super::{accept, after, append, head, key, read, signed};
use crate::Accounts;
use crate::generate::random;
use crate::manage::{NoSuchAccount, member};
use crate::record::{Act, Actor};
use crate::storage::{StorageError, from_store, settle};

/// Why a member was given no words. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// No such account.
    #[error(transparent)]
    NoSuchAccount(#[from] NoSuchAccount),
    /// From before there were logs.
    #[error(
        "the account was made by an essaim without account logs: it can have no words; export it and import it into a new account"
    )]
    NoLog,
    /// Not served here, or the key is gone.
    #[error(
        "this node has not the key with which the host of the account signs: is the account at another hoster?"
    )]
    NotHostedHere,
    /// There are words, and they are replaced only on demand.
    #[error("the member has words already; with the old ones they can be replaced (--replace)")]
    HasKit,
    /// There is nothing to replace.
    #[error("the member has no words yet: make them without --replace")]
    NoKit,
    /// Not the words of this account, or not its last ones.
    #[error(
        "these are not the words of this account, or they were replaced since. Without the last ones nobody can make others: a hoster that could, could take the account"
    )]
    WrongWords,
    /// The log does not take the entry.
    #[error("the log of the account does not take it")]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

from_store!(KitError);

impl Accounts {
    /// Makes words for a member, and says in the account's log which they are. They are nowhere afterwards but in what this
    /// returns. With `old` words they replace those.
    pub async fn make_kit(&self, account: AccountId, old: Option<Kit>, by: Actor) -> Result<Kit, KitError> {
        let secret = zeroize::Zeroizing::new(random());
        let new = Kit::from_bytes(&secret);
        let (hoster, journal) = (self.0.hoster, self.journal(by));
        let made = self.0.store.commit(move |tx| -> Result<(), KitError> {
            member::<KitError>(tx, account)?;
            let entry = entry(tx, hoster, account, &Kit::from_bytes(&secret), old.as_ref())?;
            append(tx, account, &entry)?;
            let detail = if old.is_some() { "replaced" } else { "first" };
            Ok(journal.note(tx, Act::ACCOUNT_KIT, Some(account), detail)?)
        });
        settle(made.await)?;
        Ok(new)
    }
}

/// The entry that commits to the new words: signed by the host and, as it brings it in, the member key of the paper; where there
/// are words already, by the recovery key of those.
fn entry(
    tx: &Tx<'_>,
    hoster: AccountId,
    account: AccountId,
    new: &Kit,
    old: Option<&Kit>,
) -> Result<Cosigned<AccountEntry>, KitError> {
    let mut log = read(tx, account)?.ok_or(KitError::NoLog)?;
    let before = head(&log);
    let host = key(tx, hoster, account)?.filter(|key| key.public() == before.record().host.key);
    let host = host.ok_or(KitError::NotHostedHere)?;
    let known = before.record().next_recovery;
    match (known, old) {
        (None, Some(_)) => return Err(KitError::NoKit),
        (Some(_), None) => return Err(KitError::HasKit),
        (Some(known), Some(old)) if old.next_recovery() != known => return Err(KitError::WrongWords),
        (None, None) | (Some(_), Some(_)) => {}
    }
    let mut keys: KeySet = before.record().member_keys.clone();
    if let Some(old) = old {
        keys.remove(&old.member_key().public());
    }
    keys.insert(new.member_key().public());
    let draft = AccountDraft::update(before, after(&log, tx.now()))
        .next_recovery(new.next_recovery())
        .member_keys(keys);
    let (member, recovery) = (new.member_key(), old.map(Kit::recovery_key));
    let entry = match &recovery {
        Some(recovery) => signed(&draft.signed_also_by(Role::Recovery), &[&host, &member, recovery]),
        None => signed(&draft, &[&host, &member]),
    };
    Ok(accept(&mut log, entry)?)
}
