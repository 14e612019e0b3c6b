//! Accounts whose hoster is gone, brought back here from what other hosters keep (`specs/17-recovery.md`). The words stay with the command; here is
//! what a node does with the entry that they have signed.

mod gather;
mod give_way;
mod install;
mod plan;
mod take;

use std::sync::Arc;
use std::time::Duration;

use essaim_accounts::Actor;
use essaim_identity::account::{AccountEntry, AccountLog, Host, Kind};
use essaim_identity::{Cosigned, Cosigning, SigningKey};
use essaim_types::{AccountId, Address, Domain, ListingId, Timestamp};
use tokio::time::timeout;
use tracing::warn;

pub(crate) use gather::{Gathered, Heard, gather};
pub(crate) use give_way::{give_way, watch};
pub(crate) use install::Installed;
use plan::{Plan, Plans};

use crate::command::replica::send::correspondent;
use crate::failure::{Failure, causes};
use crate::federation::Correspondent;
use crate::progress::Progress;
use crate::replica::tell;
use crate::services::Services;
use crate::vitals::now;

/// Where a recovery stands when the command ends.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The host may object until then; `None`: not enough hosters have signed yet.
    Waits(Option<Timestamp>),
    /// The account lives here.
    Done(Box<Installed>),
}

/// What the entry that the words sign must name.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) gathered: Gathered,
    pub(crate) host: Host,
}

/// Whether a recovery of this account was begun here: it goes on without the words.
pub(crate) fn is_going(node: &Services, account: AccountId) -> Result<bool, Failure> {
    Ok(plans(node).of(account)?.is_some())
}

/// Asks what there is, and makes the key for the account.
pub(crate) async fn begin(
    node: &Services,
    account: AccountId,
    from: &[Domain],
) -> Result<Beginning, Failure> {
    not_here(node, account)?;
    let gathered = gather(node, account, holders(node, from)?).await?;
    let listing = node.accounts.listing().ok_or_else(|| Failure::new("this hoster has no listing yet"))?;
    let key = host_key(node, account).await?;
    Ok(Beginning { gathered, host: Host { listing, key: key.public() } })
}

/// Takes the entry that the words have signed: from now on the words are used up.
pub(crate) async fn sign(
    node: &Services,
    account: AccountId,
    entry: &[u8],
    address: Option<Address>,
    from: &[Domain],
) -> Result<(), Failure> {
    not_here(node, account)?;
    if plans(node).of(account)?.is_some() {
        return Err(Failure::new("the account is being recovered here already")
            .hint("give the command again without words; it goes on"));
    }
    if let Some(address) = &address {
        node.accounts.check_address(address).map_err(|error| Failure::new(causes(&error)))?;
    }
    let key = host_key(node, account).await?;
    let log = known_log(node, account)?;
    let entry = signed(node, &log, entry, &key)?;
    let from =
        holders(node, from)?.iter().map(|hoster| hoster.listing).collect::<std::collections::BTreeSet<_>>();
    let plan = Plan {
        entry: entry.to_wire(),
        address: address.map(|address| address.to_string()),
        from: from.into_iter().collect(),
        since: now(),
        root: None,
    };
    plans(node).keep(account, &plan).await
}

/// Goes on with a recovery that was begun, as far as it comes.
pub(crate) async fn go_on(
    node: &Services,
    account: AccountId,
    by: Actor,
    progress: Progress,
) -> Result<Outcome, Failure> {
    not_here(node, account)?;
    let plan = plans(node).of(account)?.ok_or_else(|| {
        Failure::new("no recovery of this account was begun here")
            .hint("give the command again, with the words")
    })?;
    let entry = Cosigning::<AccountEntry>::parse(&plan.entry).ok().and_then(|entry| entry.verify().ok());
    let entry = entry.ok_or_else(|| Failure::new("the record of the recovery is damaged"))?;
    let log = witness(node, account, std::slice::from_ref(&entry)).await?;
    let witnesses = node.federation.witnesses();
    let state = log.state(&witnesses, now());
    if let Some(waiting) = state.waiting.iter().find(|waiting| waiting.entry == entry.hash()) {
        return Ok(Outcome::Waits(waiting.until));
    }
    if !log.chain(&state.head.hash()).any(|one| one.hash() == entry.hash()) {
        plans(node).forget(account).await?;
        return Err(Failure::new("another entry of the account's log outweighs the recovery").hint(
            "the account's host and its member have signed other words, or somebody else has recovered it",
        ));
    }
    let taken = take::take(node, account, (&plan, &entry, &log), &progress).await?;
    let installed = install::install(node, account, (plan, &entry, &log), taken, by, &progress).await?;
    Ok(Outcome::Done(Box::new(installed)))
}

