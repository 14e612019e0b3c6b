//! CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE: RFC 9051 sections 6.3.4 to 6.3.8.

use essaim_imap::command::{Create, Rename, SpecialUse};
use essaim_imap::{MailboxName, Outcome, ResponseCode};

use super::outcome::{Stop, no, ok_coded};
use super::select::mailbox_id;
use super::session::Session;
use crate::{mailbox, record};

impl Session {
    pub(super) async fn create(&mut self, create: Create) -> Result<Outcome, Stop> {
        let special_use = match create.uses.as_slice() {
            [] => None,
            [one] => Some(stored_use(*one).ok_or_else(unsupported_use)?),
            _ => return Err(unsupported_use().into()),
        };
        let (account, max) = (self.account, self.mail.config.max_mailboxes);
        let id = self
            .mail
            .store
            .commit_to([account], move |tx| mailbox::create(tx, account, &create.mailbox, special_use, max))
            .await?;
        Ok(ok_coded(ResponseCode::MailboxId(mailbox_id(id)), "Created"))
    }

    pub(super) async fn delete(&mut self, name: MailboxName) -> Result<Outcome, Stop> {
        let account = self.account;
        let id = self.mail.store.commit_to([account], move |tx| mailbox::delete(tx, account, &name)).await?;
        // RFC 9051 section 6.3.5 leaves open what becomes of a session that has it open: here it is closed.
        if self.view.as_ref().is_some_and(|view| view.id == id) {
            self.view = None;
        }
        Ok(Outcome::ok("Deleted"))
    }

    pub(super) async fn rename(&mut self, rename: Rename) -> Result<Outcome, Stop> {
        let (account, max) = (self.account, self.mail.config.max_mailboxes);
        self.mail
            .store
            .commit_to([account], move |tx| mailbox::rename(tx, account, &rename.from, &rename.to, max))
            .await?;
        Ok(Outcome::ok("Renamed"))
    }

    pub(super) async fn subscribe(&mut self, name: MailboxName, subscribed: bool) -> Result<Outcome, Stop> {
        let account = self.account;
        self.mail
            .store
            .commit_to([account], move |tx| mailbox::subscribe(tx, account, &name, subscribed))
            .await?;
        Ok(Outcome::ok("Done"))
    }
}

/// The special use as it is stored; `None` for those that are views over all mailboxes, which no mailbox here can be.
fn stored_use(special_use: SpecialUse) -> Option<record::SpecialUse> {
    Some(match special_use {
        SpecialUse::Archive => record::SpecialUse::Archive,
        SpecialUse::Drafts => record::SpecialUse::Drafts,
        SpecialUse::Flagged => record::SpecialUse::Flagged,
        SpecialUse::Junk => record::SpecialUse::Junk,
        SpecialUse::Sent => record::SpecialUse::Sent,
        SpecialUse::Trash => record::SpecialUse::Trash,
        SpecialUse::All | SpecialUse::Important => return None,
    })
}

/// The stored special use as clients name it.
pub(super) fn shown_use(special_use: record::SpecialUse) -> SpecialUse {
    match special_use {
        record::SpecialUse::Archive => SpecialUse::Archive,
        record::SpecialUse::Drafts => SpecialUse::Drafts,
        record::SpecialUse::Flagged => SpecialUse::Flagged,
        record::SpecialUse::Junk => SpecialUse::Junk,
        record::SpecialUse::Sent => SpecialUse::Sent,
        record::SpecialUse::Trash => SpecialUse::Trash,
    }
}

fn unsupported_use() -> Outcome {
    no(ResponseCode::Cannot, "A mailbox has at most one special use, and neither \\All nor \\Important")
}
