//! On whose behalf a message is sent, where accounts have moved: between the old hoster of an account, its home and the hosters that write to it. See
//! specs/16-move.md.

use essaim_accounts::{Recipients, Resolution, StorageError};
use essaim_mail::queue::{Course, Heading};
use essaim_smtp::server::{RecipientVerdict, SenderVerdict};
use essaim_smtp::srs::SrsError;
use essaim_types::{AccountId, Address, ListingId};
use tracing::debug;

use super::desk::{Desk, unreadable};
use crate::federation::Correspondent;
use crate::vitals::now;

/// On whose behalf the present message is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Errand {
    /// Whoever is at the other end.
    #[default]
    Own,
    /// This hoster passes on what others have sent to an account that has moved here from it.
    PassedOn(ListingId),
    /// A member who has moved away writes under an address of here, through the node of their home.
    Moved(AccountId),
    /// A member of here writes under an address that they had at another hoster: through that one.
    Former(Heading),
}

/// A bounce to an address that was rewritten here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bounce {
    /// It is for this one.
    To(Address),
    /// It is for nobody: made up, or too old.
    Void(SrsError),
}

impl Desk<'_> {
    /// What a hoster may send: mail from its own domain, mail for accounts that it has given away, and mail of members whom it has taken in under the
    /// addresses that they had here.
    pub(super) fn errand_of(
        &self,
        hoster: &Correspondent,
        sender: Option<&Address>,
    ) -> Result<Errand, SenderVerdict> {
        let Some(sender) = sender.filter(|sender| !hoster.may_send_as(Some(sender))) else {
            return Ok(Errand::Own);
        };
        let accounts = &self.node.accounts;
        let found = accounts.writes_from(sender, hoster.listing).and_then(|member| match member {
            Some(member) => Ok(Some(Errand::Moved(member))),
            None => {
                let has = accounts.has_formers_from(hoster.listing)?;
                Ok(has.then_some(Errand::PassedOn(hoster.listing)))
            }
        });
        match found {
            Ok(Some(errand)) => Ok(errand),
            Ok(None) => Err(SenderVerdict::NotProven),
            Err(error) => {
                unreadable(&error);
                Err(SenderVerdict::TryLater)
            }
        }
    }

    /// The way of mail that a member writes under an address that they had elsewhere, by the word of the hoster that has the address.
    pub(super) fn former_sender(
        &self,
        account: AccountId,
        sender: &Address,
    ) -> Result<Option<Heading>, StorageError> {
        let correspondents = self.node.federation.correspondents();
        let Some(hoster) = correspondents.of_domain(sender.domain()) else { return Ok(None) };
        let is_theirs = self.node.accounts.former(sender, hoster.listing)? == Some(account);
        let course = Course::Through { hoster: hoster.listing };
        Ok(is_theirs.then(|| Heading { domain: hoster.domain.clone(), course }))
    }

    /// Who gets mail for an address, also for one that an account of here had elsewhere.
    pub(super) fn resolve(&self, address: &Address) -> Result<Resolution, StorageError> {
        let accounts = &self.node.accounts;
        match accounts.resolve(address)? {
            Resolution::NotLocal if self.is_known() => {}
            found => return Ok(found),
        }
        let correspondents = self.node.federation.correspondents();
        if let Some(hoster) = correspondents.of_domain(address.domain()) {
            // What a member writes goes to the hoster of the address, unless that has said itself whose it is here.
            if self.member.is_some() && accounts.given_by(address, hoster.listing)?.is_none() {
                return Ok(Resolution::NotLocal);
            }
            return accounts.resolve_former(address, hoster.listing);
        }
        // A hoster that is gone says nothing any more. One that sends mail for its addresses here was shown that they moved here.
        match accounts.formers(address)?.as_slice() {
            [(_, listing)] if self.caller().is_some() => accounts.resolve_former(address, *listing),
            _ => Ok(Resolution::NotLocal),
        }
    }

    /// Whether those who have moved away can be sent what comes for them, and whether the peer had better do so itself.
    pub(super) fn verdict_on(&self, recipient: &Address, to: &Recipients) -> RecipientVerdict {
        let Some(moved) = to.moved.first() else { return RecipientVerdict::Accept };
        if !to.accounts.is_empty() {
            return RecipientVerdict::Accept;
        }
        let is_alone = to.moved.len() == 1 && moved.recipient == *recipient;
        let back = self.caller().is_some_and(|caller| caller.listing == moved.departure.listing);
        if self.tells_moved && is_alone && moved.departure.address.is_some() {
            return RecipientVerdict::Moved;
        }
        match self.node.queue.has_room() {
            _ if back => RecipientVerdict::Loop,
            true => RecipientVerdict::Accept,
            false => RecipientVerdict::TryLater,
        }
    }

    /// Mail from a foreign domain over the channel is for accounts that came from that hoster, and for nobody else.
    pub(super) fn is_passed_on(&self, to: &Recipients) -> Result<bool, StorageError> {
        let Errand::PassedOn(from) = self.errand else { return Ok(true) };
        let mut accounts = to
            .accounts
            .iter()
            .chain(&to.without_space)
            .copied()
            .chain(to.moved.iter().map(|moved| moved.account));
        accounts.try_fold(true, |all, account| {
            let came_from = self.node.accounts.came_from(account)?;
            Ok(all && came_from.iter().any(|former| former.listing == from))
        })
    }

    /// What a hoster is told that asks us to take mail for an address which is neither ours nor known: if it is one of its own domain it believes that the
    /// account is here, which may be so in a moment.
    pub(super) fn unknown(&self, recipient: &Address) -> Option<RecipientVerdict> {
        let caller = self.caller()?;
        let is_theirs = recipient.domain().to_ascii().as_ref() == Some(&caller.domain);
        (is_theirs || matches!(self.errand, Errand::PassedOn(_))).then_some(RecipientVerdict::TryLater)
    }

    /// Whether an address is one that was rewritten here, and whom a bounce to it is for.
    pub(super) fn bounce(&self, recipient: &Address) -> Option<Bounce> {
        let local = self.node.accounts.domains().spelled(recipient.domain());
        local.filter(|domain| *domain == self.node.accounts.domains().primary())?;
        Some(match self.node.srs.reverse(recipient, now())? {
            Ok(to) => Bounce::To(to),
            Err(why) => {
                debug!(error = %why, "a bounce is for nobody");
                Bounce::Void(why)
            }
        })
    }
}
