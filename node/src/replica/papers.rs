//! Papers as they travel, and what this node takes of them: signatures are checked here, what they mean by the log.

use essaim_accounts::{LearnError, Told, Witnessed};
use essaim_identity::account::{AccountEntry, AccountLog, WitnessReceipt, Witnesses};
use essaim_identity::{Cosigned, Cosigning, Signed, Unverified};
use essaim_migration::replica::message::{ENTRIES_MAX, Papers, RECEIPTS_MAX};
use essaim_types::ListingId;
use minicbor::bytes::ByteVec;

use super::presence::{silence, silence_needed};
use crate::failure::Failure;
use crate::services::Services;

/// Why nothing of it was taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    #[error(transparent)]
    Learn(#[from] LearnError),
    #[error(transparent)]
    Node(#[from] Failure),
}

/// What is told of a log: the head that stands with all before it, then the others; as much as a message holds.
pub(crate) fn papers_of(log: &AccountLog, witnesses: &Witnesses) -> Papers {
    let head = log.state(witnesses, crate::vitals::now()).head.hash();
    let chain: Vec<_> = log.chain(&head).collect();
    let others = log.entries().filter(|entry| !chain.iter().any(|one| one.hash() == entry.hash()));
    let entries = chain.iter().copied().chain(others).take(ENTRIES_MAX);
    Papers {
        account: log.account(),
        entries: entries.map(|entry| ByteVec::from(entry.to_wire())).collect(),
        receipts: log.receipts().take(RECEIPTS_MAX).map(|one| ByteVec::from(one.to_wire())).collect(),
    }
}

/// Takes in what `by` tells of an account, and signs what is new.
pub(crate) async fn take_in(node: &Services, papers: &Papers, by: ListingId) -> Result<Witnessed, TakeError> {
    let told = Told {
        account: papers.account,
        by,
        entries: papers.entries.iter().filter_map(|wire| entry(wire)).collect(),
        receipts: receipts(node, &papers.receipts).await?,
    };
    let witnesses = node.federation.witnesses();
    let silent = silent_host(node, &told, &witnesses).await;
    let signer = node.federation.signer()?;
    Ok(node.accounts.learn(told, Some(signer), witnesses, silent).await?)
}

/// The host that stands now, if it is silent: only a recovery asks, so only then it may be called.
async fn silent_host(node: &Services, told: &Told, witnesses: &Witnesses) -> Option<ListingId> {
    use essaim_identity::account::Kind;
    told.entries.iter().find(|entry| entry.record().kind == Kind::Recover)?;
    let known = node.accounts.witnessed(told.account).ok().flatten().map(|known| known.log);
    let log = match known {
        Some(log) => log,
        None => {
            let first = told.entries.iter().find(|one| one.hash().as_bytes() == told.account.as_bytes())?;
            let mut log = AccountLog::found(first.clone()).ok()?;
            let _ = log.accept_all(told.entries.iter().cloned());
            log
        }
    };
    let host = log.state(witnesses, crate::vitals::now()).head.record().host.listing;
    (silence(node, host).await >= silence_needed()).then_some(host)
}

pub(super) fn entry(wire: &[u8]) -> Option<Cosigned<AccountEntry>> {
    Cosigning::parse(wire).ok()?.verify().ok()
}

/// Those that are of a node of a hoster that is known here.
async fn receipts(node: &Services, wires: &[ByteVec]) -> Result<Vec<Signed<WitnessReceipt>>, Failure> {
    let came = wires.iter().filter_map(|wire| Unverified::<WitnessReceipt>::parse(wire).ok());
    let came: Vec<_> = came.collect();
    if came.is_empty() {
        return Ok(Vec::new());
    }
    let verified = node.federation.look(move |directory, _| {
        let genuine = came.into_iter().filter_map(|receipt| {
            let keyring = directory.hoster(receipt.claims().witness)?.keyring();
            WitnessReceipt::verify(receipt, keyring).ok()
        });
        genuine.collect()
    });
    verified.await
}
