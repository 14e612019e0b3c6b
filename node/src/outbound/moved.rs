//! Mail for accounts that have moved: from their old hoster to their home, from others straight to the home once that is shown, and through the old hoster
//! in whose name a member writes. See specs/16-move.md.

use std::sync::Arc;

use essaim_accounts::{Accounts, Departure, Relocation, StorageError};
use essaim_identity::account::{Residence, Shown};
use essaim_mail::queue::{Attempt, Course, Diagnosis, Heading, Letter, Outcome, Way};
use essaim_smtp::EnhancedStatus;
use essaim_smtp::client::{self, Report};
use essaim_types::{AccountId, Address, ListingId, LocalPart};
use tracing::{debug, info, warn};

use super::peer::Handed;
use super::proof::{self, Unproven};
use super::session::{SmtpSession, away, deferred, translate_all, unreachable};
use super::way::Plan;
use crate::failure::causes;
use crate::federation::{Correspondent, Federation};
use crate::vitals::now;

impl SmtpSession {
    /// Mail of anybody for an account that has moved away from here: over the channel as it came, else by others to the new address, and then under a
    /// sender of ours.
    pub(super) async fn forward(&mut self, letter: Letter, account: AccountId) -> Attempt {
        let departure = match self.shared.accounts.departure(account) {
            Ok(Some(departure)) => departure,
            Ok(None) => return deferred(&letter, "where the account has moved to is not known any more"),
            Err(error) => return unread(&letter, &error),
        };
        let domain = departure.home_domain();
        if domain != letter.domain {
            // It has moved on since the message was queued.
            return turned(&letter, &Heading { domain, course: letter.course }, "the account has moved on");
        }
        let Some(by_others) = self.rewritten(&letter, &departure) else {
            return deferred(&letter, "the new hoster does not serve the account yet");
        };
        self.send(&letter, &by_others).await
    }

    /// The same message to the new address, from an address of this host.
    fn rewritten(&self, letter: &Letter, departure: &Departure) -> Option<Letter> {
        let address = departure.address.as_ref()?;
        let to = |recipient: &Address| {
            let detail = recipient.local().as_str().split_once('+').map(|(_, detail)| detail);
            let detailed = detail
                .and_then(|detail| LocalPart::new(&format!("{}+{detail}", address.local().as_str())).ok());
            detailed.map_or_else(|| address.clone(), |local| Address::new(local, address.domain().clone()))
        };
        let is_ours = |sender: &Address| sender.domain() == self.shared.srs.domain();
        let sender = letter.sender.as_ref().map(|sender| match is_ours(sender) {
            true => sender.clone(),
            // One that does not fit stays: most hosts look at signatures too.
            false => self.shared.srs.forward(sender, now()).unwrap_or_else(|| sender.clone()),
        });
        Some(Letter { sender, recipients: letter.recipients.iter().map(to).collect(), ..letter.clone() })
    }

    /// Mail of ours for an address whose account has moved, as was shown: to its home. If that is no hoster with whom mail is exchanged, or knows
    /// nothing of it, the old hoster gets it after all.
    pub(super) async fn follow(&mut self, letter: Letter, home: ListingId) -> Attempt {
        let correspondents = self.shared.federation.correspondents();
        let speaks = letter.sender.as_ref().is_none_or(|sender| correspondents.speaks_for(sender.domain()));
        let to = correspondents.of_listing(home).filter(|to| speaks && to.domain == letter.domain).cloned();
        let Some(to) = to else {
            return back(&letter, "no mail is exchanged with the hoster where the account lives");
        };
        let shared = Arc::clone(&self.shared);
        match self.peer.hand_over(&shared, &to, &letter).await {
            Handed::Away(why) => {
                let why = away(&to, &why);
                Attempt { way: Way::Peer, outcomes: vec![Outcome::Deferred(why); letter.recipients.len()] }
            }
            Handed::Declined(why) => back(&letter, &why),
            Handed::Report { host, report } => {
                let outcomes = self.follow_all(&to, &letter, &host, report).await;
                Attempt { way: Way::Peer, outcomes }
            }
        }
    }

    /// Mail of a member under an address that they had at another hoster: that one sends it on.
    pub(super) async fn through(&mut self, letter: Letter, hoster: ListingId) -> Attempt {
        match self.shared.plan(&letter) {
            Plan::Peer(to, otherwise) if to.listing == hoster => {
                self.settle_with(&to, otherwise, &letter, &letter).await
            }
            _ => {
                let domain = &letter.domain;
                let text = format!(
                    "mail from an address at {domain} is sent by {domain}, with whom no mail is exchanged now; write from your address here if it is gone for good"
                );
                deferred(&letter, &text)
            }
        }
    }

