//! The side that gets the account: performs what the machine (`essaim_migration::moving::target`) asks. It lives as long as the stream that the
//! source has opened; what it has promised stands in its record, and the source calls until it knows that the account is served.

use std::collections::VecDeque;

use essaim_accounts::ArriveError;
use essaim_identity::account::MoveId;
use essaim_identity::{PublicKey, SigningKey};
use essaim_migration::moving::Message;
use essaim_migration::moving::message::{Offer, Reason};
use essaim_migration::moving::target::{Action, Event, Step, Target, TargetRecord};
use essaim_moving::{Adopting, Records};
use essaim_store::AccountStatus;
use essaim_types::{AccountId, Address, ByteSize};
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::link::Link;
use super::papers::{PaperFault, Papers, check_node};
use super::plan::{Plan, Plans, Side};
use super::{Command, StepError, blocking};
use crate::services::Services;
use crate::shutdown::Stop;
use crate::vitals::now;

/// Whether this node may open a stream for this move. Of one that is known here only nodes of the other hoster may; of one that nobody knows anybody
/// may make an offer.
pub(super) async fn admits(
    node: &Services,
    (id, account, caller): (MoveId, AccountId, PublicKey),
) -> Result<(), StepError> {
    let Some(plan) = plans(node).of(id).map_err(essaim_moving::MovingError::from)? else { return Ok(()) };
    if (plan.side, plan.account) != (Side::Target, account) {
        return Err(PaperFault::OtherMove.into());
    }
    let known = node.federation.known(plan.other).await?;
    let known = known.ok_or(PaperFault::UnknownHoster { listing: plan.other })?;
    Ok(check_node(&known.keyring, caller)?)
}

/// Answers on one stream until it ends.
pub(super) async fn serve(
    node: &Services,
    (id, account, caller): (MoveId, AccountId, PublicKey),
    link: Link,
    commands: &mut mpsc::Receiver<Command>,
    stop: &Stop,
) -> Result<(), StepError> {
    let mut arrive = Arrive::begin(node, id, account)?;
    arrive.caller = Some(caller);
    if arrive.plan.is_some() {
        link.trust();
    }
    arrive.link = Some(link);
    arrive.tell(Event::Started).await?;
    arrive.tell(Event::Connected).await?;
    while let Some(link) = &mut arrive.link {
        let due = arrive.machine.deadline().map(super::source::instant);
        let event = tokio::select! {
            message = link.next() => match message {
                Some(message) => Event::Received(message),
                None => return Ok(()),
            },
            () = super::source::at(due) => Event::Tick,
            Some(command) = commands.recv() => match command {
                Command::Abort(reason) => Event::Abort(reason),
                Command::MakeRoom => return Ok(()),
            },
            () = stop.requested() => return Ok(()),
        };
        arrive.tell(event).await?;
    }
    Ok(())
}

/// Gives up a move on which no stream is open.
pub(super) async fn give_up(
    node: &Services,
    id: MoveId,
    plan: &Plan,
    reason: Reason,
) -> Result<(), StepError> {
    let mut arrive = Arrive::begin(node, id, plan.account)?;
    arrive.tell(Event::Started).await?;
    arrive.tell(Event::Abort(reason)).await
}

/// What a stop in the middle has left: a copy that was being deleted, an index that was not made.
pub(super) async fn tidy_up(node: &Services, id: MoveId, plan: &Plan) -> Result<(), StepError> {
    let arrive = Arrive::begin(node, id, plan.account)?;
    match &arrive.machine.record().step {
        Step::Aborted(_) => Ok(arrive.hands.discard(arrive.machine.record().clone()).await?),
        Step::Active { .. } => arrive.summarize_mail().await,
        Step::Invited | Step::Adopting(_) | Step::Prepared(..) => Ok(()),
    }
}

struct Arrive<'a> {
    node: &'a Services,
    id: MoveId,
    account: AccountId,
    caller: Option<PublicKey>,
    plan: Option<Plan>,
    hands: Adopting,
    records: Records,
    machine: Target,
    link: Option<Link>,
}

