//! How moves stand, for people: from their tasks where there are any, else from their records.

use essaim_identity::account::MoveId;
use essaim_migration::moving::progress::{Phase, Progress};
use essaim_migration::moving::source::{self as leaving, SourceRecord};
use essaim_migration::moving::target::{self as arriving, TargetRecord};
use essaim_moving::{MovingError, Records};
use essaim_types::{AccountId, Timestamp};

use super::plan::{self, Plan, Side};
use super::target::plans;
use crate::failure::Failure;
use crate::services::Services;

/// How a move stands, for people.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) phase: Phase,
    pub(crate) progress: Option<Progress>,
    pub(crate) connected: bool,
    /// What keeps it from going on, now.
    pub(crate) trouble: Option<String>,
    /// Why it was given up.
    pub(crate) reason: Option<String>,
    /// Signed by both hosters, at the source; by the target alone, there.
    pub(crate) receipt: Option<Vec<u8>>,
    /// Nothing more becomes of it: it has moved, or was given up. The other side may not know yet that it was.
    pub(crate) settled: bool,
}

/// A move, as it is listed.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) id: MoveId,
    pub(crate) side: Side,
    pub(crate) account: AccountId,
    pub(crate) other: String,
    pub(crate) since: Timestamp,
    pub(crate) seen: Seen,
}

/// Every move, those that are over too.
pub(crate) async fn list(node: &Services) -> Result<Vec<Listed>, Failure> {
    let mut listed = Vec::new();
    for (id, plan) in plans(node).all().map_err(|error| plan::unreadable(&error))? {
        let known = node.federation.known(plan.other).await?;
        let other = known.map_or_else(|| plan.other.to_string(), |known| known.name);
        let live = node.moves.live().get(&id).map(|live| live.seen.borrow().clone());
        let seen = match (plan.side, live) {
            (Side::Source, Some(seen)) => seen,
            (_, live) => Seen { connected: live.is_some(), ..recorded(node, id, &plan)? },
        };
        listed.push(Listed { id, side: plan.side, account: plan.account, other, since: plan.since, seen });
    }
    Ok(listed)
}

fn recorded(node: &Services, id: MoveId, plan: &Plan) -> Result<Seen, Failure> {
    let records = Records { hoster: node.accounts.hoster(), id };
    let unreadable = |error: MovingError| Failure::caused("the move cannot be read", &error);
    let mut seen = Seen::begins();
    match plan.side {
        Side::Source => {
            let record: Option<SourceRecord> = records.load(&node.store).map_err(unreadable)?;
            let Some(record) = record else { return Ok(seen) };
            seen.phase = record.phase();
            match record.step {
                leaving::Step::Drain { receipt, .. } => (seen.receipt, seen.settled) = (Some(receipt), true),
                leaving::Step::Release => seen.settled = true,
                leaving::Step::Aborted(reason) => {
                    (seen.reason, seen.settled) = (Some(reason.to_string()), true)
                }
                _ => {}
            }
        }
        Side::Target => {
            let record: Option<TargetRecord> = records.load(&node.store).map_err(unreadable)?;
            let Some(record) = record else { return Ok(seen) };
            seen.phase = record.phase();
            match record.step {
                arriving::Step::Active { receipt, .. } => {
                    (seen.receipt, seen.settled) = (Some(receipt), true)
                }
                arriving::Step::Aborted(reason) => {
                    (seen.reason, seen.settled) = (Some(reason.to_string()), true)
                }
                _ => {}
            }
        }
    }
    Ok(seen)
}

impl Listed {
    /// Whether it is not over: neither given up, nor done.
    pub(crate) fn is_going(&self) -> bool {
        !self.seen.settled
    }
}

impl Seen {
    /// Of a move of which nothing is known yet.
    pub(super) fn begins() -> Self {
        Self {
            phase: Phase::Preflight,
            progress: None,
            connected: false,
            trouble: None,
            reason: None,
            receipt: None,
            settled: false,
        }
    }
}
