//! EXPUNGE and UID EXPUNGE: RFC 9051 sections 6.4.3 and 6.4.9.

use essaim_imap::command::{Access, Expunge};
use essaim_imap::{Numbering, Outcome, ResponseCode};
use essaim_types::Uid;
use roaring::RoaringBitmap;

use super::outcome::{Stop, no, ok_coded};
use super::session::Session;
use crate::mailbox;
use crate::record::SystemFlags;

impl Session {
    pub(super) async fn expunge(&mut self, expunge: Expunge) -> Result<Outcome, Stop> {
        self.writable()?;
        let among = match expunge {
            Expunge::All => None,
            Expunge::Uids(set) => Some(self.view()?.resolve(&set, Numbering::Uid)?),
        };
        let removed = self.remove_deleted(among).await?;
        // RFC 7162 section 3.2.7: the client learns up to where it is in step.
        if removed && self.condstore() {
            self.refresh()?;
            let highest = self.view()?.index().highest_mod_seq();
            return Ok(ok_coded(ResponseCode::HighestModSeq(highest), "Expunged"));
        }
        Ok(Outcome::ok("Expunged"))
    }

    /// Removes the messages marked `\Deleted`, of `among` only if given; whether there were any.
    pub(super) async fn remove_deleted(&mut self, among: Option<RoaringBitmap>) -> Result<bool, Stop> {
        let (account, id) = (self.account, self.view()?.id);
        let mut deleted = {
            let index = self.view()?.index();
            index.with_flag(SystemFlags::DELETED) & index.uids()
        };
        if let Some(among) = among {
            deleted &= among;
        }
        if deleted.is_empty() {
            return Ok(false);
        }
        self.mail
            .store
            .commit_to([account], move |tx| {
                mailbox::expunge(tx, account, id, deleted.iter().filter_map(Uid::new))
            })
            .await?;
        Ok(true)
    }

    /// RFC 9051 section 6.3.3: nothing is changed in an examined mailbox.
    pub(super) fn writable(&self) -> Result<(), Stop> {
        match self.view()?.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(no(ResponseCode::ReadOnly, "The mailbox is open to read only").into()),
        }
    }
}