impl<'a> Arrive<'a> {
    fn begin(node: &'a Services, id: MoveId, account: AccountId) -> Result<Self, StepError> {
        let records = Records { hoster: node.accounts.hoster(), id };
        let plan = plans(node).of(id).map_err(essaim_moving::MovingError::from)?;
        let plan = plan.filter(|plan| (plan.side, plan.account) == (Side::Target, account));
        let record = if plan.is_some() { records.load(&node.store)? } else { None };
        let record = record.unwrap_or(TargetRecord { step: Step::Invited, offer: None });
        let hands = Adopting::new(node.store.clone(), account, records);
        let machine = Target::new(record);
        Ok(Self { node, id, account, caller: None, plan, hands, records, machine, link: None })
    }

    async fn tell(&mut self, event: Event) -> Result<(), StepError> {
        let mut actions: VecDeque<_> = self.machine.handle(now(), event).into();
        while let Some(action) = actions.pop_front() {
            if let Some(event) = self.perform(action).await? {
                actions.extend(self.machine.handle(now(), event));
            }
        }
        Ok(())
    }

    async fn perform(&mut self, action: Action) -> Result<Option<Event>, StepError> {
        let hands = self.hands.clone();
        Ok(match action {
            Action::Save(record) => {
                self.records.save(&self.node.store, record).await?;
                None
            }
            Action::Send(message) => {
                self.send(message).await;
                None
            }
            Action::Examine(offer) => Some(Event::Checked(self.examine(&offer).await)),
            Action::Begin(base, record) => {
                let quota = self.plan.as_ref().and_then(|plan| plan.quota).map(ByteSize);
                hands.begin(quota, base, record).await?;
                None
            }
            Action::StoreBlobs(blobs) => {
                blocking(move || hands.keep(&blobs)).await?;
                None
            }
            Action::Adopt(batch, record) => {
                hands.adopt(*batch, record).await?;
                None
            }
            Action::Repair(range, objects) => {
                hands.repair(range, objects).await?;
                None
            }
            Action::Summarize => Some(Event::Summarized(blocking(move || hands.summarize()).await?)),
            Action::ListPages(kind, coarse) => {
                Some(Event::Paged(blocking(move || hands.pages(kind, coarse)).await?))
            }
            Action::Promise(_, summary, record) => {
                let (papers, key) = self.papers_and_key().await?;
                let mut promise = papers.promise(&key, self.node.federation.node_key()?, &summary)?;
                self.node.federation.countersign(&mut promise)?;
                self.records.save(&self.node.store, record).await?;
                Some(Event::Signed(promise.to_wire()))
            }
            Action::Activate(entry) => Some(self.activate(&entry).await?),
            Action::Discard(record) => {
                // Whoever makes a move up leaves nothing here.
                if self.plan.is_some() {
                    hands.discard(record).await?;
                }
                None
            }
        })
    }

