//! The side that has the account: performs what the machine (`essaim_migration::moving::source`) asks. Decides nothing about the move itself.

use std::collections::VecDeque;
use std::time::Duration;

use essaim_identity::account::{AccountLog, Host, MoveId};
use essaim_migration::moving::message::Offer;
use essaim_migration::moving::source::{Action, Event, Source, SourceRecord, Step};
use essaim_migration::moving::{Message, Summary};
use essaim_moving::{Leaving, Records};
use essaim_network::Opening;
use essaim_store::{Fence, FenceError};
use essaim_types::Timestamp;
use minicbor::bytes::ByteVec;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::link::Link;
use super::papers::{PaperFault, Papers, check_node, head};
use super::plan::Plan;
use super::{Command, Seen, StepError, blocking, subject};
use crate::federation::moving;
use crate::services::Services;
use crate::shutdown::Stop;
use crate::vitals::now;

/// One move away from here, for as long as there is something to do.
pub(super) async fn run(
    node: Services,
    (id, plan): (MoveId, Plan),
    mut commands: mpsc::Receiver<Command>,
    seen: watch::Sender<Seen>,
    stop: Stop,
) {
    let mut pause = PAUSE;
    loop {
        let outcome = match Leave::begin(&node, id, &plan) {
            Ok(leave) => leave.drive(&mut commands, &seen, &stop).await,
            Err(error) => Err(error),
        };
        let Err(error) = outcome else { return };
        warn!(r#move = %id, account = %plan.account, error = &error as &dyn std::error::Error, "the move begins again from what was saved");
        seen.send_modify(|seen| seen.trouble = Some(crate::failure::causes(&error)));
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            () = stop.requested() => return,
        }
    }
}

struct Leave<'a> {
    node: &'a Services,
    id: MoveId,
    plan: &'a Plan,
    papers: Papers,
    hands: Leaving,
    machine: Source,
    link: Option<Link>,
    /// Something could not be sent: the machine is to be told once it has no more to do.
    cut: bool,
    /// What is sent before the batch or the repair that was just read.
    blobs: Vec<ByteVec>,
    fence: Option<Fence>,
}

impl<'a> Leave<'a> {
    fn begin(node: &'a Services, id: MoveId, plan: &'a Plan) -> Result<Self, StepError> {
        let records = Records { hoster: node.accounts.hoster(), id };
        let record = records.load(&node.store)?.unwrap_or_else(|| SourceRecord::new(plan.since));
        let hands = Leaving::new(node.store.clone(), plan.account, records);
        let machine = Source::new(offer(node, plan)?, record);
        let papers = Papers::of(plan)?;
        Ok(Self {
            node,
            id,
            plan,
            papers,
            hands,
            machine,
            link: None,
            cut: false,
            blobs: vec![],
            fence: None,
        })
    }

