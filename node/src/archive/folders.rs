//! `folder.json`: mailboxes for programs that know nothing of our objects.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::ops::ControlFlow;

use essaim_mail::imap::email_id;
use essaim_mail::mailbox::{self, FlagReader, Flags};
use essaim_mail::record::{self, Mailbox, Message, RecordError, SpecialUse, SystemFlags};
use essaim_migration::archive::limits::UIDS_PER_DIRECTORY;
use essaim_migration::archive::{Directory, Folder, WriteError, Writer};
use essaim_store::{ReadError, Snapshot};
use essaim_types::{AccountId, Lsn, MailboxId, ObjectKind, Timestamp, Uid};

use super::export::ArchiveError;

/// Mailboxes as a snapshot shows them.
#[derive(Debug)]
pub(super) struct Folders<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) account: AccountId,
    /// Only what changed after this; 0 for everything.
    pub(super) since: Lsn,
    pub(super) removed: &'a BTreeMap<u32, BTreeSet<u32>>,
}

impl Folders<'_> {
    /// Writes all of them; how many mailboxes and messages.
    pub(super) fn write<W: std::io::Write>(&self, to: &mut Writer<W>) -> Result<(u64, u64), ArchiveError> {
        let mut mailboxes = mailbox::all(self.snapshot, self.account)?;
        mailboxes.sort_by_key(|(id, _)| *id);
        let mut messages = 0;
        for (id, mailbox) in &mailboxes {
            messages += self.write_one(*id, mailbox, to)?;
        }
        Ok((mailboxes.len() as u64, messages))
    }

    fn write_one<W: std::io::Write>(
        &self,
        id: MailboxId,
        mailbox: &Mailbox,
        to: &mut Writer<W>,
    ) -> Result<u64, ArchiveError> {
        let highest = self.highest(id)?;
        let removed = self.removed.get(&id.0);
        if self.since >= highest && removed.is_none() {
            return Ok(0);
        }
        let empty = || head(id, mailbox, highest);
        let mut flags = FlagReader::new(self.snapshot, self.account, id);
        let (mut part, mut folder, mut messages, mut written) = (0, empty(), 0, false);
        folder.removed = removed.into_iter().flatten().filter_map(|uid| NonZeroU32::new(*uid)).collect();
        let (from, to_key) = record::message_range(id, 1, u32::MAX);
        let range = self.snapshot.range(
            self.account,
            ObjectKind::MESSAGE,
            from.as_ref().map(<[u8; 8]>::as_slice),
            to_key.as_ref().map(<[u8; 8]>::as_slice),
        )?;
        for entry in range {
            let (key, object) = entry?;
            let (_, uid) = record::message_of_key(&key)?;
            let message = Message::decode(&object.value)?;
            let (flags, mod_seq) = flags.message(uid)?.ok_or(RecordError::Damaged { kind: "flags" })?;
            if mod_seq.0 <= self.since.0 {
                continue;
            }
            if uid.value() / UIDS_PER_DIRECTORY != part {
                // The first directory is there even if nothing stands in it: programs look for it.
                if !folder.uids.0.is_empty() || !written {
                    put(to, Directory { mailbox: id.0, part }, &folder)?;
                    written = true;
                }
                (part, folder) = (uid.value() / UIDS_PER_DIRECTORY, empty());
            }
            messages += 1;
            let email = email_id(object.blobs.iter().copied()).to_string();
            add(&mut folder, uid, &message, &flags, mod_seq.0, email);
        }
        put(to, Directory { mailbox: id.0, part }, &folder)?;
        Ok(messages)
    }

    /// RFC 7162: the last change of the mailbox or of any message in it.
    fn highest(&self, id: MailboxId) -> Result<Lsn, ArchiveError> {
        let own = self.snapshot.get(self.account, ObjectKind::MAILBOX, &record::mailbox_key(id))?;
        let mut highest = own.map_or(Lsn::ZERO, |object| object.lsn);
        let (from, to) = record::message_range(id, 0, u32::MAX);
        self.snapshot.scan(
            self.account,
            ObjectKind::FLAGS,
            from.as_ref().map(<[u8; 8]>::as_slice),
            to.as_ref().map(<[u8; 8]>::as_slice),
            |_, object| {
                highest = highest.max(object.lsn);
                ControlFlow::<()>::Continue(())
            },
        )?;
        Ok(highest)
    }
}

fn put<W: std::io::Write>(
    to: &mut Writer<W>,
    at: Directory,
    folder: &Folder,
) -> Result<(), WriteError<ReadError>> {
    to.folder(at, folder)
}

fn head(id: MailboxId, mailbox: &Mailbox, highest: Lsn) -> Folder {
    let next = mailbox.uid_next.map_or(u32::MAX, Uid::value);
    Folder {
        name: mailbox.name.clone(),
        mailboxid: format!("m{}", id.0),
        uidvalidity: mailbox.uid_validity.0,
        uidnext: NonZeroU32::new(next).unwrap_or(NonZeroU32::MIN),
        last_uid: next - 1,
        highest_modseq: highest.0,
        is_subscribed: mailbox.subscribed,
        special_use: mailbox.special_use.map(|special| special_use(special).to_owned()),
        uids: Default::default(),
        flags: Default::default(),
        modseqs: Default::default(),
        internaldates: Default::default(),
        emailids: Default::default(),
        removed: Vec::new(),
        keywords_left_out: Vec::new(),
    }
}

fn add(folder: &mut Folder, uid: Uid, message: &Message, flags: &Flags, mod_seq: u64, email: String) {
    let number = uid.value();
    let mut names: Vec<String> = SystemFlags::ALL
        .into_iter()
        .filter(|flag| flags.system.contains(*flag))
        .map(|flag| system_flag(flag).to_owned())
        .collect();
    let mut room = KEYWORD_BYTES_MAX;
    for keyword in &flags.keywords {
        match room.checked_sub(keyword.len() + KEYWORD_QUOTES) {
            Some(left) => room = left,
            None => {
                folder.keywords_left_out.extend(NonZeroU32::new(number));
                break;
            }
        }
        names.push(keyword.clone());
    }
    folder.uids.0.push((number, format!("{number}.eml")));
    folder.flags.0.push((number, names));
    folder.modseqs.0.push((number, mod_seq));
    folder.internaldates.0.push((number, rfc3339(message.internal_date)));
    folder.emailids.0.push((number, email));
}

/// RFC 3339 in UTC with milliseconds; a time that no calendar has is the beginning of ours.
pub(super) fn rfc3339(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

fn special_use(special: SpecialUse) -> &'static str {
    match special {
        SpecialUse::Archive => "\\Archive",
        SpecialUse::Drafts => "\\Drafts",
        SpecialUse::Flagged => "\\Flagged",
        SpecialUse::Junk => "\\Junk",
        SpecialUse::Sent => "\\Sent",
        SpecialUse::Trash => "\\Trash",
    }
}

fn system_flag(flag: SystemFlags) -> &'static str {
    match flag {
        SystemFlags::ANSWERED => "\\Answered",
        SystemFlags::FLAGGED => "\\Flagged",
        SystemFlags::DELETED => "\\Deleted",
        SystemFlags::SEEN => "\\Seen",
        _ => "\\Draft",
    }
}

/// Keywords of one message in `folder.json`, in bytes: so that the file of a directory stays below its limit.
const KEYWORD_BYTES_MAX: usize = 1024;
const KEYWORD_QUOTES: usize = 3;
