//! What operators and members change: each method is one commit that checks, changes and writes the journal.

pub(crate) mod address;
pub(crate) mod arrive;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod show;

use essaim_store::Tx;
use essaim_types::AccountId;

use crate::record::{Profile, Role};
use crate::storage::{StorageError, load};

/// The account is not one of a member on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no account {0} here: `essaim account list` shows all")]
pub struct NoSuchAccount(pub AccountId);

/// The profile of a member, in a closure that may return either error. The hoster's own account is nobody's to change.
pub(crate) fn member<E>(tx: &Tx<'_>, account: AccountId) -> Result<Profile, E>
where
    E: From<StorageError> + From<NoSuchAccount>,
{
    let profile: Option<Profile> = load(tx, account, Profile::KEY)?;
    Ok(profile.filter(|profile| profile.role == Role::Member).ok_or(NoSuchAccount(account))?)
}
