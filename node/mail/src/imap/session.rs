//! One logged-in client.

use essaim_imap::command::{AccountCommand, MailboxCommand};
use essaim_imap::response::Encoder;
use essaim_imap::{Awareness, Condition, Enabled, Extension, Numbering, Outcome, Reply, ResponseCode, Tag};
use essaim_types::{AccountId, Lsn, ObjectKind};

use super::outcome::{Stop, bad};
use super::sink::{Gone, Sink};
use super::view::{Removals, View};
use crate::{Mail, mailbox};

/// One logged-in client: its account, what it enabled, the mailbox that it has open.
#[derive(Debug)]
pub struct Session {
    pub(super) mail: Mail,
    pub(super) account: AccountId,
    pub(super) enabled: Enabled,
    pub(super) view: Option<View>,
    /// The changes that the running command made and tells of itself.
    pub(super) own: Vec<Lsn>,
}

impl Session {
    /// After a login. The first one of an account makes its mailboxes.
    pub async fn open(mail: Mail, account: AccountId) -> Result<Self, Outcome> {
        let ready = async {
            let snapshot = mail.store.read()?;
            if snapshot.get(account, ObjectKind::MAILBOX, &[])?.is_none() {
                mail.store.commit_to([account], move |tx| mailbox::ensure_defaults(tx, account)).await?;
            }
            Ok::<_, Stop>(())
        };
        match ready.await {
            Ok(()) => Ok(Self { mail, account, enabled: Enabled::NONE, view: None, own: Vec::new() }),
            Err(stop) => Err(stop.into_answer()),
        }
    }

    /// Whose session this is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// What the client has switched on (RFC 5161); the conversation knows first.
    pub fn set_enabled(&mut self, enabled: Enabled) {
        self.enabled = enabled;
    }

    /// Runs a command that needs a login.
    pub async fn account_command(
        &mut self,
        command: AccountCommand,
        condstore: Awareness,
        sink: &mut impl Sink,
    ) -> Result<Outcome, Gone> {
        if !matches!(command, AccountCommand::Select(_)) {
            self.tell_awareness(condstore, sink);
        }
        let removals = Removals::Tell;
        let done = match command {
            AccountCommand::Noop => Ok(Outcome::ok("Done")),
            AccountCommand::Namespace => self.namespace(sink),
            AccountCommand::Select(select) => self.select(select, sink).await,
            AccountCommand::Create(create) => self.create(create).await,
            AccountCommand::Delete(name) => self.delete(name).await,
            AccountCommand::Rename(rename) => self.rename(rename).await,
            AccountCommand::Subscribe(name) => self.subscribe(name, true).await,
            AccountCommand::Unsubscribe(name) => self.subscribe(name, false).await,
            AccountCommand::List(list) => self.list(list, sink).await,
            AccountCommand::Lsub(lsub) => self.lsub(&lsub, sink),
            AccountCommand::Status(status) => self.status(&status, sink),
            AccountCommand::GetQuota(quota) => self.get_quota(&quota, sink),
            AccountCommand::GetQuotaRoot(quota) => self.get_quota_root(&quota, sink),
        };
        self.finish(done, removals, sink).await
    }

