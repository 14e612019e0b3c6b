//! What an SMTP conversation asks, answered by the accounts, the mailboxes and the queue.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use essaim_accounts::{AuthError, Authenticated, Resolution, StorageError};
use essaim_identity::PublicKey;
use essaim_mail::delivery::{self, Remote};
use essaim_migration::leading::Service;
use essaim_smtp::QueueId;
use essaim_smtp::server::{
    Connection, Envelope, Login, LoginVerdict, RecipientVerdict, Refusal, Role, SenderVerdict,
};
use essaim_store::CommitError;
use essaim_types::{AccountId, Address};
use tracing::{Span, debug, error, info};

use super::Visitor;
use super::message::{Message, Origin};
use super::pace::Pace;
use crate::leading::{self, Way};
use crate::listen::channel::{Caller, Refused};
use crate::listen::{Neighbourhood, Rate, login};
use crate::services::Services;
use crate::vitals::now;

/// One for each connection.
pub(super) struct Desk<'a> {
    node: &'a Services,
    role: Role,
    visitor: Visitor,
    pace: &'a Arc<Pace>,
    rate: &'a Rate,
    /// TLS version and cipher suite.
    tls: Option<String>,
    member: Option<Authenticated>,
    message: Option<Message>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        node: &'a Services,
        role: Role,
        visitor: Visitor,
        pace: &'a Arc<Pace>,
        rate: &'a Rate,
    ) -> Self {
        Self { node, role, visitor, pace, rate, tls: None, member: None, message: None }
    }

    /// The connection is under TLS now, if there is a name of how.
    pub(super) fn encrypted(&mut self, tls: Option<String>) {
        self.tls = tls;
    }

    /// Somebody whose password was looked at already.
    pub(super) fn enter(&mut self, member: Authenticated) {
        self.member = Some(member);
    }

    /// Whether the account of this login has moved; if so, what its hoster says.
    pub(super) async fn lead(&self, login: &Login, smtp: &Connection) -> Option<Result<Way, AuthError>> {
        let Visitor::Address(client) = self.visitor else { return None };
        let hello = smtp.hello_name().unwrap_or_default().to_owned();
        let service = Service::Submission { hello, tls: self.tls.clone() };
        leading::lead(self.node, (&login.user, &login.password), client, service).await
    }

    pub(super) async fn log_in(&mut self, login: Login) -> LoginVerdict {
        let from = match &self.visitor {
            Visitor::Address(ip) => *ip,
            // Nodes are not offered AUTH.
            Visitor::Node(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        match self.node.accounts.authenticate(&login.user, &login.password, from, now()).await {
            Ok(member) => {
                Span::current().record("account", tracing::field::display(member.account));
                debug!("logged in");
                self.member = Some(member);
                LoginVerdict::Accept { login: login.user }
            }
            Err(refused) => login::smtp(&refused),
        }
    }

    /// Any host may send here from any address, but not too fast; a hoster of the federation from its own domain; a member from their own addresses
    /// only, and the null path of receipts and vacation notes.
    pub(super) fn sender(&mut self, sender: Option<&Address>) -> SenderVerdict {
        if self.role == Role::Receiving {
            return match &self.visitor {
                Visitor::Address(ip) => self.stranger(*ip),
                Visitor::Node(node) => {
                    let key = node.key;
                    self.hoster(key, sender)
                }
            };
        }
        let Some(member) = &self.member else { return SenderVerdict::Refuse };
        match self.node.accounts.is_current(member) {
            Ok(true) => {}
            Ok(false) => return SenderVerdict::Refuse,
            Err(error) => {
                unreadable(&error);
                return SenderVerdict::TryLater;
            }
        }
        let Some(sender) = sender else { return SenderVerdict::Accept };
        match self.node.accounts.may_send_as(member.account, sender) {
            Ok(true) => SenderVerdict::Accept,
            Ok(false) => SenderVerdict::NotYours,
            Err(error) => {
                unreadable(&error);
                SenderVerdict::TryLater
            }
        }
    }

    fn stranger(&self, peer: IpAddr) -> SenderVerdict {
        let exempt = self.node.config.limits.exempt_networks.iter().any(|range| range.contains(peer));
        if exempt { SenderVerdict::Accept } else { self.paced(peer) }
    }

    /// The directory may have changed since the stream was opened. Of the hosters that name the node it is the one whose domain the sender is of;
    /// bounces are of any of them that may send more.
    fn hoster(&mut self, key: PublicKey, sender: Option<&Address>) -> SenderVerdict {
        let correspondents = self.node.federation.correspondents();
        let hosters = match correspondents.of_node(&key) {
            Ok(hosters) => hosters,
            Err(why) => {
                self.node.vitals.channel.refused(why.into());
                return SenderVerdict::Refuse;
            }
        };
        let mut verdict = SenderVerdict::NotProven;
        for hoster in hosters.iter().filter(|hoster| hoster.may_send_as(sender)) {
            verdict = self.paced(hoster.listing);
            if verdict == SenderVerdict::Accept {
                self.visitor = Visitor::Node(Caller { key, hoster: Arc::clone(hoster) });
                break;
            }
        }
        match verdict {
            SenderVerdict::NotProven => self.node.vitals.channel.refused(Refused::ForeignSender),
            SenderVerdict::SlowDown => self.node.vitals.channel.refused(Refused::TooFast),
            _ => {}
        }
        verdict
    }

    fn paced(&self, from: impl Into<Neighbourhood>) -> SenderVerdict {
        if self.rate.admits(from, Instant::now()) {
            return SenderVerdict::Accept;
        }
        self.node.vitals.message_slowed();
        debug!("told to send later: too many messages from its neighbourhood");
        SenderVerdict::SlowDown
    }

    /// Never an open relay: only members send elsewhere.
    pub(super) fn recipient(&mut self, recipient: &Address) -> RecipientVerdict {
        match self.node.accounts.resolve(recipient) {
            Ok(Resolution::Local(_)) => RecipientVerdict::Accept,
            Ok(Resolution::NoSuchMailbox) => RecipientVerdict::NoSuchMailbox,
            Ok(Resolution::Disabled) => RecipientVerdict::Disabled,
            Ok(Resolution::OverQuota) => RecipientVerdict::OverQuota,
            Ok(Resolution::NotLocal) => self.elsewhere(),
            Err(error) => {
                unreadable(&error);
                RecipientVerdict::TryLater
            }
        }
    }

    pub(super) fn begin(&mut self, envelope: &Envelope) {
        let origin = match self.role {
            Role::Receiving => Origin::Server(&self.visitor),
            Role::Submission { .. } => Origin::Member,
        };
        self.message = Some(Message::begin(self.node, origin, envelope, self.tls.as_deref()));
    }

    pub(super) fn spool(&mut self, piece: Bytes) {
        if let Some(message) = &mut self.message {
            message.push(piece);
        }
    }

    pub(super) fn abort(&mut self) {
        self.message = None;
    }

    /// One commit for all recipients: 250 means that every one of them has the message, or will be tried.
    pub(super) async fn commit(&mut self, envelope: Envelope) -> Result<QueueId, Refusal> {
        let message = self.message.take().ok_or(Refusal::TryLater)?;
        let mut to = self.recipients(&envelope)?;
        let (id, spooled, header) = message.finish()?;
        to.name = Some(id.clone());
        if let (Some(member), Some(header)) = (&self.member, &header) {
            header.belongs_to(|author| self.may_be_author(member.account, author))?;
        }
        let (size_bytes, recipients) = (spooled.content.size, envelope.recipients.len());
        let delivered = delivery::deliver(&self.node.store, self.node.accounts.hoster(), to, spooled).await;
        delivered.map_err(|error| refusal(&error))?;
        match &self.visitor {
            Visitor::Node(node) => {
                self.node.vitals.channel.taken();
                let from = &node.hoster.domain;
                info!(message = %id, size_bytes, recipients, from = %from, "message {id} taken from the hoster of {from}");
            }
            Visitor::Address(_) => info!(message = %id, size_bytes, recipients, "message {id} taken"),
        }
        Ok(id)
    }

    /// Nobody writes in the name of another member. What other hosters think of an author of theirs is between them and the member.
    fn may_be_author(&self, account: AccountId, author: &Address) -> Result<bool, StorageError> {
        let accounts = &self.node.accounts;
        Ok(!accounts.domains().contains(author.domain()) || accounts.may_send_as(account, author)?)
    }

    fn elsewhere(&self) -> RecipientVerdict {
        match &self.member {
            None => RecipientVerdict::RelayDenied,
            Some(_) if !self.node.queue.has_room() => RecipientVerdict::TryLater,
            Some(member) if !self.pace.admits(member.account, now()) => RecipientVerdict::SlowDown,
            Some(_) => RecipientVerdict::Accept,
        }
    }

    /// Who gets it, as it is now: somebody may have been disabled since RCPT.
    fn recipients(&self, envelope: &Envelope) -> Result<delivery::Envelope, Refusal> {
        let (mut local, mut remote) = (Vec::<AccountId>::new(), Vec::new());
        for recipient in &envelope.recipients {
            match self.node.accounts.resolve(recipient) {
                Ok(Resolution::Local(to)) => local.extend(to.accounts),
                Ok(Resolution::NotLocal) => remote.push(recipient.clone()),
                Ok(Resolution::OverQuota) => return Err(Refusal::OverQuota),
                // The sender tries again and then hears at RCPT which one it is.
                Ok(Resolution::NoSuchMailbox | Resolution::Disabled) => return Err(Refusal::TryLater),
                Err(error) => {
                    unreadable(&error);
                    return Err(Refusal::TryLater);
                }
            }
        }
        let remote = match &self.member {
            _ if remote.is_empty() => None,
            Some(member) => Some(Remote {
                account: member.account,
                recipients: remote,
                smtputf8: envelope.options.smtputf8,
            }),
            None => return Err(Refusal::Refuse),
        };
        Ok(delivery::Envelope { name: None, sender: envelope.sender.clone(), local, remote })
    }
}

/// What the peer hears of a commit that did not happen; the log hears the rest.
fn refusal(error: &CommitError<delivery::DeliverError>) -> Refusal {
    match error {
        CommitError::OverQuota { .. } => return Refusal::OverQuota,
        CommitError::NoSpace => return Refusal::NoSpace,
        CommitError::TooLarge { .. } => return Refusal::TooLarge,
        CommitError::Closed | CommitError::Unavailable { .. } => return Refusal::TryLater,
        CommitError::Refused(_) | CommitError::Failed(_) => {}
    }
    error!(error = error as &dyn std::error::Error, "a message was not taken; its sender tries again");
    Refusal::TryLater
}

fn unreadable(error: &StorageError) {
    error!(error = error as &dyn std::error::Error, "could not look up an address; the peer tries again");
}

#[cfg(test)]
mod tests;