    /// Until nothing is left to do, or the node stops.
    async fn drive(
        mut self,
        commands: &mut mpsc::Receiver<Command>,
        seen: &watch::Sender<Seen>,
        stop: &Stop,
    ) -> Result<(), StepError> {
        let mut grown = self.node.store.watch(self.plan.account);
        self.tell(Event::Started(self.hands.lsn()?)).await?;
        let (mut next_call, mut patience) = (Instant::now(), CALL_PAUSE);
        let mut trouble = None;
        loop {
            if std::mem::take(&mut self.cut) {
                self.link = None;
                self.tell(Event::Disconnected).await?;
                next_call = Instant::now() + CALL_PAUSE;
                continue;
            }
            let step = &self.machine.record().step;
            let over = matches!(step, Step::Release)
                || matches!(step, Step::Aborted(_)) && self.machine.is_settled();
            seen.send_replace(self.seen(trouble.clone()));
            if over {
                return Ok(());
            }
            if self.machine.is_settled() {
                self.link = None;
            }
            let call_at = (self.link.is_none() && !self.machine.is_settled()).then_some(next_call);
            let due = self.machine.deadline().map(instant);
            let event = tokio::select! {
                message = said(&mut self.link) => match message {
                    Some(message) => Event::Received(self.received(message).await?),
                    None => {
                        self.link = None;
                        next_call = Instant::now() + CALL_PAUSE;
                        Event::Disconnected
                    }
                },
                Ok(()) = grown.changed() => Event::Grown(*grown.borrow_and_update()),
                () = at(due) => match self.link.take_if(|link| link.is_silent()) {
                    Some(_) => Event::Disconnected,
                    None => Event::Tick,
                },
                Some(command) = commands.recv() => match command {
                    Command::Abort(reason) => Event::Abort(reason),
                    Command::MakeRoom => continue,
                },
                () = at(call_at) => match self.call().await {
                    Ok(link) => {
                        (trouble, patience) = (None, CALL_PAUSE);
                        self.link = Some(link);
                        Event::Connected
                    }
                    Err(error) => {
                        trouble = Some(crate::failure::causes(&error));
                        next_call = Instant::now() + patience;
                        patience = (patience * 2).min(PAUSE_MAX);
                        continue;
                    }
                },
                () = stop.requested() => return Ok(()),
            };
            self.tell(event).await?;
        }
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
                let records = Records { hoster: self.node.accounts.hoster(), id: self.id };
                records.save(&self.node.store, record).await?;
                None
            }
            Action::Send(message) => {
                self.send(vec![], message).await;
                None
            }
            Action::SendBatch(batch) => {
                let blobs = std::mem::take(&mut self.blobs);
                self.send(blobs, Message::Batch(batch)).await;
                None
            }
            Action::SendRepair(at, range, objects) => {
                let blobs = std::mem::take(&mut self.blobs);
                self.send(blobs, Message::Repair(at, range, objects)).await;
                None
            }
            Action::Read { from, until, base } => {
                let loaded = blocking(move || hands.read(from, until, base)).await?;
                self.blobs = loaded.blobs;
                Some(Event::Read(Box::new(loaded.what)))
            }
            Action::Summarize => Some(Event::Summarized(blocking(move || hands.summarize()).await?)),
            Action::ListPages(kind) => {
                let (coarse, pages) = blocking(move || hands.pages(kind)).await?;
                Some(Event::Paged(kind, coarse, pages))
            }
            Action::ReadRange(range) => {
                let loaded = blocking(move || hands.range(range)).await?;
                self.blobs = loaded.blobs;
                let (range, objects) = loaded.what;
                Some(Event::RangeRead(range, objects))
            }
            Action::Fence => Some(self.raise().await?),
            Action::Unfence => {
                self.fence = None;
                None
            }
            Action::Commit { summary, promise, round } => Some(self.commit(summary, &promise, round).await?),
            Action::Erase(record) => {
                self.node.accounts.release(self.plan.account).await?;
                hands.erase(record).await?;
                None
            }
        })
    }

    async fn raise(&mut self) -> Result<Event, StepError> {
        match self.node.store.fence(self.plan.account).await {
            Ok(fence) => self.fence = Some(fence),
            Err(FenceError::Fenced { .. } | FenceError::Busy { .. }) => return Ok(Event::FenceFailed),
            Err(error) => return Err(StepError::Fence(error)),
        }
        let hands = self.hands.clone();
        Ok(Event::Fenced(blocking(move || hands.summarize()).await?))
    }

    /// COMMIT. A fence that has ended meanwhile does no harm: a write in between has raised the account's LSN, and the seal refuses.
    async fn commit(&mut self, summary: Summary, promise: &[u8], round: u32) -> Result<Event, StepError> {
        let other = self.node.federation.known(self.plan.other).await?;
        let other = other.ok_or(PaperFault::UnknownHoster { listing: self.plan.other })?;
        let (log, key) = self.log_and_key()?;
        let entry = match self.papers.entry(log, &key, (promise, &summary), &other.keyring, now()) {
            Ok(entry) => entry,
            Err(fault) => {
                warn!(r#move = %self.id, error = &fault as &dyn std::error::Error, "the promise is not taken");
                return Ok(Event::Forged);
            }
        };
        let step = Step::Activate { last: summary.at, entry: entry.to_wire() };
        let record = SourceRecord { step, round, since: now() };
        let (accounts, account, listing) = (self.node.accounts.clone(), self.plan.account, self.plan.other);
        let also = move |tx: &mut essaim_store::Tx<'_>| {
            accounts.farewell(tx, account, (listing, &other.name), &entry)
        };
        self.hands.give_away(summary.at, record.clone(), also).await?;
        self.fence = None;
        info!(r#move = %self.id, %account, "the account has moved away");
        Ok(Event::Committed(record))
    }

    /// What the target says, as the machine is told it: the receipt with both signatures. Who comes here for the account is told its new address
    /// from now on.
    async fn received(&self, message: Message) -> Result<Message, StepError> {
        match (message, &self.machine.record().step) {
            (Message::Active(receipt, address), Step::Activate { entry, .. }) => {
                let (log, key) = self.log_and_key()?;
                let source: Host = head(&log).record().host;
                let receipt = self.papers.countersigned(&receipt, entry, source, &key)?;
                let there = address.parse().map_err(|_| PaperFault::Differs)?;
                self.node.accounts.settled_at(self.plan.account, there).await?;
                self.wake_mail();
                Ok(Message::Active(receipt.to_wire(), address))
            }
            (message, _) => Ok(message),
        }
    }

    /// Mail that has waited for the new hoster to serve the account.
    fn wake_mail(&self) {
        let departure = self.node.accounts.departure(self.plan.account).ok().flatten();
        let Some(home) = departure.map(|departure| departure.home_domain()) else { return };
        let queue = self.node.queue.clone();
        tokio::spawn(async move {
            // The second time for what was being put off meanwhile.
            for pause in [Duration::ZERO, MAIL_PAUSE] {
                sleep(pause).await;
                if let Err(error) = queue.is_back(home.clone()).await {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "mail for an account that has moved waits on"
                    );
                }
            }
        });
    }

    fn log_and_key(&self) -> Result<(AccountLog, essaim_identity::SigningKey), StepError> {
        let log = self.node.accounts.account_log(self.plan.account)?.ok_or(PaperFault::NoLog)?;
        let key = self.node.accounts.host_key(self.plan.account)?.ok_or(PaperFault::NoKey)?;
        Ok((log, key))
    }

    async fn call(&self) -> Result<Link, StepError> {
        let listing = self.plan.other;
        let known = self.node.federation.known(listing).await?;
        let known = known.ok_or(PaperFault::UnknownHoster { listing })?;
        let claim = &self.papers.acceptance.node;
        check_node(&known.keyring, claim.key)?;
        let subject = subject(self.plan.account, self.id);
        let opening = Opening { purpose: moving(), subject, offset: 0 };
        let stream = self.node.federation.call_node(claim, opening).await?;
        let link = Link::over(stream, self.plan.account, self.id);
        link.trust();
        Ok(link)
    }

    /// Lost without a stream; one that breaks is told to the machine later.
    async fn send(&mut self, blobs: Vec<ByteVec>, message: Message) {
        let Some(link) = &mut self.link else { return };
        let sent = async {
            link.send_blobs(blobs).await?;
            link.send(message).await
        };
        if sent.await.is_err() {
            self.link = None;
            self.cut = true;
        }
    }

    fn seen(&self, trouble: Option<String>) -> Seen {
        let receipt = match &self.machine.record().step {
            Step::Drain { receipt, .. } => Some(receipt.clone()),
            _ => None,
        };
        let reason = match &self.machine.record().step {
            Step::Aborted(reason) => Some(reason.to_string()),
            _ => None,
        };
        let progress = self.machine.progress(now());
        let settled = self.machine.is_settled() || reason.is_some();
        Seen {
            progress: Some(progress),
            phase: progress.phase,
            connected: self.link.is_some(),
            trouble,
            receipt,
            reason,
            settled,
        }
    }
}