/// Tells everybody of the last entry of an account of here: new words help against a thief of the old ones only if others saw them in time.
pub(crate) async fn announce(node: &Services, account: AccountId) {
    let told = async {
        let log = node.accounts.account_log(account).map_err(|error| Failure::new(causes(&error)))?;
        let Some(log) = log else { return Ok(()) };
        let mut entries: Vec<_> = log.chain(&log.settled_head().hash()).cloned().collect();
        entries.reverse();
        witness(node, account, &entries).await.map(drop)
    };
    match timeout(ANNOUNCE_TIMEOUT, told).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            warn!(%account, error = &error as &dyn std::error::Error, "other hosters have not heard of the new words")
        }
        Err(_) => warn!(%account, "not all other hosters have heard of the new words"),
    }
}

/// Tells everybody of entries, and takes in what they have signed.
async fn witness(
    node: &Services,
    account: AccountId,
    entries: &[Cosigned<AccountEntry>],
) -> Result<AccountLog, Failure> {
    let own = node.accounts.listing().ok_or_else(|| Failure::new("this hoster has no listing yet"))?;
    let mut papers = crate::replica::Papers::none(account);
    papers.entries.extend(entries.iter().map(|entry| entry.to_wire().into()));
    let failed = |error: &dyn std::error::Error| {
        Failure::caused("what is to be told could not be written down", error)
    };
    let known = crate::replica::take_in(node, &papers, own).await.map_err(|error| failed(&error))?;
    let everybody: Vec<_> = node.federation.correspondents().all().cloned().collect();
    let witnesses = node.federation.witnesses();
    tell(node, &known.log, &witnesses, everybody.clone()).await;
    // Each has answered with its own receipt. With those of all others each knows how the account stands.
    let log = known_log(node, account)?;
    if log.receipts().count() > known.log.receipts().count() {
        tell(node, &log, &witnesses, everybody).await;
    }
    Ok(log)
}

/// The entry as the words have signed it, with the signature of our key; the log takes it.
fn signed(
    node: &Services,
    log: &AccountLog,
    entry: &[u8],
    key: &SigningKey,
) -> Result<Cosigned<AccountEntry>, Failure> {
    let unfit = |why: &str| Failure::new(format!("the entry is not the recovery of this account: {why}"));
    let mut entry = Cosigning::<AccountEntry>::parse(entry).map_err(|error| unfit(&causes(&error)))?;
    let said = entry.claims();
    let host = Host { listing: node.accounts.listing().unwrap_or(said.host.listing), key: key.public() };
    if said.kind != Kind::Recover || said.host != host {
        return Err(unfit("it names another host"));
    }
    entry.sign(key).map_err(|error| unfit(&causes(&error)))?;
    let entry = entry.verify().map_err(|error| unfit(&causes(&error)))?;
    log.clone().accept(entry.clone()).map_err(|refusal| unfit(&causes(&refusal)))?;
    Ok(entry)
}

fn known_log(node: &Services, account: AccountId) -> Result<AccountLog, Failure> {
    let known = gather::witnessed(node, account)?.map(|known| known.log);
    known.ok_or_else(|| Failure::new("nothing is known here of the account's log"))
}

async fn host_key(node: &Services, account: AccountId) -> Result<SigningKey, Failure> {
    let key = node.accounts.key_for_guest(account).await;
    key.map_err(|error| Failure::caused("the key for the account could not be made", &error))
}

/// An account that is open here needs no recovery.
fn not_here(node: &Services, account: AccountId) -> Result<(), Failure> {
    let here = node.store.read().and_then(|now| now.account(account));
    let here = here.map_err(|error| Failure::caused("the accounts cannot be read", &error))?;
    match here.map(|state| state.status) {
        None | Some(essaim_store::AccountStatus::Adopting) => Ok(()),
        Some(essaim_store::AccountStatus::Open | essaim_store::AccountStatus::Sealed) => {
            Err(Failure::new("the account is here already").hint("essaim account list shows it"))
        }
    }
}

/// The hosters that are named, or all.
fn holders(node: &Services, from: &[Domain]) -> Result<Vec<Arc<Correspondent>>, Failure> {
    if from.is_empty() {
        return Ok(node.federation.correspondents().all().cloned().collect());
    }
    from.iter().map(|domain| correspondent(node, domain)).collect()
}

/// The same by their listings, as a plan has them; those that are known no more are left out.
fn holders_of(node: &Services, from: &[ListingId]) -> Vec<Arc<Correspondent>> {
    let table = node.federation.correspondents();
    from.iter().filter_map(|listing| table.of_listing(*listing).cloned()).collect()
}

fn plans(node: &Services) -> Plans {
    Plans { store: node.store.clone(), hoster: node.accounts.hoster() }
}

/// Whoever asks for new words waits no longer for others to hear of them.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(20);
