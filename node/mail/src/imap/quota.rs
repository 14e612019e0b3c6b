//! GETQUOTA and GETQUOTAROOT: RFC 9208. One root for everything that the account holds.

use essaim_imap::command::{GetQuota, GetQuotaRoot};
use essaim_imap::response::{Encoder, QuotaResource, QuotaUsage};
use essaim_imap::{Outcome, ResponseCode};

use super::outcome::{Stop, no};
use super::session::Session;
use super::sink::Sink;
use crate::mailbox::{self, MailboxError};

impl Session {
    pub(super) fn get_quota(&mut self, get: &GetQuota, sink: &mut impl Sink) -> Result<Outcome, Stop> {
        if get.root != ROOT {
            return Err(no(ResponseCode::NonExistent, "There is no such quota root").into());
        }
        self.tell_quota(sink)?;
        Ok(Outcome::ok("Done"))
    }

    pub(super) fn get_quota_root(
        &mut self,
        get: &GetQuotaRoot,
        sink: &mut impl Sink,
    ) -> Result<Outcome, Stop> {
        let snapshot = self.mail.store.read()?;
        mailbox::by_name(&snapshot, self.account, &get.mailbox)?.ok_or(MailboxError::NotFound)?;
        Encoder::new(sink.buffer(), self.enabled).quota_root(&get.mailbox, &[ROOT]);
        self.tell_quota(sink)?;
        Ok(Outcome::ok("Done"))
    }

    fn tell_quota(&self, sink: &mut impl Sink) -> Result<(), Stop> {
        let Some(state) = self.mail.store.read()?.account(self.account)? else { return Ok(()) };
        let storage = state.quota.map(|quota| QuotaUsage {
            resource: QuotaResource::Storage,
            used: state.used.0,
            limit: quota.0,
        });
        Encoder::new(sink.buffer(), self.enabled).quota(ROOT, storage.as_slice());
        Ok(())
    }
}

/// The only root. RFC 9208 section 3.2: the name is the server's to choose, and may be empty.
const ROOT: &str = "";
