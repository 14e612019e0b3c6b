//! What an SMTP conversation asks, answered by the accounts, the mailboxes and the queue.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use essaim_accounts::{AuthError, Authenticated, Recipients, Resolution, StorageError};
use essaim_identity::PublicKey;
use essaim_mail::delivery::{self, Once, Remote};
use essaim_migration::leading::Service;
use essaim_smtp::QueueId;
use essaim_smtp::server::{
    Connection, Envelope, Login, LoginVerdict, RecipientVerdict, Refusal, Role, SenderVerdict,
};
use essaim_store::CommitError;
use essaim_types::{AccountId, Address};
use tracing::{Span, debug, error, info};

use super::Visitor;
use super::errand::{Bounce, Errand};
use super::message::{Message, Origin};
use super::pace::Pace;
use crate::federation::Correspondent;
use crate::leading::{self, Way};
use crate::listen::channel::{Caller, Refused};
use crate::listen::{Neighbourhood, Rate, login};
use crate::services::Services;
use crate::vitals::now;

/// One for each connection.
pub(super) struct Desk<'a> {
    pub(super) node: &'a Services,
    role: Role,
    visitor: Visitor,
    pace: &'a Arc<Pace>,
    rate: &'a Rate,
    /// TLS version and cipher suite.
    tls: Option<String>,
    pub(super) member: Option<Authenticated>,
    message: Option<Message>,
    /// On whose behalf the present message is.
    pub(super) errand: Errand,
    /// The peer goes itself where a recipient has moved to.
    pub(super) tells_moved: bool,
    /// The present message has no sender: it is a bounce.
    is_bounce: bool,
    /// It goes back to somebody whose mail was forwarded from here.
    goes_back: bool,
    /// Its sender is of a domain of ours, and nobody has shown that it is theirs.
    poses: bool,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        node: &'a Services,
        role: Role,
        visitor: Visitor,
        pace: &'a Arc<Pace>,
        rate: &'a Rate,
    ) -> Self {
        let (tls, member, message, errand, tells_moved) = Default::default();
        let (is_bounce, goes_back, poses) = Default::default();
        Self {
            node,
            role,
            visitor,
            pace,
            rate,
            tls,
            member,
            message,
            errand,
            tells_moved,
            is_bounce,
            goes_back,
            poses,
        }
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

    /// Whether the next message's sender understands that a recipient has moved.
    pub(super) fn tells_moved(&mut self, tells_moved: bool) {
        self.tells_moved = tells_moved;
    }

    /// The hoster whose node is at the other end.
    pub(super) fn caller(&self) -> Option<&Correspondent> {
        match &self.visitor {
            Visitor::Node(node) => Some(&node.hoster),
            Visitor::Address(_) => None,
        }
    }

    /// Whether somebody has said who they are: a hoster's node, or a member.
    pub(super) fn is_known(&self) -> bool {
        self.member.is_some() || self.caller().is_some()
    }

    /// Any host may send here from any address, but not too fast; a hoster of the federation from its own domain; a member from their own addresses
    /// only, and the null path of receipts and vacation notes.
    pub(super) fn sender(&mut self, sender: Option<&Address>) -> SenderVerdict {
        (self.errand, self.is_bounce) = (Errand::Own, sender.is_none());
        (self.goes_back, self.poses) = (false, false);
        if !matches!(self.role, Role::Submission { .. }) {
            return match &self.visitor {
                Visitor::Address(ip) => {
                    let ours = self.node.accounts.domains();
                    self.poses = sender.is_some_and(|sender| ours.contains(sender.domain()));
                    self.stranger(*ip)
                }
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
        let own = self.node.accounts.may_send_as(member.account, sender);
        let former =
            own.and_then(
                |own| if own { Ok(None) } else { Ok(Some(self.former_sender(member.account, sender)?)) },
            );
        match former {
            Ok(None) => SenderVerdict::Accept,
            Ok(Some(Some(heading))) => {
                self.errand = Errand::Former(heading);
                SenderVerdict::Accept
            }
            Ok(Some(None)) => SenderVerdict::NotYours,
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
        let (own, others): (Vec<_>, Vec<_>) = hosters.iter().partition(|hoster| hoster.may_send_as(sender));
        for hoster in own.into_iter().chain(others) {
            match self.errand_of(hoster, sender) {
                Ok(errand) => {
                    verdict = self.paced(hoster.listing);
                    if verdict == SenderVerdict::Accept {
                        self.errand = errand;
                        self.visitor = Visitor::Node(Caller { key, hoster: Arc::clone(hoster) });
                        break;
                    }
                }
                Err(SenderVerdict::NotProven) => {}
                Err(other) => verdict = other,
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
        match self.bounce(recipient) {
            // Whoever could send more than bounces there could send to anybody through here.
            Some(Bounce::To(_)) if !self.is_bounce => return RecipientVerdict::Refuse,
            Some(Bounce::To(to)) if self.member.is_some() || to == *recipient => {
                return RecipientVerdict::Refuse;
            }
            // One at a time, as bounces are: an address that was once used is no list to write to.
            Some(Bounce::To(_)) if self.goes_back || !self.node.queue.has_room() => {
                return RecipientVerdict::TryLater;
            }
            Some(Bounce::To(_)) => {
                self.goes_back = true;
                return RecipientVerdict::Accept;
            }
            Some(Bounce::Void(_)) => return RecipientVerdict::NoSuchMailbox,
            None => {}
        }
        match self.resolve(recipient) {
            Ok(Resolution::Local(to)) => self.local(recipient, &to),
            Ok(Resolution::NoSuchMailbox) => RecipientVerdict::NoSuchMailbox,
            Ok(Resolution::Disabled) => RecipientVerdict::Disabled,
            Ok(Resolution::OverQuota) => RecipientVerdict::OverQuota,
            Ok(Resolution::NotLocal) => self.unknown(recipient).unwrap_or_else(|| self.elsewhere()),
            Err(error) => {
                unreadable(&error);
                RecipientVerdict::TryLater
            }
        }
    }

    fn local(&self, recipient: &Address, to: &Recipients) -> RecipientVerdict {
        match self.is_passed_on(to) {
            // What leaves here with our own address as sender is believed to be ours.
            Ok(true) if self.poses && !to.moved.is_empty() => RecipientVerdict::Refuse,
            Ok(true) => self.verdict_on(recipient, to),
            Ok(false) => RecipientVerdict::Refuse,
            Err(error) => {
                unreadable(&error);
                RecipientVerdict::TryLater
            }
        }
    }

    pub(super) fn begin(&mut self, envelope: &Envelope) {
        let origin = match self.role {
            Role::Hosters if matches!(self.errand, Errand::Moved(_)) => Origin::Elsewhere(&self.visitor),
            Role::Receiving | Role::Hosters => Origin::Server(&self.visitor),
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
        let local_head = message.path_length();
        let (id, spooled, header) = message.finish()?;
        if let (Some(account), Some(header)) = (self.author(), &header) {
            header.belongs_to(|author| self.may_be_author(account, author))?;
        }
        let (size_bytes, recipients) = (spooled.content.size, envelope.recipients.len());
        for attempt in 1.. {
            let to = delivery::Envelope { name: Some(id.clone()), local_head, ..self.recipients(&envelope)? };
            let delivered =
                delivery::deliver(&self.node.store, self.node.accounts.hoster(), to, spooled.clone()).await;
            match delivered {
                // Somebody has moved away since RCPT: they are sent what is for them.
                Err(error) if is_moving(&error) && attempt < MOVES_AT_ONCE => {}
                delivered => {
                    delivered.map_err(|error| refusal(&error))?;
                    break;
                }
            }
        }
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

    /// The member whose message it is.
    fn author(&self) -> Option<AccountId> {
        match (&self.member, &self.errand) {
            (_, Errand::Moved(account)) => Some(*account),
            (member, _) => member.as_ref().map(|member| member.account),
        }
    }

    /// Nobody writes in the name of another member. What other hosters think of an author of theirs is between them and the member.
    fn may_be_author(&self, account: AccountId, author: &Address) -> Result<bool, StorageError> {
        let accounts = &self.node.accounts;
        // Who writes through here from another hoster does so under the address that they had here, and under no other.
        let is_here = matches!(self.errand, Errand::Moved(_)) || accounts.domains().contains(author.domain());
        if !is_here || accounts.may_send_as(account, author)? {
            return Ok(true);
        }
        Ok(accounts.departure_of(author)?.is_some_and(|(theirs, _)| theirs == account))
    }

    fn elsewhere(&self) -> RecipientVerdict {
        match self.author() {
            None => RecipientVerdict::RelayDenied,
            Some(_) if !self.node.queue.has_room() => RecipientVerdict::TryLater,
            Some(member) if !self.pace.admits(member, now()) => RecipientVerdict::SlowDown,
            Some(_) => RecipientVerdict::Accept,
        }
    }

    /// Who gets it, as it is now: somebody may have been disabled since RCPT.
    fn recipients(&self, envelope: &Envelope) -> Result<delivery::Envelope, Refusal> {
        let mut to = delivery::Envelope { sender: envelope.sender.clone(), ..delivery::Envelope::default() };
        let mut remote = Vec::new();
        for recipient in &envelope.recipients {
            if let Some(Bounce::To(sender)) = self.bounce(recipient) {
                remote.push(sender);
                continue;
            }
            match self.resolve(recipient) {
                Ok(Resolution::Local(found)) => to.add(found),
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
        let account = match self.author() {
            Some(author) => author,
            None if self.is_bounce => self.node.accounts.hoster(),
            None if remote.is_empty() => return Ok(self.once(to, envelope)),
            None => return Err(Refusal::Refuse),
        };
        let through = match &self.errand {
            Errand::Former(heading) => Some(heading.clone()),
            _ => None,
        };
        let smtputf8 = envelope.options.smtputf8;
        to.remote = (!remote.is_empty()).then_some(Remote { account, recipients: remote, through, smtputf8 });
        Ok(self.once(to, envelope))
    }

    /// Who hands it over twice is heard once.
    fn once(&self, to: delivery::Envelope, envelope: &Envelope) -> delivery::Envelope {
        let hoster = self.caller().map(|caller| caller.listing);
        let once = hoster.zip(envelope.options.entry).map(|(hoster, name)| Once { hoster, name });
        delivery::Envelope { once, ..to }
    }
}

/// Somebody it is for cannot be written to, because their account moves or has moved.
fn is_moving(error: &CommitError<delivery::DeliverError>) -> bool {
    match error {
        CommitError::Unavailable { .. } => true,
        CommitError::Refused(error) => error.moving().is_some(),
        _ => false,
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

pub(super) fn unreadable(error: &StorageError) {
    error!(error = error as &dyn std::error::Error, "could not look up an address; the peer tries again");
}

/// So many of the recipients of one message may move away between RCPT and the end of the message; more, and its sender tries again.
const MOVES_AT_ONCE: u32 = 4;

#[cfg(test)]
mod tests;
