//! Everything about a change that does not depend on other changes: its shape, its key, its signature.

use std::collections::BTreeMap;

use essaim_identity::keyring::{ActorId, Keyring, OPERATORS_MAX, Role, Standing};
use essaim_identity::{RecordHash, Unverified};

use super::held::{Held, Life};
use crate::document::ChangeRefusal;
use crate::envelope::{Change, DocumentKind, Epoch};
use crate::guard::{self, ChangeHash};
use crate::refusal::Refusal;

/// A change that its key has signed and may sign.
#[derive(Debug, Clone)]
pub(crate) struct Vetted {
    pub(crate) held: Held,
    /// See [`Change::covers`].
    pub(crate) covers: BTreeMap<ActorId, u64>,
    pub(crate) epoch: Epoch,
    /// `None`: it begins the epoch.
    pub(crate) start: Option<RecordHash>,
    pub(crate) prev: Option<RecordHash>,
    pub(crate) start_op: u64,
    pub(crate) change: Vec<u8>,
}

/// Checks a change against the keyring of its listing.
pub(crate) fn vet(wire: &[u8], unverified: Unverified<Change>, keyring: &Keyring) -> Result<Vetted, Refusal> {
    let record = unverified.claims().clone();
    let seen =
        guard::scan(&record.change).map_err(|refusal| Refusal::Change(ChangeRefusal::Scan(refusal)))?;
    let entry = keyring.entry(record.keyring).ok_or(Refusal::UnknownKeyring)?;
    let operator = entry.operators.iter().nth(usize::from(record.operator)).ok_or(Refusal::NotAllowed)?;
    let (key, operator) = (*operator.0, operator.1);
    if !operator.roles.contains(role(record.document)) {
        return Err(Refusal::NotAllowed);
    }
    if seen.actor != operator.actor.0 {
        return Err(Refusal::WrongActor);
    }
    let signed = unverified.verify(&key).map_err(|_| Refusal::BadSignature)?;
    if keyring.standing(&key, record.seq, &signed.hash()) == Standing::Void {
        return Err(Refusal::Revoked);
    }
    let first = record.prev.is_none();
    let begins = record.start.is_none();
    let placed = record.seq > 0
        && first == (seen.seq == 1)
        && begins == seen.deps.is_empty()
        && record.covers.as_ref().is_none_or(|covers| begins && covers.len() <= OPERATORS_MAX)
        && (!begins || (first && seen.start_op == 1 && record.epoch.keyring == record.keyring));
    if !placed {
        return Err(Refusal::Misplaced);
    }
    let held = Held {
        hash: signed.hash(),
        change: seen.hash,
        actor: seen.actor,
        number: seen.seq,
        start_op: seen.start_op,
        max_op: seen.max_op(),
        deps: seen.deps.iter().map(ChangeHash::from).collect(),
        key,
        keyring: record.keyring,
        seq: record.seq,
        time: record.time,
        change_bytes: record.change.len(),
        wire: wire.into(),
        life: Life::Counts,
    };
    let (covers, start_op) = (record.covers.unwrap_or_default(), seen.start_op);
    let Change { epoch, start, prev, .. } = record;
    Ok(Vetted { held, covers, epoch, start, prev, start_op, change: record.change })
}

/// The role that a key needs to write such a document.
pub(crate) fn role(kind: DocumentKind) -> Role {
    match kind {
        DocumentKind::Profile => Role::Edit,
        DocumentKind::Statements => Role::Endorse,
    }
}