    /// What a hoster's node has said, and what follows where it said that a recipient lives elsewhere.
    pub(super) async fn follow_all(
        &mut self,
        to: &Correspondent,
        letter: &Letter,
        host: &str,
        report: Report,
    ) -> Vec<Outcome> {
        let mut outcomes = translate_all(host, &report);
        let mut taken_here = Vec::new();
        for (place, (recipient, said)) in report.recipients.iter().enumerate() {
            let outcome = match said {
                client::Outcome::Permanent(failure) if failure.is_moved() => {
                    self.moved(to, letter, recipient).await
                }
                client::Outcome::Permanent(failure) if is_unknown(failure) => {
                    self.unknown(letter, recipient).await
                }
                client::Outcome::Delivered(_) => {
                    self.renew(letter, recipient).await;
                    None
                }
                _ => None,
            };
            if let client::Outcome::Permanent(failure) = said
                && failure.is_moved()
                && outcome.is_none()
            {
                taken_here.push(place);
            }
            if let (Some(outcome), Some(at)) = (outcome, outcomes.get_mut(place)) {
                *at = outcome;
            }
        }
        self.insist(to, letter, taken_here, &mut outcomes).await;
        outcomes
    }

    /// Hands the message over for those of whom the hoster has not shown where they live: it passes it on itself.
    async fn insist(
        &mut self,
        to: &Correspondent,
        letter: &Letter,
        places: Vec<usize>,
        outcomes: &mut [Outcome],
    ) {
        if places.is_empty() {
            return;
        }
        let recipients = places.iter().filter_map(|place| letter.recipients.get(*place).cloned()).collect();
        let again = Letter { recipients, course: Course::Straight, turns: u8::MAX, ..letter.clone() };
        let shared = Arc::clone(&self.shared);
        let said = match self.peer.hand_over(&shared, to, &again).await {
            Handed::Report { host, report } => translate_all(&host, &report),
            Handed::Away(why) | Handed::Declined(why) => {
                vec![Outcome::Deferred(unreachable(&why)); places.len()]
            }
        };
        for (place, outcome) in places.into_iter().zip(said) {
            if let Some(at) = outcomes.get_mut(place) {
                *at = outcome;
            }
        }
    }

    /// Where a recipient is tried whose hoster says that it has moved; `None` if that was not shown.
    async fn moved(&self, to: &Correspondent, letter: &Letter, recipient: &Address) -> Option<Outcome> {
        let learnt = match letter.course {
            Course::Forward { account } => {
                let (accounts, federation) = (&self.shared.accounts, &self.shared.federation);
                moved_on((accounts, federation), to, account, recipient).await
            }
            _ => self.learn(to, recipient).await,
        };
        match learnt {
            Ok(heading) => {
                let text = format!("the account lives at {} now", heading.domain);
                Some(Outcome::Elsewhere(heading, Diagnosis::local(MOVED, text)))
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                warn!(error, domain = %to.domain, "{} did not show where an account lives", to.domain);
                None
            }
        }
    }

    /// Asks for the proof, checks and remembers it. The hoster that may speak for the address is that of its domain; any other may show that an account
    /// whose address it is known to be has moved on.
    async fn learn(&self, to: &Correspondent, recipient: &Address) -> Result<Heading, Unproven> {
        let proof = proof::ask(&self.shared.federation, to, recipient).await?;
        let (accounts, correspondents) = (&self.shared.accounts, self.shared.federation.correspondents());
        let before = accounts.relocation(recipient)?;
        let shown = match correspondents.of_domain(recipient.domain()) {
            Some(hoster) => proof.check(recipient, hoster.listing, now())?,
            None => {
                let known = before.as_ref().is_some_and(|before| before.account == proof.account);
                if known { proof.read(now())? } else { return Err(Unproven::NotTheirs) }
            }
        };
        if let Some(before) = before.filter(|before| before.account == proof.account) {
            shown.after(&before.seen)?;
        } else if correspondents
            .of_domain(recipient.domain())
            .is_none_or(|hoster| hoster.listing != to.listing)
        {
            return Err(Unproven::NotTheirs);
        }
        let home = correspondents.of_listing(shown.home).ok_or(Unproven::NoCorrespondent)?;
        let relocation = Relocation {
            account: proof.account,
            home: home.listing,
            domain: home.domain.clone(),
            seen: shown.seen,
            since: now(),
        };
        accounts.learn_relocation(recipient, relocation).await?;
        info!(domain = %home.domain, "an address of {} lives at {} now", recipient.domain(), home.domain);
        Ok(Heading { domain: home.domain.clone(), course: Course::Follow { home: home.listing } })
    }

