//! Making, renaming and deleting mailboxes. RFC 9051 sections 6.3.4 to 6.3.8, RFC 6154.

use std::ops::Bound;

use bytes::Bytes;
use essaim_imap::{HIERARCHY_SEPARATOR, InvalidMailboxName, MailboxName};
use essaim_store::{Tx, TxError};
use essaim_types::{AccountId, MailboxId, ObjectKind, Timestamp, Uid, UidValidity};

use super::block::TooManyKeywords;
use super::objects::{Objects, ObjectsError};
use crate::record::{self, Mailbox, MailboxNumbers, RecordError, SpecialUse};

/// Why a mailbox was not made, renamed, deleted or found.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    #[error("there is no mailbox of that name")]
    NotFound,
    #[error("there is already a mailbox of that name")]
    Exists,
    #[error("INBOX cannot be deleted, nor made a second time")]
    Inbox,
    #[error("the mailbox has mailboxes below it: delete those first")]
    HasChildren,
    #[error("a mailbox cannot be moved below itself")]
    BelowItself,
    #[error("the account already has {max} mailboxes, which is the limit")]
    TooMany { max: u32 },
    #[error("the mailbox has used all of its 4294967295 UIDs: make a new one")]
    NoUidLeft,
    #[error("another mailbox already has that special use")]
    SpecialUseTaken,
    #[error(transparent)]
    Keywords(#[from] TooManyKeywords),
    #[error(transparent)]
    Name(#[from] InvalidMailboxName),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Store(#[from] ObjectsError),
}

/// The mailboxes of an account, by name.
pub type Mailboxes = Vec<(MailboxId, Mailbox)>;

/// All mailboxes, sorted by name.
pub fn all(objects: &impl Objects, account: AccountId) -> Result<Mailboxes, MailboxError> {
    let mut found = Vec::new();
    each(objects, account, |id, mailbox| {
        found.push((id, mailbox));
        false
    })?;
    found.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    Ok(found)
}

/// The mailbox with this id.
pub fn by_id(
    objects: &impl Objects,
    account: AccountId,
    id: MailboxId,
) -> Result<Option<Mailbox>, MailboxError> {
    let object = objects.object(account, ObjectKind::MAILBOX, &record::mailbox_key(id))?;
    Ok(object.map(|object| Mailbox::decode(&object.value)).transpose()?)
}

/// The mailbox with this name.
pub fn by_name(
    objects: &impl Objects,
    account: AccountId,
    name: &MailboxName,
) -> Result<Option<(MailboxId, Mailbox)>, MailboxError> {
    let mut found = None;
    each(objects, account, |id, mailbox| {
        let same = mailbox.name == name.as_str();
        if same {
            found = Some((id, mailbox));
        }
        same
    })?;
    Ok(found)
}

/// Makes a mailbox, and the ones above it that are missing.
pub fn create(
    tx: &mut Tx<'_>,
    account: AccountId,
    name: &MailboxName,
    special_use: Option<SpecialUse>,
    max: u32,
) -> Result<MailboxId, MailboxError> {
    let existing = all(tx, account)?;
    let has = |name: &MailboxName| existing.iter().any(|(_, mailbox)| mailbox.name == name.as_str());
    if has(name) {
        return Err(if name.is_inbox() { MailboxError::Inbox } else { MailboxError::Exists });
    }
    if special_use.is_some() && existing.iter().any(|(_, mailbox)| mailbox.special_use == special_use) {
        return Err(MailboxError::SpecialUseTaken);
    }
    let missing = above(name).into_iter().filter(|parent| !has(parent)).collect::<Vec<_>>();
    if existing.len() + missing.len() >= usize::try_from(max).unwrap_or(usize::MAX) {
        return Err(MailboxError::TooMany { max });
    }
    for parent in missing {
        insert(tx, account, &parent, None, false)?;
    }
    insert(tx, account, name, special_use, false)
}

/// Gives an account that never had a mailbox those that everybody has. `INBOX` is the first, so that delivery need not look it up.
pub fn ensure_defaults(tx: &mut Tx<'_>, account: AccountId) -> Result<(), MailboxError> {
    if tx.get(account, ObjectKind::MAILBOX, &[])?.is_some() {
        return Ok(());
    }
    for (name, special_use) in DEFAULTS {
        insert(tx, account, &MailboxName::new(name)?, *special_use, true)?;
    }
    Ok(())
}

/// Deletes a mailbox and its messages.
pub fn delete(tx: &mut Tx<'_>, account: AccountId, name: &MailboxName) -> Result<MailboxId, MailboxError> {
    if name.is_inbox() {
        return Err(MailboxError::Inbox);
    }
    let (id, _) = by_name(tx, account, name)?.ok_or(MailboxError::NotFound)?;
    if all(tx, account)?.iter().any(|(_, other)| is_below(&other.name, name)) {
        return Err(MailboxError::HasChildren);
    }
    for kind in [ObjectKind::MESSAGE, ObjectKind::FLAGS] {
        for key in keys(tx, account, kind, id)? {
            tx.delete(account, kind, &key)?;
        }
    }
    tx.delete(account, ObjectKind::MAILBOX, &record::mailbox_key(id))?;
    Ok(id)
}

/// Renames a mailbox and everything below it. Renaming `INBOX` moves its messages to a new mailbox (RFC 9051 section 6.3.6).
pub fn rename(
    tx: &mut Tx<'_>,
    account: AccountId,
    from: &MailboxName,
    to: &MailboxName,
    max: u32,
) -> Result<(), MailboxError> {
    if to.is_below(from) {
        return Err(MailboxError::BelowItself);
    }
    let (id, mut mailbox) = by_name(tx, account, from)?.ok_or(MailboxError::NotFound)?;
    if from.is_inbox() {
        let new = create(tx, account, to, None, max)?;
        return move_all(tx, account, id, new);
    }
    let existing = all(tx, account)?;
    if existing.iter().any(|(_, other)| other.name == to.as_str()) {
        return Err(MailboxError::Exists);
    }
    for parent in above(to) {
        if !existing.iter().any(|(_, other)| other.name == parent.as_str()) {
            insert(tx, account, &parent, None, false)?;
        }
    }
    for (child, mut below) in existing.into_iter().filter(|(_, other)| is_below(&other.name, from)) {
        let rest = below.name.strip_prefix(from.as_str()).unwrap_or_default();
        below.name = MailboxName::new(&format!("{to}{rest}"))?.as_str().to_owned();
        put(tx, account, child, &below)?;
    }
    mailbox.name = to.as_str().to_owned();
    put(tx, account, id, &mailbox)
}

/// Shows or hides a mailbox in LSUB.
pub fn subscribe(
    tx: &mut Tx<'_>,
    account: AccountId,
    name: &MailboxName,
    subscribed: bool,
) -> Result<(), MailboxError> {
    let (id, mut mailbox) = by_name(tx, account, name)?.ok_or(MailboxError::NotFound)?;
    if mailbox.subscribed != subscribed {
        mailbox.subscribed = subscribed;
        put(tx, account, id, &mailbox)?;
    }
    Ok(())
}

impl From<TxError> for MailboxError {
    fn from(error: TxError) -> Self {
        Self::Store(error.into())
    }
}

pub(super) fn put(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: MailboxId,
    mailbox: &Mailbox,
) -> Result<(), MailboxError> {
    Ok(tx.put(account, ObjectKind::MAILBOX, &record::mailbox_key(id), mailbox.encode())?)
}

pub(crate) fn as_bytes(bound: &Bound<[u8; 8]>) -> Bound<&[u8]> {
    bound.as_ref().map(<[u8; 8]>::as_slice)
}

fn insert(
    tx: &mut Tx<'_>,
    account: AccountId,
    name: &MailboxName,
    special_use: Option<SpecialUse>,
    subscribed: bool,
) -> Result<MailboxId, MailboxError> {
    let numbers = tx.get(account, ObjectKind::MAILBOX, &[])?;
    let mut numbers =
        numbers.map(|object| MailboxNumbers::decode(&object.value)).transpose()?.unwrap_or_default();
    let id = numbers.next_id;
    let uid_validity = numbers.next_uid_validity.max(uid_validity_of(tx.now()));
    numbers.next_id = MailboxId(id.0.saturating_add(1));
    numbers.next_uid_validity = UidValidity(uid_validity.0.saturating_add(1));
    tx.put(account, ObjectKind::MAILBOX, &[], numbers.encode())?;
    let name = name.as_str().to_owned();
    put(
        tx,
        account,
        id,
        &Mailbox { name, uid_validity, uid_next: Some(Uid::FIRST), special_use, subscribed },
    )?;
    Ok(id)
}

/// RFC 9051 section 2.3.1.1 suggests the time of creation; the counter keeps two mailboxes of one second apart.
fn uid_validity_of(now: Timestamp) -> UidValidity {
    let seconds = u32::try_from(now.seconds()).unwrap_or(1);
    UidValidity::new(seconds).unwrap_or(UidValidity(std::num::NonZeroU32::MIN))
}

fn move_all(tx: &mut Tx<'_>, account: AccountId, from: MailboxId, to: MailboxId) -> Result<(), MailboxError> {
    let keys = keys(tx, account, ObjectKind::MESSAGE, from)?;
    let uids = keys.iter().map(|key| record::message_of_key(key).map(|(_, uid)| uid));
    let uids = uids.collect::<Result<Vec<_>, _>>()?;
    super::change::copy(tx, account, from, uids.iter().copied(), to)?;
    super::change::expunge(tx, account, from, uids)?;
    Ok(())
}

/// The keys of one kind in a mailbox.
fn keys(
    tx: &Tx<'_>,
    account: AccountId,
    kind: ObjectKind,
    mailbox: MailboxId,
) -> Result<Vec<Bytes>, MailboxError> {
    let (first, last) = record::message_range(mailbox, 0, u32::MAX);
    let objects = tx.range(account, kind, as_bytes(&first), as_bytes(&last))?;
    Ok(objects.map(|entry| entry.map(|(key, _)| key)).collect::<Result<_, _>>()?)
}

/// The mailboxes above a name, from the root down.
fn above(name: &MailboxName) -> Vec<MailboxName> {
    let mut parents: Vec<_> = name.ancestors().collect();
    parents.reverse();
    parents
}

fn is_below(name: &str, above: &MailboxName) -> bool {
    name.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with(HIERARCHY_SEPARATOR))
}

fn each(
    objects: &impl Objects,
    account: AccountId,
    mut stop_after: impl FnMut(MailboxId, Mailbox) -> bool,
) -> Result<(), MailboxError> {
    // The empty key holds the numbers, not a mailbox.
    let first: &[u8] = &[0];
    for entry in objects.objects(account, ObjectKind::MAILBOX, Bound::Included(first), Bound::Unbounded)? {
        let (key, object) = entry?;
        if stop_after(record::mailbox_of_key(&key)?, Mailbox::decode(&object.value)?) {
            break;
        }
    }
    Ok(())
}

const DEFAULTS: &[(&str, Option<SpecialUse>)] = &[
    ("INBOX", None),
    ("Archive", Some(SpecialUse::Archive)),
    ("Drafts", Some(SpecialUse::Drafts)),
    ("Junk", Some(SpecialUse::Junk)),
    ("Sent", Some(SpecialUse::Sent)),
    ("Trash", Some(SpecialUse::Trash)),
];