/// What the target is shown: the account as it is now.
fn offer(node: &Services, plan: &Plan) -> Result<Offer, StepError> {
    let state = node.store.read().and_then(|snapshot| snapshot.account(plan.account));
    let state = state.map_err(essaim_moving::MovingError::from)?;
    let log = node.accounts.account_log(plan.account)?;
    let log = log.iter().flat_map(AccountLog::entries).map(|entry| entry.to_wire().into()).collect();
    Ok(Offer {
        consent: plan.consent.clone(),
        acceptance: plan.acceptance.clone().into_bytes(),
        log,
        bytes: state.as_ref().map_or(0, |state| state.used.0),
        objects: state.map_or(0, |state| state.objects),
    })
}

/// The next message; never, without a stream.
async fn said(link: &mut Option<Link>) -> Option<Message> {
    match link {
        Some(link) => link.next().await,
        None => std::future::pending().await,
    }
}

/// At this time; never, without one.
pub(super) async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// The machine's time as the runtime's.
pub(super) fn instant(due: Timestamp) -> Instant {
    Instant::now() + due.since(now()).min(LONGEST_SLEEP)
}

/// Before a machine that failed is made anew.
const PAUSE: Duration = Duration::from_millis(500);
/// Longer than it takes to write down that a message was put off.
const MAIL_PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// After a stream that broke; after a call that nobody answered twice as long each time, up to [`PAUSE_MAX`].
const CALL_PAUSE: Duration = Duration::from_millis(200);
/// The clock of the machine may be set; it is looked at again then.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);
