//! Accounts that move to another hoster, or come from one, while they are used (`specs/16-move.md`). The machines of `essaim-migration` say what is
//! done, `essaim-moving` does it to the store; here are the stream, the papers, and the tasks that keep moves going over restarts.

mod link;
mod list;
mod papers;
mod plan;
mod source;
mod target;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use essaim_identity::account::MoveId;
use essaim_migration::moving::message::Reason;
use essaim_moving::MovingError;
use essaim_network::IncomingStream;
use essaim_types::{AccountId, Address, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{Instrument, info_span, warn};

use self::link::Link;
pub(crate) use self::list::{Listed, Seen, list};
use self::papers::{PaperFault, Papers};
pub(crate) use self::plan::Side;
use self::plan::{Given, Plan};
use self::target::plans;
use crate::failure::Failure;
use crate::federation::CallError;
use crate::services::Services;
use crate::shutdown::Stop;
use crate::vitals::now;

/// The moves of a running node. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moves(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    begin: OnceLock<mpsc::Sender<Begin>>,
    live: Mutex<HashMap<MoveId, Live>>,
}

/// A move with a task of its own.
#[derive(Debug, Clone)]
struct Live {
    commands: mpsc::Sender<Command>,
    seen: watch::Receiver<Seen>,
}

/// What a task is told.
#[derive(Debug)]
enum Command {
    Abort(Reason),
    /// A newer stream of the same move is there.
    MakeRoom,
}

/// What the loop is told.
#[derive(Debug)]
enum Begin {
    Leave(MoveId, Box<Plan>),
    Arrive(IncomingStream),
}