    /// Papers, room, and that nobody has the account yet. What is refused is told to the source.
    async fn examine(&mut self, offer: &Offer) -> Result<(), Reason> {
        let examined = self.look_at(offer).await;
        examined.map_err(|error| {
            warn!(r#move = %self.id, error = &error as &dyn std::error::Error, "an account is not taken in");
            Reason::new(&crate::failure::causes(&error))
        })
    }

    async fn look_at(&mut self, offer: &Offer) -> Result<(), StepError> {
        let (papers, host) = Papers::examine(offer, self.account, self.id, now())?;
        let listing = host.listing;
        let known = self.node.federation.known(listing).await?;
        let known = known.ok_or(PaperFault::UnknownHoster { listing })?;
        let caller = self.caller.ok_or(PaperFault::Differs)?;
        check_node(&known.keyring, caller)?;
        let nonce = papers.acceptance.nonce;
        let plans = plans(self.node);
        let given = plans.given(nonce).map_err(essaim_moving::MovingError::from)?;
        let given = given.filter(|_| Some(papers.intent().target) == self.node.accounts.listing());
        let given =
            given.ok_or(StepError::Refused("the acceptance code is not of this hoster, or is over"))?;
        if given.used_by.is_some_and(|by| by != self.id) || given.used_by.is_none() && given.expires <= now()
        {
            return Err(StepError::Refused("the acceptance code was used already, or is over"));
        }
        if given.quota.is_some_and(|quota| offer.bytes > quota) {
            return Err(StepError::Refused("the account is larger than the acceptance code allows"));
        }
        let here = self.node.store.read().and_then(|snapshot| snapshot.account(self.account));
        let here = here.map_err(essaim_moving::MovingError::from)?;
        let fits = match here.map(|state| state.status) {
            None => true,
            Some(AccountStatus::Adopting) => self.plan.is_some(),
            Some(AccountStatus::Open | AccountStatus::Sealed) => false,
        };
        if !fits {
            return Err(StepError::Refused(
                "there is a copy of the account here already; moving back is not possible yet",
            ));
        }
        let plan = Plan {
            side: Side::Target,
            account: self.account,
            other: listing,
            consent: offer.consent.clone(),
            acceptance: String::from_utf8_lossy(&offer.acceptance).into_owned(),
            address: given.address,
            quota: given.quota,
            since: now(),
        };
        if self.plan.is_none() {
            if !plans.take(nonce, self.id, plan.clone()).await? {
                return Err(StepError::Refused("the acceptance code was used already"));
            }
            info!(r#move = %self.id, account = %self.account, "an account begins to move here");
            self.plan = Some(plan);
        }
        if let Some(link) = &self.link {
            link.trust();
        }
        Ok(())
    }

    /// ACTIVATE: from this commit on the account lives here.
    async fn activate(&mut self, wire: &[u8]) -> Result<Event, StepError> {
        let (papers, key) = self.papers_and_key().await?;
        let log = self.node.accounts.account_log(self.account)?.ok_or(PaperFault::NoLog)?;
        let source = super::papers::head(&log).record().host;
        let entry = match papers.moved(wire, log, &key) {
            Ok(entry) => entry,
            Err(fault) => {
                warn!(r#move = %self.id, error = &fault as &dyn std::error::Error, "the entry of the source is not taken");
                return Ok(Event::Forged);
            }
        };
        let receipt = papers.receipt(&entry, source, &key, now())?.to_wire();
        let wish = self.plan.as_ref().and_then(|plan| plan.address.as_ref()?.parse::<Address>().ok());
        let (accounts, account) = (self.node.accounts.clone(), self.account);
        let wire = wire.to_vec();
        let also = move |tx: &mut essaim_store::Tx<'_>| -> Result<TargetRecord, ArriveError> {
            let address = accounts.welcome(tx, account, &entry, wish.as_ref())?.to_string();
            Ok(TargetRecord { step: Step::Active { entry: wire, receipt, address }, offer: None })
        };
        let record = self.hands.open(also).await?;
        info!(r#move = %self.id, %account, "the account lives here now");
        if let Err(error) = self.summarize_mail().await {
            // Readers compute what is missing when they need it.
            warn!(%account, error = &error as &dyn std::error::Error, "the messages were not looked through yet");
        }
        Ok(Event::Activated(record))
    }

    async fn summarize_mail(&self) -> Result<(), StepError> {
        let (mail, account) = (self.node.mail.clone(), self.account);
        blocking(move || mail.summarize(account)).await?;
        Ok(())
    }

    async fn papers_and_key(&self) -> Result<(Papers, SigningKey), StepError> {
        let plan = self.plan.as_ref().ok_or(PaperFault::OtherMove)?;
        Ok((Papers::of(plan)?, self.node.accounts.key_for_guest(self.account).await?))
    }

    async fn send(&mut self, message: Message) {
        let Some(link) = &mut self.link else { return };
        if link.send(message).await.is_err() {
            self.link = None;
        }
    }
}

pub(super) fn plans(node: &Services) -> Plans {
    Plans { store: node.store.clone(), hoster: node.accounts.hoster() }
}
