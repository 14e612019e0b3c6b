//! Which entry may follow which, and who must have signed it. A pure function of the entry, the one before, and the moves that
//! were made before.

use std::time::Duration;

use essaim_types::AccountId;

use super::entry::{AccountEntry, ENTRY_SIGNATURES_MAX, ENTRY_WIRE_MAX, Kind, MoveProof};
use super::handover::MoveAccept;
use super::intent::{MoveIntent, role_of_member};
use super::refusal::{Field, Refusal};
use super::values::{Authority, Role, Roles};
use crate::cosigned::Cosigned;
use crate::key::PublicKey;
use crate::keys::KeySet;

/// Checks the entry that founds an account: the host's key, and the member's if there are any, have signed.
pub(super) fn check_first(entry: &Cosigned<AccountEntry>) -> Result<Authority, Refusal> {
    let first = entry.record();
    first.check()?;
    if first.by != Roles::NONE.and(Role::Host) {
        return Err(Refusal::Needs { role: Role::Host });
    }
    let needed = KeySet::from_iter(first.member_keys.iter().copied().chain([first.host.key]));
    let signers: KeySet = entry.signers().copied().collect();
    if let Some(key) = needed.iter().find(|key| !signers.contains(key)) {
        return Err(Refusal::NewKeyHasNotSigned { key: *key });
    }
    if let Some(key) = signers.iter().find(|key| !needed.contains(key)) {
        return Err(Refusal::Stranger { key: *key });
    }
    check_size(entry)?;
    Ok(Authority::Host)
}

/// Checks an entry that stands on `before`, and says how much it weighs. That `before` is the one it names, and that its move
/// was not made before, the log has seen to.
pub(super) fn check_next(
    account: AccountId,
    before: &AccountEntry,
    entry: &Cosigned<AccountEntry>,
) -> Result<Authority, Refusal> {
    let next = entry.record();
    next.check()?;
    check_place(before, next)?;
    check_frozen(before, next)?;
    check_changes(before, next)?;
    check_roles(before, next)?;
    check_signatures(before, entry)?;
    check_size(entry)?;
    let mut roles = next.by;
    if let Kind::Move(proof) = &next.kind {
        roles = roles.and(check_move(account, before, next, proof)?);
    }
    Ok(roles.authority())
}

fn check_place(before: &AccountEntry, next: &AccountEntry) -> Result<(), Refusal> {
    if before.kind == Kind::Close {
        return Err(Refusal::Closed);
    }
    let expected = before.seq.next().ok_or(Refusal::Closed)?;
    if next.seq != expected {
        return Err(Refusal::Sequence { expected, found: next.seq });
    }
    let expected = match next.kind {
        Kind::Move(_) | Kind::Recover => before.epoch.next().ok_or(Refusal::Closed)?,
        Kind::Create | Kind::Update | Kind::Freeze | Kind::Close => before.epoch,
    };
    if next.epoch != expected {
        return Err(Refusal::OtherEpoch { expected, found: next.epoch });
    }
    if next.ts < before.ts { Err(Refusal::BackInTime) } else { Ok(()) }
}

/// A frozen account does not move, and what follows needs the member or the recovery key.
fn check_frozen(before: &AccountEntry, next: &AccountEntry) -> Result<(), Refusal> {
    let Some(until) = before.frozen_until.filter(|_| before.is_frozen(next.ts)) else { return Ok(()) };
    let allowed = next.by.authority() > Authority::Host && !matches!(next.kind, Kind::Move(_));
    if allowed { Ok(()) } else { Err(Refusal::Frozen { until }) }
}

/// Every entry says everything; what it changes must be what its kind changes.
fn check_changes(before: &AccountEntry, next: &AccountEntry) -> Result<(), Refusal> {
    let may: &[Field] = match next.kind {
        Kind::Create | Kind::Close => &[],
        Kind::Update => &[
            Field::HostKey,
            Field::Replicas,
            Field::NextRecovery,
            Field::MemberKeys,
            Field::Addresses,
            Field::Policy,
            Field::Frozen,
        ],
        Kind::Move(_) => &[Field::Host, Field::HostKey, Field::Frozen],
        Kind::Recover => &[
            Field::Host,
            Field::HostKey,
            Field::Replicas,
            Field::NextRecovery,
            Field::MemberKeys,
            Field::Addresses,
            Field::Frozen,
        ],
        Kind::Freeze => &[Field::Frozen],
    };
    if let Some(field) = changed(before, next).find(|field| !may.contains(field)) {
        return Err(Refusal::Changes { field });
    }
    check_freeze(before, next)?;
    let words_gone = before.next_recovery.is_some() && next.next_recovery.is_none();
    let words_kept = next.kind == Kind::Recover && next.next_recovery == before.next_recovery;
    if words_gone || words_kept { Err(Refusal::OldWords) } else { Ok(()) }
}

/// A freeze begins now and ends soon. An update may end it, which only others than the host alone do; a change of host does.
fn check_freeze(before: &AccountEntry, next: &AccountEntry) -> Result<(), Refusal> {
    match next.kind {
        Kind::Freeze => {
            let until = next.frozen_until.ok_or(Refusal::FreezeTime)?;
            if until <= next.ts || until.since(next.ts) > FREEZE_MAX {
                return Err(Refusal::FreezeTime);
            }
            let rested = before.frozen_until.is_none_or(|until| until.after(FREEZE_REST) <= next.ts);
            if next.by.authority() == Authority::Host && !rested { Err(Refusal::FreezeAgain) } else { Ok(()) }
        }
        Kind::Move(_) | Kind::Recover if next.frozen_until.is_some() => Err(Refusal::FreezeTime),
        _ if next.frozen_until.is_some() && next.frozen_until != before.frozen_until => {
            Err(Refusal::FreezeTime)
        }
        _ => Ok(()),
    }
}