/// An action that failed: the machine ends, and a new one goes on from the record.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Moving(#[from] MovingError),
    #[error(transparent)]
    Paper(#[from] PaperFault),
    #[error("writes could not be held")]
    Fence(#[source] essaim_store::FenceError),
    #[error("the other hoster was not reached")]
    Call(#[from] CallError),
    #[error("the messages could not be looked through")]
    Summaries(#[from] essaim_mail::mailbox::SummarizeError),
    #[error(transparent)]
    Node(#[from] Failure),
    #[error("{0}")]
    Refused(&'static str),
}

impl From<essaim_accounts::StorageError> for StepError {
    fn from(error: essaim_accounts::StorageError) -> Self {
        Self::Paper(error.into())
    }
}

/// Keeps the moves of this node going until `stop`.
pub(crate) async fn run(node: Services, stop: Stop) {
    let (begin, mut begun) = mpsc::channel(BEGINNINGS);
    let first = node.moves.0.begin.set(begin).is_ok();
    assert!(first, "a node is started once");
    let mut tasks = JoinSet::new();
    match plans(&node).all() {
        Ok(plans) => plans.into_iter().for_each(|(id, plan)| resume(&node, &mut tasks, (id, plan), &stop)),
        Err(error) => warn!(error = &error as &dyn std::error::Error, "the moves cannot be read"),
    }
    loop {
        tokio::select! {
            Some(what) = begun.recv() => match what {
                Begin::Leave(id, plan) => leave(&node, &mut tasks, (id, *plan), &stop),
                Begin::Arrive(incoming) if tasks.len() < TASKS_MAX => {
                    let span = info_span!("stream", protocol = "move", peer = %incoming.peer());
                    tasks.spawn(arrive(node.clone(), incoming, stop.clone()).instrument(span));
                }
                Begin::Arrive(incoming) => incoming.refuse(),
            },
            Some(_) = tasks.join_next() => {}
            () = stop.requested() => break,
        }
    }
    while tasks.join_next().await.is_some() {}
}

fn resume(node: &Services, tasks: &mut JoinSet<()>, (id, plan): (MoveId, Plan), stop: &Stop) {
    match plan.side {
        Side::Source => leave(node, tasks, (id, plan), stop),
        Side::Target => {
            let node = node.clone();
            tasks.spawn(async move {
                if let Err(error) = target::tidy_up(&node, id, &plan).await {
                    warn!(r#move = %id, error = &error as &dyn std::error::Error, "a move is not tidied up");
                }
            });
        }
    }
}

fn leave(node: &Services, tasks: &mut JoinSet<()>, (id, plan): (MoveId, Plan), stop: &Stop) {
    let (commands, heard) = mpsc::channel(COMMANDS);
    let (tell, seen) = watch::channel(Seen::begins());
    let mut live = node.moves.live();
    // Asked for twice, it goes on.
    if live.contains_key(&id) {
        return;
    }
    live.insert(id, Live { commands, seen });
    drop(live);
    let (node, stop) = (node.clone(), stop.clone());
    tasks.spawn(async move {
        source::run(node.clone(), (id, plan), heard, tell, stop).await;
        node.moves.live().remove(&id);
    });
}

/// One stream of a source. Of two with the same move the newer counts: the other may be of a connection that is dead.
async fn arrive(node: Services, incoming: IncomingStream, stop: Stop) {
    let Some((account, id)) = read_subject(&incoming.opening().subject) else { return incoming.refuse() };
    let caller = incoming.peer().public();
    if let Err(error) = target::admits(&node, (id, account, caller)).await {
        warn!(r#move = %id, error = &error as &dyn std::error::Error, "the stream of a move is refused");
        return incoming.refuse();
    }
    let (commands, mut heard) = mpsc::channel(COMMANDS);
    let (tell, seen) = watch::channel(Seen::begins());
    let before = node.moves.live().insert(id, Live { commands: commands.clone(), seen });
    if let Some(before) = before {
        let _ = before.commands.send(Command::MakeRoom).await;
        before.commands.closed().await;
    }
    if let Ok(stream) = incoming.accept(0).await {
        let link = Link::over(stream, account, id);
        if let Err(error) = target::serve(&node, (id, account, caller), link, &mut heard, &stop).await {
            warn!(r#move = %id, error = &error as &dyn std::error::Error, "the stream of a move is ended");
        }
    }
    drop((heard, tell));
    let mut live = node.moves.live();
    if live.get(&id).is_some_and(|live| live.commands.same_channel(&commands)) {
        live.remove(&id);
    }
}

impl Moves {
    /// A node of another hoster opens a stream. Refused if this node is just starting or stopping.
    pub(crate) async fn take(&self, incoming: IncomingStream) {
        match self.0.begin.get() {
            // A closed channel drops the stream, which is a no.
            Some(begin) => drop(begin.send(Begin::Arrive(incoming)).await),
            None => incoming.refuse(),
        }
    }

    fn live(&self) -> MutexGuard<'_, HashMap<MoveId, Live>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A code for a member who wants to bring an account here.
pub(crate) async fn accept(
    node: &Services,
    quota: Option<u64>,
    address: Option<Address>,
    expires: Timestamp,
) -> Result<String, Failure> {
    let nonce = random()?;
    let code = node.federation.accept(nonce, quota.unwrap_or(0), expires).await?.to_string();
    let address = address.map(|address| address.to_string());
    plans(node).give(nonce, Given { expires, quota, address, used_by: None }, now()).await?;
    Ok(code)
}

/// Begins a move, or goes on with it; the receiver follows it.
pub(crate) async fn begin(
    node: &Services,
    account: AccountId,
    consent: &str,
    code: &str,
) -> Result<(MoveId, watch::Receiver<Seen>), Failure> {
    let refused =
        |fault: PaperFault| Failure::new(crate::failure::causes(&fault)).hint("nothing was changed");
    let head = node.accounts.log_head(account).map_err(|error| refused(error.into()))?;
    let head = head.ok_or_else(|| refused(PaperFault::NoLog))?;
    let papers = Papers::pasted(consent, code, head.record(), now()).map_err(refused)?;
    let id = papers.intent().mid;
    if papers.intent().account != account {
        return Err(refused(PaperFault::OtherMove));
    }
    let moves = list(node).await?;
    let going = moves.iter().find(|other| other.account == account && other.id != id && other.is_going());
    if let Some(other) = going {
        return Err(Failure::new(format!("the account is moving already: {}", other.id))
            .hint("essaim account move status shows how far it is; essaim account move abort gives it up"));
    }
    if !moves.iter().any(|known| known.id == id) {
        let listing = papers.intent().target;
        if node.federation.known(listing).await?.is_none() {
            return Err(refused(PaperFault::UnknownHoster { listing }));
        }
        let plan = Plan {
            side: Side::Source,
            account,
            other: listing,
            consent: papers.consent.to_wire(),
            acceptance: code.to_owned(),
            address: None,
            quota: None,
            since: now(),
        };
        plans(node).keep(id, plan).await?;
    }
    let plan = plans(node).of(id).map_err(|error| plan::unreadable(&error))?;
    let plan = plan.ok_or_else(|| refused(PaperFault::OtherMove))?;
    let begin = node.moves.0.begin.get().ok_or_else(not_running)?;
    begin.send(Begin::Leave(id, Box::new(plan))).await.map_err(|_| not_running())?;
    // The loop takes it next; a move that is over at once is in the records.
    loop {
        if let Some(live) = node.moves.live().get(&id) {
            return Ok((id, live.seen.clone()));
        }
        if begin.capacity() == BEGINNINGS
            && let Some(known) = list(node).await?.into_iter().find(|known| known.id == id)
            && known.seen.settled
        {
            return Ok((id, watch::channel(known.seen).1));
        }
        tokio::task::yield_now().await;
    }
}

/// Asks for a move to be given up; whether that is still possible, its record says afterwards.
pub(crate) async fn abort(node: &Services, id: MoveId) -> Result<(), Failure> {
    let reason = Reason::new("given up by an operator");
    let live = node.moves.live().get(&id).cloned();
    if let Some(live) = live {
        return live.commands.send(Command::Abort(reason)).await.map_err(|_| not_running());
    }
    let plan = plans(node).of(id).map_err(|error| plan::unreadable(&error))?;
    match plan {
        Some(plan) if plan.side == Side::Target => target::give_up(node, id, &plan, reason)
            .await
            .map_err(|error| Failure::caused("the move was not given up", &error)),
        _ => Err(Failure::new("the move is not going on").hint("essaim account move status lists all")),
    }
}

/// What a stream is about.
fn subject(account: AccountId, id: MoveId) -> Bytes {
    [account.as_bytes().as_slice(), &id.0].concat().into()
}

fn read_subject(subject: &[u8]) -> Option<(AccountId, MoveId)> {
    let (account, id) = subject.split_at_checked(32)?;
    Some((AccountId::from_bytes(account.try_into().ok()?), MoveId(id.try_into().ok()?)))
}

/// On a thread that may block.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, StepError>
where
    T: Send + 'static,
    E: Send + 'static,
    StepError: From<E>,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn random() -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::caused("the system gives no random bytes", &std::io::Error::other(error))
    })?;
    Ok(bytes)
}

fn not_running() -> Failure {
    Failure::new("the node is not running, and only a running node moves accounts")
        .hint("start it: essaim serve, or systemctl start essaim")
}

/// Streams and moves that wait for the loop.
const BEGINNINGS: usize = 16;
/// What a task is told and has not heard.
const COMMANDS: usize = 4;
/// Moves that go on at a time, in both directions.
const TASKS_MAX: usize = 64;
