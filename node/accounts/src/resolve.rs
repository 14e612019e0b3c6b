//! Whose is an address? Asked at every `RCPT TO` and `MAIL FROM`: three point reads of one snapshot, nothing cached.

use essaim_store::{AccountStatus, Snapshot};
use essaim_types::{AccountId, Address, LocalPart, Timestamp};

use crate::elsewhere::departure;
use crate::record::{AccountState, AddressRecord, AddressUse, Departure, Profile};
use crate::storage::{StorageError, load};
use crate::{Accounts, Inner};

/// What becomes of mail to an address, now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// It is delivered here, or sent on from here to where accounts have moved.
    Local(Recipients),
    /// The domain is of this node, the name is nobody's. Permanent.
    NoSuchMailbox,
    /// The domain is not of this node.
    NotLocal,
    /// Everybody it is for is disabled. Temporary: an operator may enable them again.
    Disabled,
    /// Everybody it is for has no space left. Temporary.
    OverQuota,
}

/// Who gets the mail of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipients {
    /// The accounts that live here and have space, each once.
    pub accounts: Vec<AccountId>,
    /// The accounts that have moved away from here. They and those with space are at least one.
    pub moved: Vec<Moved>,
    /// Of a shared address, the accounts that have no space: they miss the message, the others get it.
    pub without_space: Vec<AccountId>,
    /// What was after the `+` (RFC 5233).
    pub detail: Option<String>,
    /// How the address was found.
    pub matched: Matched,
}

/// An account that has moved away, as mail for it is sent on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Which.
    pub account: AccountId,
    /// The address under which its home knows that it is meant: the one that was written to if it was its own, else its own one.
    pub recipient: Address,
    /// Where it lives now.
    pub departure: Departure,
}

/// How an address was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Matched {
    /// It is somebody's, but for a `+detail`.
    Address,
    /// It is `postmaster@` or `abuse@`, which every domain has.
    Postmaster,
    /// It is nobody's, and the domain has a catch-all.
    CatchAll,
}

impl Accounts {
    /// What becomes of mail to this address, now.
    pub fn resolve(&self, address: &Address) -> Result<Resolution, StorageError> {
        let Some(address) = self.0.domains.localize(address) else { return Ok(Resolution::NotLocal) };
        let snapshot = self.0.store.read()?;
        let Some((record, matched)) = self.0.find(&snapshot, &address)? else {
            return Ok(Resolution::NoSuchMailbox);
        };
        let detail = matches!(matched, Matched::Address)
            .then(|| address.local().as_str().split_once('+'))
            .flatten()
            .map(|(_, detail)| detail.to_owned());
        self.0.recipients(&snapshot, (record, matched), detail, &address)
    }

    /// Whether a member may write this address into `MAIL FROM` and `From:`: their own and shared ones, with any
    /// `+detail`; and what a catch-all gives them, so that they can answer as the address that was written to.
    pub fn may_send_as(&self, account: AccountId, address: &Address) -> Result<bool, StorageError> {
        let Some(address) = self.0.domains.localize(address) else { return Ok(false) };
        let snapshot = self.0.store.read()?;
        let Some((record, _)) = self.0.find(&snapshot, &address)? else { return Ok(false) };
        if !record.accounts.contains(&account) {
            return Ok(false);
        }
        let profile: Option<Profile> = load(&snapshot, account, Profile::KEY)?;
        Ok(profile.is_some_and(|profile| profile.state == AccountState::Active))
    }

    /// The account with this personal address, in whatever state.
    pub fn find(&self, address: &Address) -> Result<Option<AccountId>, StorageError> {
        self.0.owner(&self.0.store.read()?, address)
    }
}

impl Inner {
    /// The account with this personal address.
    pub(crate) fn owner(
        &self,
        snapshot: &Snapshot,
        address: &Address,
    ) -> Result<Option<AccountId>, StorageError> {
        let localized = self.domains.localize(address);
        // An account may still have an address of a domain that has left the configuration.
        let key = AddressRecord::key(localized.as_ref().unwrap_or(address));
        let record: Option<AddressRecord> = load(snapshot, self.hoster, &key)?;
        let personal = record.filter(|record| record.usage == AddressUse::Personal);
        Ok(personal.and_then(|record| record.accounts.first().copied()))
    }

