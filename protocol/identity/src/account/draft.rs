//! How the next entry is made: a draft of it, turned into a proposal that is signed and given to [`super::AccountLog::accept`].

use essaim_types::{AccountId, ListingId, Timestamp};

use super::entry::{AccountEntry, Host, Kind, MoveProof, Past, Policy};
use super::handover::MoveAccept;
use super::intent::MoveIntent;
use super::values::{AddressCommit, Epoch, RecoveryHash, Role, Roles, Seq};
use crate::cbor::CborError;
use crate::cosigned::{Cosigned, Cosigning};
use crate::keys::KeySet;

/// The next entry, while it is being thought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountDraft(AccountEntry);

/// The entry that founds an account at this host, with these addresses. The host's key must be new: the id comes from it.
pub fn first_entry(host: Host, addresses: &[AddressCommit], at: Timestamp) -> AccountDraft {
    let entry = AccountEntry {
        past: Past::Nothing,
        seq: Seq::FIRST,
        kind: Kind::Create,
        epoch: Epoch::FIRST,
        host,
        replicas: Vec::new(),
        next_recovery: None,
        member_keys: KeySet::default(),
        addr_commits: Vec::new(),
        policy: Policy::default(),
        frozen_until: None,
        ts: whole(at),
        by: Roles::NONE.and(Role::Host),
    };
    AccountDraft(entry).addresses(addresses)
}

impl AccountDraft {
    /// An entry after `before` that changes nothing yet; the host signs it.
    pub fn update(before: &Cosigned<AccountEntry>, at: Timestamp) -> Self {
        Self::after(before, Kind::Update, Role::Host, at)
    }

    /// The move that the member and the target have signed; the source's host signs the entry.
    pub fn hand_over(
        before: &Cosigned<AccountEntry>,
        intent: Cosigning<MoveIntent>,
        accept: Cosigning<MoveAccept>,
        at: Timestamp,
    ) -> Self {
        let host = accept.claims().host;
        let kind = Kind::Move(Box::new(MoveProof { intent, accept }));
        Self::after(before, kind, Role::Host, at).at_host(host)
    }

    /// Another host by the member's words, and the hash of the next ones. The recovery key, the new host's key and new member keys
    /// sign it; with [`Self::signed_also_by`] the host that agrees.
    pub fn recover(
        before: &Cosigned<AccountEntry>,
        host: Host,
        next_recovery: RecoveryHash,
        member_keys: KeySet,
        at: Timestamp,
    ) -> Self {
        let mut draft = Self::after(before, Kind::Recover, Role::Recovery, at).at_host(host);
        draft.0.next_recovery = Some(next_recovery);
        draft.0.member_keys = member_keys;
        draft
    }

    /// A freeze by the host or a member key.
    pub fn freeze(before: &Cosigned<AccountEntry>, by: Role, until: Timestamp, at: Timestamp) -> Self {
        let mut draft = Self::after(before, Kind::Freeze, by, at);
        draft.0.frozen_until = Some(whole(until));
        draft
    }

    /// The end of the account. Host and member sign it, or host and recovery key.
    pub fn close(before: &Cosigned<AccountEntry>, at: Timestamp) -> Self {
        Self::after(before, Kind::Close, Role::Host, at)
    }

    /// Says that a key of this role signs too.
    #[must_use]
    pub fn signed_also_by(mut self, role: Role) -> Self {
        self.0.by = self.0.by.and(role);
        self
    }

    /// Other addresses; of more than [`super::ADDRESSES_MAX`] the first in order.
    #[must_use]
    pub fn addresses(mut self, commits: &[AddressCommit]) -> Self {
        self.0.addr_commits = commits.to_vec();
        self.0.addr_commits.sort_unstable();
        self.0.addr_commits.dedup();
        self.0.addr_commits.truncate(super::ADDRESSES_MAX);
        self
    }

    /// Other hosters that keep copies.
    #[must_use]
    pub fn replicas(mut self, listings: &[ListingId]) -> Self {
        self.0.replicas = listings.to_vec();
        self.0.replicas.sort_unstable();
        self.0.replicas.dedup();
        self
    }

    /// Other words on paper.
    #[must_use]
    pub fn next_recovery(mut self, hash: RecoveryHash) -> Self {
        self.0.next_recovery = Some(hash);
        self
    }

    /// Other keys of the member.
    #[must_use]
    pub fn member_keys(mut self, keys: KeySet) -> Self {
        self.0.member_keys = keys;
        self
    }

    /// Another policy.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.0.policy = policy;
        self
    }

    /// Another key of the same host, because the one before is in wrong hands.
    #[must_use]
    pub fn host_key(mut self, key: crate::PublicKey) -> Self {
        self.0.host.key = key;
        self
    }

    /// The end of a freeze.
    #[must_use]
    pub fn thaw(mut self) -> Self {
        self.0.frozen_until = None;
        self
    }

    /// What is drafted.
    pub fn entry(&self) -> &AccountEntry {
        &self.0
    }

    /// The entry, ready to be signed. Whether the log takes it, [`super::AccountLog::accept`] says.
    ///
    /// # Errors
    /// It cannot be written within the bounds of an entry.
    pub fn propose(&self) -> Result<Cosigning<AccountEntry>, CborError> {
        Cosigning::propose(&self.0)
    }

    fn after(before: &Cosigned<AccountEntry>, kind: Kind, by: Role, at: Timestamp) -> Self {
        let entry = before.record();
        let account = match entry.past {
            Past::Nothing => AccountId::from_bytes(*before.hash().as_bytes()),
            Past::After { account, .. } => account,
        };
        // A number that is not above the one before is refused by the log.
        let seq = entry.seq.next().unwrap_or(entry.seq);
        Self(AccountEntry {
            past: Past::After { account, prev: before.hash() },
            seq,
            kind,
            ts: whole(at),
            by: Roles::NONE.and(by),
            ..entry.clone()
        })
    }

    fn at_host(mut self, host: Host) -> Self {
        self.0.host = host;
        self.0.epoch = self.0.epoch.next().unwrap_or(self.0.epoch);
        self.0.frozen_until = None;
        self
    }
}

/// Entries know whole seconds only, and nothing smaller must come back from them otherwise.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.seconds())
}