    /// Runs a command that needs an open mailbox. `tag` is repeated in an ESEARCH response.
    pub async fn mailbox_command(
        &mut self,
        tag: &Tag,
        command: MailboxCommand,
        condstore: Awareness,
        sink: &mut impl Sink,
    ) -> Result<Outcome, Gone> {
        if let Err(stop) = self.refresh() {
            return Ok(stop.into_answer());
        }
        self.tell_awareness(condstore, sink);
        let removals = removals_allowed(&command);
        let done = match command {
            MailboxCommand::Check => Ok(Outcome::ok("Checked")),
            MailboxCommand::Close => self.close().await,
            MailboxCommand::Unselect => {
                self.view = None;
                Ok(Outcome::ok("Unselected"))
            }
            MailboxCommand::Expunge(expunge) => self.expunge(expunge).await,
            MailboxCommand::Search(search) => self.search(tag, search, sink),
            MailboxCommand::SearchRefused(reply) => {
                if let Some(view) = &mut self.view {
                    view.saved.clear();
                }
                Ok(Outcome::No(reply))
            }
            MailboxCommand::Fetch(fetch) => self.fetch(fetch, sink).await,
            MailboxCommand::Store(store) => self.store_flags(store, sink).await,
            MailboxCommand::Copy(copy) => self.copy(copy).await,
            MailboxCommand::Move(r#move) => self.r#move(r#move, sink).await,
        };
        self.finish(done, removals, sink).await
    }

    /// Tells the client what is new. Also what IDLE does when the log wakes it.
    pub async fn announce(&mut self, removals: Removals, sink: &mut impl Sink) -> Result<(), Gone> {
        if self.refresh().is_err() {
            // It was logged. The answer to the command itself is not at risk: what is new is told the next time.
            return Ok(());
        }
        let Some(view) = &mut self.view else { return Ok(()) };
        let news = view.news(removals);
        let mut encoder = Encoder::new(sink.buffer(), self.enabled);
        if self.enabled.contains(Extension::Qresync) {
            let mut uids: Vec<_> = news.removed.iter().map(|(_, uid)| *uid).collect();
            uids.reverse();
            if !uids.is_empty() {
                encoder.vanished(uids);
            }
        } else {
            for (sequence, _) in &news.removed {
                encoder.expunge(*sequence);
            }
        }
        if let Some(exists) = news.exists {
            encoder.exists(u32::try_from(exists).unwrap_or(u32::MAX));
            if !self.enabled.contains(Extension::Imap4rev2) {
                encoder.recent(0);
            }
        }
        self.tell_flags(news.changed, sink).await
    }

    /// RFC 7162 section 3.1.2.1: a client that becomes aware of mod-sequences learns where it is.
    fn tell_awareness(&self, condstore: Awareness, sink: &mut impl Sink) {
        if let (Awareness::New, Some(view)) = (condstore, &self.view) {
            let highest = ResponseCode::HighestModSeq(view.index().highest_mod_seq());
            let reply = Reply::coded(highest, "The last change");
            Encoder::new(sink.buffer(), self.enabled).remark(Condition::Ok, &reply);
        }
    }

    /// Brings the view up to the log. What the client learns of it, and when, is another matter.
    pub(super) fn refresh(&mut self) -> Result<(), Stop> {
        let own = std::mem::take(&mut self.own);
        let Some(view) = &mut self.view else { return Ok(()) };
        Ok(view.refresh(&self.mail, &own)?)
    }

    async fn finish(
        &mut self,
        done: Result<Outcome, Stop>,
        removals: Removals,
        sink: &mut impl Sink,
    ) -> Result<Outcome, Gone> {
        let outcome = match done {
            Ok(outcome) | Err(Stop::Answer(outcome)) => outcome,
            Err(Stop::Gone) => return Err(Gone),
        };
        self.announce(removals, sink).await?;
        Ok(outcome)
    }

    /// The open mailbox. The conversation lets mailbox commands through only when there is one.
    pub(super) fn view(&self) -> Result<&View, Stop> {
        self.view.as_ref().ok_or_else(|| bad("No mailbox is open").into())
    }

    pub(super) fn condstore(&self) -> bool {
        self.enabled.contains(Extension::Condstore)
    }
}

/// RFC 9051 section 7.5.1: no EXPUNGE while sequence numbers are in flight.
fn removals_allowed(command: &MailboxCommand) -> Removals {
    let numbering = match command {
        MailboxCommand::Search(search) => search.numbering,
        MailboxCommand::Fetch(fetch) => fetch.numbering,
        MailboxCommand::Store(store) => store.numbering,
        MailboxCommand::Check
        | MailboxCommand::Close
        | MailboxCommand::Unselect
        | MailboxCommand::Expunge(_)
        | MailboxCommand::SearchRefused(_)
        | MailboxCommand::Copy(_)
        | MailboxCommand::Move(_) => Numbering::Uid,
    };
    match numbering {
        Numbering::Sequence => Removals::Hold,
        Numbering::Uid => Removals::Tell,
    }
}
