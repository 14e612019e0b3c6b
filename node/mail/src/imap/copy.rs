//! COPY and MOVE: RFC 9051 sections 6.4.7 and 6.4.8. All or nothing, in one commit.

use essaim_imap::command::Transfer;
use essaim_imap::response::{Encoder, NumberSet};
use essaim_imap::{Condition, MailboxName, Outcome, Reply, ResponseCode};
use essaim_types::{MailboxId, Uid, UidValidity};
use roaring::RoaringBitmap;

use super::outcome::{Stop, no, ok_coded};
use super::session::Session;
use super::sink::Sink;
use crate::mailbox::{self, Copied};

impl Session {
    pub(super) async fn copy(&mut self, copy: Transfer) -> Result<Outcome, Stop> {
        let uids = self.view()?.resolve(&copy.messages, copy.numbering)?;
        let (_, to) = self.destination(&copy.to)?;
        let copied = self.transfer(uids, to, Original::Keep).await?;
        Ok(match copied_uids(&copied) {
            Some(code) => ok_coded(code, "Copied"),
            None => Outcome::ok("There was nothing to copy"),
        })
    }

    pub(super) async fn r#move(&mut self, r#move: Transfer, sink: &mut impl Sink) -> Result<Outcome, Stop> {
        self.writable()?;
        let uids = self.view()?.resolve(&r#move.messages, r#move.numbering)?;
        let (_, to) = self.destination(&r#move.to)?;
        let copied = self.transfer(uids, to, Original::Remove).await?;
        // RFC 6851 section 4.3: COPYUID comes untagged, before the EXPUNGEs.
        if let Some(code) = copied_uids(&copied) {
            Encoder::new(sink.buffer(), self.enabled).remark(Condition::Ok, &Reply::coded(code, "Moved"));
        }
        Ok(Outcome::ok("Done"))
    }

    /// Where messages are to go; `TRYCREATE` if it is not there.
    pub(super) fn destination(&self, name: &MailboxName) -> Result<(UidValidity, MailboxId), Stop> {
        let found = mailbox::by_name(&self.mail.store.read()?, self.account, name)?;
        let missing = || no(ResponseCode::TryCreate, "There is no mailbox of that name: create it first");
        Ok(found.map(|(id, mailbox)| (mailbox.uid_validity, id)).ok_or_else(missing)?)
    }

    async fn transfer(
        &mut self,
        uids: RoaringBitmap,
        to: MailboxId,
        original: Original,
    ) -> Result<Vec<Copied>, Stop> {
        let (account, from) = (self.account, self.view()?.id);
        let copied = self
            .mail
            .store
            .commit_to([account], move |tx| {
                let copied = mailbox::copy(tx, account, from, uids.iter().filter_map(Uid::new), to)?;
                if original == Original::Remove {
                    mailbox::expunge(tx, account, from, copied.iter().map(|copied| copied.from))?;
                }
                Ok::<_, mailbox::AppendError>(copied)
            })
            .await?;
        Ok(copied)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Original {
    Keep,
    Remove,
}

fn copied_uids(copied: &[Copied]) -> Option<ResponseCode> {
    let validity = copied.first()?.to.uid_validity;
    let from: NumberSet = copied.iter().map(|copied| copied.from).collect();
    let to: NumberSet = copied.iter().map(|copied| copied.to.uid).collect();
    Some(ResponseCode::CopyUid(validity, from, to))
}