    fn find(
        &self,
        snapshot: &Snapshot,
        address: &Address,
    ) -> Result<Option<(AddressRecord, Matched)>, StorageError> {
        // No address that somebody has contains a `+`, so one look-up is enough.
        let base = address.without_detail();
        let base = base.as_ref().unwrap_or(address);
        let found = |record: Option<AddressRecord>, matched| record.map(|record| (record, matched));
        let own = load(snapshot, self.hoster, &AddressRecord::key(base))?;
        if own.is_some() {
            return Ok(found(own, Matched::Address));
        }
        if is_reserved(base.local()) {
            let postmaster = self.postmaster();
            return Ok(found(
                load(snapshot, self.hoster, &AddressRecord::key(&postmaster))?,
                Matched::Postmaster,
            ));
        }
        let catch_all = AddressRecord::catch_all_key(address.domain());
        Ok(found(load(snapshot, self.hoster, &catch_all)?, Matched::CatchAll))
    }

    /// What becomes of mail that is for this account alone.
    pub(crate) fn resolve_one(
        &self,
        snapshot: &Snapshot,
        account: AccountId,
        address: &Address,
    ) -> Result<Resolution, StorageError> {
        let record = AddressRecord::personal(address, account, Timestamp(0));
        self.recipients(snapshot, (record, Matched::Address), None, address)
    }

    fn recipients(
        &self,
        snapshot: &Snapshot,
        (record, matched): (AddressRecord, Matched),
        detail: Option<String>,
        address: &Address,
    ) -> Result<Resolution, StorageError> {
        let (accounts, moved, without_space) = Default::default();
        let mut to = Recipients { accounts, moved, without_space, detail, matched };
        let is_own = record.usage == AddressUse::Personal;
        let mut disabled = false;
        for account in record.accounts {
            if has_left(snapshot, account)?
                && let Some(departure) = departure(snapshot, self.hoster, account)?
            {
                let own = departure.addresses.first().filter(|_| !is_own).unwrap_or(address).clone();
                to.moved.push(Moved { account, recipient: own, departure });
                continue;
            }
            let profile: Option<Profile> = load(snapshot, account, Profile::KEY)?;
            match profile.map(|profile| profile.state) {
                Some(AccountState::Active) if has_space(snapshot, account)? => to.accounts.push(account),
                Some(AccountState::Active) => to.without_space.push(account),
                Some(AccountState::Disabled) => disabled = true,
                Some(AccountState::Closed) | None => {}
            }
        }
        let is_nobody = to.accounts.is_empty() && to.moved.is_empty();
        Ok(match (is_nobody, to.without_space.is_empty(), disabled) {
            (false, _, _) => Resolution::Local(to),
            (true, false, _) => Resolution::OverQuota,
            (true, true, true) => Resolution::Disabled,
            (true, true, false) => Resolution::NoSuchMailbox,
        })
    }

    /// The address to which `postmaster@` and `abuse@` of every local domain lead.
    pub(crate) fn postmaster(&self) -> Address {
        let local = LocalPart::new("postmaster").expect("it is a local part");
        Address::new(local, self.domains.primary().clone())
    }
}

/// RFC 5321 section 4.5.1: postmaster must be there. RFC 2142 section 2: abuse should.
fn is_reserved(local: &LocalPart) -> bool {
    ["postmaster", "abuse"].iter().any(|name| local.as_str().eq_ignore_ascii_case(name))
}

/// Whether an account is in the hands of another hoster, whatever is left of it here.
fn has_left(snapshot: &Snapshot, account: AccountId) -> Result<bool, StorageError> {
    let state = snapshot.account(account)?;
    Ok(state.is_none_or(|state| state.status != AccountStatus::Open))
}

fn has_space(snapshot: &Snapshot, account: AccountId) -> Result<bool, StorageError> {
    let state = snapshot.account(account)?;
    Ok(state.is_some_and(|state| state.quota.is_none_or(|quota| state.used < quota)))
}