    /// The home does not know an address that was shown to live there, or not any more: the old hoster is asked again. For the old hoster itself it is
    /// no reason to give up: the home may have forgotten more than it should.
    async fn unknown(&self, letter: &Letter, recipient: &Address) -> Option<Outcome> {
        match letter.course {
            Course::Straight | Course::Through { .. } => None,
            Course::Forward { .. } => Some(Outcome::Deferred(Diagnosis::local(
                UNKNOWN,
                "the home of the account does not know it now",
            ))),
            Course::Follow { .. } => {
                if let Err(error) = self.shared.accounts.forget_relocation(recipient).await {
                    debug!(error = &error as &dyn std::error::Error, "a relocation stays");
                }
                Some(straight(recipient, "the hoster where the account lived does not know it"))
            }
        }
    }

    async fn renew(&self, letter: &Letter, recipient: &Address) {
        if let Course::Follow { .. } = letter.course
            && let Err(error) = self.shared.accounts.renew_relocation(recipient, now()).await
        {
            debug!(error = &error as &dyn std::error::Error, "a relocation is not renewed");
        }
    }
}

/// The home of an account that has moved away from here says that it has moved on: if it shows so, from now on this is where it lives.
pub(crate) async fn moved_on(
    (accounts, federation): (&Accounts, &Federation),
    to: &Correspondent,
    account: AccountId,
    address: &Address,
) -> Result<Heading, Unproven> {
    let proof = proof::ask(federation, to, address).await?;
    if proof.account != account {
        return Err(Unproven::NotTheirs);
    }
    let shown = proof.read(now())?;
    goes_on(accounts, account, &shown)?;
    let correspondents = federation.correspondents();
    let home = correspondents.of_listing(shown.home).ok_or(Unproven::NoCorrespondent)?;
    let there: Option<Address> = proof.address.as_ref().and_then(|address| address.parse().ok());
    // Mail may have to be sent there by others, and nobody is sent mail that is not for them.
    let is_theirs = |there: &Address| there.domain().to_ascii().as_ref() == Some(&home.domain);
    let there = there.filter(is_theirs).ok_or(Unproven::NotTheirs)?;
    accounts.keep_residence(proof).await?;
    accounts.moved_on(account, home.listing, home.domain.to_string(), there).await?;
    info!(%account, domain = %home.domain, "an account that moved away from here has moved on");
    Ok(Heading { domain: home.domain.clone(), course: Course::Forward { account } })
}

/// The log that is shown has what is kept here of it, and more; or it is what is kept, and only where it leads was not written down.
fn goes_on(accounts: &Accounts, account: AccountId, shown: &Shown) -> Result<(), Unproven> {
    let kept: Option<Residence> = accounts.residence(account)?;
    let kept = kept.ok_or(Unproven::NotTheirs)?.read(now())?;
    let has_it = shown.seen.epoch >= kept.seen.epoch && shown.log.get(&kept.seen.head).is_some();
    shown.after(&kept.seen)?;
    if has_it { Ok(()) } else { Err(Unproven::NotTheirs) }
}

/// 550 5.1.1 and 5.7.1 to RCPT: nobody there has the address.
fn is_unknown(failure: &client::Failure) -> bool {
    let unknown =
        |reply: &client::RemoteReply| ["5.1.1", "5.7.1"].contains(&reply.status().to_string().as_str());
    failure.stage == client::Stage::Recipient && failure.reply().is_some_and(unknown)
}

fn straight(recipient: &Address, why: &str) -> Outcome {
    let heading = Heading { domain: recipient.domain().clone(), course: Course::Straight };
    Outcome::Elsewhere(heading, Diagnosis::local(MOVED, why))
}

/// Everybody goes to where the address says.
fn back(letter: &Letter, why: &str) -> Attempt {
    let outcomes = letter.recipients.iter().map(|recipient| straight(recipient, why)).collect();
    Attempt { way: Way::Peer, outcomes }
}

fn turned(letter: &Letter, heading: &Heading, why: &str) -> Attempt {
    let outcome = Outcome::Elsewhere(heading.clone(), Diagnosis::local(MOVED, why));
    Attempt { way: Way::Peer, outcomes: vec![outcome; letter.recipients.len()] }
}

fn unread(letter: &Letter, error: &StorageError) -> Attempt {
    tracing::error!(error = error as &dyn std::error::Error, "a message waits");
    deferred(letter, &causes(error))
}

/// RFC 3463: X.1.6, destination mailbox has moved; until somebody says where to.
const MOVED: EnhancedStatus = EnhancedStatus::new(4, 1, 6).expect("4.1.6 is a status");
/// RFC 3463: X.1.1, bad destination mailbox address.
const UNKNOWN: EnhancedStatus = EnhancedStatus::new(4, 1, 1).expect("4.1.1 is a status");