/// Whether the roles that the entry names are enough for what it does.
fn check_roles(before: &AccountEntry, next: &AccountEntry) -> Result<(), Refusal> {
    let needs = |role| if next.by.contains(role) { Ok(()) } else { Err(Refusal::Needs { role }) };
    match next.kind {
        Kind::Create => {}
        Kind::Move(_) => needs(Role::Host)?,
        Kind::Recover => needs(Role::Recovery)?,
        Kind::Freeze => {}
        Kind::Close => {
            needs(Role::Host)?;
            needs_owner(before, next)?;
        }
        Kind::Update => {
            needs(Role::Host)?;
            let mut fields = changed(before, next);
            if before.next_recovery.is_some() && next.next_recovery != before.next_recovery {
                needs(Role::Recovery)?;
            } else if fields.any(|field| !matches!(field, Field::Replicas | Field::Addresses)) {
                needs_owner(before, next)?;
            }
        }
    }
    Ok(())
}

/// The member or the recovery key, unless the account has neither.
fn needs_owner(before: &AccountEntry, next: &AccountEntry) -> Result<(), Refusal> {
    let signed = next.by.contains(Role::Member) || next.by.contains(Role::Recovery);
    let role = if before.member_keys.is_empty() { Role::Recovery } else { Role::Member };
    if signed || !before.has_kit() { Ok(()) } else { Err(Refusal::Needs { role }) }
}

/// Exactly the roles that the entry names have signed, every new key, and nobody else. The new host of a move has signed the
/// accept.
fn check_signatures(before: &AccountEntry, entry: &Cosigned<AccountEntry>) -> Result<(), Refusal> {
    let next = entry.record();
    let new = new_keys(before, next);
    let mut found = Roles::NONE;
    for key in entry.signers() {
        match role_of(key, before) {
            Some(role) => found = found.and(role),
            None if new.contains(key) => {}
            None => return Err(Refusal::Stranger { key: *key }),
        }
    }
    if let Some(role) = next.by.iter().find(|role| !found.contains(*role)) {
        return Err(Refusal::Unsigned { role });
    }
    if let Some(role) = found.iter().find(|role| !next.by.contains(*role)) {
        return Err(Refusal::Unannounced { role });
    }
    let signers: KeySet = entry.signers().copied().collect();
    match new.iter().find(|key| !signers.contains(key)) {
        Some(key) => Err(Refusal::NewKeyHasNotSigned { key: *key }),
        None => Ok(()),
    }
}

fn check_size(entry: &Cosigned<AccountEntry>) -> Result<(), Refusal> {
    let fits = entry.signers().count() <= ENTRY_SIGNATURES_MAX && entry.to_wire().len() <= ENTRY_WIRE_MAX;
    if fits { Ok(()) } else { Err(Refusal::TooLarge) }
}

/// The member wanted this move at this time, and the target has everything. Says which role wanted it.
fn check_move(
    account: AccountId,
    before: &AccountEntry,
    next: &AccountEntry,
    proof: &MoveProof,
) -> Result<Role, Refusal> {
    let role = MoveIntent::check(&proof.intent, account, before, next.ts)?;
    let accept = MoveAccept::check(&proof.accept, proof.intent.claims()).map_err(Refusal::Accept)?;
    if accept.record().host == next.host { Ok(role) } else { Err(Refusal::Changes { field: Field::Host }) }
}

/// What this entry says otherwise than the one before.
fn changed(before: &AccountEntry, next: &AccountEntry) -> impl Iterator<Item = Field> {
    let fields = [
        (Field::Host, before.host.listing != next.host.listing),
        (Field::HostKey, before.host.key != next.host.key),
        (Field::Replicas, before.replicas != next.replicas),
        (Field::NextRecovery, before.next_recovery != next.next_recovery),
        (Field::MemberKeys, before.member_keys != next.member_keys),
        (Field::Addresses, before.addr_commits != next.addr_commits),
        (Field::Policy, before.policy != next.policy),
        (Field::Frozen, before.frozen_until != next.frozen_until),
    ];
    fields.into_iter().filter(|(_, changed)| *changed).map(|(field, _)| field)
}

/// Keys that this entry brings in and that must show that somebody holds them.
fn new_keys(before: &AccountEntry, next: &AccountEntry) -> KeySet {
    let mut new: KeySet =
        next.member_keys.iter().filter(|key| !before.member_keys.contains(key)).copied().collect();
    if next.host.key != before.host.key && !matches!(next.kind, Kind::Move(_)) {
        new.insert(next.host.key);
    }
    new
}

fn role_of(key: &PublicKey, before: &AccountEntry) -> Option<Role> {
    if *key == before.host.key { Some(Role::Host) } else { role_of_member(key, before) }
}

/// How long a freeze lasts at most.
pub const FREEZE_MAX: Duration = Duration::from_hours(14 * 24);
/// How long after the end of a freeze the host alone may not freeze again: it delays a move, it does not prevent it.
pub const FREEZE_REST: Duration = Duration::from_hours(14 * 24);
