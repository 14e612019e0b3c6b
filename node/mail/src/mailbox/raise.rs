//! Numbers that jump, when an account comes back from a copy that may be older than what its member's programs saw: none of those is given out
//! twice (`specs/17-recovery.md`).

use std::ops::Bound;

use essaim_store::{Tx, TxError};
use essaim_types::{AccountId, MailboxId, ObjectKind, Uid, UidValidity};

use crate::record::{Mailbox, MailboxNumbers, RecordError};

/// Why the numbers are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RaiseError {
    /// A mailbox cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] TxError),
}

/// Raises UIDNEXT of every mailbox, and the id and UIDVALIDITY of the next one, by so much, or as far as there is room. UIDVALIDITYs and UIDs stay.
pub fn raise_numbers(tx: &mut Tx<'_>, account: AccountId, by: u32) -> Result<(), RaiseError> {
    let (kind, all) = (ObjectKind::MAILBOX, Bound::Unbounded);
    let mailboxes: Vec<_> = tx.range(account, kind, all, all)?.collect::<Result<_, _>>()?;
    for (key, object) in mailboxes {
        let put = if key.is_empty() {
            let MailboxNumbers { next_id, next_uid_validity } = MailboxNumbers::decode(&object.value)?;
            let next_id = MailboxId(next_id.0.saturating_add(by).min(MAILBOX_ID_MAX.max(next_id.0)));
            let raised = next_uid_validity.value().saturating_add(by);
            let next_uid_validity = UidValidity::new(raised).unwrap_or(next_uid_validity);
            MailboxNumbers { next_id, next_uid_validity }.encode()
        } else {
            let mailbox = Mailbox::decode(&object.value)?;
            let raise = |uid: Uid| Uid::new(uid.value().saturating_add(by).min(UID_MAX.max(uid.value())));
            Mailbox { uid_next: mailbox.uid_next.and_then(raise), ..mailbox }.encode()
        };
        tx.put(account, kind, &key, put)?;
    }
    Ok(())
}

/// As an archive allows UIDNEXT (`specs/15-archive.md`): the account can still leave.
const UID_MAX: u32 = 1 << 31;
/// Far from the end of the ids.
const MAILBOX_ID_MAX: u32 = 1 << 31;
